// DPDK's environment, begun and ended once in a process.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <rte_mempool.h>

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

  /// MiB of huge pages that this process can have: free ones of the kernel's default size. None of a
  /// hugetlbfs is needed.
  [[nodiscard]] static std::size_t huge_pages_mib();
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

/// What packet buffers are for.
struct BufferUse {
  unsigned mtu = 1500;
  /// Do cards write into them? These know buffers of whole KiB, and cut a packet that is longer.
  bool cards = false;
};

/// A pool of `count` packet buffers that each hold a frame of `use.mtu`, our headroom and the kernel's (XDP),
/// with room for a PacketNote. Throws std::runtime_error where the memory does not suffice.
[[nodiscard]] PacketPool make_packet_pool(unsigned count, const BufferUse& use);

/// MiB that `count` such buffers take, at least.
[[nodiscard]] std::size_t packet_pool_mib(unsigned count, const BufferUse& use);

/// Do the buffers lie one behind the other, without gaps? The AF_XDP driver needs that.
[[nodiscard]] bool is_dense(const rte_mempool& pool);

/// The longest MTU whose buffers each fit a page of the kernel's, as the AF_XDP driver needs them.
[[nodiscard]] unsigned longest_mtu_in_a_page(bool beside_cards);

}  // namespace rgw::dataplane
