#include "realmgw/dataplane/worker.hpp"

#include "realmgw/dataplane/events.hpp"
#include "realmgw/dataplane/listing.hpp"
#include "realmgw/dataplane/pinholes.hpp"
#include "realmgw/dataplane/realm_change.hpp"
#include "realmgw/dataplane/stages.hpp"

namespace rgw::dataplane {
namespace {

constexpr unsigned control_packets_a_turn = 32;
// Looking at an expired session costs a cache miss or two, so 64 delay a burst by some 20 us at the worst.
constexpr std::uint32_t expiries_a_turn = 64;
constexpr std::uint32_t stored_syns_a_turn = 32;
// Nobody follows the packets of a walk.
constexpr auto unseen = [](capture::Stage) {};

}  // namespace

Worker::Worker(const WorkerParts& parts) : context_{parts} {}

Worker::~Worker() {
  context_.fragments.clear(
      [&](void* held) { context_.drop(static_cast<rte_mbuf*>(held), Counter::shutdown); });
  for (auto* mbuf : context_.again) context_.drop(mbuf, Counter::shutdown);
  for (std::uint8_t from = 0; from < context_.peers.workers(); ++from) {
    if (WorkerId{from} == context_.id) continue;
    for (PeerMessage message; context_.peers.ring(WorkerId{from}, context_.id).pop(message);) {
      if (message.packet != nullptr) context_.drop(message.packet, Counter::shutdown);
    }
  }
  for (rte_mbuf* mbuf = nullptr; context_.control.packets_to_worker.pop(mbuf);)
    context_.drop(mbuf, Counter::shutdown);
}

std::uint32_t Worker::step() {
  context_.now = context_.clock.now();
  context_.tick = nat::tick_of(context_.now);
  turns_.begin(context_.now);

  // Reservations first: a packet that one lets in may be in this very burst (POOL-1).
  std::uint32_t work = handle_events(context_);
  if (context_.next_realm != nullptr) [[unlikely]]
    change_realm(context_);
  settle_pinholes(context_);
  work += handle_control_packets();
  for (std::uint8_t from = 0; from < context_.peers.workers(); ++from) {
    if (WorkerId{from} == context_.id) continue;
    PeerRing& ring = context_.peers.ring(WorkerId{from}, context_.id);
    // As many as a peer may have received in a turn.
    for (std::size_t bursts = context_.ports.size(); bursts != 0; --bursts) {
      const std::uint32_t count = handle_peer(ring);
      work += count;
      if (count < Batch::capacity) break;
    }
  }
  for (const auto& port : context_.ports) {
    if (context_.outlets.reads(*port)) work += handle_queue(*port);
  }
  keep_house();
  if (context_.sweep.under_way) [[unlikely]]
    work += sweep_sessions(context_);
  if (context_.deletion.filter != nullptr) [[unlikely]]
    work += delete_sessions(context_);
  context_.flush();
  turns_.end(work != 0);
  return work;
}

// The walk of a packet. `behind(stage)` is called behind each one.
template <class Behind>
void Worker::walk(Behind&& behind) {
  using capture::Stage;
  stages::parse(context_, batch_);
  behind(Stage::parse);
  if (context_.snapshot().policy.is_stateless()) {
    stages::map(context_, batch_);
    behind(Stage::map);
  }
  stages::defrag(context_, batch_);
  behind(Stage::defrag);
  stages::steer(context_, batch_);
  behind(Stage::steer);
  stages::lookup(context_, batch_);
  behind(Stage::lookup);
  // A reservation may have come since this turn began, and its first packet with it: before anything is
  // called a miss the ring is read to its end (POOL-1).
  if (batch_.to_admit) [[unlikely]]
    static_cast<void>(handle_events(context_));
  stages::admit(context_, batch_);
  behind(Stage::admit);
  walk_out(behind);
}

// What an ALG sends on has passed the stages before translation once.
template <class Behind>
void Worker::walk_edited(Behind&& behind) {
  using capture::Stage;
  stages::parse(context_, batch_);
  behind(Stage::parse);
  stages::edited(context_, batch_);
  behind(Stage::edited);
  walk_out(behind);
}

// The end of both.
template <class Behind>
void Worker::walk_out(Behind& behind) {
  using capture::Stage;
  stages::egress(context_, batch_);
  behind(Stage::egress);
  stages::translate(context_, batch_);
  behind(Stage::translate);
  stages::resolve(context_, batch_);
  behind(Stage::resolve);
  batch_.clear();
}

void Worker::run() {
  walk(unseen);
  run_again();
}

// What turned round, or was released by its first fragment, goes the same way once more: each once at the
// most.
void Worker::run_again() {
  while (!context_.again.empty()) [[unlikely]] {
      taken_up_.swap(context_.again);
      for (rte_mbuf* mbuf : taken_up_) {
        if (tracer_.wants(*mbuf)) [[unlikely]] {
          if (!batch_.empty()) walk(unseen);
          take_up(mbuf);
          walk_traced(capture::Entry::again);
          continue;
        }
        take_up(mbuf);
        if (batch_.full()) walk(unseen);
      }
      taken_up_.clear();
      if (!batch_.empty()) walk(unseen);
    }
}

// The one packet of the batch. Afterwards there may be some to be run again.
void Worker::walk_traced(capture::Entry entry) {
  tracer_.begin(batch_[0], entry);
  const auto behind = [&](capture::Stage stage) { tracer_.see(stage, batch_); };
  if (entry == capture::Entry::alg) {
    walk_edited(behind);
  } else {
    walk(behind);
  }
  context_.flush();
  tracer_.see(capture::Stage::send, batch_);
  tracer_.end();
}

void Worker::enlist(const Port& port, std::span<rte_mbuf* const> packets) {
  stages::enlist(port, packets, batch_);
}

void Worker::enlist(const HandedOver& run, std::span<rte_mbuf* const> packets) {
  if (run.port != nullptr) return stages::enlist(*run.port, packets, batch_, 1);
  for (rte_mbuf* mbuf : packets) take_up(mbuf);
}

std::uint16_t Worker::take_short_way(const Port& port, std::span<rte_mbuf*> packets) {
  return stages::take_short_way(context_, port.facts(), packets);
}

std::uint16_t Worker::take_short_way(const HandedOver& run, std::span<rte_mbuf*> packets) {
  return run.port == nullptr ? stages::take_short_way_from_peer(context_, run.side, packets)
                             : stages::take_short_way_from_peer(context_, run.port->facts(), packets);
}

// The short way, and the walk for the rest.
template <class Source>
void Worker::take(const Source& source, std::span<rte_mbuf*> packets) {
  const std::uint16_t left = take_short_way(source, packets);
  if (left == 0) return;
  enlist(source, packets.first(left));
  run();
}

// The same, in the same order, of packets of which some are followed.
template <class Source>
[[gnu::noinline]] void Worker::trace(std::span<rte_mbuf*> packets, capture::Entry entry,
                                     const Source& source) {
  std::size_t begin = 0;
  for (std::size_t i = 0; i < packets.size(); ++i) {
    if (!tracer_.wants(*packets[i])) continue;
    if (i != begin) take(source, packets.subspan(begin, i - begin));
    begin = i + 1;
    enlist(source, packets.subspan(i, 1));
    walk_traced(entry);
    run_again();
  }
  if (begin != packets.size()) take(source, packets.subspan(begin));
}

std::uint32_t Worker::handle_queue(const Port& port) {
  std::array<rte_mbuf*, Batch::capacity> burst;
  const std::uint16_t count = stages::receive(context_, port, burst);
  if (count == 0) return 0;
  if (tracer_.on()) [[unlikely]] {
    trace({burst.data(), count}, capture::Entry::port, port);
  } else {
    take(port, {burst.data(), count});
  }
  return count;
}

// A packet with a note: from a peer, or from ourselves.
void Worker::take_up(rte_mbuf* mbuf) {
  const auto& note = ring::note(mbuf);
  Packet& packet = batch_.add();
  packet.mbuf = mbuf;
  packet.port = packet.came_from = note.port;
  packet.hops = note.hops;
  packet.ports_known = note.ports_known;
  packet.hairpinned = note.hairpinned;
  packet.respelled = false;
  packet.edited = note.purpose == ring::Purpose::edited;
  packet.signpost = note.signpost;
  packet.signpost_state = note.signpost_state;
  packet.from = note.from;
}

std::uint32_t Worker::handle_peer(PeerRing& ring) {
  std::array<PeerMessage, Batch::capacity> messages;
  const unsigned count = ring.pop_burst(messages);
  // Where the frame begins if no header was added to it or taken away; to ask the buffer would be to wait for
  // it.
  constexpr std::size_t frame = sizeof(rte_mbuf) + ring::packet_note_room + RTE_PKTMBUF_HEADROOM;
  for (unsigned i = 0; i < count; ++i) {
    rte_prefetch0(messages[i].packet);
    rte_prefetch0(reinterpret_cast<const std::uint8_t*>(messages[i].packet) + frame);
  }
  HandedOver handed;
  for (unsigned i = 0; i < count; ++i) {
    const PeerMessage& message = messages[i];
    if (message.packet == nullptr) {
      take_up(handed);  // what came before it still needs the signpost
      hear_of_session(message);
      continue;
    }
    if (message.word == PeerMessage::Word::as_it_came) {
      add(handed, message);
      continue;
    }
    switch (ring::note(message.packet).purpose) {
      case ring::Purpose::forward:
        add(handed, message);
        break;
      case ring::Purpose::finish:
        context_.outlets.transmit(ring::note(message.packet).port, message.packet);
        break;
      default:
        stages::from_kernel(context_, message.packet, ring::note(message.packet).port);
        break;
    }
  }
  take_up(handed);
  return count;
}

void Worker::add(HandedOver& run, const PeerMessage& message) {
  const bool noted = message.word == PeerMessage::Word::noted;
  const auto& note = ring::note(message.packet);
  const Port& port = *context_.ports[(noted ? note.port : message.port).value()];
  // What was translated once comes as if from outside.
  const net::Side side = noted && note.hairpinned ? net::Side::outside : port.facts().side;
  const Port* of_run = noted ? nullptr : &port;
  if (run.port != of_run || run.side != side) {
    take_up(run);
    run.port = of_run;
    run.side = side;
  }
  run.packets[run.count++] = message.packet;
}

void Worker::take_up(HandedOver& handed) {
  if (handed.count == 0) return;
  const std::span<rte_mbuf*> packets{handed.packets.data(), handed.count};
  handed.count = 0;
  if (tracer_.on()) [[unlikely]] {
    trace(packets, capture::Entry::peer, handed);
  } else {
    take(handed, packets);
  }
}

void Worker::hear_of_session(const PeerMessage& message) {
  const nat::SessionSlot slot = context_.signpost_named(message.signpost);
  if (slot == nat::no_session) return;
  if (message.word == PeerMessage::Word::ended) {
    context_.book.end(slot, Counter::session_ended);
  } else {
    context_.sessions[slot].confirmed = true;
    context_.book.leave_pledge(context_.sessions[slot]);
    context_.keep_signpost(context_.sessions[slot]);
  }
}

std::uint32_t Worker::handle_control_packets() {
  std::array<rte_mbuf*, control_packets_a_turn> packets;
  const unsigned count = context_.control.packets_to_worker.pop_burst(packets);
  for (unsigned i = 0; i < count; ++i) {
    const auto& note = ring::note(packets[i]);
    if (note.purpose == ring::Purpose::edited && tracer_.wants(*packets[i])) [[unlikely]] {
      if (!batch_.empty()) walk_edited(unseen);
      take_up(packets[i]);
      walk_traced(capture::Entry::alg);
    } else if (note.purpose == ring::Purpose::edited) {
      take_up(packets[i]);
    } else if (note.purpose == ring::Purpose::from_kernel) {
      context_.counters.add(Counter::from_kernel);
      stages::from_kernel(context_, packets[i], note.port);
    } else {
      context_.outlets.transmit(note.port, packets[i]);
    }
  }
  if (!batch_.empty()) walk_edited(unseen);
  if (!context_.again.empty()) [[unlikely]]
    run_again();
  return count;
}

void Worker::keep_house() {
  context_.sessions.expire(
      context_.tick, expiries_a_turn,
      [&](nat::SessionSlot slot) { context_.book.end(slot, Counter::session_expired); },
      [&](nat::SessionSlot slot) {
        // Its packets may all go the way on which the signpost does not see them.
        const nat::Session& session = context_.sessions[slot];
        if (!session.posted) return;
        context_.outlets.tell_signpost(session.home, session.posted_by, PeerMessage::Word::lives);
      });
  context_.syns.expire(context_.now, stored_syns_a_turn,
                       [&](const nat::StoredSyns::Syn& syn) { stages::refuse_stored(context_, syn); });
  context_.bindings.sweep(context_.now);
  if (const std::uint32_t lost = context_.bindings.take_lost(); lost != 0) [[unlikely]]
    context_.counters.add(Counter::claim_pledge_lost, lost);
  if (nat::PortBlocks* blocks = context_.book.blocks()) [[unlikely]]
    blocks->expire(context_.now);
  context_.send_reports();
  keep_pinholes(context_);
  context_.book.proxies().sweep(context_.now, [&](const net::Ipv4Address& proxy, bool in_use) {
    const auto& block = context_.snapshot().policy.proxies;
    if (!block || !block->is_of_dns(proxy)) return true;
    return context_.control.events_to_control.push(ring::ProxyUse{proxy, in_use});
  });
  context_.fragments.expire(context_.now, [&](void* held) {
    context_.drop(static_cast<rte_mbuf*>(held), Counter::fragment_timeout);
  });
}

}  // namespace rgw::dataplane
