#include "realmgw/dataplane/listing.hpp"

#include <algorithm>

namespace rgw::dataplane {
namespace {

// A look costs a cache miss or two, and an end some more.
constexpr std::uint32_t sessions_a_turn = 256;

}  // namespace

nat::SessionInfo describe(const Context& context, const nat::Session& session) {
  const nat::Tick left = session.deadline > context.tick ? session.deadline - context.tick : 0;
  const nat::Tick timeout = context.realm.timeouts[static_cast<std::size_t>(session.timer)];
  const auto port = [](const net::FlowKey4& key) { return key.tail.near_port.host(); };
  return {.protocol = session.protocol(),
          .origin = session.origin,
          .tcp_state = static_cast<std::uint8_t>(session.tcp_state),
          .worker = context.id.value(),
          .inside = {session.host(), port(session.inside)},
          .external = {session.external(), port(session.outside)},
          .remote = {session.remote(net::Side::outside), session.outside.tail.far_port.host()},
          .remote_inside = {session.remote(net::Side::inside), session.inside.tail.far_port.host()},
          .age_s = nat::seconds_of(context.tick - session.created),
          .idle_s = nat::seconds_of(timeout > left ? timeout - left : 0),
          .expires_s = nat::seconds_of(left)};
}

std::uint32_t delete_sessions(Context& context) {
  Context::Deletion& deletion = context.deletion;
  const nat::SessionSlot first = deletion.next;
  deletion.next += std::min(sessions_a_turn, deletion.end - first);
  for (nat::SessionSlot slot = first; slot < deletion.next; ++slot) {
    if (!context.sessions.live(slot)) continue;
    const nat::Session& session = context.sessions[slot];
    if (session.signpost) continue;  // it ends with its session
    if (!deletion.filter->describes(describe(context, session))) continue;
    ++deletion.ended;
    context.book.end(slot, Counter::session_deleted);
  }
  if (deletion.next == deletion.end) {
    deletion.filter = nullptr;
    context.report_to_control(ring::SessionsDeleted{deletion.ended});
  }
  return deletion.next - first;
}

}  // namespace rgw::dataplane
