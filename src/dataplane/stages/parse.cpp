#include "realmgw/net/parse.hpp"

#include "realmgw/dataplane/stages.hpp"
#include "realmgw/net/headers.hpp"

namespace rgw::dataplane::stages {
namespace {

using net::EthernetHeader;
using net::EtherType;

// Most of what comes here opens a session of UDP.
template <class Address>
bool parse_datagram(std::size_t available, net::Side side, const HashSalt& salt, Packet& packet) {
  const auto plain = net::parse_plain<Address>(packet.l3, available, side, salt);
  if (!plain.is_plain()) return false;
  const auto& ip = net::header<net::PlainHeader<Address>>(packet.l3);
  const bool outward = side == net::Side::inside;
  packet.key<Address>() = {outward ? ip.source : ip.destination, outward ? ip.destination : ip.source,
                           std::bit_cast<net::FlowTail>(plain.tail)};
  packet.length = plain.length;
  packet.l4 = sizeof ip;
  packet.family = Address::family;
  packet.kind = net::PacketKind::flow;
  packet.tcp_flags = plain.tcp_flags;
  packet.fragment = false;
  packet.l4_protocol = static_cast<std::uint16_t>(packet.key<Address>().tail.protocol);
  packet.datagram_length = 0;
  return true;
}

// A frame to all, or to a group: only what is to all or to a group may come in it. What is to one host no
// router passes on (RFC 1812 section 5.3.4), no host takes (RFC 1122 section 3.3.6), and nobody answers (RFC
// 1812 section 4.3.2.7, RFC 4443 section 2.4).
bool carries_what_is_for_one(const Context& context, PortId port, EtherType type, const std::uint8_t* l3,
                             std::size_t available) {
  if (type == EtherType::ipv4 && available >= sizeof(net::Ipv4Header))
    return !is_group(context, port, net::header<net::Ipv4Header>(l3).destination);
  if (type == EtherType::ipv6 && available >= sizeof(net::Ipv6Header))
    return !is_group(context, port, net::header<net::Ipv6Header>(l3).destination);
  return false;
}

Verdict parse_frame(Context& context, Packet& packet) {
  auto* frame = rte_pktmbuf_mtod(packet.mbuf, std::uint8_t*);
  const std::size_t size = rte_pktmbuf_data_len(packet.mbuf);
  if (size < sizeof(EthernetHeader)) return Verdict::drop(Counter::parse_truncated);
  const auto& ethernet = net::header<EthernetHeader>(frame);
  const auto& port = context.snapshot().port(packet.port);
  packet.l3 = frame + sizeof(EthernetHeader);
  const std::size_t available = size - sizeof(EthernetHeader);
  const auto type = static_cast<EtherType>(ethernet.type.host());
  if (ethernet.destination != port.mac) [[unlikely]] {
    if (!ethernet.destination.is_multicast() ||
        carries_what_is_for_one(context, packet.port, type, packet.l3, available))
      return Verdict::drop(Counter::parse_not_for_us);
  }
  // What was translated once comes as if from outside.
  const net::Side side = packet.hairpinned ? net::Side::outside : port.side;
  switch (type) {
    case EtherType::ipv4:
    case EtherType::ipv6: {
      const bool plain =
          type == EtherType::ipv4
              ? parse_datagram<net::Ipv4Address>(available, side, context.sessions.salt(), packet)
              : parse_datagram<net::Ipv6Address>(available, side, context.sessions.salt(), packet);
      if (plain) return Verdict::pass();
      const Verdict verdict = net::parse(packet.l3, available, type, side, packet);
      if (!verdict.passed())
        return packet.fragment ? condemn_datagram(context, packet, verdict.counter()) : verdict;
      if (type == EtherType::ipv6 && packet.kind == net::PacketKind::other && packet.l4_protocol == 58)
        return neighbour_discovery(context, packet);
      return verdict;
    }
    case EtherType::arp:
      return arp(context, packet);
  }
  return Verdict::drop(Counter::parse_ethertype);
}

}  // namespace

void parse(Context& context, Batch& batch) {
  batch.sift(
      [&](Packet& packet) {
        const Verdict verdict = parse_frame(context, packet);
        if (verdict.passed()) batch.has_fragments |= packet.fragment;
        return verdict;
      },
      [&](Packet& packet, Counter why) { context.discard(packet, why); });
}

}  // namespace rgw::dataplane::stages
