// Translation of what nearly every packet is: TCP or UDP over IPv4 on both sides. Hot path, inline; rewrite.hpp does the rest.
#pragma once

#include <cstddef>
#include <cstdint>

#include "realmgw/nat/session.hpp"
#include "realmgw/net/checksum.hpp"
#include "realmgw/net/headers.hpp"
#include "realmgw/net/packet.hpp"

namespace rgw::nat {

/// Does for a packet of a `plain` session what `translate` and `decrement_hop_limit` do: address, port, TTL, checksums.
/// The packet is of kind `flow`, so its ports are there.
[[gnu::always_inline]] inline void translate_plain(const net::Packet& packet, const Session& session) {
  const bool outward = packet.key4.tail.side == Side::inside;
  const net::FlowKey4& to = outward ? session.outside : session.inside;
  const net::Ipv4Address address = to.near;
  const be16 port = to.tail.near_port;
  const auto header_delta = outward ? session.header_outward : session.header_outward.reversed();
  const auto transport_delta = outward ? session.transport_outward : session.transport_outward.reversed();

  auto& ip = packet.ipv4();
  (outward ? ip.source : ip.destination) = address;
  --ip.ttl;
  header_delta.plus(net::ChecksumDelta::of_hop()).apply(ip.checksum);
  std::uint8_t* l4 = packet.l3 + packet.l4;
  net::header<be16>(l4 + (outward ? offsetof(net::UdpHeader, source_port) : offsetof(net::UdpHeader, destination_port))) = port;
  if (session.protocol() == net::Protocol::udp) {
    transport_delta.apply_udp(net::header<net::UdpHeader>(l4).checksum);
  } else {
    transport_delta.apply(net::header<net::TcpHeader>(l4).checksum);
  }
}

}  // namespace rgw::nat
