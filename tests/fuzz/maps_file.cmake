rgw_fuzz(maps_file LINKS rgw_config)
target_include_directories(maps_file PRIVATE ${PROJECT_SOURCE_DIR}/src)
