rgw_fuzz(client_subnet LINKS rgw_dns)
