// A worker's sessions, as an operator sees them and ends them (OPS-3), and how full its tables are.
#pragma once

#include "realmgw/dataplane/context.hpp"
#include "realmgw/nat/session_info.hpp"

#include <cstdint>

namespace rgw::dataplane {

[[nodiscard]] nat::SessionInfo describe(const Context& context, const nat::Session& session);

/// Writes down the tables and a bounded number of outside addresses, and answers control.
void report_use(Context& context, const ring::UseQuery& query);

/// Goes on with `context.deletion`, which is under way: looks at a bounded number of sessions, and ends those
/// that its filter describes. Between two bursts. How many it looked at.
std::uint32_t delete_sessions(Context& context);

}  // namespace rgw::dataplane
