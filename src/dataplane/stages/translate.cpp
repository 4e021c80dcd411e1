#include "realmgw/dataplane/stages.hpp"
#include "realmgw/nat/plain_crossing.hpp"
#include "realmgw/nat/rewrite.hpp"

namespace rgw::dataplane::stages {
namespace {

using nat::Session;

// From inside to E, which is another inside host's for the moment: on the way in it is as if it came from
// outside.
Verdict turn_round(Context& context, Packet& packet, const Session& session) {
  if (packet.hairpinned) return Verdict::drop(Counter::hairpin_loop);
  context.counters.add(Counter::hairpin);
  packet.hairpinned = true;
  // The flow as the other host's side of the gateway sees it: near and far have changed places, but an ICMP
  // identifier stays.
  const bool query = session.protocol() == net::Protocol::icmp;
  auto& tail = packet.tail();  // of the family it has by now
  tail = session.outside.tail;
  if (!query) std::swap(tail.near_port, tail.far_port);
  packet.signpost = ring::no_signpost;
  context.reframe(packet);
  context.write_note(packet);
  context.again.push_back(packet.mbuf);
  return Verdict::taken();
}

nat::Crossing crossing_of(Context& context, Packet& packet, net::Family to) {
  if (packet.family == to) [[likely]]
    return {};
  if (packet.family == net::Family::v4) packet.identification = packet.ipv4().identification.host();
  const auto& pref64 = context.snapshot().policy.pref64;
  return {pref64 ? &*pref64 : nullptr,
          {context.snapshot().port(packet.came_from).mtu, context.snapshot().port(packet.port).mtu},
          static_cast<std::uint16_t>(context.random.next()),
          packet.kind == net::PacketKind::icmp_error ? context.stand_in_for(packet) : std::nullopt};
}

Verdict translate_one(Context& context, Packet& packet) {
  const Session& session = context.sessions[packet.session];
  const bool outward = packet.side() == net::Side::inside;
  if (packet.respelled) [[unlikely]]
    nat::respell(packet, session);
  if (packet.tcp_flags & net::TcpHeader::syn && context.snapshot().policy.mss_clamp != 0) [[unlikely]] {
    if (nat::clamp_mss(packet, context.snapshot().policy.mss_clamp))
      context.counters.add(Counter::mss_clamped);
  }
  if (session.companion != 0) [[unlikely]] {
    if (const Verdict inspected = inspect(context, packet, session); !inspected.passed()) return inspected;
  }
  const net::Family to = outward ? session.outside_family() : session.inside_family();
  const bool crosses = packet.family != to;
  const bool forgets_class = crosses && context.snapshot().policy.ignore_traffic_class;
  if (crosses && !session.local && !session.hairpin && !session.renames_remote() &&
      nat::crosses_plainly(packet)) [[likely]] {
    if (to == net::Family::v4) {
      nat::cross_plain<net::Ipv4Address>(packet, session, static_cast<std::uint16_t>(context.random.next()));
    } else {
      packet.identification = packet.ipv4().identification.host();
      nat::cross_plain<net::Ipv6Address>(packet, session, 0);
    }
    if (forgets_class) [[unlikely]]
      nat::clear_traffic_class(packet);
    return Verdict::pass();
  }
  const nat::Crossing crossing = crossing_of(context, packet, to);
  if (const Verdict translated = nat::translate(packet, session, crossing); !translated.passed())
      [[unlikely]] {
    return translated;
  }
  if (forgets_class) [[unlikely]]
    nat::clear_traffic_class(packet);
  if (session.local && !outward) [[unlikely]] {
    context.to_control(packet.mbuf, ring::Purpose::to_kernel, packet.port);
    return Verdict::taken();
  }
  if (session.hairpin && outward) [[unlikely]]
    return turn_round(context, packet, session);
  nat::decrement_hop_limit(packet);
  return Verdict::pass();
}

}  // namespace

void translate(Context& context, Batch& batch) {
  batch.sift([&](Packet& packet) { return translate_one(context, packet); },
             [&](Packet& packet, Counter why) { context.discard(packet, why); });
}

}  // namespace rgw::dataplane::stages
