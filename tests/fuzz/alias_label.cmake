rgw_fuzz(alias_label LINKS rgw_guard)
