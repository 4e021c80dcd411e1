rgw_fuzz(relay LINKS rgw_dns)
