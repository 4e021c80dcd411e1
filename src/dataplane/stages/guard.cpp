// Who may send and receive at all: OUT-8.
#include "realmgw/dataplane/stages.hpp"

#include <type_traits>

namespace rgw::dataplane::stages {
namespace {

// An address that names all hosts of a port's link.
bool is_broadcast_of(const ring::PortFacts& port, const net::Ipv4Address& address) {
  for (const auto& link : port.addresses) {
    if (link.address.is_v4() && link.length < 31 && link.prefix().last().v4() == address) return true;
  }
  return false;
}

// `any`: the source may be one that no host has.
template <class Address>
Verdict guard(Context& context, const Packet& packet, const Address& source, Origin& origin,
              bool any = false) {
  const auto& way = context.way(source);
  origin.forwards = way.forwards;
  if (!way.host && !any) return Verdict::drop(Counter::martian_source);
  if (packet.hairpinned) return Verdict::pass();
  // RFC 6146 section 3.5: what stands for a remote of the other family is the gateway's to write, not to
  // receive.
  if (way.own != nullptr || context.snapshot().policy.stands_for_remote(source))
    return Verdict::drop(Counter::spoofed_own_source);
  const ring::NextHop* back = origin.back = way.route;
  // Link-local addresses of IPv6 need no route: their senders are here.
  if (Address::family == net::Family::v6 && way.host && !way.forwards) return Verdict::pass();
  const net::Side side = context.snapshot().port(packet.port).side;
  if (side == net::Side::inside) {
    return back != nullptr && back->port == packet.port ? Verdict::pass()
                                                        : Verdict::drop(Counter::spoofed_inside_source);
  }
  const bool from_inside = back != nullptr && context.snapshot().port(back->port).side == net::Side::inside;
  return from_inside ? Verdict::drop(Counter::inside_source_outside) : Verdict::pass();
}

template <class Address>
using IpHeaderOf = std::conditional_t<Address::family == net::Family::v4, net::Ipv4Header, net::Ipv6Header>;

template <class Address>
Verdict guard_forwarded_as(Context& context, const Packet& packet) {
  const auto& ip = net::header<IpHeaderOf<Address>>(packet.l3);
  Origin origin;
  if (const Verdict guarded = guard(context, packet, ip.source, origin); !guarded.passed()) return guarded;
  if (const Verdict ends = guard_ends(context, ip.source, ip.destination); !ends.passed()) return ends;
  if (packet.kind != net::PacketKind::icmp_error) return Verdict::pass();
  const auto& quoted = net::header<IpHeaderOf<Address>>(packet.l3 + packet.inner);
  return guard_ends(context, quoted.source, quoted.destination);
}

}  // namespace

bool is_group(const Context& context, PortId port, const net::Ipv4Address& destination) {
  return destination.is_multicast() || destination.is_limited_broadcast() ||
         (context.snapshot().is_broadcast(destination) &&
          is_broadcast_of(context.snapshot().port(port), destination));
}
bool is_group(const Context&, PortId, const net::Ipv6Address& destination) {
  return destination.is_multicast();
}

Verdict guard_source(Context& context, const Packet& packet, const net::Ipv4Address& source, Origin& origin) {
  return guard(context, packet, source, origin);
}
Verdict guard_source(Context& context, const Packet& packet, const net::Ipv6Address& source, Origin& origin) {
  return guard(context, packet, source, origin);
}

Verdict guard_error(Context& context, const Packet& packet, const nat::Session& session) {
  const net::Family to =
      packet.side() == net::Side::inside ? session.outside_family() : session.inside_family();
  // RFC 7915 section 4.1: an ICMPv4 error becomes an ICMPv6 one whatever its source, so that people see what
  // is wrong.
  const bool any = packet.family == net::Family::v4 && to == net::Family::v6;
  Origin origin;
  const Verdict guarded = packet.family == net::Family::v4
                              ? guard(context, packet, packet.ipv4().source, origin, any)
                              : guard(context, packet, packet.ipv6().source, origin);
  if (!guarded.passed() || any || session.local) return guarded;
  return origin.forwards ? Verdict::pass() : Verdict::drop(Counter::martian_source);
}

Verdict guard_forwarded(Context& context, const Packet& packet) {
  return packet.family == net::Family::v4 ? guard_forwarded_as<net::Ipv4Address>(context, packet)
                                          : guard_forwarded_as<net::Ipv6Address>(context, packet);
}

}  // namespace rgw::dataplane::stages
