// The stage `map`, of what stays IPv6: prefix translation (RFC 6296).
#include "realmgw/dataplane/stages.hpp"
#include "realmgw/nat/prefix_translation.hpp"
#include "realmgw/nat/rewrite.hpp"

namespace rgw::dataplane::stages {
namespace {

using Found = nat::PrefixTranslation::Found;
using Result = nat::PrefixTranslation::Result;
using net::Ipv6Address;
using net::PacketKind;

// What becomes of a packet's two ends; an end whose `found` is none stays.
struct Plan {
  Result source, destination;
};

// Hosts inside keep to themselves what is theirs, and what stands for IPv4 is NAT64's.
bool is_for_others(const Context& context, const Ipv6Address& destination) {
  return destination.is_multicast() || destination.is_link_local() ||
         context.snapshot().policy.embedded(destination).has_value() ||
         context.snapshot().own_address(destination) != nullptr;
}

std::optional<Plan> plan_for(const Context& context, const Packet& packet) {
  const auto& npt = context.snapshot().policy.npt;
  const auto& ip = packet.ipv6();
  if (context.snapshot().port(packet.port).side == net::Side::outside) {
    if (context.snapshot().own_address(ip.destination) != nullptr) return std::nullopt;
    const Result destination = npt.inward(ip.destination);
    return destination.found == Found::none ? std::nullopt : std::optional{Plan{{}, destination}};
  }
  const Result source = npt.outward(ip.source);
  if (source.found == Found::none || is_for_others(context, ip.destination)) return std::nullopt;
  // Section 4.3: to an address of our own outside prefix it leaves and returns.
  const Result destination = npt.inward(ip.destination);
  if (destination.found == Found::none) {
    const ring::NextHop* route = context.snapshot().route(ip.destination);
    if (route != nullptr && context.snapshot().port(route->port).side == net::Side::inside)
      return std::nullopt;
  }
  return Plan{source, destination};
}

// Tells the sender which of its addresses cannot be translated: no route to a subnet that has none (section
// 3.2), a parameter problem at an anycast identifier (section 3.7).
Verdict untranslatable(Context& context, const Packet& packet, Found why, std::uint32_t field) {
  if (why == Found::null_identifier) {
    context.report(packet, nat::IcmpError::parameter_problem, field);
  } else {
    context.report(packet, nat::IcmpError::network_unreachable);
  }
  return Verdict::drop(Counter::npt_untranslatable);
}

bool fails(Found found) {
  return found == Found::no_subnet || found == Found::null_identifier;
}

// Section 3.8 of RFC 6296bis, RFC 5508 REQ-4: the packet that an error quotes went the other way, so what is
// one's source is the other's destination, and both belong to the same pair.
bool translate_quoted(const Context& context, Packet& packet, const Plan& plan) {
  const auto& npt = context.snapshot().policy.npt;
  auto& quoted = net::header<net::Ipv6Header>(packet.l3 + packet.inner);
  Result source{}, destination{};
  if (plan.destination.found == Found::translated) {
    source = npt.inward(quoted.source);
    if (source.found != Found::translated || source.pair != plan.destination.pair) return false;
  }
  if (plan.source.found == Found::translated) {
    destination = npt.outward(quoted.destination);
    if (destination.found != Found::translated || destination.pair != plan.source.pair) return false;
  }
  if (source.found == Found::translated) quoted.source = source.address;
  if (destination.found == Found::translated) quoted.destination = destination.address;
  return true;
}

}  // namespace

std::optional<Verdict> translate_prefix(Context& context, Packet& packet) {
  const auto plan = plan_for(context, packet);
  if (!plan) return std::nullopt;
  auto& ip = packet.ipv6();
  if (const Verdict guarded = guard_forwarded(context, packet); !guarded.passed()) return guarded;
  constexpr auto source_field = static_cast<std::uint32_t>(offsetof(net::Ipv6Header, source));
  constexpr auto destination_field = static_cast<std::uint32_t>(offsetof(net::Ipv6Header, destination));
  if (fails(plan->source.found)) return untranslatable(context, packet, plan->source.found, source_field);
  if (fails(plan->destination.found))
    return untranslatable(context, packet, plan->destination.found, destination_field);
  if (packet.hop_limit() <= 1) {
    context.report(packet, nat::IcmpError::time_exceeded);
    return Verdict::drop(Counter::hop_limit_exceeded);
  }
  const bool inwards = plan->destination.found == Found::translated;
  const Ipv6Address destination = inwards ? plan->destination.address : ip.destination;
  nat::NeighbourIndex neighbour = nat::no_neighbour;
  if (const Verdict way = find_way(context, packet, destination, neighbour); !way.passed()) return way;
  const net::Side leaves_by = context.snapshot().port(packet.port).side;
  if ((leaves_by == net::Side::inside) != inwards) return Verdict::drop(Counter::route_same_side);
  if (packet.kind == PacketKind::icmp_error && !translate_quoted(context, packet, *plan))
    return Verdict::drop(Counter::npt_inner);
  // The sum over each address stays what it was, so no checksum moves, of this packet or of a quoted one
  // (section 2.5).
  if (plan->source.found == Found::translated) ip.source = plan->source.address;
  ip.destination = destination;
  nat::decrement_hop_limit(packet);
  context.counters.add(Counter::map_translated);
  return Verdict::pass();
}

}  // namespace rgw::dataplane::stages
