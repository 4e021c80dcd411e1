// Proxy addresses (X46-1): the IPv4 addresses under which an IPv4 host inside sees IPv6 remotes. One worker's
// part.
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/base/flat_map.hpp"
#include "realmgw/base/strong_id.hpp"
#include "realmgw/nat/address_key.hpp"
#include "realmgw/net/address.hpp"
#include "realmgw/net/prefix.hpp"

#include <cstdint>
#include <optional>

namespace rgw::nat {

/// The private block of proxy addresses. Its lower half is DNS46's, which binds names to remotes for all
/// workers; the upper half is shared out among the workers for remotes that come in on their own.
class ProxyBlock {
 public:
  /// An IPv4 prefix of 8 to 24 bits.
  explicit ProxyBlock(const net::Prefix& prefix) : prefix_{prefix}, size_{1U << (32 - prefix.length())} {}

  [[nodiscard]] bool contains(const net::Ipv4Address& address) const { return prefix_.contains(address); }
  [[nodiscard]] const net::Prefix& prefix() const { return prefix_; }
  [[nodiscard]] net::Ipv4Address address(std::uint32_t n) const {
    return net::Ipv4Address{be32{prefix_.address().v4().value.host() + n}};
  }
  /// Is it one that DNS46 gives out?
  [[nodiscard]] bool is_of_dns(const net::Ipv4Address& address) const {
    return contains(address) &&
           address.value.host() - prefix_.address().v4().value.host() < dns_first() + dns_count();
  }
  /// The first of the addresses that DNS46 may give out, and how many. The block's very first is left alone.
  [[nodiscard]] std::uint32_t dns_first() const { return 1; }
  [[nodiscard]] std::uint32_t dns_count() const { return size_ / 2 - 1; }
  /// The same for a worker.
  [[nodiscard]] std::uint32_t worker_first(WorkerId worker, unsigned workers) const {
    return size_ / 2 + worker.value() * worker_count(workers);
  }
  [[nodiscard]] std::uint32_t worker_count(unsigned workers) const { return (size_ / 2 - 1) / workers; }

 private:
  net::Prefix prefix_;
  std::uint32_t size_;
};

/// Which remote a proxy address stands for. A binding lasts until its time is over and no session uses it.
class ProxyTable {
 public:
  /// Room for `capacity` bindings.
  ProxyTable(std::uint32_t capacity, const HashSalt& salt)
      : by_proxy_{capacity, salt}, by_remote_{capacity, salt} {}

  /// DNS46's word: `proxy` stands for `remote` until then, or longer while a session lasts. False where there
  /// is no room, or where a session holds the address for another remote.
  [[nodiscard]] bool bind(net::Ipv4Address proxy, const net::Ipv6Address& remote, Instant until) {
    Binding* binding = by_proxy_.insert(proxy, Binding{remote, until, 0, false});
    if (binding == nullptr) return false;
    if (binding->remote != remote) {
      if (binding->sessions != 0) return false;
      by_remote_.erase(AddressKey{binding->remote});
      binding->remote = remote;
    }
    binding->until = until;
    return by_remote_.assign(AddressKey{remote}, proxy) != nullptr;
  }

  /// The remote behind a proxy address, if it is bound.
  [[nodiscard]] std::optional<net::Ipv6Address> remote_of(net::Ipv4Address proxy, Instant now) const {
    const Binding* binding = by_proxy_.find(proxy);
    if (binding == nullptr || (binding->sessions == 0 && binding->until <= now)) return std::nullopt;
    return binding->remote;
  }

  /// The proxy address of a remote that has come in: the one that it has, or the next free one of the
  /// addresses [first, first + count) of the block. Looks at no more than `max_tries`.
  [[nodiscard]] std::optional<net::Ipv4Address> proxy_of(const net::Ipv6Address& remote,
                                                         const ProxyBlock& block, std::uint32_t first,
                                                         std::uint32_t count, Instant now) {
    if (const auto* known = by_remote_.find(AddressKey{remote});
        known != nullptr && remote_of(*known, now) == remote) {
      return *known;
    }
    for (std::uint32_t n = 0; n < max_tries && n < count; ++n) {
      const net::Ipv4Address candidate = block.address(first + next_);
      next_ = next_ + 1 == count ? 0 : next_ + 1;
      if (remote_of(candidate, now)) continue;
      if (bind(candidate, remote, now + unused_life)) return candidate;
    }
    return std::nullopt;
  }

  /// One session more, or less, towards what the proxy address stands for.
  void join(net::Ipv4Address proxy) {
    if (Binding* binding = by_proxy_.find(proxy); binding != nullptr) ++binding->sessions;
  }
  void leave(net::Ipv4Address proxy) {
    if (Binding* binding = by_proxy_.find(proxy); binding != nullptr && binding->sessions != 0)
      --binding->sessions;
  }
  /// Forgets what is over; a bounded part of the table a call. `tell(proxy, in_use)` hears of each address
  /// that came into use by a session since it was last told, or went out of use; what it returns false for it
  /// hears again, the next time round.
  template <class Tell>
  void sweep(Instant now, Tell&& tell) {
    if (size() == 0) return;
    constexpr std::size_t slots_a_call = 16;
    by_proxy_.sweep(slots_a_call, [&](const net::Ipv4Address& proxy, Binding& binding) {
      const bool in_use = binding.sessions != 0;
      if (in_use != binding.told && tell(proxy, in_use)) binding.told = in_use;
      if (binding.told) return false;
      if (binding.sessions != 0 || now < binding.until) return false;
      by_remote_.erase(AddressKey{binding.remote});
      return true;
    });
  }

  [[nodiscard]] std::size_t size() const { return by_proxy_.size(); }
  [[nodiscard]] std::size_t capacity() const { return by_proxy_.capacity(); }

  static constexpr std::uint32_t max_tries = 64;
  /// How long a binding without a session is kept that nobody else keeps.
  static constexpr Duration unused_life = std::chrono::seconds{2};

 private:
  struct Binding {
    net::Ipv6Address remote;
    Instant until;
    std::uint32_t sessions;
    bool told;  ///< whoever gives out addresses believes that a session uses this one
  };

  FlatMap<net::Ipv4Address, Binding> by_proxy_;
  FlatMap<AddressKey, net::Ipv4Address> by_remote_;
  std::uint32_t next_ = 0;
};

}  // namespace rgw::nat
