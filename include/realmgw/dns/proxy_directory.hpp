// Which proxy IPv4 address stands for which IPv6 remote (X46-1). Pure: who else must know is told through
// `ProxyEvents`.
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/base/flat_map.hpp"
#include "realmgw/dns/dns46.hpp"
#include "realmgw/net/address.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace rgw::dns {

/// Tells the packet path.
class ProxyEvents {
 public:
  virtual ~ProxyEvents() = default;
  /// `proxy` stands for `remote` until then. False where that could not be made known to all: then it is not
  /// answered.
  [[nodiscard]] virtual bool bound(const net::Ipv4Address& proxy, const net::Ipv6Address& remote,
                                   Instant until) = 0;
};

/// One proxy for one remote, for as long as a name's TTL says or a session lasts. A proxy whose time is over
/// stays its remote's until another needs it, the one that has rested longest first, and `rest` at least. One
/// thread. Memory is bounded by the number of proxies; a call takes O(log n).
class ProxyDirectory final : public ProxyBinder {
 public:
  static constexpr std::size_t max_proxies = 65536;
  /// How long a proxy rests after its time before another remote may have it: a session that began at the
  /// last moment has been heard of by then.
  static constexpr std::chrono::seconds rest{10};

  /// The proxies are `count` addresses from `first` on, at most `max_proxies` of them. Throws
  /// std::invalid_argument for none.
  ProxyDirectory(const net::Ipv4Address& first, std::size_t count, const HashSalt& salt, ProxyEvents& events);

  [[nodiscard]] std::optional<net::Ipv4Address> bind(const net::Ipv6Address& remote, Instant now,
                                                     Instant until) override;
  [[nodiscard]] std::optional<net::Ipv6Address> remote_of(const net::Ipv4Address& proxy) const override;

  /// The proxy that stands for a remote, or did last.
  [[nodiscard]] std::optional<net::Ipv4Address> proxy_of(const net::Ipv6Address& remote) const {
    const Index* known = by_remote_.find(remote);
    return known == nullptr ? std::nullopt : std::optional{address_of(*known)};
  }

  /// A worker began, or ended, to use a proxy for sessions. One in use is not given to another remote.
  void hold(const net::Ipv4Address& proxy);
  void release(const net::Ipv4Address& proxy);
  [[nodiscard]] bool in_use(const net::Ipv4Address& proxy) const {
    const auto index = index_of(proxy);
    return index && proxies_[*index].sessions != 0;
  }

  /// Proxies that stand for a remote, or did last.
  [[nodiscard]] std::size_t size() const { return by_remote_.size(); }
  [[nodiscard]] std::size_t capacity() const { return capacity_; }

 private:
  using Index = std::uint32_t;
  struct Proxy {
    net::Ipv6Address remote;
    Instant until;
    std::uint32_t sessions = 0;
  };

  [[nodiscard]] net::Ipv4Address address_of(Index index) const {
    return net::Ipv4Address{be32{first_.value.host() + index}};
  }
  [[nodiscard]] std::optional<Index> index_of(const net::Ipv4Address& address) const;
  [[nodiscard]] std::optional<Index> take(Instant now);
  void end_at(Index index, Instant until);

  net::Ipv4Address first_;
  std::size_t capacity_;
  ProxyEvents& events_;
  std::vector<Proxy> proxies_;                ///< those that were ever used
  std::set<std::pair<Instant, Index>> ends_;  ///< of those without sessions
  FlatMap<net::Ipv6Address, Index> by_remote_;
};

}  // namespace rgw::dns
