// The Circular Pool as the realm wants it.
#pragma once

#include "realmgw/pool/circular_pool.hpp"
#include "realmgw/ring/snapshot.hpp"

namespace rgw::control {

/// The Circular Pool of the realm.
[[nodiscard]] pool::PoolConfig pool_config(const ring::Snapshot& snapshot);

}  // namespace rgw::control
