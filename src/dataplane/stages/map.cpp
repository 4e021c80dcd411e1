#include "realmgw/dataplane/stages.hpp"
#include "realmgw/nat/address_map.hpp"
#include "realmgw/nat/crossing.hpp"
#include "realmgw/nat/rewrite.hpp"

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

// Both ends in the other family; nothing where one of them has no address there.
template <class To, class From>
std::optional<Ends<To>> translate(const AddressMap& map, const Ends<From>& ends) {
  const auto source = map.translate(ends.source);
  const auto destination = map.translate(ends.destination);
  if (!source || !destination) return std::nullopt;
  return Ends<To>{*source, *destination};
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
  const nat::PortChange same_port{tail.side == net::Side::inside, tail.near_port};
  const ChecksumDelta delta = transport_delta(from, to, tail.protocol);
  if constexpr (To::family == Family::v6) {
    packet.identification = packet.ipv4().identification.host();
    return nat::cross(packet, to, same_port, delta);
  } else {
    return nat::cross(packet, to, same_port, delta, static_cast<std::uint16_t>(context.random.next()));
  }
}

// The packet that an error quotes went the other way, between the same two hosts. The error's own sender may
// be a router that has no address in the other family: RFC 6791.
template <class To, class From>
Verdict cross_error(Context& context, Packet& packet, const Ends<To>& outer) {
  const Ends<From> quoted = ends_of<From>(packet.l3 + packet.inner);
  const auto inner = translate<To>(context.snapshot.policy.map, quoted);
  if (!inner) return Verdict::drop(Counter::map_source_unmapped);
  const auto& tail = packet.tail();
  const nat::PortChange same_port{tail.side != net::Side::inside, tail.near_port};
  const ChecksumDelta delta = transport_delta(quoted, *inner, tail.protocol);
  const nat::LinkMtus mtus{context.snapshot.port(packet.came_from).mtu,
                           context.snapshot.port(packet.port).mtu};
  if constexpr (To::family == Family::v6) {
    return nat::cross_error(packet, outer, *inner, same_port, delta, mtus);
  } else {
    return nat::cross_error(packet, outer, *inner, same_port, delta, mtus,
                            static_cast<std::uint16_t>(context.random.next()));
  }
}

// RFC 6791: an address of ours for a router that has none.
std::optional<Ipv4Address> stand_in(const Context& context, PortId port) {
  if (context.snapshot.policy.icmp_source) return context.snapshot.policy.icmp_source;
  const auto* own = context.own_address_on(port, Family::v4);
  return own == nullptr ? std::nullopt : std::optional{own->v4()};
}

template <class To, class From>
Verdict translate_packet(Context& context, Packet& packet) {
  const AddressMap& map = context.snapshot.policy.map;
  const Ends<From> from = ends_of<From>(packet.l3);
  const bool error = packet.kind == PacketKind::icmp_error;
  auto source = map.translate(from.source);
  const To destination = *map.translate(from.destination);

  if (packet.hop_limit() <= 1) {
    context.report(packet, nat::IcmpError::time_exceeded);
    return Verdict::drop(Counter::hop_limit_exceeded);
  }
  nat::NeighbourIndex neighbour = nat::no_neighbour;
  const Verdict way = find_way(context, packet, destination, neighbour);
  if (!way.passed()) return way;
  if constexpr (To::family == Family::v4) {
    if (!source && error) source = stand_in(context, packet.port);
  }
  if (!source) return Verdict::drop(Counter::map_source_unmapped);

  const Ends<To> to{*source, destination};
  const Verdict crossed =
      error ? cross_error<To, From>(context, packet, to) : cross_packet(context, packet, from, to);
  if (!crossed.passed()) return crossed;
  nat::decrement_hop_limit(packet);
  context.counters.add(Counter::map_translated);
  return Verdict::pass();
}

// A map is meant where the destination has an address in the other family: an IPv4 one by an explicit
// mapping, an IPv6 one by a mapping or the prefix. The gateway's own addresses are its own; an IPv6 source
// that no map knows may be NAT64's.
bool is_mapped(const Context& context, const Packet& packet) {
  if (packet.kind == PacketKind::other) return false;
  const auto& policy = context.snapshot.policy;
  if (context.snapshot.own_address(packet.destination()) != nullptr) return false;
  if (packet.family == Family::v4) return policy.map.mapped(packet.ipv4().destination).has_value();
  if (!policy.map.translate(packet.ipv6().destination)) return false;
  return packet.kind == PacketKind::icmp_error || !policy.pref64 ||
         policy.map.translate(packet.ipv6().source);
}

bool is_icmp(const Packet& packet) {
  return packet.l4_protocol == (packet.family == Family::v4 ? 1 : 58);
}

// What becomes of a packet that a map is meant for; nothing for another.
std::optional<Verdict> translate_stateless(Context& context, Packet& packet) {
  if (is_mapped(context, packet)) {
    // A stateless map needs to know nothing of other fragments, but for ICMP the length of all.
    if (packet.fragment && is_icmp(packet)) [[unlikely]] {
      if (const Verdict whole = defragment(context, packet); !whole.passed()) return whole;
    }
    return packet.family == Family::v4 ? translate_packet<Ipv6Address, Ipv4Address>(context, packet)
                                       : translate_packet<Ipv4Address, Ipv6Address>(context, packet);
  }
  return packet.family == Family::v6 ? translate_prefix(context, packet) : std::nullopt;
}

}  // namespace

void map(Context& context, Batch& batch) {
  Batch& mapped = context.mapped;
  const auto dropped = [&](Packet& packet, Counter why) { context.drop(packet.mbuf, why); };
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
