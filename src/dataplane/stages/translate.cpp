#include "realmgw/nat/rewrite.hpp"

#include "realmgw/dataplane/stages.hpp"

namespace rgw::dataplane::stages {
namespace {

using nat::Session;

// From inside to E, which is another inside host's for the moment: on the way in it is as if it came from outside.
Verdict turn_round(Context& context, Packet& packet, const Session& session) {
  if (packet.hairpinned) return Verdict::drop(Counter::hairpin_loop);
  context.counters.add(Counter::hairpin);
  packet.hairpinned = true;
  // The flow as the other host's side of the gateway sees it: near and far have changed places, but an ICMP identifier stays.
  const bool query = session.protocol() == net::Protocol::icmp;
  auto& tail = packet.tail();
  tail = session.outside.tail;
  if (!query) std::swap(tail.near_port, tail.far_port);
  packet.signpost = ring::no_signpost;
  context.write_note(packet);
  context.again.push_back(packet.mbuf);
  return Verdict::taken();
}

Verdict translate_one(Context& context, Packet& packet) {
  const Session& session = context.sessions[packet.session];
  const bool outward = packet.side() == net::Side::inside;
  if (packet.tcp_flags & net::TcpHeader::syn && context.snapshot.policy.mss_clamp != 0) [[unlikely]] {
    if (nat::clamp_mss(packet, context.snapshot.policy.mss_clamp)) context.counters.add(Counter::mss_clamped);
  }
  nat::translate(packet, session);
  if (session.local && !outward) [[unlikely]] {
    context.to_control(packet.mbuf, ring::Purpose::to_kernel, packet.port);
    return Verdict::taken();
  }
  if (session.hairpin && outward) [[unlikely]] return turn_round(context, packet, session);
  nat::decrement_hop_limit(packet);
  return Verdict::pass();
}

}  // namespace

void translate(Context& context, Batch& batch) {
  batch.sift([&](Packet& packet) { return translate_one(context, packet); },
             [&](Packet& packet, Counter why) { context.drop(packet.mbuf, why); });
}

}  // namespace rgw::dataplane::stages
