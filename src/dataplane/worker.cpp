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

// The walk of a packet.
void Worker::walk() {
  stages::parse(context_, batch_);
  if (context_.snapshot().policy.is_stateless()) stages::map(context_, batch_);
  stages::defrag(context_, batch_);
  stages::steer(context_, batch_);
  stages::lookup(context_, batch_);
  // A reservation may have come since this turn began, and its first packet with it: before anything is
  // called a miss the ring is read to its end (POOL-1).
  if (batch_.to_admit) [[unlikely]]
    static_cast<void>(handle_events(context_));
  stages::admit(context_, batch_);
  stages::egress(context_, batch_);
  stages::translate(context_, batch_);
  stages::resolve(context_, batch_);
  batch_.clear();
}

void Worker::run() {
  walk();
  // What turned round, or was released by its first fragment, goes the same way once more: each once at the
  // most.
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
  const std::uint16_t count = stages::receive(context_, port, burst);
  if (count == 0) return 0;
  const std::uint16_t left = stages::take_short_way(context_, port.facts(), {burst.data(), count});
  if (left != 0) {
    stages::enlist(port, {burst.data(), left}, batch_);
    run();
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
  if (handed.port == nullptr) {
    const std::uint16_t left = stages::take_short_way_from_peer(context_, handed.side, packets);
    for (rte_mbuf* mbuf : packets.first(left)) take_up(mbuf);
  } else {
    const std::uint16_t left = stages::take_short_way_from_peer(context_, handed.port->facts(), packets);
    stages::enlist(*handed.port, packets.first(left), batch_, 1);
  }
  if (!batch_.empty()) run();
}

void Worker::hear_of_session(const PeerMessage& message) {
  const nat::SessionSlot slot = context_.signpost_named(message.signpost);
  if (slot == nat::no_session) return;
  if (message.word == PeerMessage::Word::ended) {
    context_.book.end(slot, Counter::session_ended);
  } else {
    context_.sessions[slot].confirmed = true;
    context_.keep_signpost(context_.sessions[slot]);
  }
}

std::uint32_t Worker::handle_control_packets() {
  std::array<rte_mbuf*, control_packets_a_turn> packets;
  const unsigned count = context_.control.packets_to_worker.pop_burst(packets);
  for (unsigned i = 0; i < count; ++i) {
    const auto& note = ring::note(packets[i]);
    if (note.purpose == ring::Purpose::edited) {
      take_up(packets[i]);
    } else if (note.purpose == ring::Purpose::from_kernel) {
      context_.counters.add(Counter::from_kernel);
      stages::from_kernel(context_, packets[i], note.port);
    } else {
      context_.outlets.transmit(note.port, packets[i]);
    }
  }
  if (!batch_.empty()) walk_edited();
  return count;
}

// What an ALG sends on has passed the stages before translation once.
void Worker::walk_edited() {
  stages::parse(context_, batch_);
  stages::edited(context_, batch_);
  stages::egress(context_, batch_);
  stages::translate(context_, batch_);
  stages::resolve(context_, batch_);
  batch_.clear();
  if (!context_.again.empty()) run();
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
