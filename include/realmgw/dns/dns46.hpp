// DNS46 (X46-1): A records for names that have only AAAA records. Each remote IPv6 address appears as a proxy
// IPv4 address, which the packet path translates back.
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/dns/dynamic_names.hpp"
#include "realmgw/dns/response.hpp"
#include "realmgw/net/address.hpp"

#include <chrono>
#include <cstdint>
#include <optional>

namespace rgw::dns {

/// Gives IPv6 remotes their proxy addresses.
class ProxyBinder {
 public:
  virtual ~ProxyBinder() = default;
  /// The proxy that stands for `remote` until `until` at least. When this returns one, packets to it are
  /// translated: the answer may leave. Nothing where no address is free, or not every worker could be told.
  [[nodiscard]] virtual std::optional<net::Ipv4Address> bind(const net::Ipv6Address& remote, Instant now,
                                                             Instant until) = 0;
  /// The remote that a proxy stands for, or last stood for.
  [[nodiscard]] virtual std::optional<net::Ipv6Address> remote_of(const net::Ipv4Address& proxy) const = 0;
};

/// The rules of DNS46.
class Dns46 {
 public:
  /// The highest TTL of a synthesised A record, seconds: a proxy is taken for as long.
  static constexpr std::uint32_t max_ttl = 300;
  /// A proxy is held so much longer than its name's TTL: for clients that ask at the last moment, and for
  /// answers with a TTL of zero.
  static constexpr std::chrono::seconds grace{30};
  /// Proxies for one name; a host tries few of the addresses it is given.
  static constexpr unsigned max_addresses = 4;

  explicit Dns46(ProxyBinder& binder) : binder_{binder} {}

  /// Answers an A question out of the answer to the AAAA one; `a` is the answer without A records that sets
  /// the TTL. Nothing where no address can be translated, or no proxy is to be had (`exhausted`).
  [[nodiscard]] std::optional<Response> synthesise(const Response& a, const Response& aaaa, Instant now,
                                                   bool& exhausted);
  /// The IPv6 address whose PTR record answers for a proxy's name below in-addr.arpa.
  [[nodiscard]] std::optional<net::IpAddress> reverse(const Name& name) const;

  /// Can it be a remote's address?
  [[nodiscard]] static bool translates(const net::Ipv6Address& address);

 private:
  ProxyBinder& binder_;
};

}  // namespace rgw::dns
