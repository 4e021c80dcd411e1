rgw_fuzz(dynamic_lines LINKS rgw_control)
