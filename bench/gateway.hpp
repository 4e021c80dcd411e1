// Workers on two in-memory ports: the product's own loop, with nothing around it that could count.
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/config/realm.hpp"
#include "realmgw/dataplane/eal.hpp"
#include "realmgw/dataplane/worker.hpp"
#include "realmgw/ring/messages.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tests/support/wire.hpp"

namespace rgw::bench {

/// The machine's clock, which can be made to jump ahead.
class ShiftedClock final : public Clock {
 public:
  [[nodiscard]] Instant now() const override { return clock_.now() + ahead_; }
  void jump(Duration by) { ahead_ += by; }

 private:
  MonotonicClock clock_;
  Duration ahead_{};
};

using test::Wire;

/// The routers on both links; all that is learnt of neighbours.
inline constexpr const char *inside_router = "192.168.0.2", *outside_router = "198.51.100.254",
                            *inside_router6 = "fd00:c0::2", *outside_router6 = "2001:db8:100::fe";

/// The realm of the benchmark: inside 10.0.0.0/8 behind a router, outside one external address and a router,
/// so that no count of hosts needs more than two neighbours. UDP sessions last for two hours.
[[nodiscard]] config::Realm bench_realm(std::uint32_t max_sessions);

/// One gateway. `step()` is a worker's; nothing runs by itself.
class Gateway {
 public:
  static constexpr std::uint8_t inside = 0, outside = 1;

  explicit Gateway(config::Realm realm, unsigned workers = 1);
  ~Gateway();

  [[nodiscard]] unsigned workers() const { return static_cast<unsigned>(workers_.size()); }
  [[nodiscard]] dataplane::Worker& worker(unsigned i = 0) { return *workers_[i]; }
  [[nodiscard]] const dataplane::Port& port(std::uint8_t side) const { return *ports_[0][side]; }
  /// A worker receives and sends on the queue of its number.
  [[nodiscard]] Wire& wire(std::uint8_t side, unsigned worker = 0) { return *wires_[worker][side]; }
  [[nodiscard]] ShiftedClock& clock() { return clock_; }
  [[nodiscard]] rte_mempool* packets() { return pool_.get(); }
  [[nodiscard]] const ring::Snapshot& snapshot() const { return *snapshot_; }
  [[nodiscard]] const std::shared_ptr<const ring::Snapshot>& share_snapshot() const { return snapshot_; }
  /// Between control and the first worker.
  [[nodiscard]] ring::ControlRings& rings() { return *rings_[0]; }
  /// Of all workers.
  [[nodiscard]] std::uint64_t count(Counter counter) const;
  /// Every packet that ended badly so far.
  [[nodiscard]] std::uint64_t drops() const;

 private:
  void learn(std::uint8_t port, const char* router);

  ShiftedClock clock_;
  dataplane::PacketPool pool_;
  // Of each worker: a net_ring device counts the packets of all its queues in one cache line, which a NIC
  // does not.
  std::vector<std::vector<std::unique_ptr<Wire>>> wires_;
  std::vector<std::vector<std::unique_ptr<dataplane::Port>>> ports_;
  std::shared_ptr<const ring::Snapshot> snapshot_;
  dataplane::PeerMesh peers_;
  std::vector<std::unique_ptr<ring::ControlRings>> rings_;
  std::vector<std::unique_ptr<dataplane::Worker>> workers_;
};

}  // namespace rgw::bench
