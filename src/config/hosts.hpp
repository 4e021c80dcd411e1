// The map of hosts, in a realm file or a file of its own.
#pragma once

#include "value.hpp"

namespace rgw::config {

/// Adds the hosts of a map to the realm's.
[[nodiscard]] bool read_hosts(const Value& value, Realm& realm);

}  // namespace rgw::config
