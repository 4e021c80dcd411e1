// How much memory for packets a realm needs.
#pragma once

#include "realmgw/config/realm.hpp"
#include "realmgw/dataplane/eal.hpp"

#include <cstddef>

namespace rgw::app {

[[nodiscard]] unsigned worker_count(const config::Workers& workers);
/// Packet buffers, and what they are for.
[[nodiscard]] unsigned packet_count(const config::Realm& realm);
[[nodiscard]] dataplane::BufferUse buffer_use(const config::Realm& realm);
/// MiB that DPDK needs: the packet buffers, the drivers, and the rings between the threads.
[[nodiscard]] std::size_t packet_memory_mib(const config::Realm& realm);

}  // namespace rgw::app
