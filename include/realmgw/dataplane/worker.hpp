// A worker: turns the crank of the packet path. A thread only calls `step()`; tests call it themselves.
#pragma once

#include "realmgw/base/turn_meter.hpp"
#include "realmgw/dataplane/context.hpp"
#include "realmgw/dataplane/tracer.hpp"

#include <array>
#include <cstdint>

namespace rgw::dataplane {

class Worker {
 public:
  explicit Worker(const WorkerParts& parts);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// One turn: control's events, control's packets, peers' packets, a burst from each queue, timers. Returns
  /// how many packets and events there were, so that the caller may rest after a run of idle turns.
  std::uint32_t step();

  /// Its part of a realm that is to follow, for `ring::RealmExchange`. Any thread may make it.
  [[nodiscard]] std::unique_ptr<ring::WorkerRealm> next_realm(
      std::shared_ptr<const ring::Snapshot> snapshot) const {
    return std::make_unique<NextRealm>(std::move(snapshot), context_.ownership, context_.id, context_.salt);
  }

  [[nodiscard]] WorkerId id() const { return context_.id; }
  /// May be read by any thread.
  [[nodiscard]] const CounterBlock& counters() const { return context_.counters; }
  /// Any thread may show a capture what comes by there.
  [[nodiscard]] CapturePoint& drops() { return context_.drops.shown(); }
  [[nodiscard]] CapturePoint& signalling() { return context_.signalling; }
  /// Any thread may have it follow packets.
  [[nodiscard]] Tracer& tracer() { return tracer_; }
  /// May be read by any thread.
  [[nodiscard]] const TurnMeter& turns() const { return turns_; }
  /// The state itself: for the worker's own thread, and for tests that turn the crank.
  [[nodiscard]] Context& context() { return context_; }

 private:
  /// A run of packets that a peer has handed over and that are alike: from one side, with notes, or as they
  /// came by one port.
  struct HandedOver {
    const Port* port = nullptr;  ///< as they came by it
    net::Side side{};
    std::array<rte_mbuf*, Batch::capacity> packets;
    std::uint16_t count = 0;
  };

  std::uint32_t handle_control_packets();
  std::uint32_t handle_peer(PeerRing& ring);
  void hear_of_session(const PeerMessage& message);
  std::uint32_t handle_queue(const Port& port);
  void take_up(rte_mbuf* mbuf);
  void add(HandedOver& run, const PeerMessage& message);
  void take_up(HandedOver& handed);
  template <class Behind>
  void walk(Behind&& behind);
  template <class Behind>
  void walk_edited(Behind&& behind);
  template <class Behind>
  void walk_out(Behind& behind);
  void run();
  void run_again();
  void enlist(const Port& port, std::span<rte_mbuf* const> packets);
  void enlist(const HandedOver& run, std::span<rte_mbuf* const> packets);
  [[nodiscard]] std::uint16_t take_short_way(const Port& port, std::span<rte_mbuf*> packets);
  [[nodiscard]] std::uint16_t take_short_way(const HandedOver& run, std::span<rte_mbuf*> packets);
  template <class Source>
  void take(const Source& source, std::span<rte_mbuf*> packets);
  template <class Source>
  void trace(std::span<rte_mbuf*> packets, capture::Entry entry, const Source& source);
  void walk_traced(capture::Entry entry);
  void keep_house();

  Context context_;
  Tracer tracer_{context_};
  TurnMeter turns_;
  Batch batch_;
  std::vector<rte_mbuf*> taken_up_;  ///< scratch of `run`
};

}  // namespace rgw::dataplane
