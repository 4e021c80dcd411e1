rgw_fuzz(dns_update LINKS rgw_dns)
