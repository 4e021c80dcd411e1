// A worker goes over to another realm (OPS-2): docs/reload.md.
#pragma once

#include "realmgw/dataplane/context.hpp"

#include <cstdint>

namespace rgw::dataplane {

/// Takes up the realm that control has sent. Between two bursts: no packet is on its way that has met the
/// former one.
void change_realm(Context& context);

/// After a change: looks at a bounded number of the sessions that began before it, and ends those that the
/// realm has no place for. How many it looked at.
std::uint32_t sweep_sessions(Context& context);

}  // namespace rgw::dataplane
