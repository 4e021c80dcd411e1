#include "realmgw/dataplane/stages.hpp"
#include "realmgw/nat/crossing.hpp"

#include <algorithm>

namespace rgw::dataplane::stages {
namespace {

using nat::Session;
using net::Side;

constexpr int least_ipv6_mtu = 1280;  // RFC 8200 section 5

// Does the packet fit the link it leaves by, in the family it leaves in? Else its sender is told, or it is
// cut behind NAT.
Verdict check_mtu(Context& context, Packet& packet, net::Family leaves_as) {
  const std::uint16_t mtu = context.snapshot().port(packet.port).mtu;
  packet.mtu = mtu;
  const bool crosses = leaves_as != packet.family;
  // A datagram that an ALG has written is the gateway's own to cut, in either family.
  const bool own_to_cut = packet.edited && packet.family == net::Family::v6;
  if (!crosses) {
    const bool may_be_cut = packet.family == net::Family::v4 ? !packet.ipv4().df() : own_to_cut;
    if (packet.length <= mtu || may_be_cut) [[likely]]
      return Verdict::pass();
  } else {
    const nat::Crossed crossed = nat::after_crossing(packet);
    const bool may_be_cut = crossed.may_be_cut || own_to_cut;
    if (leaves_as == net::Family::v6 && may_be_cut)
      packet.mtu = std::min(mtu, context.snapshot().policy.lowest_ipv6_mtu);
    if (crossed.length <= mtu || may_be_cut) return Verdict::pass();
  }
  // As long as the packet may be where it came from: IPv6 headers are 20 bytes longer.
  constexpr int difference = sizeof(net::Ipv6Header) - sizeof(net::Ipv4Header);
  int told = mtu + (!crosses ? 0 : leaves_as == net::Family::v4 ? difference : -difference);
  // Nobody believes less (RFC 8201 section 4).
  if (packet.family == net::Family::v6) told = std::max(told, least_ipv6_mtu);
  context.report(packet, nat::IcmpError::packet_too_big, static_cast<std::uint32_t>(told));
  return Verdict::drop(Counter::packet_too_big);
}

// No neighbour is remembered: the way is the route's, and `cached` remembers it.
Verdict find_route(Context& context, Packet& packet, const net::IpAddress& destination,
                   nat::NeighbourIndex& cached) {
  const ring::NextHop* route = context.snapshot().route(destination);
  if (route == nullptr) {
    context.report(packet, nat::IcmpError::network_unreachable);
    return Verdict::drop(Counter::no_route);
  }
  packet.next_hop = route->gateway.value_or(destination);
  cached = context.next_on(*route, destination);
  packet.neighbour = context.neighbours.find(cached);
  packet.port = route->port;
  return check_mtu(context, packet, destination.family());
}

}  // namespace

Verdict find_way(Context& context, Packet& packet, const net::IpAddress& destination,
                 nat::NeighbourIndex& cached) {
  packet.neighbour = context.neighbours.find(cached);
  if (packet.neighbour == nullptr) [[unlikely]]
    return find_route(context, packet, destination, cached);
  packet.port = packet.neighbour->port;
  return check_mtu(context, packet, destination.family());
}

namespace {

Verdict route(Context& context, Packet& packet) {
  Session& session = context.sessions[packet.session];
  const bool outward = packet.side() == net::Side::inside;
  packet.neighbour = nullptr;
  if (session.local && !outward) return Verdict::pass();  // to the kernel
  if (packet.hop_limit() <= 1 && !packet.hairpinned) {
    context.report(packet, nat::IcmpError::time_exceeded);
    return Verdict::drop(Counter::hop_limit_exceeded);
  }
  if (session.hairpin && outward)
    return Verdict::pass();  // turns round, and finds its next hop on the way in
  // The way that the packet before it took, if there was one.
  nat::NeighbourIndex& cached = outward ? session.towards_outside : session.towards_inside;
  if (const Neighbour* neighbour = context.neighbours.find(cached)) [[likely]] {
    packet.port = neighbour->port;
    packet.neighbour = neighbour;
    return check_mtu(context, packet, outward ? session.outside_family() : session.inside_family());
  }
  return find_route(context, packet, outward ? session.remote(Side::outside) : session.host(), cached);
}

}  // namespace

void egress(Context& context, Batch& batch) {
  batch.sift([&](Packet& packet) { return route(context, packet); },
             [&](Packet& packet, Counter why) { context.drop(packet.mbuf, why); });
}

}  // namespace rgw::dataplane::stages
