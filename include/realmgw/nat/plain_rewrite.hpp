// Translation of what nearly every packet is: TCP or UDP right behind an IP header that says nothing special.
// Hot path, inline; rewrite.hpp does the rest, plain_crossing.hpp what goes to the other family.
#pragma once

#include "realmgw/nat/session.hpp"
#include "realmgw/net/checksum.hpp"
#include "realmgw/net/headers.hpp"

#include <cstddef>
#include <cstdint>

namespace rgw::nat {

/// The checksum of a transport header, which is TCP's or UDP's, follows what has changed.
[[gnu::always_inline]] inline void adjust_transport(std::uint8_t* l4, net::Protocol protocol,
                                                    net::ChecksumDelta delta) {
  if (protocol == net::Protocol::udp) {
    delta.apply_udp(net::header<net::UdpHeader>(l4).checksum);
  } else {
    delta.apply(net::header<net::TcpHeader>(l4).checksum);
  }
}

/// Of a transport header: the near end's port becomes the other side's, and the checksum follows. `from`: the
/// side on which the packet came in.
[[gnu::always_inline]] inline void translate_plain_transport(std::uint8_t* l4, const Session& session,
                                                             Side from) {
  const bool outward = from == Side::inside;
  const net::FlowTail& to = (outward ? session.outside : session.inside).tail;
  const auto delta = outward ? session.transport_outward : session.transport_outward.reversed();
  net::header<be16>(l4 + (outward ? offsetof(net::UdpHeader, source_port)
                                  : offsetof(net::UdpHeader, destination_port))) = to.near_port;
  adjust_transport(l4, to.protocol, delta);
}

/// Does for a plain packet (net::parse_plain) of a `plain` session, both of whose sides are of the address's
/// family, what `translate` and `decrement_hop_limit` do: address, port, TTL, checksums.
template <class Address>
[[gnu::always_inline]] inline void translate_plain(std::uint8_t* l3, const Session& session, Side from) {
  const bool outward = from == Side::inside;
  if constexpr (Address::family == Family::v4) {
    const auto header_delta = outward ? session.header_outward : session.header_outward.reversed();
    auto& ip = net::header<net::Ipv4Header>(l3);
    (outward ? ip.source : ip.destination) = (outward ? session.outside : session.inside).near;
    --ip.ttl;
    header_delta.plus(net::ChecksumDelta::of_hop()).apply(ip.checksum);
    translate_plain_transport(l3 + sizeof ip, session, from);
  } else {
    auto& ip = net::header<net::Ipv6Header>(l3);
    (outward ? ip.source : ip.destination) = outward ? session.external6 : session.host6;
    --ip.hop_limit;
    translate_plain_transport(l3 + sizeof ip, session, from);
  }
}

}  // namespace rgw::nat
