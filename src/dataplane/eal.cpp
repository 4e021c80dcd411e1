#include "realmgw/dataplane/eal.hpp"

#include "realmgw/ring/packet_buffer.hpp"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <sched.h>
#include <stdexcept>
#include <sys/mman.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ether.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_mbuf_pool_ops.h>
#include <rte_memzone.h>

namespace rgw::dataplane {
namespace {

// "0,1,5": the CPUs that this process may run on.
std::string allowed_cpus() {
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return "0";
  std::string list;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) list += (list.empty() ? "" : ",") + std::to_string(cpu);
  }
  return list;
}

// Beside the packet itself each buffer has room for: the Ethernet header with two tags and a checksum,
// rounded up, and XDP_PACKET_HEADROOM, which the kernel keeps free in each frame of AF_XDP before what it
// writes.
constexpr unsigned link_overhead = 32, kernel_headroom = 256;
// Below 2048 drivers have no room to receive a frame of 1500 bytes as a whole.
constexpr unsigned least_room = 2048;
static_assert(ring::packet_note_room % RTE_MBUF_PRIV_ALIGN == 0);
constexpr unsigned before_room = sizeof(rte_mbuf) + ring::packet_note_room;

constexpr unsigned data_room(const BufferUse& use) {
  constexpr unsigned kib = 1024;
  const unsigned room = std::max(least_room, use.mtu + link_overhead + kernel_headroom);
  return RTE_PKTMBUF_HEADROOM + (use.cards ? (room + kib - 1) / kib * kib : room);
}

std::size_t page_size() {
  return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

std::size_t object_size(const BufferUse& use, unsigned flags) {
  return rte_mempool_calc_obj_size(before_room + data_room(use), flags, nullptr);
}

// DPDK makes buffers a little longer, so that their beginnings spread over the channels of the memory; not
// where they fit a page without that alone.
unsigned spread_flag(const BufferUse& use) {
  const bool without_alone =
      object_size(use, 0) > page_size() && object_size(use, RTE_MEMPOOL_F_NO_SPREAD) <= page_size();
  return without_alone ? RTE_MEMPOOL_F_NO_SPREAD : 0;
}

std::size_t object_size(const rte_mempool& pool) {
  return std::size_t{pool.header_size} + pool.elt_size + pool.trailer_size;
}

// Puts all buffers of an empty pool into one piece of memory, one behind the other: the AF_XDP driver takes
// the pool for that, and what lies beyond its count times its size is lost to it for good. A card sees each
// buffer at its own virtual address, so no buffer need lie within a page. DPDK's own ways to fill a pool give
// either the one or the other.
int populate_densely(rte_mempool& pool) {
  const std::string name = std::string{pool.name} + "#memory";
  const rte_memzone* memory = rte_memzone_reserve_aligned(name.c_str(), object_size(pool) * pool.size,
                                                          pool.socket_id, 0, RTE_MEMPOOL_ALIGN);
  if (memory == nullptr) return -rte_errno;
  const auto free_memory = [](rte_mempool_memhdr*, void* zone) {
    rte_memzone_free(static_cast<const rte_memzone*>(zone));
  };
  const int filled = rte_mempool_populate_iova(&pool, static_cast<char*>(memory->addr), memory->addr_64,
                                               memory->len, free_memory, const_cast<rte_memzone*>(memory));
  if (filled == static_cast<int>(pool.size)) return filled;
  if (filled <= 0) rte_memzone_free(memory);  // else the pool does, with the buffers that fitted
  rte_errno = ENOMEM;
  return -ENOMEM;
}

}  // namespace

Eal::Eal(const EalOptions& options) {
  // The workers are threads of ours that register themselves. DPDK's own single lcore floats over all CPUs,
  // so that starting it pins nobody. Nothing is shared with other processes.
  std::vector<std::string> arguments{options.program,
                                     "--lcores=0@(" + allowed_cpus() + ")",
                                     "--no-shconf",
                                     "--no-telemetry",
                                     "--log-level=lib.eal:error",
                                     "--log-level=lib.telemetry:error",
                                     "--file-prefix=realmgw-" + std::to_string(::getpid())};
  if (options.huge_pages) {
    arguments.emplace_back("--in-memory");  // no file of a hugetlbfs, which need not be mounted
  } else {
    arguments.insert(arguments.end(), {"--no-huge", "-m", std::to_string(options.memory_mib)});
  }
  // Where no device does DMA, nobody needs physical addresses, nor root to see them.
  if (options.pci.empty()) arguments.insert(arguments.end(), {"--no-pci", "--iova-mode=va"});
  for (const auto& address : options.pci) arguments.insert(arguments.end(), {"-a", address});

  std::vector<char*> argv;
  for (auto& argument : arguments) argv.push_back(argument.data());
  if (rte_eal_init(static_cast<int>(argv.size()), argv.data()) < 0) {
    throw std::runtime_error{std::string{"DPDK does not start: "} + rte_strerror(rte_errno)};
  }
}

Eal::~Eal() {
  rte_eal_cleanup();
}

std::size_t Eal::huge_pages_mib() {
  std::ifstream file{"/proc/meminfo"};
  std::size_t free_pages = 0, page_kib = 0;
  for (std::string key, rest; file >> key; std::getline(file, rest)) {
    if (key == "HugePages_Free:") file >> free_pages;
    if (key == "Hugepagesize:") file >> page_kib;
  }
  if (free_pages == 0) return 0;
  // A container may be kept from what is free.
  void* const page = ::mmap(nullptr, page_kib << 10, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
  if (page == MAP_FAILED) return 0;
  ::munmap(page, page_kib << 10);
  return free_pages * page_kib >> 10;
}

DpdkThread::DpdkThread() : registered_{rte_lcore_id() == LCORE_ID_ANY && rte_thread_register() == 0} {}

DpdkThread::~DpdkThread() {
  if (registered_) rte_thread_unregister();
}

bool is_dense(const rte_mempool& pool) {
  const std::size_t object = object_size(pool);
  std::size_t taken = 0;
  for (const rte_mempool_memhdr* chunk = STAILQ_FIRST(&pool.mem_list); chunk != nullptr;
       chunk = STAILQ_NEXT(chunk, next))
    taken += chunk->len;
  // The chunk may begin and end within a page.
  return pool.nb_mem_chunks == 1 && taken <= object * pool.populated_size + RTE_CACHE_LINE_SIZE;
}

std::size_t packet_pool_mib(unsigned count, const BufferUse& use) {
  return (count * object_size(use, spread_flag(use)) >> 20) + 1;
}

unsigned longest_mtu_in_a_page(bool beside_cards) {
  BufferUse use{.mtu = static_cast<unsigned>(page_size()), .cards = beside_cards};
  while (object_size(use, RTE_MEMPOOL_F_NO_SPREAD) > page_size()) --use.mtu;
  return use.mtu;
}

PacketPool make_packet_pool(unsigned count, const BufferUse& use) {
  constexpr unsigned cache = 256;
  const auto room = static_cast<std::uint16_t>(data_room(use));
  static unsigned serial = 0;  // names are global to the process
  const std::string name = "packets#" + std::to_string(serial++);
  const bool by_va = rte_eal_iova_mode() == RTE_IOVA_VA;
  // Without the first flag no buffer crosses a page.
  const unsigned flags = (by_va ? RTE_MEMPOOL_F_NO_IOVA_CONTIG : 0) | spread_flag(use);
  PacketPool pool{rte_mempool_create_empty(name.c_str(), count, before_room + room, cache,
                                           sizeof(rte_pktmbuf_pool_private), SOCKET_ID_ANY, flags)};
  rte_pktmbuf_pool_private facts{room, ring::packet_note_room, 0};
  if (!pool || rte_mempool_set_ops_byname(pool.get(), rte_mbuf_best_mempool_ops(), nullptr) != 0 ||
      (rte_pktmbuf_pool_init(pool.get(), &facts),
       by_va ? populate_densely(*pool) : rte_mempool_populate_default(pool.get())) < 0) {
    throw std::runtime_error{"no memory for " + std::to_string(count) +
                             " packet buffers: " + rte_strerror(rte_errno)};
  }
  rte_mempool_obj_iter(pool.get(), rte_pktmbuf_init, nullptr);
  return pool;
}

}  // namespace rgw::dataplane
