// The only way from thread to thread: a ring with one writer and one reader.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>

#include <rte_ring_elem.h>

namespace rgw::ring {

/// A lock-free queue of plain values between exactly two threads (DPDK rte_ring in SP/SC mode).
/// Writer: the thread that pushes. Reader: the thread that pops. Capacity is fixed.
template <class T>
class SpscRing {
  static_assert(std::is_trivially_copyable_v<T>, "a message is a plain struct");
  static_assert(sizeof(T) % 4 == 0, "rte_ring copies words of four bytes");

 public:
  /// `capacity` is rounded up to a power of two; that many elements less one fit. Throws std::runtime_error.
  SpscRing(const std::string& name, unsigned capacity)
      : ring_{rte_ring_create_elem(unique(name).c_str(), sizeof(T), round_up(capacity), SOCKET_ID_ANY,
                                   RING_F_SP_ENQ | RING_F_SC_DEQ)} {
    if (!ring_) throw std::runtime_error{"no memory for the ring " + name};
  }

  /// False where the ring is full.
  [[nodiscard]] bool push(const T& value) { return push_burst({&value, 1}) == 1; }
  /// Pushes as many of `values` as fit, in order; returns how many.
  [[nodiscard]] unsigned push_burst(std::span<const T> values) {
    return rte_ring_sp_enqueue_burst_elem(ring_.get(), values.data(), sizeof(T),
                                          static_cast<unsigned>(values.size()), nullptr);
  }
  /// False where the ring is empty.
  [[nodiscard]] bool pop(T& value) { return rte_ring_sc_dequeue_elem(ring_.get(), &value, sizeof(T)) == 0; }
  /// Pops at most `values.size()`, in order; returns how many.
  [[nodiscard]] unsigned pop_burst(std::span<T> values) {
    return rte_ring_sc_dequeue_burst_elem(ring_.get(), values.data(), sizeof(T),
                                          static_cast<unsigned>(values.size()), nullptr);
  }
  [[nodiscard]] bool empty() const { return size() == 0; }
  /// To the reader a lower bound: the writer can only make it more.
  [[nodiscard]] unsigned size() const {
    // As rte_ring_count(), which reads the ends by plain loads though the other thread may move one.
    const std::uint32_t count = end(ring_->prod.tail) - end(ring_->cons.tail);
    return std::min(count & ring_->mask, ring_->capacity);
  }
  /// How many more fit. To the writer a lower bound: the reader can only make it more.
  [[nodiscard]] unsigned room() const { return ring_->capacity - size(); }

 private:
  struct Free {
    void operator()(rte_ring* ring) const { rte_ring_free(ring); }
  };
  // DPDK's names are global to the process; several gateways may live in one (tests).
  static std::string unique(const std::string& name) {
    static std::atomic<unsigned> serial{0};
    return name + "#" + std::to_string(serial.fetch_add(1, std::memory_order_relaxed));
  }
  static std::uint32_t end(const volatile std::uint32_t& tail) {
    return __atomic_load_n(&tail, __ATOMIC_RELAXED);
  }
  static unsigned round_up(unsigned n) {
    unsigned power = 2;
    while (power < n) power *= 2;
    return power;
  }

  std::unique_ptr<rte_ring, Free> ring_;
};

}  // namespace rgw::ring
