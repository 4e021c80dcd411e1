// From one family to the other: IP and ICMP headers after RFC 7915. Knows nothing of sessions: who has found
// out the addresses on the other side, by a session or a map, hands them in.
#pragma once

#include "realmgw/base/verdict.hpp"
#include "realmgw/net/checksum.hpp"
#include "realmgw/net/packet.hpp"

#include <cstdint>

namespace rgw::nat {

/// The two ends as they are called in the family that a packet is translated to.
template <class Address>
struct Ends {
  Address source, destination;
};

/// What a stateless translation leaves and NAT changes: the ports of a packet, or of the one that an ICMP
/// error quotes, as they are called on the other side.
struct PortChange {
  bool near_is_source;
  be16 near;  ///< or ICMP identifier
  be16 far;
};

/// Writes them where they stand in a transport header of UDP, TCP or SCTP, or in an ICMP query.
inline void write_ports(std::uint8_t* l4, net::Protocol protocol, const PortChange& to) {
  if (protocol == net::Protocol::icmp) {
    net::header<net::IcmpHeader>(l4).identifier = to.near;
    return;
  }
  auto& ports = net::header<net::UdpHeader>(l4);
  ports.source_port = to.near_is_source ? to.near : to.far;
  ports.destination_port = to.near_is_source ? to.far : to.near;
}

/// What the translation of an error has to know of the links on either side (RFC 7915 sections 4.2 and 5.2).
struct LinkMtus {
  std::uint16_t from;  ///< of the link that the packet came over
  std::uint16_t to;    ///< of the link that it leaves over
};

/// What a packet will be in the other family.
struct Crossed {
  std::uint16_t length;  ///< of an ICMP error after its quote has been cut
  bool may_be_cut;       ///< it may be cut into fragments: for IPv6 here alone, for IPv4 by any router
};
[[nodiscard]] Crossed after_crossing(const net::Packet& packet);

/// Makes type of service or traffic class zero, of a header that is translated to the other family next: the
/// checksum, which goes with it, is left as it is.
inline void clear_traffic_class(net::Ipv4Header& ip) {
  ip.tos = 0;
}
inline void clear_traffic_class(net::Ipv6Header& ip) {
  ip.version_class_flow = be32{ip.version_class_flow.host() & 0xf00fffffU};
}
/// The same of a packet that has been translated.
inline void clear_traffic_class(const net::Packet& packet) {
  if (packet.family == net::Family::v6) return clear_traffic_class(packet.ipv6());
  auto& ip = packet.ipv4();
  const auto before = net::ChecksumSum{}.add(packet.l3, 2);
  clear_traffic_class(ip);
  net::ChecksumDelta::between(before, net::ChecksumSum{}.add(packet.l3, 2)).apply(ip.checksum);
}

/// Translates a packet that is no ICMP error: `packet` becomes one of the other family, in place, its IP
/// header right before the transport header. `transport` is what the addresses and ports change in the
/// transport checksum; of ICMP, what changes besides (type, length, protocol) is added here. The buffer has
/// 28 bytes of headroom at least. `identification` is for an IPv4 packet that needs one.
[[nodiscard]] Verdict cross(net::Packet& packet, const Ends<net::Ipv6Address>& ends, const PortChange& port,
                            net::ChecksumDelta transport);
[[nodiscard]] Verdict cross(net::Packet& packet, const Ends<net::Ipv4Address>& ends, const PortChange& port,
                            net::ChecksumDelta transport, std::uint16_t identification);

/// Translates an ICMP error. `outer` are the ends of the error, `inner` those of the packet that it quotes;
/// `port` is the change in the quoted packet, and `transport` the difference in its checksum. Extensions (RFC
/// 4884) are carried over. `router`, if any, is who sent the error where its IPv4 source stands for him only:
/// RFC 6791 section 4 has him named in an extension. 56 bytes of headroom, with a router 88.
[[nodiscard]] Verdict cross_error(net::Packet& packet, const Ends<net::Ipv6Address>& outer,
                                  const Ends<net::Ipv6Address>& inner, const PortChange& port,
                                  net::ChecksumDelta transport, const LinkMtus& mtus);
[[nodiscard]] Verdict cross_error(net::Packet& packet, const Ends<net::Ipv4Address>& outer,
                                  const Ends<net::Ipv4Address>& inner, const PortChange& port,
                                  net::ChecksumDelta transport, const LinkMtus& mtus,
                                  std::uint16_t identification, const net::Ipv6Address* router = nullptr);

}  // namespace rgw::nat
