rgw_fuzz(hosts_file LINKS rgw_config)
