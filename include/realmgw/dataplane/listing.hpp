// A worker's sessions, as an operator sees them and ends them (OPS-3).
#pragma once

#include "realmgw/dataplane/context.hpp"
#include "realmgw/nat/session_info.hpp"

#include <cstdint>

namespace rgw::dataplane {

[[nodiscard]] nat::SessionInfo describe(const Context& context, const nat::Session& session);

/// Goes on with `context.deletion`, which is under way: looks at a bounded number of sessions, and ends those
/// that its filter describes. Between two bursts. How many it looked at.
std::uint32_t delete_sessions(Context& context);

}  // namespace rgw::dataplane
