#include "realmgw/dataplane/stages.hpp"

namespace rgw::dataplane::stages {
namespace {

using nat::Session;

// The next hop towards an address, or a counter why there is none.
Verdict find_next_hop(Context& context, Packet& packet, const net::IpAddress& destination, nat::NeighbourIndex& cached) {
  const ring::NextHop* route = context.snapshot.route(destination);
  if (route == nullptr) return Verdict::drop(Counter::no_route);
  packet.next_hop = route->gateway.value_or(destination);
  cached = context.neighbours.find(route->port, packet.next_hop);
  packet.neighbour = context.neighbours.find(cached);
  packet.port = route->port;
  return Verdict::pass();
}

bool may_not_be_fragmented(const Packet& packet) {
  return packet.family == net::Family::v6 || packet.ipv4().df();
}

Verdict route(Context& context, Packet& packet) {
  Session& session = context.sessions[packet.session];
  const bool outward = packet.side() == net::Side::inside;
  packet.neighbour = nullptr;
  if (session.local && !outward) return Verdict::pass();  // to the kernel
  if (packet.hop_limit() <= 1 && !packet.hairpinned) {
    context.report(packet, nat::IcmpError::time_exceeded);
    return Verdict::drop(Counter::hop_limit_exceeded);
  }
  if (session.hairpin && outward) return Verdict::pass();  // turns round, and finds its next hop on the way in
  const PortId came_from = packet.port;
  nat::NeighbourIndex& cached = outward ? session.towards_outside : session.towards_inside;
  packet.neighbour = context.neighbours.find(cached);
  if (packet.neighbour != nullptr) [[likely]] {
    packet.port = packet.neighbour->port;
  } else {
    const Verdict found =
        find_next_hop(context, packet, outward ? session.remote(net::Side::outside) : session.host(), cached);
    if (!found.passed()) {
      context.report(packet, nat::IcmpError::network_unreachable);
      return found;
    }
  }
  const std::uint16_t mtu = context.snapshot.port(packet.port).mtu;
  if (packet.length > mtu && may_not_be_fragmented(packet)) {
    packet.port = came_from;
    context.report(packet, nat::IcmpError::packet_too_big, mtu);
    return Verdict::drop(Counter::packet_too_big);
  }
  return Verdict::pass();
}

}  // namespace

void egress(Context& context, Batch& batch) {
  batch.sift([&](Packet& packet) { return route(context, packet); },
             [&](Packet& packet, Counter why) { context.drop(packet.mbuf, why); });
}

}  // namespace rgw::dataplane::stages
