// Follows single packets through the stages of a worker, for an operator (OPS-3).
#pragma once

#include "realmgw/base/counter.hpp"
#include "realmgw/capture/trace.hpp"
#include "realmgw/dataplane/batch.hpp"
#include "realmgw/nat/token_bucket.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include <rte_mbuf.h>

namespace rgw::dataplane {

class Context;

/// One worker's. A packet that is followed takes the walk, never the short way, and takes it alone: so what
/// a stage counts meanwhile, it counts for this packet.
class Tracer {
 public:
  /// Packets followed by a worker in a second, at most. The others go their usual way.
  static constexpr std::uint32_t walks_per_second = 1000, walks_at_once = 200;

  /// `context` outlives this.
  explicit Tracer(Context& context) : context_{context} {}

  /// Any thread: what is told from now on, or null. The one before may be in use until the worker's turn is
  /// over.
  void show_to(capture::Trace* trace) { trace_.store(trace, std::memory_order_release); }

  [[nodiscard]] bool on() const { return trace_.load(std::memory_order_relaxed) != nullptr; }
  /// Is this packet to be followed?
  [[nodiscard]] bool wants(rte_mbuf& packet) {
    const capture::Trace* const trace = trace_.load(std::memory_order_acquire);
    return trace != nullptr && trace->wants(packet) && may_follow();
  }

  /// The walk of a packet begins.
  void begin(Packet& packet, capture::Entry entry);
  /// It is behind a stage. `batch` is empty where it has not passed.
  void see(capture::Stage stage, Batch& batch);
  /// It is over, and told.
  void end();

 private:
  [[nodiscard]] bool may_follow();
  /// What has been counted since the last call.
  void count(capture::TraceStep& step);

  Context& context_;
  std::atomic<capture::Trace*> trace_ = nullptr;
  nat::TokenBucket walks_{walks_per_second, walks_at_once};
  capture::WalkHead head_;
  std::array<capture::TraceStep, capture::Trace::most_steps> steps_;
  std::size_t count_ = 0;
  bool under_way_ = false;  ///< the packet is still in the batch
  std::array<std::uint64_t, counter_count> counters_;
};

}  // namespace rgw::dataplane
