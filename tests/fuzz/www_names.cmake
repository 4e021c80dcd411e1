rgw_fuzz(www_names LINKS rgw_www)
