rgw_fuzz(tsig LINKS rgw_dns)
