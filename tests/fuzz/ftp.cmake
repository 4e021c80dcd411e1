rgw_fuzz(ftp LINKS rgw_alg)
