rgw_fuzz(sfqdn LINKS rgw_pool)
