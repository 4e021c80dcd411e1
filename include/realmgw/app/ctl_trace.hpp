// The walks of single packets through the gateway, as they are told.
#pragma once

#include "realmgw/app/ctl_commands.hpp"

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace rgw::app {

/// A walk as people read it: a line for the packet, and one for each stage.
[[nodiscard]] std::string walk_table(const nlohmann::ordered_json& walk);

/// Asks for a trace, and shows the walks until it ends, Ctrl-C, or nobody reads it any more. Returns what
/// went wrong; empty: nothing. Throws Unreachable.
[[nodiscard]] std::string show_trace(const CtlRequest& request, const std::string& line);

}  // namespace rgw::app
