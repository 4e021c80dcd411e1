#include "realmgw/control/pool_config.hpp"

#include <algorithm>

namespace rgw::control {
namespace {

/// Local services and port forwards stand before reservations in the lookup order (POOL-11), so the pool must
/// not give them away on an address that it shares.
std::vector<pool::AddressRing::Blocked> blocked_services(const ring::Snapshot& snapshot) {
  std::vector<pool::AddressRing::Blocked> blocked;
  const auto& realm = snapshot.realm;
  for (const auto& address : realm.pool.addresses) {
    const auto* own = snapshot.own_address(address);
    if (own == nullptr || !own->service) continue;
    for (const auto& service : realm.local_services) blocked.push_back({address, service});
  }
  for (const auto& mapping : realm.static_mappings) {
    if (std::ranges::find(realm.pool.addresses, mapping.outside.address) == realm.pool.addresses.end())
      continue;
    blocked.push_back({mapping.outside.address, {mapping.protocol, mapping.outside.port}});
  }
  return blocked;
}

}  // namespace

pool::PoolConfig pool_config(const ring::Snapshot& snapshot) {
  const config::Pool& pool = snapshot.realm.pool;
  pool::PoolConfig config;
  config.addresses = pool.addresses;
  config.blocked = blocked_services(snapshot);
  config.hold = pool.hold;
  config.rest = pool.rest;
  config.wait = pool.wait;
  config.wait_queue = pool.wait_queue;
  config.share = pool.share;
  config.max_live = std::clamp<std::size_t>(snapshot.realm.outbound.max_sessions, 4096, std::size_t{1} << 18);
  return config;
}

}  // namespace rgw::control
