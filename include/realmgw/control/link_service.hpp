// What the packet path leaves to the control thread on the links: the kernel's share, and neighbours.
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/control/dns_packets.hpp"
#include "realmgw/control/event_loop.hpp"
#include "realmgw/control/kernel_port.hpp"
#include "realmgw/control/neighbours.hpp"
#include "realmgw/control/realm_in_force.hpp"
#include "realmgw/control/worker_links.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

struct rte_mempool;

namespace rgw::control {

/// Takes the packets that workers hand up, and brings those of the kernel down.
class LinkService final : private NeighbourActions {
 public:
  static constexpr unsigned packets_per_turn = 256;  ///< from one ring of a worker
  static constexpr unsigned burst = 32;              ///< of these, taken at once
  static constexpr unsigned frames_per_turn = 64;    ///< from one kernel port
  static constexpr std::size_t longest_frame = 9216 + 18;

  /// `packets`: the mempool of what the kernel sends; its data room bounds the frames. `dns` gets the
  /// queries.
  LinkService(EventLoop& loop, const RealmInForce& realm, WorkerLinks& workers, CounterBlock& counters,
              rte_mempool* packets, const KernelPortFactory& kernel_ports, DnsPackets& dns);
  ~LinkService() override;

  /// Handles what lies in the workers' rings, and in kernel ports without a descriptor. True where there was
  /// something.
  bool step(Instant now);
  /// Brings the routes of the realm in force to the kernel. Throws std::system_error.
  void realm_changed();
  /// Drops what lies in the rings from and to the workers, who have stopped: nobody handles it any more.
  void drain();

  [[nodiscard]] const Neighbours& neighbours() const { return neighbours_; }

 private:
  void send_frame(PortId port, std::span<const std::uint8_t> frame) override;
  void update(const ring::NeighbourUpdate& update) override { workers_.broadcast(update); }
  void resume(ring::PacketBuffer packet, const net::MacAddress& mac) override;

  bool take(ring::SpscRing<rte_mbuf*>& ring, Instant now);
  void handle(ring::PacketBuffer packet, Instant now);
  void to_kernel(PortId port, std::span<const std::uint8_t> frame);
  bool from_kernel(PortId port);
  void to_worker(PortId port, ring::Purpose purpose, std::span<const std::uint8_t> frame);
  [[nodiscard]] bool is_request_for_us(std::span<const std::uint8_t> frame) const;

  EventLoop& loop_;
  const RealmInForce& realm_;
  WorkerLinks& workers_;
  CounterBlock& counters_;
  rte_mempool* packets_;
  DnsPackets& dns_;
  std::vector<std::unique_ptr<KernelPort>> kernel_ports_;  // by port; empty where it has none
  Neighbours neighbours_;
  std::array<std::uint8_t, longest_frame> room_;
};

}  // namespace rgw::control
