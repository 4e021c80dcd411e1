// The control thread's ends of the rings to and from the workers.
#pragma once

#include "realmgw/base/counter.hpp"
#include "realmgw/base/turn_meter.hpp"
#include "realmgw/ring/messages.hpp"
#include "realmgw/ring/packet_buffer.hpp"
#include "realmgw/ring/snapshot.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace rgw::control {

/// One worker, as the control thread knows it. Both outlive the controller.
struct WorkerLink {
  ring::ControlRings* rings;
  const CounterBlock* counters;  ///< written by the worker
  /// Makes the worker's part of a realm; any thread may call it. Empty: it keeps the one that it has.
  std::function<std::unique_ptr<ring::WorkerRealm>(std::shared_ptr<const ring::Snapshot>)> next_realm{};
  const TurnMeter* turns = nullptr;  ///< written by the worker; null: not measured
};

/// Sends to workers. An event that a full ring does not take waits here, in order, so that none is ever lost
/// or overtaken; whoever must know that all workers have theirs (POOL-1) asks `settled()`.
class WorkerLinks {
 public:
  WorkerLinks(std::vector<WorkerLink> workers, CounterBlock& counters);

  /// Sends an event to all workers.
  void broadcast(const ring::ToWorker& event);
  /// Sends an event to one, unless its ring is full.
  [[nodiscard]] bool try_send(WorkerId worker, const ring::ToWorker& event);
  /// Moves what waits into the rings, as far as they take it.
  void flush();
  /// Every event so far lies in its ring.
  [[nodiscard]] bool settled() const { return waiting_ == 0; }
  /// Would the next `events` broadcasts lie in the rings at once?
  [[nodiscard]] bool room_for(unsigned events) const;

  /// Sends a packet with its note; counts it as `worker_ring_full` where it does not fit.
  void send(WorkerId worker, ring::PacketBuffer packet);

  /// The worker's part of a realm that is to follow.
  [[nodiscard]] std::unique_ptr<ring::WorkerRealm> next_realm(
      WorkerId worker, std::shared_ptr<const ring::Snapshot> realm) const {
    return links_[worker.value()].link.next_realm(std::move(realm));
  }

  [[nodiscard]] std::size_t size() const { return links_.size(); }
  [[nodiscard]] ring::ControlRings& rings(WorkerId worker) { return *links_[worker.value()].link.rings; }
  [[nodiscard]] const CounterBlock& counters(WorkerId worker) const {
    return *links_[worker.value()].link.counters;
  }
  /// Null where they are not measured.
  [[nodiscard]] const TurnMeter* turns(WorkerId worker) const { return links_[worker.value()].link.turns; }

 private:
  struct Link {
    WorkerLink link;
    std::deque<ring::ToWorker> waiting;
  };

  std::vector<Link> links_;
  CounterBlock& counters_;
  std::size_t waiting_ = 0;
};

}  // namespace rgw::control
