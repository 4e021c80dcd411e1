// What opens a session, and how its flow is called outside.
#pragma once

#include "realmgw/base/counter.hpp"
#include "realmgw/net/packet.hpp"

#include <cstdint>
#include <optional>

namespace rgw::nat {

/// What makes a packet unfit to open a session, whichever way it goes (RFC 5382 REQ-2, RFC 5508 REQ-1);
/// nothing where it is fit.
[[nodiscard]] std::optional<Counter> cannot_open(const net::Packet& packet);

/// The ends of a packet, whichever its family.
[[nodiscard]] inline net::IpAddress far_address(const net::Packet& packet) {
  return packet.family == net::Family::v4 ? net::IpAddress{packet.key4.far} : net::IpAddress{packet.key6.far};
}
[[nodiscard]] inline net::Endpoint near_endpoint(const net::Packet& packet) {
  const bool v4 = packet.family == net::Family::v4;
  return {v4 ? net::IpAddress{packet.key4.near} : net::IpAddress{packet.key6.near},
          packet.tail().near_port.host()};
}

/// The port by which what is reserved for a packet from outside is found: none of an ICMP query.
[[nodiscard]] inline std::uint16_t reserved_port(const net::FlowTail& tail) {
  return tail.protocol == net::Protocol::icmp ? std::uint16_t{0} : tail.near_port.host();
}

/// The key outside of a flow whose key inside stands, with an external endpoint and the remote as it is
/// called there.
template <class Inside, class Outside>
[[nodiscard]] net::FlowKey<Outside> outside_of(const net::FlowKey<Inside>& inside, const Outside& external,
                                               std::uint16_t port, const Outside& far) {
  return {external,
          far,
          {be16{port}, inside.tail.far_port, inside.tail.protocol, net::Side::outside, Outside::family, 0}};
}

/// The other way round: the key inside of a flow whose key outside stands, with the host and the remote as it
/// knows it. The host is reached at the port that is asked for.
template <class Outside, class Inside>
[[nodiscard]] net::FlowKey<Inside> inside_of(const net::FlowKey<Outside>& outside, const Inside& host,
                                             std::uint16_t port, const Inside& far) {
  return {host,
          far,
          {be16{port}, outside.tail.far_port, outside.tail.protocol, net::Side::inside, Inside::family, 0}};
}

}  // namespace rgw::nat
