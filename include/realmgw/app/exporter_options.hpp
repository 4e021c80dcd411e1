// The command line of realmgw-exporter.
#pragma once

#include <chrono>
#include <string>
#include <variant>

namespace rgw::app {

struct ExporterOptions {
  enum class Mode { run, help, version };
  Mode mode = Mode::run;
  std::string socket = "/run/realmgw/realmgw.sock";
  std::string listen = "127.0.0.1:9853";  ///< as civetweb takes it: ADDRESS:PORT, of IPv6 in brackets
  std::chrono::milliseconds timeout{4000};
};

extern const char* const exporter_help;

/// The options, or what is wrong with them.
[[nodiscard]] std::variant<ExporterOptions, std::string> parse_exporter_options(int argc, char* const* argv);

}  // namespace rgw::app
