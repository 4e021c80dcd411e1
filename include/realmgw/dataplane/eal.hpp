// DPDK's environment, begun and ended once in a process.
#pragma once

#include <rte_mempool.h>

#include <memory>
#include <string>
#include <vector>

namespace rgw::dataplane {

struct EalOptions {
  std::string program = "realmgwd";
  /// Huge pages; without them DPDK takes ordinary memory, and needs no privilege.
  bool huge_pages = false;
  /// MiB of packet memory to take at start, where there are no huge pages.
  unsigned memory_mib = 512;
  /// PCI addresses that may be probed. None: the PCI bus is left alone.
  std::vector<std::string> pci;
};

class Eal {
 public:
  /// Throws std::runtime_error with what DPDK said.
  explicit Eal(const EalOptions& options);
  ~Eal();
  Eal(const Eal&) = delete;
  Eal& operator=(const Eal&) = delete;

  /// Are there free huge pages on this machine?
  [[nodiscard]] static bool huge_pages_free();
};

/// Makes the calling thread one that DPDK knows, so that it has a cache of packet buffers of its own.
class DpdkThread {
 public:
  DpdkThread();
  ~DpdkThread();
  DpdkThread(const DpdkThread&) = delete;
  DpdkThread& operator=(const DpdkThread&) = delete;

 private:
  bool registered_;
};

struct FreePool {
  void operator()(rte_mempool* pool) const { rte_mempool_free(pool); }
};
using PacketPool = std::unique_ptr<rte_mempool, FreePool>;

/// A pool of `count` packet buffers that each hold a frame of `mtu` and our headroom, with room for a PacketNote.
/// Throws std::runtime_error where the memory does not suffice.
[[nodiscard]] PacketPool make_packet_pool(unsigned count, unsigned mtu);

/// Do the buffers lie one behind the other, without gaps? The AF_XDP driver needs that.
[[nodiscard]] bool is_dense(const rte_mempool& pool);

}  // namespace rgw::dataplane
