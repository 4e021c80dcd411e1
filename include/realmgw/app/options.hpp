// The command line of realmgwd.
#pragma once

#include <string>
#include <variant>

#include <spdlog/common.h>

namespace rgw::app {

struct DaemonOptions {
  enum class Mode : std::uint8_t { run, check, help, version };
  Mode mode = Mode::run;
  std::string file;   ///< the realm file, of `run` and `check`
  std::string state;  ///< the directory of what changes at run time; empty: none
  bool here = false;  ///< of `check`: the machine, too
  spdlog::level::level_enum log_level = spdlog::level::info;
};

/// The options, or what is wrong with them.
[[nodiscard]] std::variant<DaemonOptions, std::string> parse_daemon_options(int argc, char* const* argv);

extern const char* const daemon_help;

}  // namespace rgw::app
