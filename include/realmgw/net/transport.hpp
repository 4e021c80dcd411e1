// Transport protocols and endpoints.
#pragma once

#include "realmgw/net/address.hpp"

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace rgw::net {

/// IANA protocol numbers that the gateway names. `icmp` stands for ICMPv4 and ICMPv6 alike in tuples and
/// services: the family decides what lies on the wire.
enum class Protocol : std::uint8_t { any = 0, icmp = 1, tcp = 6, udp = 17, icmp6 = 58, sctp = 132 };

/// "tcp", "udp", "icmp", "sctp"; "any" for 0; the number otherwise.
[[nodiscard]] std::string to_string(Protocol protocol);
/// "tcp", "udp", "icmp", "sctp".
[[nodiscard]] std::optional<Protocol> parse_protocol(std::string_view text);

/// What a binding or a reservation covers: a protocol and a port, either of them possibly any.
/// (any, 0) is all of an address; (tcp, 0) any TCP port; (icmp, 0) ICMP queries.
struct Service {
  Protocol protocol = Protocol::any;
  std::uint16_t port = 0;

  [[nodiscard]] constexpr bool is_any() const { return protocol == Protocol::any; }
  /// Is there a packet that both cover?
  [[nodiscard]] constexpr bool overlaps(const Service& other) const {
    if (protocol == Protocol::any || other.protocol == Protocol::any) return true;
    if (protocol != other.protocol) return false;
    return port == 0 || other.port == 0 || port == other.port;
  }
  /// Does this cover everything that `other` covers?
  [[nodiscard]] constexpr bool covers(const Service& other) const {
    if (protocol == Protocol::any) return true;
    return protocol == other.protocol && (port == 0 || port == other.port);
  }

  friend constexpr auto operator<=>(const Service&, const Service&) = default;
};

/// Ports from the first to the last, both included; without more said, all of them.
struct PortRange {
  std::uint16_t first = 0;
  std::uint16_t last = 65535;

  [[nodiscard]] constexpr bool contains(std::uint16_t port) const { return first <= port && port <= last; }
  friend constexpr auto operator<=>(const PortRange&, const PortRange&) = default;
};

/// An address and a port.
struct Endpoint {
  IpAddress address;
  std::uint16_t port = 0;

  /// "ADDRESS:PORT" or "[ADDRESS]:PORT".
  [[nodiscard]] static std::optional<Endpoint> parse(std::string_view text);
  [[nodiscard]] std::string to_string() const;
  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

}  // namespace rgw::net
