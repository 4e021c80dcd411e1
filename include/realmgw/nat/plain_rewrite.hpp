// Translation of what nearly every packet is: TCP or UDP over IPv4 on both sides. Hot path, inline; rewrite.hpp does the rest.
#pragma once

#include <cstddef>
#include <cstdint>

#include "realmgw/nat/session.hpp"
#include "realmgw/net/checksum.hpp"
#include "realmgw/net/headers.hpp"

namespace rgw::nat {

/// Does for a plain packet (net::parse_plain) of a `plain` session what `translate` and `decrement_hop_limit` do: address, port,
/// TTL, checksums. `from`: the side on which it came in.
[[gnu::always_inline]] inline void translate_plain(std::uint8_t* l3, const Session& session, Side from) {
  const bool outward = from == Side::inside;
  const net::FlowKey4& to = outward ? session.outside : session.inside;
  const auto header_delta = outward ? session.header_outward : session.header_outward.reversed();
  const auto transport_delta = outward ? session.transport_outward : session.transport_outward.reversed();

  auto& ip = net::header<net::Ipv4Header>(l3);
  (outward ? ip.source : ip.destination) = to.near;
  --ip.ttl;
  header_delta.plus(net::ChecksumDelta::of_hop()).apply(ip.checksum);
  std::uint8_t* l4 = l3 + sizeof(net::Ipv4Header);
  net::header<be16>(l4 + (outward ? offsetof(net::UdpHeader, source_port) : offsetof(net::UdpHeader, destination_port))) =
      to.tail.near_port;
  if (session.protocol() == net::Protocol::udp) {
    transport_delta.apply_udp(net::header<net::UdpHeader>(l4).checksum);
  } else {
    transport_delta.apply(net::header<net::TcpHeader>(l4).checksum);
  }
}

}  // namespace rgw::nat
