rgw_fuzz(rtsp LINKS rgw_alg)
