// Up to 32 packets on their way through the stages. Hot path: lives in the worker's own memory.
#pragma once

#include "realmgw/base/strong_id.hpp"
#include "realmgw/base/verdict.hpp"
#include "realmgw/dataplane/neighbour_table.hpp"
#include "realmgw/nat/session_table.hpp"
#include "realmgw/net/packet.hpp"
#include "realmgw/ring/packet_buffer.hpp"

#include <array>
#include <cstdint>

#include <rte_mbuf.h>

namespace rgw::dataplane {

/// A parsed packet and what the stages have found out about it so far.
struct alignas(64) Packet : net::Packet {
  rte_mbuf* mbuf;
  std::uint64_t hash;            ///< of its key; from `lookup` on
  nat::SessionSlot session;      ///< from `lookup` on; none: a miss
  std::uint32_t signpost;        ///< by which the peer sent it
  const Neighbour* neighbour;    ///< from `egress` on; none: to be resolved
  PortId port;                   ///< where it came in; from `egress` on where it goes out
  PortId came_from;              ///< where it came in
  std::uint16_t mtu;             ///< from `egress` on: what longer packets are cut to
  std::uint16_t identification;  ///< from `translate` on, where IPv4 became IPv6: the IPv4 packet's
  std::uint8_t hops;             ///< from worker to worker
  bool ports_known;              ///< a fragment whose flow `defrag` (here or on a peer) has filled in
  bool hairpinned;               ///< translated outbound already; now on its way in
  bool reconsider;               ///< its session may give way to what is new: see `keep_alive`
  bool respelled;  ///< calls its session's remote by another spelling than the session: nat::respell
  bool edited;     ///< an ALG has read it and sends it on
  ring::SignpostState signpost_state;  ///< where there is a signpost
  WorkerId from;                       ///< the peer that sent it
  net::IpAddress next_hop;             ///< from `egress` on, where there is no neighbour
};
static_assert(sizeof(Packet) == 128);

/// The packets of a burst that are still on their way, in order.
class Batch {
 public:
  static constexpr std::uint16_t capacity = 32;

  [[nodiscard]] std::uint16_t size() const { return live_; }
  [[nodiscard]] bool empty() const { return live_ == 0; }
  [[nodiscard]] bool full() const { return used_ == capacity; }
  void clear() {
    live_ = used_ = 0;
    has_fragments = to_admit = false;
  }

  /// What most batches have none of, so that the stages which deal with it need not look: fragments (from
  /// `parse` on),
  bool has_fragments = false;
  /// and packets without a session, with one to be reconsidered, or ICMP errors (from `lookup` on).
  bool to_admit = false;

  /// Room for one more; the caller fills it in. Only where not `full()`.
  Packet& add() {
    Packet& packet = packets_[used_++];
    order_[live_++] = &packet;
    return packet;
  }
  /// Takes a packet of another batch over; that one must live until this one is through.
  void take(Packet& packet) { order_[live_++] = &packet; }
  [[nodiscard]] Packet& operator[](std::uint16_t i) { return *order_[i]; }

  /// Keeps the packets for which `stage(packet)` passes; `dropped(packet, counter)` gets the others, unless
  /// they were taken.
  template <class Stage, class Dropped>
  void sift(Stage&& stage, Dropped&& dropped) {
    std::uint16_t kept = 0;
    for (std::uint16_t i = 0; i < live_; ++i) {
      Packet& packet = *order_[i];
      const Verdict verdict = stage(packet);
      if (verdict.passed()) [[likely]] {
        order_[kept++] = &packet;
      } else if (!verdict.was_taken()) {
        dropped(packet, verdict.counter());
      }
    }
    live_ = kept;
  }

  Packet** begin() { return order_.data(); }
  Packet** end() { return order_.data() + live_; }

 private:
  std::array<Packet, capacity> packets_;
  std::array<Packet*, capacity> order_;
  std::uint16_t used_ = 0;
  std::uint16_t live_ = 0;
};

}  // namespace rgw::dataplane
