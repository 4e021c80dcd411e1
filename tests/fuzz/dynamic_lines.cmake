# One file of control alone: clang 14 does not compile all of it.
rgw_fuzz(dynamic_lines LINKS rgw_dns)
target_sources(dynamic_lines PRIVATE ${CMAKE_SOURCE_DIR}/src/control/dynamic_records.cpp)
