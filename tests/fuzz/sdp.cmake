rgw_fuzz(sdp LINKS rgw_alg)
