rgw_fuzz(pcp LINKS rgw_pcp)
