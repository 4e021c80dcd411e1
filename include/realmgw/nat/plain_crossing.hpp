// From one family to the other, of what nearly every packet is: TCP or UDP right behind an IP header without
// options or extension headers. Hot path, inline; crossing.hpp does the rest.
#pragma once

#include "realmgw/nat/plain_rewrite.hpp"
#include "realmgw/nat/session.hpp"
#include "realmgw/net/checksum.hpp"
#include "realmgw/net/headers.hpp"
#include "realmgw/net/packet.hpp"
#include "realmgw/net/parse.hpp"

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace rgw::nat {

/// Is it such a packet? A UDP checksum of zero takes the longer way: IPv6 wants one (RFC 7915 section 4.5).
[[nodiscard]] inline bool crosses_plainly(const net::Packet& packet) {
  const std::size_t headers = packet.family == Family::v4 ? sizeof(net::Ipv4Header) : sizeof(net::Ipv6Header);
  if (packet.kind != net::PacketKind::flow || packet.fragment || packet.l4 != headers) return false;
  if (packet.tail().protocol == net::Protocol::tcp) return true;
  return packet.tail().protocol == net::Protocol::udp &&
         packet.transport<net::UdpHeader>().checksum.raw() != 0;
}

// A header is written where the former one ends, so all is read before; and field by field, since what is put
// together in smaller pieces and then copied in greater ones stalls.

/// Writes the header that a packet from IPv6 has in IPv4, after RFC 7915 section 5.1, so that it ends where
/// the transport header begins; returns where it begins. `identification` is for a packet that may be cut.
[[gnu::always_inline]] inline std::uint8_t* write_crossed(const net::Ipv6Header& from, std::uint8_t* l4,
                                                          net::Ipv4Address source,
                                                          net::Ipv4Address destination,
                                                          std::uint16_t identification) {
  // No longer than this, a packet may be cut on its way, as it would have been before (1280 - 20).
  constexpr std::uint32_t always_fits = 1260;
  const std::uint32_t total = sizeof(net::Ipv4Header) + from.payload_length.host();
  const std::uint32_t tos = from.version_class_flow.host() >> 20 & 0xff;
  const be32 first{0x45U << 24 | tos << 16 | total};
  const be32 second{total <= always_fits ? std::uint32_t{identification} << 16
                                         : std::uint32_t{net::Ipv4Header::dont_fragment}};
  const be16 ttl_protocol{static_cast<std::uint16_t>((from.hop_limit - 1) << 8 | from.next_header)};
  const be16 checksum =
      net::ChecksumSum{}.add(first).add(second).add(ttl_protocol).add(source).add(destination).checksum();
  std::uint8_t* const l3 = l4 - sizeof(net::Ipv4Header);
  net::header<be32>(l3) = first;
  net::header<be32>(l3 + offsetof(net::Ipv4Header, identification)) = second;
  net::header<be16>(l3 + offsetof(net::Ipv4Header, ttl)) = ttl_protocol;
  auto& ip = net::header<net::Ipv4Header>(l3);
  ip.checksum = checksum;
  ip.source = source;
  ip.destination = destination;
  return l3;
}

/// The same from IPv4 to IPv6, after section 4.1.
[[gnu::always_inline]] inline std::uint8_t* write_crossed(const net::Ipv4Header& from, std::uint8_t* l4,
                                                          const net::Ipv6Address& source,
                                                          const net::Ipv6Address& destination,
                                                          std::uint16_t) {
  const be32 first{6U << 28 | std::uint32_t{from.tos} << 20};
  const be16 payload_length{static_cast<std::uint16_t>(from.total_length.host() - sizeof from)};
  const std::uint8_t protocol = from.protocol, ttl = from.ttl;
  std::uint8_t* const l3 = l4 - sizeof(net::Ipv6Header);
  auto& ip = net::header<net::Ipv6Header>(l3);
  ip.version_class_flow = first;
  ip.payload_length = payload_length;
  ip.next_header = protocol;
  ip.hop_limit = static_cast<std::uint8_t>(ttl - 1);
  ip.source = source;
  ip.destination = destination;
  return l3;
}

/// Does for a packet whose header is plain (net::PlainHeader) and whose UDP checksum is not zero what
/// `translate` and `decrement_hop_limit` do; returns where its header begins in the other family, `To`.
/// `from`: the side on which it came in; `identification` is for an IPv4 packet that needs one. The buffer
/// has 20 bytes of headroom.
template <class From, class To>
[[gnu::always_inline]] inline std::uint8_t* cross_plain(std::uint8_t* l3, const Session& session, Side from,
                                                        std::uint16_t identification) {
  static_assert(From::family != To::family);
  using FromHeader = net::PlainHeader<From>;
  std::uint8_t* const l4 = l3 + sizeof(FromHeader);
  translate_plain_transport(l4, session, from);
  const auto& ip = net::header<FromHeader>(l3);
  const bool outward = from == Side::inside;
  if constexpr (To::family == Family::v4) {
    const net::FlowKey4& key = outward ? session.outside : session.inside;
    return outward ? write_crossed(ip, l4, key.near, key.far, identification)
                   : write_crossed(ip, l4, key.far, key.near, identification);
  } else {
    return outward ? write_crossed(ip, l4, session.external6, session.remote6, identification)
                   : write_crossed(ip, l4, session.remote6, session.host6, identification);
  }
}

/// The same for a packet that `crosses_plainly`.
template <class To>
void cross_plain(net::Packet& packet, const Session& session, std::uint16_t identification) {
  using From = std::conditional_t<To::family == Family::v4, net::Ipv6Address, net::Ipv4Address>;
  packet.l3 = cross_plain<From, To>(packet.l3, session, packet.side(), identification);
  packet.length = static_cast<std::uint16_t>(packet.length - packet.l4 + sizeof(net::PlainHeader<To>));
  packet.l4 = sizeof(net::PlainHeader<To>);
  packet.family = To::family;
}

}  // namespace rgw::nat
