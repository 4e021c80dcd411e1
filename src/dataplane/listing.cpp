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

namespace {

ring::WorkerUse::External use_of(const Context& context, std::uint32_t place) {
  using net::Protocol;
  const auto& ports = context.book.rules().ports;
  const auto& address = ports.address(place);
  ring::WorkerUse::External external{address, context.sessions_by_external().sessions(address), {}, {}};
  std::size_t i = 0;
  for (const auto protocol : {Protocol::tcp, Protocol::udp, Protocol::icmp, Protocol::sctp}) {
    const auto& set = ports[ports.set(place, protocol)];
    external.ports_used[i] = static_cast<std::uint32_t>(set.occupied());
    // Of an address that is no external one any more sessions may have ports still.
    external.ports[i++] = ports.is_external(place) ? static_cast<std::uint32_t>(set.size()) : 0;
  }
  return external;
}

void report_tables(const Context& context, ring::WorkerUse& use) {
  using ring::WorkerTable;
  const auto write = [&](WorkerTable table, std::size_t used, std::size_t room) {
    use.tables[static_cast<std::size_t>(table)] = {static_cast<std::uint32_t>(used),
                                                   static_cast<std::uint32_t>(room)};
  };
  const auto& book = context.book;
  const auto& fragments = context.fragments;
  write(WorkerTable::sessions, context.sessions.size(), context.sessions.capacity());
  write(WorkerTable::mappings, book.mappings().size(), book.mappings().capacity());
  write(WorkerTable::reservations, context.bindings.size(), context.bindings.capacity());
  write(WorkerTable::proxies, book.proxies().size(), book.proxies().capacity());
  write(WorkerTable::pinholes, book.pinholes().size(), book.pinholes().capacity());
  write(WorkerTable::inspected, context.inspected, context.max_inspected);
  write(WorkerTable::fragmented, fragments.datagrams(), fragments.limits().datagrams);
  write(WorkerTable::fragments_held, fragments.held(), fragments.limits().held);
  write(WorkerTable::stored_syns, context.syns.size(), context.syns.capacity());
  write(WorkerTable::neighbours, context.neighbours.size(), context.neighbours.capacity());
}

}  // namespace

void report_use(Context& context, const ring::UseQuery& query) {
  auto& use = *query.use;
  if (query.first == 0) {
    report_tables(context, use);
    use.count = 0;
  }
  // First those that have ports to give, then what the pool alone has.
  const auto& ports = context.book.rules().ports;
  const auto counted = context.sessions_by_external().entries();
  const auto all = static_cast<std::uint32_t>(ports.size() + counted.size());
  const std::uint32_t end = std::min(all, query.first + ring::WorkerUse::externals_a_turn);
  std::uint32_t at = query.first;
  for (; at < end && use.count < use.externals.size(); ++at) {
    if (at < ports.size()) {
      use.externals[use.count++] = use_of(context, at);
    } else if (const auto& [address, sessions] = counted[at - ports.size()];
               !ports.set(address, net::Protocol::tcp)) {
      use.externals[use.count++] = {address, sessions, {}, {}};
    }
  }
  const bool last = at >= all || use.count == use.externals.size();
  context.report_to_control(ring::UseFilled{query.use, at, last});
}

std::uint32_t delete_sessions(Context& context) {
  Context::Deletion& deletion = context.deletion;
  const nat::SessionSlot first = deletion.next;
  deletion.next += std::min(sessions_a_turn, deletion.end - first);
  for (nat::SessionSlot slot = first; slot < deletion.next; ++slot) {
    if (!context.sessions.live(slot)) continue;
    const nat::Session& session = context.sessions[slot];
    if (session.signpost) continue;  // it ends with its session
    const auto& claimed_by = deletion.filter->claimed_by;
    if (!claimed_by.empty() &&
        ((session.ground != nat::Ground::claim && session.ground != nat::Ground::pledge) ||
         !std::ranges::binary_search(claimed_by, session.host())))
      continue;
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
