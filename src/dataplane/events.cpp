#include "realmgw/dataplane/events.hpp"

#include "realmgw/dataplane/listing.hpp"

#include <algorithm>
#include <array>
#include <variant>

namespace rgw::dataplane {
namespace {

void handle(Context& context, const ring::Bind& bind) {
  if (!context.bindings.bind(bind.external, bind.service, bind.reservation, bind.claim, bind.inside,
                             bind.deadline, bind.client)) {
    context.counters.add(Counter::binding_table_full);
  }
}

void handle(Context& context, const ring::Unbind& unbind) {
  context.bindings.unbind(unbind.external, unbind.service, unbind.reservation, unbind.reject_after,
                          context.now);
}

void handle(Context& context, const ring::ProxyBind& bind) {
  if (!context.book.proxies().bind(bind.proxy, bind.remote, bind.until)) {
    context.counters.add(Counter::binding_table_full);
  }
}

void handle(Context& context, const ring::NeighbourUpdate& update) {
  static_cast<void>(context.neighbours.update(context.snapshot().port(update.port), update.address,
                                              update.mac, update.reachable));
}

void handle(Context& context, const ring::RealmExchange& exchange) {
  context.next_realm = exchange.next;
}

void handle(Context& context, const ring::LinkState& link) {
  context.outlets.set_link(link.port, link.up);
}

void handle(Context& context, const ring::PortRelease& release) {
  context.outlets.release(release.port);
  context.report_to_control(ring::PortReleased{release.port});
}

void handle(Context& context, const ring::PortTake& take) {
  context.outlets.take(take.port);
}

void handle(Context& context, const ring::PinholeOpen& open) {
  auto& pinholes = context.book.pinholes();
  if (pinholes.add(open.hole) != nat::PinholeTable::none)
    return context.counters.add(Counter::pinhole_opened);
  context.counters.add(Counter::pinhole_table_full);
  // Who is home answers for it.
  if (context.ownership.owner_in(open.hole.inside.address) == context.id)
    context.report_to_control(ring::PinholeEnded{open.hole.id});
}

void handle(Context& context, const ring::PinholeMet& met) {
  const auto& pinholes = context.book.pinholes();
  const auto index = pinholes.find(met.id);
  // The host's home alone has its sessions.
  if (index != nat::PinholeTable::none &&
      context.ownership.owner_in(pinholes[index].inside.address) == context.id)
    context.met.push_back(met);
}

void handle(Context& context, const ring::PinholeExtend& extend) {
  auto& pinholes = context.book.pinholes();
  if (const auto index = pinholes.find(extend.id); index != nat::PinholeTable::none)
    pinholes.extend(index, extend.deadline);
}

void handle(Context& context, const ring::PinholeClose& close) {
  auto& pinholes = context.book.pinholes();
  const auto index = pinholes.find(close.id);
  if (index == nat::PinholeTable::none) return;
  if (context.ownership.owner_in(pinholes[index].inside.address) != context.id) return pinholes.erase(index);
  pinholes.shut(index);
  context.closing.push_back(index);
}

void handle(Context& context, const ring::MapAsked& asked) {
  context.report_to_control(ring::MapAnswered{asked.ticket, context.admission.map(asked.wish, context.now)});
}

void handle(Context& context, const ring::MappingHeld& held) {
  context.admission.hold(held.name, held.hold);
}

void handle(Context& context, const ring::SequenceShift& shift) {
  Companion* companion = context.companions.find(shift.session);
  if (companion == nullptr || companion->reading != Companion::Reading::text) return;
  companion->maps[static_cast<std::size_t>(shift.from)] = shift.map;
  if (shift.last) companion->reading = Companion::Reading::numbers;
}

void handle(Context& context, const ring::SessionKeep& keep) {
  const Companion* companion = context.companions.find(keep.session);
  if (companion == nullptr) return;
  nat::Session& session = context.sessions[companion->session];
  nat::SessionTable::extend(session,
                            context.tick + context.realm.timeouts[static_cast<std::size_t>(session.timer)]);
}

void handle(Context& context, const ring::SessionsQuery& query) {
  // A bounded part of the table a turn, so that a listing does not stop the traffic.
  constexpr std::uint32_t slots_a_query = 4096;
  auto& page = *query.page;
  page.count = 0;
  nat::SessionSlot slot = query.cursor;
  const nat::SessionSlot end = context.sessions.high_water();
  for (std::uint32_t seen = 0; slot < end && seen < slots_a_query && page.count < page.capacity;
       ++slot, ++seen) {
    if (!context.sessions.live(slot) || context.sessions[slot].signpost) continue;
    page.rows[page.count++] = describe(context, context.sessions[slot]);
  }
  // Control waits for no more pages than its ring has room for.
  static_cast<void>(
      context.control.events_to_control.push(ring::SessionsPageFilled{query.page, slot, slot >= end}));
}

// Sessions end between bursts, when no packet of theirs is in the stages.
void handle(Context& context, const ring::SessionsDelete& wish) {
  context.deletion = {.filter = wish.filter, .next = 0, .end = context.sessions.high_water(), .ended = 0};
}

void handle(Context& context, const ring::MappingsQuery& query) {
  const auto [next, last] =
      context.admission.list_mappings(query.cursor, query.page->rows, query.page->count);
  static_cast<void>(context.control.events_to_control.push(ring::MappingsPageFilled{query.page, next, last}));
}

void handle(Context& context, const ring::UseQuery& query) {
  report_use(context, query);
}

void handle(Context& context, const ring::PinholesQuery& query) {
  const auto [next, last] =
      context.admission.list_pinholes(query.cursor, query.page->rows, query.page->count, context.now);
  static_cast<void>(context.control.events_to_control.push(ring::PinholesPageFilled{query.page, next, last}));
}

}  // namespace

std::uint32_t handle_events(Context& context) {
  auto& events = context.control.events_to_worker;
  // What control adds meanwhile may wait for the next turn.
  const std::uint32_t waiting = events.size();
  if (waiting == 0) return 0;
  std::array<ring::ToWorker, 16> burst;
  std::uint32_t count = 0;
  while (count < waiting) {
    const unsigned popped =
        events.pop_burst({burst.data(), std::min<std::size_t>(burst.size(), waiting - count)});
    // A reservation's memory is seldom in the cache, and they come in crowds.
    for (unsigned i = 0; i < popped; ++i) {
      if (const auto* bind = std::get_if<ring::Bind>(&burst[i]))
        context.bindings.prefetch(bind->external, bind->service);
    }
    for (unsigned i = 0; i < popped; ++i) {
      std::visit([&](const auto& what) { handle(context, what); }, burst[i]);
    }
    count += popped;
  }
  return count;
}

}  // namespace rgw::dataplane
