#include "realmgw/control/dns_packets.hpp"

#include "realmgw/control/alg_packet.hpp"
#include "realmgw/control/dns_udp.hpp"
#include "realmgw/net/checksum.hpp"
#include "realmgw/net/headers.hpp"
#include "realmgw/net/parse.hpp"

#include <cstring>
#include <utility>

namespace rgw::control {
namespace {

using net::EthernetHeader;
using net::EtherType;
using net::Family;
using net::Ipv4Header;
using net::Ipv6Header;
using net::UdpHeader;

constexpr std::uint8_t udp_protocol = 17;
constexpr std::uint8_t hop_limit = 64;  // RFC 1700's default, which the kernel has too
constexpr std::size_t largest_packet = sizeof(Ipv6Header) + sizeof(UdpHeader) + dns::edns_udp_size;

template <class Address>
void write_udp(std::uint8_t* l4, const Address& from, std::uint16_t from_port, const Address& to,
               std::uint16_t to_port, std::span<const std::uint8_t> payload) {
  const auto size = static_cast<std::uint16_t>(sizeof(UdpHeader) + payload.size());
  auto& udp = net::header<UdpHeader>(l4);
  udp = {be16{from_port}, be16{to_port}, be16{size}, {}};
  std::memcpy(l4 + sizeof(UdpHeader), payload.data(), payload.size());
  udp.checksum = net::pseudo_header(from, to, udp_protocol, size).add(l4, size).checksum();
  if (udp.checksum.raw() == 0) udp.checksum = be16::from_raw(0xffff);
}

void write_ipv4(std::uint8_t* l3, const net::Ipv4Address& from, const net::Ipv4Address& to,
                std::size_t payload) {
  auto& ip = net::header<Ipv4Header>(l3);
  ip = {};
  ip.version_ihl = 0x45;
  ip.total_length = be16{static_cast<std::uint16_t>(sizeof(Ipv4Header) + payload)};
  // RFC 9715 section 3.1: an answer is not cut on its way; and so it needs no identification (RFC 6864
  // section 4.1).
  ip.flags_offset = be16{Ipv4Header::dont_fragment};
  ip.ttl = hop_limit;
  ip.protocol = udp_protocol;
  ip.source = from;
  ip.destination = to;
  ip.checksum = net::ChecksumSum{}.add(l3, sizeof(Ipv4Header)).checksum();
}

void write_ipv6(std::uint8_t* l3, const net::Ipv6Address& from, const net::Ipv6Address& to,
                std::size_t payload) {
  net::header<Ipv6Header>(l3) = {.version_class_flow = be32{std::uint32_t{6} << 28},
                                 .payload_length = be16{static_cast<std::uint16_t>(payload)},
                                 .next_header = udp_protocol,
                                 .hop_limit = hop_limit,
                                 .source = from,
                                 .destination = to};
}

}  // namespace

DnsPackets::DnsPackets(const RealmInForce& realm, WorkerLinks& workers, CounterBlock& counters,
                       rte_mempool* packets, DnsHandler& handler)
    : realm_{realm}, workers_{workers}, counters_{counters}, packets_{packets}, handler_{handler} {}

ring::PacketBuffer DnsPackets::take(ring::PacketBuffer packet, Instant now) {
  const auto frame = packet.bytes();
  const ring::PortFacts& port = realm_->port(packet.note().port);
  const auto& ethernet = net::header<EthernetHeader>(frame.data());
  net::Packet parsed;
  const bool readable =
      net::parse(frame.data() + sizeof(EthernetHeader), frame.size() - sizeof(EthernetHeader),
                 static_cast<EtherType>(ethernet.type.host()), port.side, parsed)
          .passed();
  const auto datagram = readable ? transport_bytes(parsed) : std::span<const std::uint8_t>{};
  if (datagram.size() > sizeof(UdpHeader) + DnsUdp::largest_query || port.mtu < largest_packet ||
      ethernet.source.is_multicast() || !readable ||
      net::header<UdpHeader>(datagram.data()).length.host() != datagram.size()) {
    counters_.add(Counter::dns_to_kernel);
    return packet;
  }
  if (!transport_checksum_right(parsed)) {
    counters_.add(Counter::dns_bad_checksum);
    return {};
  }
  const auto& udp = parsed.transport<UdpHeader>();
  const ReplyPath path{.transport = this,
                       .kind = dns::Transport::udp,
                       .client = {parsed.source(), udp.source_port.host()},
                       .link = {parsed.destination(), ethernet.source, port.id, packet.note().from}};
  const auto answer = handler_.answer(datagram.subspan(sizeof(UdpHeader)), path, now, room_);
  if (!answer.empty()) send(std::move(packet), path, answer);
  return {};
}

void DnsPackets::send(const ReplyPath& path, std::span<const std::uint8_t> answer) {
  ring::PacketBuffer packet{rte_pktmbuf_alloc(packets_)};
  if (!packet) return counters_.add(Counter::no_mbuf);
  send(std::move(packet), path, answer);
}

void DnsPackets::send(ring::PacketBuffer packet, const ReplyPath& path,
                      std::span<const std::uint8_t> answer) {
  const bool v4 = path.link.local.is_v4();
  const std::size_t l3_size = v4 ? sizeof(Ipv4Header) : sizeof(Ipv6Header);
  const std::size_t size = sizeof(EthernetHeader) + l3_size + sizeof(UdpHeader) + answer.size();
  rte_mbuf& mbuf = *packet.get();
  if (size > static_cast<std::size_t>(mbuf.buf_len - mbuf.data_off)) return counters_.add(Counter::no_mbuf);
  mbuf.data_len = static_cast<std::uint16_t>(size);
  mbuf.pkt_len = mbuf.data_len;

  std::uint8_t* frame = packet.bytes().data();
  net::header<EthernetHeader>(frame) = {
      path.link.neighbour, realm_->port(path.link.port).mac,
      be16{static_cast<std::uint16_t>(v4 ? EtherType::ipv4 : EtherType::ipv6)}};
  std::uint8_t* l3 = frame + sizeof(EthernetHeader);
  const auto write = [&]<class Address>(const Address& from, const Address& to, auto write_ip) {
    write_ip(l3, from, to, sizeof(UdpHeader) + answer.size());
    write_udp(l3 + l3_size, from, ring::dns_port, to, path.client.port, answer);
  };
  if (v4) {
    write(path.link.local.v4(), path.client.address.v4(), write_ipv4);
  } else {
    write(path.link.local.v6(), path.client.address.v6(), write_ipv6);
  }

  ring::PacketNote& note = packet.note();
  note = {};
  note.purpose = ring::Purpose::transmit;
  note.port = path.link.port;
  note.signpost = ring::no_signpost;
  workers_.send(path.link.worker, std::move(packet));
}

}  // namespace rgw::control
