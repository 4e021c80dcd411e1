#include "realmgw/dataplane/stages.hpp"
#include "realmgw/nat/tcp_state.hpp"

namespace rgw::dataplane::stages {
namespace {

using nat::Session;
using net::PacketKind;

// Which session, without looking at it.
void find(Context& context, Batch& batch) {
  auto& sessions = context.sessions;
  std::array<std::uint64_t, Batch::capacity> hashes;
  std::array<nat::SessionSlot, Batch::capacity> slots;
  std::uint16_t n = 0;
  for (Packet* packet : batch) {
    packet->hash = hashes[n] = sessions.hash(*packet);
    sessions.index().prefetch(hashes[n]);
    slots[n++] = nat::no_session;
  }
  static_cast<void>(sessions.index().find_bulk(
      {hashes.data(), n}, slots.data(), [&](nat::SessionSlot slot) { __builtin_prefetch(&sessions[slot]); },
      [&](unsigned i, nat::SessionSlot slot) {
        const Packet& packet = batch[static_cast<std::uint16_t>(i)];
        return packet.family == net::Family::v4 ? sessions[slot].matches(packet.key4)
                                                : sessions[slot].matches(packet.key6);
      }));
  for (std::uint16_t i = 0; i < n; ++i) batch[i].session = slots[i];
}

}  // namespace

Verdict follow_session(Context& context, Packet& packet) {
  packet.reconsider = false;
  if (packet.kind == PacketKind::other) packet.session = nat::no_session;
  if (packet.session == nat::no_session) return Verdict::pass();
  Session& session = context.sessions[packet.session];
  if (session.plain == nat::PlainPair::none) [[unlikely]] {
    if (session.signpost) {
      using ring::SignpostState;
      if (session.confirmed) context.keep_signpost(session);
      return context.to_peer(packet, session.home, session.signpost_id(),
                             session.confirmed ? SignpostState::confirmed : SignpostState::unconfirmed);
    }
    // Who is outside cannot speak for a host inside that is reached by hairpin, whatever source address he
    // writes; and who is inside cannot speak for the gateway's own kernel, whose packets do not come this
    // way.
    const bool outside = packet.side() == net::Side::outside;
    if ((session.hairpin && outside && !packet.hairpinned) || (session.local && !outside)) {
      return Verdict::drop(Counter::spoofed_own_source);
    }
    if (session.ground == nat::Ground::pledge) {
      if (const Verdict followed = follow_pledge(context, packet); !followed.passed()) return followed;
    }
  }
  // A session may exist before packets come to it by a signpost (a static mapping's host began), or outlive
  // one.
  if (packet.signpost != ring::no_signpost) adopt_signpost(context, session, packet);
  return session.ground == nat::Ground::pledge ? Verdict::pass() : keep_alive(context, packet);
}

Verdict keep_alive(Context& context, Packet& packet) {
  packet.reconsider = false;
  // An ICMP error neither moves a state nor keeps a session (RFC 5508 REQ-6, RFC 4787 REQ-12).
  if (packet.kind == PacketKind::icmp_error) return Verdict::pass();
  Session& session = context.sessions[packet.session];
  if (session.protocol() != net::Protocol::tcp) {
    if (!context.refreshes(packet.side())) return Verdict::pass();
    const nat::Tick deadline = context.tick + context.realm.timeouts[static_cast<std::size_t>(session.timer)];
    if (packet.side() == net::Side::outside && context.stands_back(session, deadline)) [[unlikely]] {
      packet.reconsider = true;
    } else {
      nat::SessionTable::extend(session, deadline);
    }
    return Verdict::pass();
  }
  if (packet.kind == PacketKind::later_fragment) return Verdict::pass();
  const auto& transition = nat::tcp_transition(session.tcp_state, packet.side(), packet.tcp_flags);
  if (transition.reconsider) {
    packet.reconsider = true;
    return Verdict::pass();
  }
  if (transition.next == nat::TcpState::closed) return Verdict::drop(Counter::tcp_invalid_transition);
  session.tcp_state = transition.next;
  if (!transition.timer) return Verdict::pass();
  const nat::Tick deadline =
      context.tick + context.realm.timeouts[static_cast<std::size_t>(*transition.timer)];
  if (*transition.timer == session.timer) [[likely]] {
    if (context.refreshes(packet.side())) nat::SessionTable::extend(session, deadline);
  } else {
    session.timer = *transition.timer;
    context.sessions.reschedule(packet.session, deadline);
  }
  return Verdict::pass();
}

void lookup(Context& context, Batch& batch) {
  find(context, batch);
  batch.sift(
      [&](Packet& packet) {
        const Verdict verdict = follow_session(context, packet);
        batch.to_admit |=
            packet.session == nat::no_session || packet.reconsider || packet.kind == PacketKind::icmp_error;
        return verdict;
      },
      [&](Packet& packet, Counter why) { context.drop(packet.mbuf, why); });
}

}  // namespace rgw::dataplane::stages
