// realmgwctl's end of the operator's socket.
#pragma once

#include <string>

namespace rgw::app {

/// Asks the gateway at `socket_path` one line, and returns all of its answer. Throws std::system_error where
/// it cannot be reached or falls silent for five seconds.
[[nodiscard]] std::string ask_gateway(const std::string& socket_path, const std::string& request);

}  // namespace rgw::app
