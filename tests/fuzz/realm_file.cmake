rgw_fuzz(realm_file LINKS rgw_config)
