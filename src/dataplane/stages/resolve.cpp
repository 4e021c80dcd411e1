#include <rte_ip_frag.h>

#include "realmgw/dataplane/stages.hpp"
#include "realmgw/net/headers.hpp"

namespace rgw::dataplane::stages {
namespace {

using net::EthernetHeader;

// The fragments of the largest packet at the smallest MTU (RFC 791: 68 bytes carry 48) would be 1,366; the realm file
// allows no MTU below 576, so 120 do.
constexpr std::uint16_t max_fragments = 120;

void write_link_header(const Context& context, const Packet& packet, EthernetHeader& ethernet) {
  ethernet.source = context.snapshot.port(packet.port).mac;
  ethernet.type = be16{static_cast<std::uint16_t>(packet.family == net::Family::v4 ? net::EtherType::ipv4
                                                                                   : net::EtherType::ipv6)};
  if (packet.neighbour != nullptr) ethernet.destination = packet.neighbour->mac;
}

// The last step: a complete frame to its port, or to control, which finds the MAC address that it lacks.
void send(Context& context, const Packet& packet, rte_mbuf* frame) {
  if (packet.neighbour != nullptr) [[likely]] {
    context.transmit(packet.port, frame);
  } else {
    context.counters.add(Counter::neighbour_miss);
    context.to_control(frame, ring::Purpose::resolve, packet.port, packet.next_hop);
  }
}

// An IPv4 packet without DF that is longer than the MTU (RFC 791 section 3.2). The fragments come after NAT, so that
// they never pass it.
Verdict fragment(Context& context, Packet& packet, std::uint16_t mtu) {
  rte_mbuf* fragments[max_fragments];
  rte_pktmbuf_adj(packet.mbuf, sizeof(EthernetHeader));
  const std::int32_t count =
      rte_ipv4_fragment_copy_nonseg_packet(packet.mbuf, fragments, max_fragments, mtu, context.pool);
  if (count < 0) return Verdict::drop(Counter::fragmentation_failed);
  context.counters.add(Counter::fragmented);
  for (std::int32_t i = 0; i < count; ++i) {
    auto* room = reinterpret_cast<std::uint8_t*>(rte_pktmbuf_prepend(fragments[i], sizeof(EthernetHeader)));
    auto& ip = net::header<net::Ipv4Header>(room + sizeof(EthernetHeader));
    ip.checksum = be16{};
    ip.checksum = net::ChecksumSum{}.add(room + sizeof(EthernetHeader), ip.header_length()).checksum();
    write_link_header(context, packet, net::header<EthernetHeader>(room));
    send(context, packet, fragments[i]);
  }
  rte_pktmbuf_free(packet.mbuf);
  return Verdict::taken();
}

Verdict resolve_one(Context& context, Packet& packet) {
  // Whatever translation did to the header, the frame begins 14 bytes before it and ends with the packet: link padding goes.
  auto* frame = packet.l3 - sizeof(EthernetHeader);
  packet.mbuf->data_off = static_cast<std::uint16_t>(frame - static_cast<std::uint8_t*>(packet.mbuf->buf_addr));
  packet.mbuf->data_len = static_cast<std::uint16_t>(packet.length + sizeof(EthernetHeader));
  packet.mbuf->pkt_len = packet.mbuf->data_len;
  const std::uint16_t mtu = context.snapshot.port(packet.port).mtu;
  if (packet.length > mtu) [[unlikely]] return fragment(context, packet, mtu);
  write_link_header(context, packet, net::header<EthernetHeader>(frame));
  send(context, packet, packet.mbuf);
  return Verdict::taken();
}

}  // namespace

void resolve(Context& context, Batch& batch) {
  batch.sift([&](Packet& packet) { return resolve_one(context, packet); },
             [&](Packet& packet, Counter why) { context.drop(packet.mbuf, why); });
}

}  // namespace rgw::dataplane::stages
