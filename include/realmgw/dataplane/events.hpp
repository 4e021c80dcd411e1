// What control tells a worker, carried out.
#pragma once

#include "realmgw/dataplane/context.hpp"

#include <cstdint>

namespace rgw::dataplane {

/// Takes up all that waits in the worker's ring of events, and returns how many there were: at most what the
/// ring holds. A turn begins with it, and no outside packet is refused before it has been asked once more
/// (POOL-1: a reservation may come in while the turn goes on).
std::uint32_t handle_events(Context& context);

}  // namespace rgw::dataplane
