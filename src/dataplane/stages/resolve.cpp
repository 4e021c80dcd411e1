#include "realmgw/dataplane/stages.hpp"
#include "realmgw/net/headers.hpp"

#include <algorithm>
#include <cstring>

#include <rte_ip_frag.h>

namespace rgw::dataplane::stages {
namespace {

using net::EthernetHeader;

// The fragments of the largest packet at the smallest MTU (RFC 791: 68 bytes carry 48) would be 1,366; the
// realm file allows no MTU below 576, so 120 do.
constexpr std::uint16_t max_fragments = 120;

void write_link_header(const Context& context, const Packet& packet, EthernetHeader& ethernet) {
  if (packet.neighbour != nullptr) {
    ethernet = packet.neighbour->link;
  } else {
    ethernet.source = context.snapshot().port(packet.port).mac;
  }
  ethernet.type = be16{static_cast<std::uint16_t>(packet.family == net::Family::v4 ? net::EtherType::ipv4
                                                                                   : net::EtherType::ipv6)};
}

// The last step: a complete frame to its port, or to control, which finds the MAC address that it lacks.
void send(Context& context, const Packet& packet, rte_mbuf* frame) {
  if (packet.neighbour != nullptr) [[likely]] {
    context.outlets.transmit(packet.port, frame);
  } else {
    context.counters.add(Counter::neighbour_miss);
    context.to_control(frame, ring::Purpose::resolve, packet.port, packet.next_hop);
  }
}

// An IPv4 packet without DF that is longer than the MTU (RFC 791 section 3.2). Returns how many fragments, or
// a negative number.
std::int32_t cut_ipv4(Context& context, const Packet& packet, rte_mbuf** fragments) {
  rte_pktmbuf_adj(packet.mbuf, sizeof(EthernetHeader));
  const std::int32_t count =
      rte_ipv4_fragment_copy_nonseg_packet(packet.mbuf, fragments, max_fragments, packet.mtu, context.pool);
  for (std::int32_t i = 0; i < count; ++i) {
    auto* l3 = rte_pktmbuf_mtod(fragments[i], std::uint8_t*);
    auto& ip = net::header<net::Ipv4Header>(l3);
    ip.checksum = be16{};
    ip.checksum = net::ChecksumSum{}.add(l3, ip.header_length()).checksum();
    rte_pktmbuf_prepend(fragments[i], sizeof(EthernetHeader));
  }
  return count;
}

// An IPv6 packet that was an IPv4 one without DF (RFC 7915 section 4): a fragment header with the IPv4
// identification, or the fragment's own carried on. It has no other extension headers, since IPv4 has none.
std::int32_t cut_ipv6(Context& context, const Packet& packet, rte_mbuf** fragments) {
  using net::Ipv6FragmentHeader;
  using net::Ipv6Header;
  const auto& ip = packet.ipv6();
  const bool again = packet.l4 > sizeof(Ipv6Header);
  Ipv6FragmentHeader header{ip.next_header, 0, {}, be32{packet.identification}};
  if (again) header = net::header<Ipv6FragmentHeader>(packet.l3 + sizeof(Ipv6Header));
  const std::uint16_t first_offset = header.offset_flags.host() & 0xfff8;
  const bool more_follow = (header.offset_flags.host() & 1) != 0;
  const auto payload = static_cast<std::uint16_t>(packet.length - packet.l4);
  constexpr std::uint16_t headers = sizeof(Ipv6Header) + sizeof(Ipv6FragmentHeader);
  const auto piece = static_cast<std::uint16_t>((packet.mtu - headers) & ~7);

  std::int32_t count = 0;
  for (std::uint16_t at = 0; at < payload; at = static_cast<std::uint16_t>(at + piece)) {
    const auto size = std::min<std::uint16_t>(piece, static_cast<std::uint16_t>(payload - at));
    rte_mbuf* mbuf = count < max_fragments ? rte_pktmbuf_alloc(context.pool) : nullptr;
    if (mbuf == nullptr) {
      rte_pktmbuf_free_bulk(fragments, static_cast<unsigned>(count));
      return -1;
    }
    fragments[count++] = mbuf;
    auto* l3 = reinterpret_cast<std::uint8_t*>(rte_pktmbuf_append(
                   mbuf, static_cast<std::uint16_t>(sizeof(EthernetHeader) + headers + size))) +
               sizeof(EthernetHeader);
    auto& own = net::header<Ipv6Header>(l3);
    own = ip;
    own.payload_length = be16{static_cast<std::uint16_t>(sizeof(Ipv6FragmentHeader) + size)};
    own.next_header = 44;
    const bool last = at + size == payload;
    header.offset_flags =
        be16{static_cast<std::uint16_t>((first_offset + at) | (!last || more_follow ? 1 : 0))};
    net::header<Ipv6FragmentHeader>(l3 + sizeof(Ipv6Header)) = header;
    std::memcpy(l3 + headers, packet.l3 + packet.l4 + at, size);
  }
  return count;
}

// Fragments come behind NAT, so that they never pass it.
Verdict send_cut(Context& context, const Packet& packet) {
  rte_mbuf* fragments[max_fragments];
  const std::int32_t count = packet.family == net::Family::v4 ? cut_ipv4(context, packet, fragments)
                                                              : cut_ipv6(context, packet, fragments);
  if (count < 0) return Verdict::drop(Counter::fragmentation_failed);
  context.counters.add(Counter::fragmented);
  for (std::int32_t i = 0; i < count; ++i) {
    write_link_header(context, packet,
                      net::header<EthernetHeader>(rte_pktmbuf_mtod(fragments[i], std::uint8_t*)));
    send(context, packet, fragments[i]);
  }
  rte_pktmbuf_free(packet.mbuf);
  return Verdict::taken();
}

Verdict resolve_one(Context& context, Packet& packet) {
  // Whatever translation did to the header, the frame begins 14 bytes before it and ends with the packet:
  // link padding goes.
  auto* frame = packet.l3 - sizeof(EthernetHeader);
  packet.mbuf->data_off =
      static_cast<std::uint16_t>(frame - static_cast<std::uint8_t*>(packet.mbuf->buf_addr));
  packet.mbuf->data_len = static_cast<std::uint16_t>(packet.length + sizeof(EthernetHeader));
  packet.mbuf->pkt_len = packet.mbuf->data_len;
  if (packet.length > packet.mtu) [[unlikely]]
    return send_cut(context, packet);
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
