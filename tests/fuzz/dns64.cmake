rgw_fuzz(dns64 LINKS rgw_dns)
