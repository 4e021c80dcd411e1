// The short way of packets that need no session: plain ones both of whose ends a map has translated before.
// Hot path.
//
// Two passes over a burst, so that cache misses overlap: read and ask, find and send. As on the other short
// way nothing is written before all is known.
#include "realmgw/nat/plain_crossing.hpp"

#include "plain.hpp"

namespace rgw::dataplane::stages {
namespace {

using nat::MapMemo;

// Of a packet that is none: its length is 0.
struct Reading {
  std::size_t source, destination;  ///< where the memo would have them
  std::uint16_t length;
};

template <class Address>
[[gnu::always_inline]] inline Reading ask(const MapMemo& memo, const rte_mbuf* mbuf, std::uint16_t length) {
  const auto& ip = net::header<net::PlainHeader<Address>>(l3_of(mbuf));
  const Reading reading{memo.place_of(ip.source, MapMemo::Role::source),
                        memo.place_of(ip.destination, MapMemo::Role::destination), length};
  memo.prefetch(reading.source);
  memo.prefetch(reading.destination);
  return reading;
}

[[gnu::always_inline]] inline Reading read(const Context& context, const rte_mbuf* mbuf,
                                           std::uint64_t own_mac) {
  // A map does not ask on which side it is.
  const PlainPacket packet = read_plain<Side::inside>(mbuf, own_mac, context.salt);
  if (!packet.is_plain()) return {0, 0, 0};
  return type_of(mbuf) == ether_type<Ipv4Address> ? ask<Ipv4Address>(context.realm.memo, mbuf, packet.length)
                                                  : ask<Ipv6Address>(context.realm.memo, mbuf, packet.length);
}

// The packet with both ends in the other family; returns where its header begins there.
std::uint8_t* cross(std::uint8_t* l3, const net::Ipv6Header& ip, const MapMemo::Entry& source,
                    const MapMemo::Entry& destination, std::uint16_t identification) {
  return nat::write_crossed(ip, l3 + sizeof ip, source.ipv4, destination.ipv4, identification);
}
std::uint8_t* cross(std::uint8_t* l3, const net::Ipv4Header& ip, const MapMemo::Entry& source,
                    const MapMemo::Entry& destination, std::uint16_t) {
  return nat::write_crossed(ip, l3 + sizeof ip, source.ipv6, destination.ipv6, 0);
}

enum class Outcome : std::uint8_t { sent, unknown, walks };

template <class In, class Out>
[[gnu::always_inline]] inline Outcome send(Context& context, rte_mbuf* mbuf, const Reading& reading) {
  std::uint8_t* l3 = l3_of(mbuf);
  auto& ip = net::header<net::PlainHeader<In>>(l3);
  const auto* source = context.realm.memo.find(ip.source, reading.source);
  const auto* destination = context.realm.memo.find(ip.destination, reading.destination);
  if (source == nullptr || destination == nullptr) return Outcome::unknown;
  const Neighbour* neighbour = context.neighbours.find(destination->way);
  if (neighbour == nullptr || !goes_plainly<In, Out>(context, ip, reading.length, *neighbour))
    return Outcome::walks;

  if (context.snapshot().policy.ignore_traffic_class) nat::clear_traffic_class(ip);
  const auto to_ipv4 = source->to_ipv4.plus(destination->to_ipv4);
  nat::adjust_transport(l3 + sizeof ip, net::protocol_of(ip),
                        Out::family == Family::v4 ? to_ipv4 : to_ipv4.reversed());
  const std::uint16_t identification =
      Out::family == Family::v4 ? static_cast<std::uint16_t>(context.random.next()) : 0;
  l3 = cross(l3, ip, *source, *destination, identification);
  send_plain<In, Out>(context, mbuf, l3, reading.length, *neighbour);
  return Outcome::sent;
}

[[gnu::always_inline]] inline Outcome send(Context& context, rte_mbuf* mbuf, const Reading& reading) {
  return type_of(mbuf) == ether_type<Ipv4Address> ? send<Ipv4Address, Ipv6Address>(context, mbuf, reading)
                                                  : send<Ipv6Address, Ipv4Address>(context, mbuf, reading);
}

}  // namespace

std::uint16_t take_short_way_by_map(Context& context, const ring::PortFacts& port,
                                    std::span<rte_mbuf*> burst) {
  const auto count = static_cast<std::uint16_t>(burst.size());
  const std::uint64_t own_mac = word_of(port.mac);
  std::array<Reading, Batch::capacity> readings;
  for (std::uint16_t i = 0; i < count; ++i) readings[i] = read(context, burst[i], own_mac);

  std::uint16_t left = 0;
  bool in_order = false;  // a packet went before that may belong to the flow of a later one
  for (std::uint16_t i = 0; i < count; ++i) {
    if (readings[i].length == 0) {
      in_order |= holds_up(burst[i]);
    } else if (!in_order) [[likely]] {
      const Outcome outcome = send(context, burst[i], readings[i]);
      if (outcome == Outcome::sent) [[likely]]
        continue;
      // What is unknown of one packet of a flow is so of all in the burst: they stay together.
      in_order = outcome == Outcome::walks;
    }
    burst[left++] = burst[i];
  }
  const auto sent = static_cast<std::uint16_t>(count - left);
  context.counters.add(Counter::short_way, sent);
  context.counters.add(Counter::map_translated, sent);
  return left;
}

}  // namespace rgw::dataplane::stages
