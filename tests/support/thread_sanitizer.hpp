// What ThreadSanitizer must be told of packet buffers that pass through DPDK's libraries, which are built
// without it. What threads share by code of ours, or by inline code of DPDK's, it sees for itself.
// - the ring behind an in-memory device (net_ring): from the test to the worker that receives, and back
// - a pool of buffers: from the thread that gives a buffer back to the one that takes it next
// Each buffer orders its own two threads, and nothing else. Without ThreadSanitizer all of this does nothing.
#pragma once

#include <cstdint>
#include <string>

#if defined(__SANITIZE_THREAD__)
#include <algorithm>
#include <sanitizer/tsan_interface.h>
#include <stdexcept>
#include <string_view>

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_mbuf_pool_ops.h>
#include <rte_mempool.h>
#endif

namespace rgw::test {

#if defined(__SANITIZE_THREAD__)

inline constexpr bool thread_sanitizer = true;

/// Before a buffer goes into a ring whose other end a library of DPDK's holds.
inline void hand_over(void* buffer) {
  __tsan_release(buffer);
}
/// Behind such a ring.
inline void take_over(void* buffer) {
  __tsan_acquire(buffer);
}

/// For a device whose queues are set up.
inline void tell_of_device(const std::string& name, unsigned queues) {
  std::uint16_t device = 0;
  if (rte_eth_dev_get_port_by_name(name.c_str(), &device) != 0) throw std::runtime_error{"no device " + name};
  const auto received = [](std::uint16_t, std::uint16_t, rte_mbuf* packets[], std::uint16_t count,
                           std::uint16_t, void*) {
    for (std::uint16_t i = 0; i < count; ++i) take_over(packets[i]);
    return count;
  };
  const auto sends = [](std::uint16_t, std::uint16_t, rte_mbuf* packets[], std::uint16_t count, void*) {
    for (std::uint16_t i = 0; i < count; ++i) hand_over(packets[i]);
    return count;
  };
  for (std::uint16_t queue = 0; queue < queues; ++queue) {
    if (rte_eth_add_rx_callback(device, queue, received, nullptr) == nullptr ||
        rte_eth_add_tx_callback(device, queue, sends, nullptr) == nullptr)
      throw std::runtime_error{"the device takes no callbacks"};
  }
}

/// Pools that are made from now on are DPDK's own, and tell. After the start of DPDK, once.
inline void tell_of_pools() {
  static const rte_mempool_ops* const dpdk = [] {
    for (unsigned i = 0; i < rte_mempool_ops_table.num_ops; ++i) {
      const rte_mempool_ops& ops = rte_mempool_ops_table.ops[i];
      if (std::string_view{ops.name} == "ring_mp_mc") return &ops;
    }
    throw std::runtime_error{"DPDK has no pools that are rings"};
  }();
  constexpr std::string_view name = "ring_mp_mc_that_tells";
  rte_mempool_ops ours = *dpdk;
  *std::ranges::copy(name, ours.name).out = '\0';
  ours.enqueue = [](rte_mempool* pool, void* const* buffers, unsigned count) {
    for (unsigned i = 0; i < count; ++i) hand_over(buffers[i]);
    return dpdk->enqueue(pool, buffers, count);
  };
  ours.dequeue = [](rte_mempool* pool, void** buffers, unsigned count) {
    const int result = dpdk->dequeue(pool, buffers, count);
    for (unsigned i = 0; result == 0 && i < count; ++i) take_over(buffers[i]);
    return result;
  };
  if (rte_mempool_register_ops(&ours) < 0 || rte_mbuf_set_platform_mempool_ops(name.data()) != 0)
    throw std::runtime_error{"DPDK takes no other pools"};
}

#else

inline constexpr bool thread_sanitizer = false;
inline void hand_over(void*) {}
inline void take_over(void*) {}
inline void tell_of_device(const std::string&, unsigned) {}
inline void tell_of_pools() {}

#endif

}  // namespace rgw::test
