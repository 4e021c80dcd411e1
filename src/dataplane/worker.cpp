#include "realmgw/dataplane/worker.hpp"

#include <algorithm>

#include "realmgw/dataplane/stages.hpp"

namespace rgw::dataplane {
namespace {

constexpr unsigned events_a_turn = 256;
constexpr unsigned control_packets_a_turn = 32;
// Looking at an expired session costs a cache miss or two, so 64 delay a burst by some 20 us at the worst.
constexpr std::uint32_t expiries_a_turn = 64;

nat::SessionInfo describe(const nat::Session& session, WorkerId worker, nat::Tick tick, nat::Tick timeout) {
  const std::uint32_t left = session.deadline > tick ? session.deadline - tick : 0;
  const auto port = [](const net::FlowKey4& key) { return key.tail.near_port.host(); };
  return {.protocol = session.protocol(),
          .origin = session.origin,
          .tcp_state = static_cast<std::uint8_t>(session.tcp_state),
          .worker = worker.value(),
          .inside = {session.host(), port(session.inside)},
          .external = {session.external(), port(session.outside)},
          .remote = {session.remote(net::Side::outside), session.outside.tail.far_port.host()},
          .remote_inside = {session.remote(net::Side::inside), session.inside.tail.far_port.host()},
          .age_s = nat::seconds_of(tick - session.created),
          .idle_s = nat::seconds_of(timeout > left ? timeout - left : 0),
          .expires_s = nat::seconds_of(left)};
}

}  // namespace

Worker::Worker(const WorkerParts& parts) : context_{parts} {}

Worker::~Worker() {
  context_.fragments.clear([&](void* held) { context_.drop(static_cast<rte_mbuf*>(held), Counter::shutdown); });
  for (auto* mbuf : context_.again) context_.drop(mbuf, Counter::shutdown);
  for (std::uint8_t from = 0; from < context_.peers.workers(); ++from) {
    if (WorkerId{from} == context_.id) continue;
    for (PeerMessage message; context_.peers.ring(WorkerId{from}, context_.id).pop(message);) {
      if (message.packet != nullptr) context_.drop(message.packet, Counter::shutdown);
    }
  }
  for (rte_mbuf* mbuf = nullptr; context_.control.packets_to_worker.pop(mbuf);) context_.drop(mbuf, Counter::shutdown);
}

std::uint32_t Worker::step() {
  context_.now = context_.clock.now();
  context_.tick = nat::tick_of(context_.now);

  // Reservations first: a packet that one lets in may be in this very burst (POOL-1).
  std::uint32_t work = handle_events();
  work += handle_control_packets();
  for (std::uint8_t from = 0; from < context_.peers.workers(); ++from) {
    if (WorkerId{from} != context_.id) work += handle_peer(context_.peers.ring(WorkerId{from}, context_.id));
  }
  for (const auto& port : context_.ports) {
    if (context_.has_queue(*port)) work += handle_queue(*port);
  }
  keep_house();
  context_.flush();
  return work;
}

// The walk of a packet.
void Worker::walk() {
  stages::parse(context_, batch_);
  stages::defrag(context_, batch_);
  stages::steer(context_, batch_);
  stages::lookup(context_, batch_);
  stages::admit(context_, batch_);
  stages::egress(context_, batch_);
  stages::translate(context_, batch_);
  stages::resolve(context_, batch_);
  batch_.clear();
}

void Worker::run() {
  walk();
  // What turned round, or was released by its first fragment, goes the same way once more: each once at the most.
  while (!context_.again.empty()) [[unlikely]] {
    taken_up_.swap(context_.again);
    for (rte_mbuf* mbuf : taken_up_) {
      take_up(mbuf);
      if (batch_.full()) walk();
    }
    taken_up_.clear();
    if (!batch_.empty()) walk();
  }
}

std::uint32_t Worker::handle_queue(const Port& port) {
  std::array<rte_mbuf*, Batch::capacity> burst;
  const std::uint16_t count = port.receive(context_.id.value(), burst.data(), burst.size());
  if (count == 0) return 0;
  context_.counters.add(Counter::rx_packets, count);
  for (std::uint16_t i = 0; i < count; ++i) rte_prefetch0(rte_pktmbuf_mtod(burst[i], void*));
  for (std::uint16_t i = 0; i < count; ++i) {
    Packet& packet = batch_.add();
    packet.mbuf = burst[i];
    packet.port = port.id();
    packet.hops = 0;
    packet.ports_known = packet.hairpinned = false;
    packet.signpost = ring::no_signpost;
  }
  run();
  return count;
}

// A packet with a note: from a peer, or from ourselves.
void Worker::take_up(rte_mbuf* mbuf) {
  const auto& note = ring::note(mbuf);
  Packet& packet = batch_.add();
  packet.mbuf = mbuf;
  packet.port = note.port;
  packet.hops = note.hops;
  packet.ports_known = note.ports_known;
  packet.hairpinned = note.hairpinned;
  packet.signpost = note.signpost;
  packet.from = note.from;
}

std::uint32_t Worker::handle_peer(PeerRing& ring) {
  std::array<PeerMessage, Batch::capacity> messages;
  const unsigned count = ring.pop_burst(messages);
  for (unsigned i = 0; i < count; ++i) {
    const PeerMessage& message = messages[i];
    if (message.packet == nullptr) {
      if (!batch_.empty()) run();  // what came before it still needs the signpost
      if (context_.sessions.live(message.signpost) && context_.sessions[message.signpost].signpost) {
        context_.end_session(message.signpost);
      }
      continue;
    }
    switch (ring::note(message.packet).purpose) {
      case ring::Purpose::forward: take_up(message.packet); break;
      case ring::Purpose::finish: context_.transmit(ring::note(message.packet).port, message.packet); break;
      default: stages::from_kernel(context_, message.packet, ring::note(message.packet).port); break;
    }
  }
  if (!batch_.empty()) run();
  return count;
}

std::uint32_t Worker::handle_control_packets() {
  std::array<rte_mbuf*, control_packets_a_turn> packets;
  const unsigned count = context_.control.packets_to_worker.pop_burst(packets);
  for (unsigned i = 0; i < count; ++i) {
    const auto& note = ring::note(packets[i]);
    if (note.purpose == ring::Purpose::from_kernel) {
      context_.counters.add(Counter::from_kernel);
      stages::from_kernel(context_, packets[i], note.port);
    } else {
      context_.transmit(note.port, packets[i]);
    }
  }
  return count;
}

std::uint32_t Worker::handle_events() {
  unsigned count = 0;
  for (ring::ToWorker event; count < events_a_turn && context_.control.events_to_worker.pop(event); ++count) {
    std::visit([this](const auto& what) { handle(what); }, event);
  }
  return count;
}

void Worker::handle(const ring::Bind& bind) {
  if (!context_.bindings.bind(bind.external, bind.service, bind.reservation, bind.claim, bind.inside, bind.deadline)) {
    context_.counters.add(Counter::binding_table_full);
  }
}

void Worker::handle(const ring::Unbind& unbind) {
  context_.bindings.unbind(unbind.reservation, unbind.reject_after, context_.now);
}

void Worker::handle(const ring::NeighbourUpdate& update) {
  static_cast<void>(context_.neighbours.update(update.port, update.address, update.mac, update.reachable));
}

void Worker::handle(const ring::LinkState& link) { context_.set_link(link.port, link.up); }

void Worker::handle(const ring::SessionsQuery& query) {
  // A bounded part of the table a turn, so that a listing does not stop the traffic.
  constexpr std::uint32_t slots_a_query = 4096;
  auto& page = *query.page;
  page.count = 0;
  nat::SessionSlot slot = query.cursor;
  const nat::SessionSlot end = context_.sessions.high_water();
  for (std::uint32_t seen = 0; slot < end && seen < slots_a_query && page.count < page.capacity; ++slot, ++seen) {
    if (!context_.sessions.live(slot) || context_.sessions[slot].signpost) continue;
    const nat::Session& session = context_.sessions[slot];
    page.sessions[page.count++] = describe(session, context_.id, context_.tick,
                                           context_.timeouts[static_cast<std::size_t>(session.timer)]);
  }
  // Control waits for no more pages than its ring has room for.
  static_cast<void>(context_.control.events_to_control.push(ring::SessionsPageFilled{query.page, slot, slot >= end}));
}

void Worker::keep_house() {
  context_.sessions.expire(context_.tick, expiries_a_turn, [&](nat::SessionSlot slot) {
    if (!context_.sessions[slot].signpost) context_.counters.add(Counter::session_expired);
    context_.end_session(slot);
  });
  context_.bindings.sweep(context_.now);
  context_.fragments.expire(context_.now, [&](void* held) {
    context_.drop(static_cast<rte_mbuf*>(held), Counter::fragment_timeout);
  });
}

}  // namespace rgw::dataplane
