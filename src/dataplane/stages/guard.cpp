// Who may send and receive at all: OUT-8.
#include "realmgw/dataplane/stages.hpp"

namespace rgw::dataplane::stages {

bool martian_source(const net::IpAddress& source) {
  if (source.is_v6()) return source.is_unspecified() || source.is_multicast() || source.is_loopback();
  const net::Ipv4Address address = source.v4();
  return address.is_this_network() || address.is_multicast() || address.is_loopback() || address.is_class_e();
}

namespace {

// An address that names all hosts of a port's link.
bool is_broadcast_of(const ring::PortFacts& port, const net::IpAddress& address) {
  for (const auto& link : port.addresses) {
    if (link.address.is_v4() && link.length < 31 && link.prefix().last() == address) return true;
  }
  return false;
}

}  // namespace

bool is_broadcast(const Context& context, const net::IpAddress& address) {
  return context.snapshot.is_broadcast(address);
}

bool is_group(const Context& context, PortId port, const net::IpAddress& destination) {
  return destination.is_multicast() || (destination.is_v4() && destination.v4().is_limited_broadcast()) ||
         (is_broadcast(context, destination) && is_broadcast_of(context.snapshot.port(port), destination));
}

Verdict guard_source(const Context& context, const Packet& packet, const net::IpAddress& source,
                     const ring::NextHop** way_back) {
  if (martian_source(source) || is_broadcast(context, source)) return Verdict::drop(Counter::martian_source);
  if (packet.hairpinned) return Verdict::pass();
  // RFC 6146 section 3.5: what stands for a remote of the other family is the gateway's to write, not to receive.
  if (context.snapshot.own_address(source) != nullptr || context.snapshot.policy.stands_for_remote(source))
    return Verdict::drop(Counter::spoofed_own_source);
  // Link-local addresses belong to their link, not to a route.
  if (source.is_v6() && source.v6().is_link_local()) return Verdict::pass();
  const ring::NextHop* back = context.snapshot.route(source);
  if (way_back != nullptr) *way_back = back;
  const net::Side side = context.snapshot.port(packet.port).side;
  const bool from_inside = back != nullptr && context.snapshot.port(back->port).side == net::Side::inside;
  if (side == net::Side::inside) {
    return back != nullptr && back->port == packet.port ? Verdict::pass()
                                                        : Verdict::drop(Counter::spoofed_inside_source);
  }
  return from_inside ? Verdict::drop(Counter::inside_source_outside) : Verdict::pass();
}

}  // namespace rgw::dataplane::stages
