#include "realmgw/app/log.hpp"

#include <spdlog/sinks/stdout_color_sinks.h>

namespace rgw::app {

void start_log(spdlog::level::level_enum level) {
  spdlog::set_default_logger(spdlog::stderr_color_mt("realmgwd"));
  spdlog::set_level(level);
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %^%l%$ %v");
}

}  // namespace rgw::app
