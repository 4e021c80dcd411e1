// A device in memory and the far end of its cable, for tests and for the benchmark.
#pragma once

#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "thread_sanitizer.hpp"
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

namespace rgw::test {

/// A net_ring device with some queues. What still lies on the wire in the end is freed.
class Wire {
 public:
  /// At most this many packets lie on a queue each way.
  static constexpr unsigned capacity = 4095;

  explicit Wire(unsigned queues) {
    static unsigned serial = 0;  // DPDK's names are global to the process
    const std::string name = "wire" + std::to_string(serial++);
    for (unsigned queue = 0; queue < queues; ++queue) {
      in_.push_back(ring(name + "in" + std::to_string(queue)));
      out_.push_back(ring(name + "out" + std::to_string(queue)));
    }
    if (rte_eth_from_rings(name.c_str(), in_.data(), queues, out_.data(), queues, 0) < 0)
      throw std::runtime_error{"no net_ring device"};
    device_ = "net_ring_" + name;
  }
  ~Wire() {
    for (const auto* rings : {&in_, &out_}) {
      for (rte_ring* ring : *rings) {
        for (void* packet = nullptr; rte_ring_dequeue(ring, &packet) == 0;) {
          take_over(packet);
          rte_pktmbuf_free(static_cast<rte_mbuf*>(packet));
        }
        rte_ring_free(ring);
      }
    }
  }
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  [[nodiscard]] const std::string& device() const { return device_; }
  [[nodiscard]] unsigned queues() const { return static_cast<unsigned>(in_.size()); }
  /// Puts packets where the port receives them; they must fit.
  void put(std::span<rte_mbuf* const> packets, unsigned queue = 0) {
    for (rte_mbuf* packet : packets) hand_over(packet);
    const auto count = static_cast<unsigned>(packets.size());
    if (rte_ring_enqueue_bulk(in_[queue], reinterpret_cast<void* const*>(packets.data()), count, nullptr) !=
        count)
      throw std::logic_error{"more packets than the wire holds"};
  }
  /// Takes what the port has sent; returns how many.
  [[nodiscard]] unsigned take(std::span<rte_mbuf*> packets, unsigned queue = 0) {
    const unsigned taken = rte_ring_dequeue_burst(out_[queue], reinterpret_cast<void**>(packets.data()),
                                                  static_cast<unsigned>(packets.size()), nullptr);
    for (rte_mbuf* packet : packets.first(taken)) take_over(packet);
    return taken;
  }

 private:
  static rte_ring* ring(const std::string& name) {
    rte_ring* made =
        rte_ring_create(name.c_str(), capacity + 1, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
    if (made == nullptr) throw std::runtime_error{"no memory for a ring"};
    return made;
  }

  std::vector<rte_ring*> in_, out_;
  std::string device_;
};

}  // namespace rgw::test
