#include "realmgw/control/proxy_service.hpp"

#include "realmgw/nat/proxy_table.hpp"

#include <chrono>

namespace rgw::control {

ProxyService::ProxyService(const net::Prefix& block, WorkerLinks& workers, const HashSalt& salt)
    : workers_{workers},
      directory_{nat::ProxyBlock{block}.address(nat::ProxyBlock{block}.dns_first()),
                 nat::ProxyBlock{block}.dns_count(), salt, static_cast<dns::ProxyEvents&>(*this)} {}

void ProxyService::hear(const ring::ProxyUse& use) {
  use.in_use ? directory_.hold(use.proxy) : directory_.release(use.proxy);
}

std::optional<net::Ipv4Address> ProxyService::proxy_of(const net::Ipv6Address& remote, Instant now) {
  return directory_.bind(remote, now, now + std::chrono::minutes{1});
}

bool ProxyService::bound(const net::Ipv4Address& proxy, const net::Ipv6Address& remote, Instant until) {
  // As with a reservation (POOL-1): all workers know it before the answer leaves.
  if (!workers_.room_for(1)) return false;
  workers_.broadcast(ring::ProxyBind{proxy, remote, until});
  return workers_.settled();
}

}  // namespace rgw::control
