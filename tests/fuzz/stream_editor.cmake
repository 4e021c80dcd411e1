rgw_fuzz(stream_editor LINKS rgw_alg)
