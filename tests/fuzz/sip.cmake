rgw_fuzz(sip LINKS rgw_alg)
