// The proxies of NAT46 (X46-1): which IPv4 address stands for which IPv6 remote, as the workers know it.
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/base/hash.hpp"
#include "realmgw/control/worker_links.hpp"
#include "realmgw/dns/proxy_directory.hpp"
#include "realmgw/net/prefix.hpp"
#include "realmgw/ring/messages.hpp"

#include <optional>

namespace rgw::control {

/// Lasts as long as the gateway does, whatever becomes of the upstreams by whose answers proxies are bound.
class ProxyService final : dns::ProxyEvents {
 public:
  /// `block`: the realm's proxies. Everything referred to outlives the service.
  ProxyService(const net::Prefix& block, WorkerLinks& workers, const HashSalt& salt);

  /// What DNS46 binds.
  [[nodiscard]] dns::ProxyDirectory& directory() { return directory_; }
  /// A worker's word about a proxy: one that is in use stays its remote's.
  void hear(const ring::ProxyUse& use);
  /// The address by which IPv4 hosts reach an IPv6 remote that no name was asked for, for a minute and while
  /// sessions use it. Nothing where none is free.
  [[nodiscard]] std::optional<net::Ipv4Address> proxy_of(const net::Ipv6Address& remote, Instant now);

 private:
  [[nodiscard]] bool bound(const net::Ipv4Address& proxy, const net::Ipv6Address& remote,
                           Instant until) override;

  WorkerLinks& workers_;
  dns::ProxyDirectory directory_;
};

}  // namespace rgw::control
