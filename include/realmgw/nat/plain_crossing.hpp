// From one family to the other, of what nearly every packet is: TCP or UDP right behind an IP header without
// options or extension headers. Hot path, inline; crossing.hpp does the rest.
#pragma once

#include "realmgw/nat/session.hpp"
#include "realmgw/net/checksum.hpp"
#include "realmgw/net/headers.hpp"
#include "realmgw/net/packet.hpp"

#include <cstddef>
#include <cstdint>

namespace rgw::nat {

/// Is it such a packet? A UDP checksum of zero takes the longer way: IPv6 wants one (RFC 7915 section 4.5).
[[nodiscard]] inline bool crosses_plainly(const net::Packet& packet) {
  const std::size_t headers = packet.family == Family::v4 ? sizeof(net::Ipv4Header) : sizeof(net::Ipv6Header);
  if (packet.kind != net::PacketKind::flow || packet.fragment || packet.l4 != headers) return false;
  if (packet.tail().protocol == net::Protocol::tcp) return true;
  return packet.tail().protocol == net::Protocol::udp &&
         packet.transport<net::UdpHeader>().checksum.raw() != 0;
}

/// Writes the header that a packet from IPv6 has in IPv4, after RFC 7915 section 5.1; returns it.
[[nodiscard]] inline std::uint8_t* write_crossed(const net::Ipv6Header& from, std::uint8_t* l4,
                                                 const net::FlowKey4& to, std::uint16_t identification) {
  // No longer than this, a packet may be cut on its way, as it would have been before (1280 - 20).
  constexpr std::uint16_t always_fits = 1260;
  const auto total = static_cast<std::uint16_t>(sizeof(net::Ipv4Header) + from.payload_length.host());
  const bool may_be_cut = total <= always_fits;
  net::Ipv4Header ip{};
  ip.version_ihl = 0x45;
  ip.tos = static_cast<std::uint8_t>(from.version_class_flow.host() >> 20);
  ip.total_length = be16{total};
  ip.identification = be16{may_be_cut ? identification : std::uint16_t{0}};
  ip.flags_offset = be16{may_be_cut ? std::uint16_t{0} : std::uint16_t{net::Ipv4Header::dont_fragment}};
  ip.ttl = static_cast<std::uint8_t>(from.hop_limit - 1);
  ip.protocol = from.next_header;
  const bool outward = to.tail.side == Side::outside;
  ip.source = outward ? to.near : to.far;
  ip.destination = outward ? to.far : to.near;
  ip.checksum = net::ChecksumSum{}.add(reinterpret_cast<const std::uint8_t*>(&ip), sizeof ip).checksum();
  std::uint8_t* l3 = l4 - sizeof ip;
  net::header<net::Ipv4Header>(l3) = ip;  // in one go: it lies where the former one ends
  return l3;
}

/// The same from IPv4 to IPv6, after section 4.1.
[[nodiscard]] inline std::uint8_t* write_crossed(const net::Ipv4Header& from, std::uint8_t* l4,
                                                 const net::FlowKey6& to, std::uint16_t) {
  net::Ipv6Header ip{};
  ip.version_class_flow = be32{6U << 28 | std::uint32_t{from.tos} << 20};
  ip.payload_length = be16{static_cast<std::uint16_t>(from.total_length.host() - sizeof from)};
  ip.next_header = from.protocol;
  ip.hop_limit = static_cast<std::uint8_t>(from.ttl - 1);
  const bool outward = to.tail.side == Side::outside;
  ip.source = outward ? to.near : to.far;
  ip.destination = outward ? to.far : to.near;
  std::uint8_t* l3 = l4 - sizeof ip;
  net::header<net::Ipv6Header>(l3) = ip;
  return l3;
}

/// Does for a packet that `crosses_plainly` what `translate` and `decrement_hop_limit` do. `To`: the address
/// of the other family; `identification` is for an IPv4 packet that needs one.
template <class To>
void cross_plain(net::Packet& packet, const Session& session, std::uint16_t identification) {
  const bool outward = packet.side() == Side::inside;
  const net::FlowKey<To> to = session.key<To>(outward ? Side::outside : Side::inside);
  const auto delta = outward ? session.transport_outward : session.transport_outward.reversed();
  std::uint8_t* const l4 = packet.l3 + packet.l4;
  net::header<be16>(l4 + (outward ? offsetof(net::UdpHeader, source_port)
                                  : offsetof(net::UdpHeader, destination_port))) = to.tail.near_port;
  if (to.tail.protocol == net::Protocol::udp) {
    delta.apply_udp(net::header<net::UdpHeader>(l4).checksum);
  } else {
    delta.apply(net::header<net::TcpHeader>(l4).checksum);
  }
  if constexpr (To::family == Family::v4) {
    packet.l3 = write_crossed(packet.ipv6(), l4, to, identification);
  } else {
    packet.l3 = write_crossed(packet.ipv4(), l4, to, identification);
  }
  const auto headers = static_cast<std::uint16_t>(l4 - packet.l3);
  packet.length = static_cast<std::uint16_t>(packet.length - packet.l4 + headers);
  packet.l4 = headers;
  packet.family = To::family;
}

}  // namespace rgw::nat
