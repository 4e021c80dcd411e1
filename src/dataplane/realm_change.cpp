#include "realmgw/dataplane/realm_change.hpp"

#include <algorithm>
#include <utility>

namespace rgw::dataplane {
namespace {

using nat::Session;

// A look at a session costs a cache miss or two, and a search by prefix: some 6 us a turn.
constexpr std::uint32_t sessions_a_turn = 256;

// By which of the gateway's addresses a session may go on depends on what has opened it.
bool may_keep_external(Context& context, const Session& session) {
  const ring::Snapshot& snapshot = context.snapshot();
  const ring::OwnAddress* own = snapshot.own_address(session.external());
  if (own == nullptr) return false;
  switch (context.admission.standing(session)) {
    case nat::Standing::none:
      return false;
    case nat::Standing::fixed:
      return true;
    case nat::Standing::port:
      return own->external;
    case nat::Standing::local:
      return own->service;
    case nat::Standing::other:
      break;
  }
  if (session.ground == nat::Ground::claim || session.ground == nat::Ground::pledge) {
    // A session that began before the address became another host's, or nobody's, is the former host's. Those
    // of dynamic hosts, which the realm does not name, control ends by itself (DNS-6).
    const bool before = static_cast<std::int32_t>(session.created - context.sweep.changed) <= 0;
    return own->pool && !(before && snapshot.passed_on.contains(session.host()));
  }
  // A pinhole ends its sessions when it ends, but for those that are closing anyway.
  return own->external || own->pool;
}

bool has_place(Context& context, const Session& session) {
  return may_keep_external(context, session) &&
         (session.local || context.snapshot().is_inside(session.host()));
}

}  // namespace

void change_realm(Context& context) {
  auto& next = static_cast<NextRealm&>(*std::exchange(context.next_realm, nullptr));
  context.book.adopt(next.rules);
  std::swap(context.realm, next.view);
  const auto& timeouts = context.snapshot().policy.timeouts;
  context.syns.last(timeouts[nat::TimerClass::tcp_incoming_syn]);
  context.fragments.wait(timeouts[nat::TimerClass::fragment]);
  context.sweep = {.under_way = true,
                   .changed = context.tick,
                   .next = 0,
                   .end = context.sessions.high_water(),
                   .ended = 0};
  context.report_to_control(ring::RealmExchanged{&next});
}

std::uint32_t sweep_sessions(Context& context) {
  Context::Sweep& sweep = context.sweep;
  const nat::SessionSlot first = sweep.next;
  sweep.next += std::min(sessions_a_turn, sweep.end - first);
  for (nat::SessionSlot slot = first; slot < sweep.next; ++slot) {
    if (!context.sessions.live(slot)) continue;
    Session& session = context.sessions[slot];
    if (session.signpost) continue;  // it ends with its session
    if (!has_place(context, session)) {
      ++sweep.ended;
      context.book.end(slot, Counter::session_realm_changed);
      continue;
    }
    session.towards_inside = session.towards_outside = nat::no_neighbour;  // routes may lead elsewhere
    if (session.companion == 0) context.book.choose_way(session);
  }
  if (sweep.next == sweep.end) {
    sweep.under_way = false;
    context.report_to_control(ring::RealmSwept{sweep.ended});
  }
  return sweep.next - first;
}

}  // namespace rgw::dataplane
