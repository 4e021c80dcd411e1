#include "realmgw/app/buffers.hpp"

#include "realmgw/app/device_name.hpp"

#include <algorithm>

namespace rgw::app {

unsigned worker_count(const config::Workers& workers) {
  return workers.cores.empty() ? workers.count : static_cast<unsigned>(workers.cores.size());
}

// Enough for every place where a packet may lie at once: descriptors of each queue, rings, hold queues,
// caches.
unsigned packet_count(const config::Realm& realm) {
  constexpr unsigned per_queue = 4096;
  constexpr unsigned per_worker = 8192;
  constexpr unsigned control_and_kernel = 4096;
  const unsigned workers = worker_count(realm.workers);
  return static_cast<unsigned>(realm.ports.size()) * workers * per_queue + workers * per_worker +
         control_and_kernel;
}

dataplane::BufferUse buffer_use(const config::Realm& realm) {
  dataplane::BufferUse use{.mtu = 0};
  for (const auto& port : realm.ports) {
    use.mtu = std::max<unsigned>(use.mtu, port.mtu);
    use.cards = use.cards || is_card(port.device);
  }
  return use;
}

std::size_t packet_memory_mib(const config::Realm& realm) {
  constexpr std::size_t drivers_mib = 128;  // and the rings between the threads
  return dataplane::packet_pool_mib(packet_count(realm), buffer_use(realm)) + drivers_mib;
}

}  // namespace rgw::app
