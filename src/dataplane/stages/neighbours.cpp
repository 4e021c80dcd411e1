// ARP (RFC 826) and neighbour discovery (RFC 4861) as far as a worker has to do with them: it answers for the
// gateway's addresses, and shows control the rest.
#include "realmgw/dataplane/stages.hpp"
#include "realmgw/net/checksum.hpp"
#include "realmgw/net/headers.hpp"

#include <cstring>

namespace rgw::dataplane::stages {
namespace {

using net::ArpPacket;
using net::EthernetHeader;
using net::IcmpHeader;
using net::Ipv6Address;
using net::Ipv6Header;

rte_mbuf* new_frame(Context& context, std::size_t size) {
  rte_mbuf* mbuf = rte_pktmbuf_alloc(context.pool);
  if (mbuf == nullptr) {
    context.counters.add(Counter::no_mbuf);
    return nullptr;
  }
  std::memset(rte_pktmbuf_append(mbuf, static_cast<std::uint16_t>(size)), 0, size);
  return mbuf;
}

Verdict show_control(Context& context, Packet& packet) {
  context.to_control(packet.mbuf, ring::Purpose::neighbour, packet.port);
  return Verdict::taken();
}

/// Solicitation and advertisement, RFC 4861 sections 4.3 and 4.4; one option with a link-layer address may
/// follow.
struct NeighbourMessage {
  IcmpHeader icmp;
  Ipv6Address target;
};
static_assert(sizeof(NeighbourMessage) == 24);
struct LinkLayerOption {
  std::uint8_t type;
  std::uint8_t length;  ///< in units of 8 bytes
  net::MacAddress mac;
};
static_assert(sizeof(LinkLayerOption) == 8);

void advertise(Context& context, const Packet& packet, const Ipv6Address& target) {
  constexpr std::uint8_t target_link_layer = 2;
  constexpr std::uint16_t router = 0x8000, solicited = 0x4000, override_entry = 0x2000;
  constexpr std::size_t icmp_size = sizeof(NeighbourMessage) + sizeof(LinkLayerOption);
  rte_mbuf* mbuf = new_frame(context, sizeof(EthernetHeader) + sizeof(Ipv6Header) + icmp_size);
  if (mbuf == nullptr) return;

  auto* frame = rte_pktmbuf_mtod(mbuf, std::uint8_t*);
  const auto& mac = context.snapshot().port(packet.port).mac;
  const auto& asked = net::header<EthernetHeader>(packet.l3 - sizeof(EthernetHeader));
  // Duplicate address detection asks from the unspecified address; all nodes hear the answer (section 7.2.4).
  const bool anonymous = packet.ipv6().source.is_unspecified();
  const Ipv6Address all_nodes{{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
  const Ipv6Address destination = anonymous ? all_nodes : packet.ipv6().source;

  net::header<EthernetHeader>(frame) = {anonymous ? net::MacAddress::for_multicast(all_nodes) : asked.source,
                                        mac, asked.type};
  auto* l3 = frame + sizeof(EthernetHeader);
  auto& ip = net::header<Ipv6Header>(l3);
  ip.version_class_flow = be32{6U << 28};
  ip.payload_length = be16{icmp_size};
  ip.next_header = 58;
  ip.hop_limit = 255;
  ip.source = target;
  ip.destination = destination;
  auto* l4 = l3 + sizeof(Ipv6Header);
  auto& message = net::header<NeighbourMessage>(l4);
  message.icmp.type = net::icmp6::neighbour_advertisement;
  message.icmp.identifier =
      be16{static_cast<std::uint16_t>(router | override_entry | (anonymous ? 0 : solicited))};
  message.target = target;
  net::header<LinkLayerOption>(l4 + sizeof message) = {target_link_layer, 1, mac};
  auto sum = net::pseudo_header(target, destination, 58, icmp_size);
  message.icmp.checksum = sum.add(l4, icmp_size).checksum();
  context.counters.add(Counter::nd_answered);
  context.outlets.transmit(packet.port, mbuf);
}

}  // namespace

Verdict arp(Context& context, Packet& packet) {
  if (rte_pktmbuf_data_len(packet.mbuf) < sizeof(EthernetHeader) + sizeof(ArpPacket)) {
    return Verdict::drop(Counter::arp_malformed);
  }
  const auto& request = net::header<ArpPacket>(packet.l3);
  if (request.hardware_type.host() != 1 || request.protocol_type.host() != 0x0800 ||
      request.hardware_length != 6 || request.protocol_length != 4) {
    return Verdict::drop(Counter::arp_malformed);
  }
  if (request.operation.host() == ArpPacket::request &&
      context.snapshot().answers_for(packet.port, request.target) &&
      !context.snapshot().answers_for(packet.port, request.sender)) {
    if (rte_mbuf* mbuf = new_frame(context, sizeof(EthernetHeader) + sizeof(ArpPacket)); mbuf != nullptr) {
      auto* frame = rte_pktmbuf_mtod(mbuf, std::uint8_t*);
      const auto& mac = context.snapshot().port(packet.port).mac;
      net::header<EthernetHeader>(frame) = {request.sender_mac, mac,
                                            be16{static_cast<std::uint16_t>(net::EtherType::arp)}};
      auto& reply = net::header<ArpPacket>(frame + sizeof(EthernetHeader));
      reply = request;
      reply.operation = be16{ArpPacket::reply};
      reply.sender_mac = mac;
      reply.sender = request.target;
      reply.target_mac = request.sender_mac;
      reply.target = request.sender;
      context.counters.add(Counter::arp_answered);
      context.outlets.transmit(packet.port, mbuf);
    }
  }
  return show_control(context, packet);
}

Verdict neighbour_discovery(Context& context, Packet& packet) {
  const auto& icmp = packet.transport<IcmpHeader>();
  const bool solicitation = icmp.type == net::icmp6::neighbour_solicitation;
  if (!solicitation && icmp.type != net::icmp6::neighbour_advertisement) {
    return Verdict::pass();  // routers' and groups' business: the kernel's
  }
  // RFC 4861 section 7.1: it came from this very link, and it is whole; RFC 6980 section 5: it has no
  // fragment header, not even that of an atomic one.
  const std::size_t size = static_cast<std::size_t>(packet.length - packet.l4);
  auto sum = net::pseudo_header(packet.ipv6().source, packet.ipv6().destination, 58,
                                static_cast<std::uint32_t>(size));
  if (packet.ipv6().hop_limit != 255 || net::has_fragment_header(packet) || icmp.code != 0 ||
      size < sizeof(NeighbourMessage) || sum.add(packet.l3 + packet.l4, size).fold() != 0xffff) {
    return Verdict::drop(Counter::nd_malformed);
  }
  const auto& message = packet.transport<NeighbourMessage>();
  if (message.target.is_multicast()) return Verdict::drop(Counter::nd_malformed);
  if (solicitation && context.snapshot().answers_for(packet.port, message.target))
    advertise(context, packet, message.target);
  return show_control(context, packet);
}

}  // namespace rgw::dataplane::stages
