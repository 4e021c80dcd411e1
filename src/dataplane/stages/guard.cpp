// Who may send and receive at all: OUT-8.
#include "realmgw/dataplane/stages.hpp"

namespace rgw::dataplane::stages {
namespace {

// An address that names all hosts of a port's link.
bool is_broadcast_of(const ring::PortFacts& port, const net::Ipv4Address& address) {
  for (const auto& link : port.addresses) {
    if (link.address.is_v4() && link.length < 31 && link.prefix().last().v4() == address) return true;
  }
  return false;
}

template <class Address>
Verdict guard(Context& context, const Packet& packet, const Address& source, const ring::NextHop** way_back) {
  if (martian_source(source) || context.snapshot.is_broadcast(source)) return Verdict::drop(Counter::martian_source);
  if (packet.hairpinned) return Verdict::pass();
  // RFC 6146 section 3.5: what stands for a remote of the other family is the gateway's to write, not to receive.
  const auto& way = context.way(source);
  if (way.own != nullptr || context.snapshot.policy.stands_for_remote(source))
    return Verdict::drop(Counter::spoofed_own_source);
  if (belongs_to_link(source)) return Verdict::pass();
  const ring::NextHop* back = way.route;
  if (way_back != nullptr) *way_back = back;
  const net::Side side = context.snapshot.port(packet.port).side;
  if (side == net::Side::inside) {
    return back != nullptr && back->port == packet.port ? Verdict::pass()
                                                        : Verdict::drop(Counter::spoofed_inside_source);
  }
  const bool from_inside = back != nullptr && context.snapshot.port(back->port).side == net::Side::inside;
  return from_inside ? Verdict::drop(Counter::inside_source_outside) : Verdict::pass();
}

}  // namespace

bool is_group(const Context& context, PortId port, const net::Ipv4Address& destination) {
  return destination.is_multicast() || destination.is_limited_broadcast() ||
         (context.snapshot.is_broadcast(destination) && is_broadcast_of(context.snapshot.port(port), destination));
}
bool is_group(const Context&, PortId, const net::Ipv6Address& destination) { return destination.is_multicast(); }

Verdict guard_source(Context& context, const Packet& packet, const net::Ipv4Address& source,
                     const ring::NextHop** way_back) {
  return guard(context, packet, source, way_back);
}
Verdict guard_source(Context& context, const Packet& packet, const net::Ipv6Address& source,
                     const ring::NextHop** way_back) {
  return guard(context, packet, source, way_back);
}

}  // namespace rgw::dataplane::stages
