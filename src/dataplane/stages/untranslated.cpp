// The stage `map`, of what stays as it is: remotes towards which translation is off (RFC 6888 REQ-6).
#include "realmgw/dataplane/stages.hpp"
#include "realmgw/nat/rewrite.hpp"

namespace rgw::dataplane::stages {
namespace {

using net::IpAddress;
using net::Side;

// Of the packet that an ICMP error quotes, the end that is not the one whom the error is for.
IpAddress far_end_of_quoted(const Packet& packet) {
  const std::uint8_t* quoted = packet.l3 + packet.inner;
  if (packet.family == net::Family::v4) return net::header<net::Ipv4Header>(quoted).destination;
  return net::header<net::Ipv6Header>(quoted).destination;
}

// Routed from one side to the other, between a host inside and a remote of the operator's list. An error may
// come from a router on the way to such a remote.
bool stays_as_it_is(const Context& context, const Packet& packet) {
  const auto& remotes = context.snapshot().policy.untranslated;
  if (remotes.empty() || packet.hairpinned) return false;
  const IpAddress destination = packet.destination();
  if (context.snapshot().own_address(destination) != nullptr) return false;
  const ring::NextHop* route = context.snapshot().route(destination);
  if (route == nullptr) return false;
  const Side from = context.snapshot().port(packet.port).side;
  if (context.snapshot().port(route->port).side == from) return false;
  if (from == Side::inside) return remotes.contains(destination);
  return remotes.contains(packet.kind == net::PacketKind::icmp_error ? far_end_of_quoted(packet)
                                                                     : packet.source());
}

}  // namespace

std::optional<Verdict> forward_untranslated(Context& context, Packet& packet) {
  if (!stays_as_it_is(context, packet)) return std::nullopt;
  if (const Verdict guarded = guard_forwarded(context, packet); !guarded.passed()) return guarded;
  if (packet.hop_limit() <= 1) {
    context.report(packet, nat::IcmpError::time_exceeded);
    return Verdict::drop(Counter::hop_limit_exceeded);
  }
  nat::NeighbourIndex neighbour = nat::no_neighbour;
  if (const Verdict way = find_way(context, packet, packet.destination(), neighbour); !way.passed())
    return way;
  nat::decrement_hop_limit(packet);
  context.counters.add(Counter::forwarded_untranslated);
  return Verdict::pass();
}

}  // namespace rgw::dataplane::stages
