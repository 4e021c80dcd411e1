#include "bench/traffic.hpp"

#include "realmgw/net/checksum.hpp"
#include "realmgw/net/headers.hpp"

#include <array>
#include <cstring>
#include <stdexcept>

namespace rgw::bench {
namespace {

using net::EthernetHeader;
using net::Ipv4Header;
using net::UdpHeader;

constexpr std::uint16_t frame_size = 60;
constexpr std::uint16_t ip_size = frame_size - sizeof(EthernetHeader);
constexpr std::uint16_t udp_size = ip_size - sizeof(Ipv4Header);
constexpr std::uint8_t ttl = 64;
constexpr std::uint32_t ports = 60000, first_port = 2048;  // of flows

Ipv4Header& ip_of(const rte_mbuf* packet) {
  return net::header<Ipv4Header>(rte_pktmbuf_mtod_offset(packet, std::uint8_t*, sizeof(EthernetHeader)));
}
UdpHeader& udp_of(const rte_mbuf* packet) {
  return net::header<UdpHeader>(
      rte_pktmbuf_mtod_offset(packet, std::uint8_t*, sizeof(EthernetHeader) + sizeof(Ipv4Header)));
}

std::uint16_t udp_sum(const rte_mbuf* packet) {
  const auto& ip = ip_of(packet);
  auto sum = net::pseudo_header(ip.source, ip.destination, 17, udp_size);
  return sum.add(reinterpret_cast<const std::uint8_t*>(&udp_of(packet)), udp_size).fold();
}

}  // namespace

std::string_view name(Direction direction) {
  switch (direction) {
    case Direction::outward:
      return "outward";
    case Direction::inward:
      return "inward";
    case Direction::mixed:
      return "mixed";
  }
  return "";
}

Tuple inside_tuple(std::uint32_t n) {
  constexpr std::uint32_t flows_of_host = 16;
  const net::Ipv4Address host{be32{0x0a000100 + n / flows_of_host}};
  // The number of the remote tells flows of one port apart; its last byte only makes it less regular.
  const net::Ipv4Address remote{be32{0x08000000 + (n / ports << 8) + (n * 2654435761U >> 24)}};
  return {host, remote, static_cast<std::uint16_t>(first_port + n % ports), 443};
}

Tuple outside_tuple(std::uint32_t n) {
  Tuple tuple = inside_tuple(n);
  tuple.source = net::Ipv4Address{198, 51, 100, 1};
  return tuple;
}

std::uint32_t flow_of(const Tuple& outside) {
  return ((outside.destination.value.host() - 0x08000000) >> 8) * ports + outside.source_port - first_port;
}

Traffic::Traffic(Gateway& gateway) : gateway_{gateway}, packets_(stretch), sent_(stretch) {
  if (rte_pktmbuf_alloc_bulk(gateway.packets(), packets_.data(), stretch) != 0)
    throw std::runtime_error{"no packet buffers"};
}

Traffic::~Traffic() {
  rte_pktmbuf_free_bulk(packets_.data(), static_cast<unsigned>(packets_.size()));
}

void Traffic::put_random(Direction direction, std::uint32_t flows) {
  put_random(direction, flows, 0, 0);
}

void Traffic::put_random(Direction direction, std::uint32_t flows, std::uint32_t first, unsigned fresh) {
  for (unsigned i = 0, begun = 0; i < stretch; ++i) {
    if (begun * stretch < fresh * i) {
      sent_[i] = {first + begun++, Gateway::inside};
      continue;
    }
    const bool inward = direction == Direction::inward || (direction == Direction::mixed && i % 2 == 1);
    sent_[i] = {random_.below(flows), inward ? Gateway::outside : Gateway::inside};
  }
  put(stretch);
}

void Traffic::put_each(Direction direction, std::uint32_t first, unsigned count) {
  const std::uint8_t side = direction == Direction::inward ? Gateway::outside : Gateway::inside;
  for (unsigned i = 0; i < count; ++i) sent_[i] = {first + i, side};
  put(count);
}

void Traffic::put(unsigned count) {
  sent_.resize(count);
  std::array<std::vector<rte_mbuf*>, 2> to;
  for (unsigned i = 0; i < count; ++i) {
    Tuple tuple =
        sent_[i].side == Gateway::inside ? inside_tuple(sent_[i].flow) : outside_tuple(sent_[i].flow);
    if (sent_[i].side == Gateway::outside) {
      std::swap(tuple.source, tuple.destination);
      std::swap(tuple.source_port, tuple.destination_port);
    }
    write_packet(packets_[i], gateway_.port(sent_[i].side).facts(), tuple);
    to[sent_[i].side].push_back(packets_[i]);
  }
  for (const std::uint8_t side : {Gateway::inside, Gateway::outside}) gateway_.wire(side).put(to[side]);
}

void Traffic::put_inward(std::span<const Tuple> tuples) {
  for (std::size_t i = 0; i < tuples.size(); ++i)
    write_packet(packets_[i], gateway_.port(Gateway::outside).facts(), tuples[i]);
  gateway_.wire(Gateway::outside).put({packets_.data(), tuples.size()});
}

unsigned Traffic::take_any() {
  unsigned count = 0;
  for (const std::uint8_t side : {Gateway::inside, Gateway::outside}) {
    count += gateway_.wire(side).take(std::span{packets_}.subspan(count));
  }
  return count;
}

void write_packet(rte_mbuf* packet, const ring::PortFacts& port, const Tuple& tuple) {
  rte_pktmbuf_reset(packet);
  packet->data_len = frame_size;
  packet->pkt_len = frame_size;
  auto* frame = rte_pktmbuf_mtod(packet, std::uint8_t*);
  std::memset(frame, 0, frame_size);
  net::header<EthernetHeader>(frame) = {
      port.mac, {{2, 0, 0, 0, 0, port.id.value()}}, be16{static_cast<std::uint16_t>(net::EtherType::ipv4)}};
  auto& ip = ip_of(packet);
  ip.version_ihl = 0x45;
  ip.total_length = be16{ip_size};
  ip.ttl = ttl;
  ip.protocol = 17;
  ip.source = tuple.source;
  ip.destination = tuple.destination;
  ip.checksum = net::ChecksumSum{}.add(reinterpret_cast<const std::uint8_t*>(&ip), sizeof ip).checksum();
  auto& udp = udp_of(packet);
  udp = {be16{tuple.source_port}, be16{tuple.destination_port}, be16{udp_size}, {}};
  const auto checksum = static_cast<std::uint16_t>(~udp_sum(packet));
  udp.checksum = be16::from_raw(checksum != 0 ? checksum : 0xffff);  // RFC 768: zero means that there is none
}

void Traffic::take(bool plain) {
  // A stretch leaves in the order in which it came, side by side: the first that is missing shows.
  std::vector<rte_mbuf*> taken(stretch);
  std::vector<rte_mbuf*> back;
  for (const std::uint8_t side : {Gateway::inside, Gateway::outside}) {
    const unsigned count =
        gateway_.wire(side == Gateway::inside ? Gateway::outside : Gateway::inside).take(taken);
    unsigned next = 0;
    for (const Sent& sent : sent_) {
      if (sent.side != side) continue;
      if (next == count) throw std::runtime_error{"the gateway kept a packet"};
      check(taken[next], sent, plain);
      back.push_back(taken[next++]);
    }
    if (next != count) throw std::runtime_error{"the gateway sent a packet of its own"};
  }
  std::copy(back.begin(), back.end(), packets_.begin());
  sent_.resize(stretch);
}

std::optional<Tuple> read_packet(const rte_mbuf* packet, unsigned hops) {
  const auto& ip = ip_of(packet);
  const auto& udp = udp_of(packet);
  const bool whole =
      packet->data_len == frame_size && ip.ttl == ttl - hops &&
      net::ChecksumSum{}.add(reinterpret_cast<const std::uint8_t*>(&ip), sizeof ip).fold() == 0xffff &&
      udp_sum(packet) == 0xffff;
  if (!whole) return std::nullopt;
  return Tuple{ip.source, ip.destination, udp.source_port.host(), udp.destination_port.host()};
}

void Traffic::check(const rte_mbuf* packet, const Sent& sent, bool plain) const {
  const bool outward = sent.side == Gateway::inside;
  const Tuple translated = outward != plain ? outside_tuple(sent.flow) : inside_tuple(sent.flow);
  auto seen = read_packet(packet, plain ? 0 : 1);
  if (seen && !outward) seen = {seen->destination, seen->source, seen->destination_port, seen->source_port};
  if (seen != translated)
    throw std::runtime_error{"flow " + std::to_string(sent.flow) + " left the gateway other than it should"};
}

}  // namespace rgw::bench
