#include "realmgw/dataplane/stages.hpp"
#include "realmgw/nat/address_map.hpp"
#include "realmgw/nat/crossing.hpp"
#include "realmgw/nat/rewrite.hpp"
#include "realmgw/net/parse.hpp"

#include <type_traits>

namespace rgw::dataplane::stages {
namespace {

using nat::AddressMap;
using nat::Ends;
using net::ChecksumDelta;
using net::ChecksumSum;
using net::Family;
using net::Ipv4Address;
using net::Ipv6Address;
using net::PacketKind;

template <class Address>
using IpHeaderOf = std::conditional_t<Address::family == Family::v4, net::Ipv4Header, net::Ipv6Header>;

template <class Address>
Ends<Address> ends_of(const std::uint8_t* ip_header) {
  const auto& ip = net::header<IpHeaderOf<Address>>(ip_header);
  return {ip.source, ip.destination};
}

// How the two ends are found in the other family. `quoted`: of a packet that an ICMP error carries, which
// went the other way.
struct Ways {
  bool hairpinned =
      false;  // RFC 7757 section 4: the far host was called by its IPv4 address, so it keeps that
  bool quoted = false;
};

std::optional<Ipv6Address> far_end(const AddressMap& map, const Ipv4Address& address, bool hairpinned) {
  return hairpinned && map.prefix() ? map.by_prefix(address) : map.translate(address);
}

// Nothing where one of the ends has no address there.
std::optional<Ends<Ipv4Address>> translate(const AddressMap& map, const Ends<Ipv6Address>& ends, Ways) {
  const auto source = map.translate(ends.source);
  const auto destination = map.translate(ends.destination);
  if (!source || !destination) return std::nullopt;
  return Ends<Ipv4Address>{*source, *destination};
}
std::optional<Ends<Ipv6Address>> translate(const AddressMap& map, const Ends<Ipv4Address>& ends, Ways ways) {
  const auto source = ways.quoted ? map.translate(ends.source) : far_end(map, ends.source, ways.hairpinned);
  const auto destination =
      ways.quoted ? far_end(map, ends.destination, ways.hairpinned) : map.translate(ends.destination);
  if (!source || !destination) return std::nullopt;
  return Ends<Ipv6Address>{*source, *destination};
}

// Why one of these has no address in the other family.
template <class Address>
Counter why_none(const AddressMap& map, const Ends<Address>& ends) {
  return map.withholds(ends.source) || map.withholds(ends.destination) ? Counter::not_represented
                                                                       : Counter::map_source_unmapped;
}

// What the addresses change in a transport checksum: not in ICMPv4's, which has no pseudo-header.
template <class From, class To>
ChecksumDelta transport_delta(const Ends<From>& from, const Ends<To>& to, net::Protocol protocol) {
  const bool icmp = protocol == net::Protocol::icmp;
  ChecksumSum before, after;
  if (!icmp || From::family == Family::v6) before.add(from.source).add(from.destination);
  if (!icmp || To::family == Family::v6) after.add(to.source).add(to.destination);
  return ChecksumDelta::between(before, after);
}

template <class To, class From>
Verdict cross_packet(Context& context, Packet& packet, const Ends<From>& from, const Ends<To>& to) {
  const auto& tail = packet.tail();
  const nat::PortChange same_ports{tail.side == net::Side::inside, tail.near_port, tail.far_port};
  const ChecksumDelta delta = transport_delta(from, to, tail.protocol);
  if constexpr (To::family == Family::v6) {
    packet.identification = packet.ipv4().identification.host();
    return nat::cross(packet, to, same_ports, delta);
  } else {
    return nat::cross(packet, to, same_ports, delta, static_cast<std::uint16_t>(context.random.next()));
  }
}

// The packet that an error quotes went the other way, between the same two hosts. The error's own sender may
// be a router that has no address in the other family: RFC 6791.
template <class To, class From>
Verdict cross_error(Context& context, Packet& packet, const Ends<To>& outer, bool hairpinned,
                    const Ipv6Address* router = nullptr) {
  const Ends<From> quoted = ends_of<From>(packet.l3 + packet.inner);
  const AddressMap& map = context.snapshot().policy.map;
  const auto inner = translate(map, quoted, {.hairpinned = hairpinned, .quoted = true});
  if (!inner) return Verdict::drop(why_none(map, quoted));
  // No such packet has crossed.
  if (const Verdict ends = guard_ends(context, quoted.source, quoted.destination); !ends.passed())
    return ends;
  if (const Verdict ends = guard_ends(context, inner->source, inner->destination); !ends.passed())
    return ends;
  const auto& tail = packet.tail();
  const nat::PortChange same_ports{tail.side != net::Side::inside, tail.near_port, tail.far_port};
  const ChecksumDelta delta = transport_delta(quoted, *inner, tail.protocol);
  const nat::LinkMtus mtus{context.snapshot().port(packet.came_from).mtu,
                           context.snapshot().port(packet.port).mtu};
  if constexpr (To::family == Family::v6) {
    return nat::cross_error(packet, outer, *inner, same_ports, delta, mtus);
  } else {
    return nat::cross_error(packet, outer, *inner, same_ports, delta, mtus,
                            static_cast<std::uint16_t>(context.random.next()), router);
  }
}

// Where it goes, by its destination as it will be.
Verdict find_map_way(Context& context, Packet& packet, const net::IpAddress& destination,
                     nat::NeighbourIndex& neighbour) {
  if (packet.hop_limit() <= 1) {
    context.report(packet, nat::IcmpError::time_exceeded);
    return Verdict::drop(Counter::hop_limit_exceeded);
  }
  return find_way(context, packet, destination, neighbour);
}

// So that later packets of these ends find both without a search (short_way_map.cpp). An error's own source
// may be borrowed, and its destination another's way.
template <class From>
void remember(Context& context, const Packet& packet, const Ends<From>& from, nat::NeighbourIndex way) {
  if (packet.kind == PacketKind::icmp_error || way == nat::no_neighbour) return;
  using To = std::conditional_t<From::family == Family::v4, Ipv6Address, Ipv4Address>;
  const auto to = ends_of<To>(packet.l3);
  context.realm.memo.learn(from.source, to.source, nat::MapMemo::Role::source, nat::no_neighbour);
  context.realm.memo.learn(from.destination, to.destination, nat::MapMemo::Role::destination, way);
}

Verdict to_ipv6(Context& context, Packet& packet, bool hairpinned) {
  const AddressMap& map = context.snapshot().policy.map;
  const auto from = ends_of<Ipv4Address>(packet.l3);
  const bool error = packet.kind == PacketKind::icmp_error;
  auto source = far_end(map, from.source, hairpinned);
  const auto destination = map.translate(from.destination);
  // Else path MTU discovery would end at routers with private addresses, or with those that no map knows.
  if (!source && error) {
    if (const auto own = context.stand_in_for(packet)) source = own->v6();
  }
  if (!source || !destination) return Verdict::drop(why_none(map, from));
  const Ends<Ipv6Address> to{*source, *destination};
  return error ? cross_error<Ipv6Address, Ipv4Address>(context, packet, to, hairpinned)
               : cross_packet(context, packet, from, to);
}

// `leaves`: as IPv4, not turned round; there a router whose address IPv4 cannot show is named beside (RFC
// 6791 section 4).
Verdict to_ipv4(Context& context, Packet& packet, const Ipv4Address& destination, bool leaves) {
  const auto from = ends_of<Ipv6Address>(packet.l3);
  const bool error = packet.kind == PacketKind::icmp_error;
  const AddressMap& map = context.snapshot().policy.map;
  auto source = map.translate(from.source);
  const Ipv6Address* router = nullptr;
  if (!source && error && !map.withholds(from.source)) {
    if (const auto address = context.stand_in_for(packet)) source = address->v4();
    if (leaves) router = &from.source;
  }
  if (!source) return Verdict::drop(why_none(map, from));
  if (!context.snapshot().may_forward(*source)) return Verdict::drop(Counter::martian_source);
  const Ends<Ipv4Address> to{*source, destination};
  return error ? cross_error<Ipv4Address, Ipv6Address>(context, packet, to, false, router)
               : cross_packet(context, packet, from, to);
}

Verdict finish(Context& context, Packet& packet) {
  // RFC 7915 sections 4.1 and 5.1: by choice the class of the traffic stays in its own network.
  if (context.snapshot().policy.ignore_traffic_class) nat::clear_traffic_class(packet);
  nat::decrement_hop_limit(packet);
  context.counters.add(Counter::map_translated);
  return Verdict::pass();
}

// RFC 7757 section 4.2: an IPv6 host calls another by its IPv4 address. The packet becomes IPv4 and IPv6
// again in this one place, so that its sender is shown inside the prefix, whence the answer comes back here.
Verdict turn_round(Context& context, Packet& packet, const Ipv4Address& called,
                   const Ipv6Address& destination) {
  nat::NeighbourIndex neighbour = nat::no_neighbour;
  if (const Verdict way = find_map_way(context, packet, destination, neighbour); !way.passed()) return way;
  const std::uint16_t datagram_length = packet.datagram_length;
  const net::Side side = packet.side();
  if (const Verdict crossed = to_ipv4(context, packet, called, false); !crossed.passed()) return crossed;
  // From here on it is no more as its sender sent it, who cannot be told.
  const auto dropped = [&](Verdict verdict) {
    context.drop(packet.mbuf, verdict.counter());
    return Verdict::taken();
  };
  const Verdict read = net::parse(packet.l3, packet.length, net::EtherType::ipv4, side, packet);
  if (!read.passed()) return dropped(read);
  packet.datagram_length = datagram_length;
  if (const Verdict crossed = to_ipv6(context, packet, true); !crossed.passed()) return dropped(crossed);
  context.counters.add(Counter::map_hairpin);
  return finish(context, packet);
}

Verdict map_ipv4(Context& context, Packet& packet, const Ipv6Address& destination) {
  const auto& ip = packet.ipv4();
  // RFC 7915 section 4.1: an error crosses whatever its source, so that people see what is wrong.
  const bool any_source = packet.kind == PacketKind::icmp_error;
  if (const Verdict ends = guard_ends(context, any_source ? ip.destination : ip.source, ip.destination);
      !ends.passed())
    return ends;
  if (!context.snapshot().may_forward(destination)) return Verdict::drop(Counter::martian_destination);
  nat::NeighbourIndex neighbour = nat::no_neighbour;
  if (const Verdict way = find_map_way(context, packet, destination, neighbour); !way.passed()) return way;
  const bool hairpinned = context.snapshot().policy.map_hairpin == nat::MapHairpin::simple;
  const auto from = ends_of<Ipv4Address>(packet.l3);
  if (const Verdict crossed = to_ipv6(context, packet, hairpinned); !crossed.passed()) return crossed;
  remember(context, packet, from, neighbour);
  return finish(context, packet);
}

Verdict map_ipv6(Context& context, Packet& packet, const Ipv4Address& destination) {
  const auto& ip = packet.ipv6();
  if (const Verdict ends = guard_ends(context, ip.source, ip.destination); !ends.passed()) return ends;
  if (!context.snapshot().may_forward(destination)) return Verdict::drop(Counter::martian_destination);
  const auto& policy = context.snapshot().policy;
  if (policy.map.withholds(ip.destination)) return Verdict::drop(Counter::not_represented);
  if (policy.map_hairpin == nat::MapHairpin::intrinsic) {
    const auto called = policy.map.mapped(destination);
    // By its own mapping one calls an IPv6 address, not an IPv4 one.
    if (called && !policy.map.same_by_map(packet.ipv6().destination, *called))
      return turn_round(context, packet, destination, *called);
  }
  nat::NeighbourIndex neighbour = nat::no_neighbour;
  if (const Verdict way = find_map_way(context, packet, destination, neighbour); !way.passed()) return way;
  const auto from = ends_of<Ipv6Address>(packet.l3);
  if (const Verdict crossed = to_ipv4(context, packet, destination, true); !crossed.passed()) return crossed;
  remember(context, packet, from, neighbour);
  return finish(context, packet);
}

bool is_icmp(const Packet& packet) {
  return packet.l4_protocol == (packet.family == Family::v4 ? 1 : 58);
}

// Whose packet it is, on the side where it comes from. An error is about the packet that it quotes, and may
// come from a router on the way.
Ipv6Address near_end(const Packet& packet) {
  return packet.kind == PacketKind::icmp_error ? ends_of<Ipv6Address>(packet.l3 + packet.inner).destination
                                               : packet.ipv6().source;
}

// What becomes of a packet that a map is meant for; nothing for another. A map is meant where the destination
// has an address in the other family: an IPv4 one by an explicit mapping, or by the prefix where that stands
// for it, an IPv6 one by a mapping or the prefix. The gateway's own addresses are its own; an IPv6 source
// that no map knows may be NAT64's.
std::optional<Verdict> translate_by_map(Context& context, Packet& packet) {
  const auto& policy = context.snapshot().policy;
  std::optional<Ipv4Address> to4;
  std::optional<Ipv6Address> to6;
  if (packet.family == Family::v4) {
    const Ipv4Address& destination = packet.ipv4().destination;
    to6 = policy.map.mapped(destination);
    if (!to6) to6 = policy.map.destination(destination);
    if (!to6 || is_group(context, packet.port, destination)) return std::nullopt;
  } else {
    const auto& destination = packet.ipv6().destination;
    to4 = policy.map.translate(destination);
    if (!to4 && policy.map.withholds(destination))
      to4 = policy.map.prefix()->extract(destination);  // map_ipv6 refuses it
    if (!to4) return std::nullopt;
    if (policy.pref64 && !policy.map.translate(near_end(packet))) return std::nullopt;
  }
  if (context.snapshot().own_address(packet.destination()) != nullptr) return std::nullopt;
  // A stateless map needs to know nothing of other fragments, but for ICMP the length of all.
  if (packet.fragment && is_icmp(packet)) [[unlikely]] {
    if (const Verdict whole = defragment(context, packet); !whole.passed()) return whole;
  }
  return to6 ? map_ipv4(context, packet, *to6) : map_ipv6(context, packet, *to4);
}

std::optional<Verdict> translate_stateless(Context& context, Packet& packet) {
  if (const auto mapped = translate_by_map(context, packet)) return mapped;
  if (const auto forwarded = forward_untranslated(context, packet)) return forwarded;
  return packet.family == Family::v6 ? translate_prefix(context, packet) : std::nullopt;
}

// With so many rows a lookup misses the caches: all packets of a burst ask for theirs first.
constexpr std::size_t rows_beyond_caches = 4096;

void prefetch(const Context& context, Batch& batch) {
  const AddressMap& map = context.snapshot().policy.map;
  for (const Packet* packet : batch) {
    if (packet->family == Family::v4) {
      map.prefetch(packet->ipv4().destination);
      map.prefetch(packet->ipv4().source);
    } else {
      map.prefetch(packet->ipv6().destination);
      map.prefetch(packet->ipv6().source);
    }
  }
}

}  // namespace

void map(Context& context, Batch& batch) {
  if (context.snapshot().policy.map.size() > rows_beyond_caches) prefetch(context, batch);
  Batch& mapped = context.mapped;
  const auto dropped = [&](Packet& packet, Counter why) { context.discard(packet, why); };
  batch.sift(
      [&](Packet& packet) {
        const auto verdict = translate_stateless(context, packet);
        if (!verdict) return Verdict::pass();
        if (!verdict->passed()) return *verdict;
        mapped.take(packet);
        return Verdict::taken();
      },
      dropped);
  resolve(context, mapped);
  mapped.clear();
}

}  // namespace rgw::dataplane::stages
