rgw_fuzz(translation LINKS rgw_nat)
