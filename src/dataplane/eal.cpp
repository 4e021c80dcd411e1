#include "realmgw/dataplane/eal.hpp"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <stdexcept>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ether.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>

#include "realmgw/ring/packet_buffer.hpp"

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

}  // namespace

Eal::Eal(const EalOptions& options) {
  // The workers are threads of ours that register themselves. DPDK's own single lcore floats over all CPUs, so that
  // starting it pins nobody. Nothing is shared with other processes.
  std::vector<std::string> arguments{options.program,
                                     "--lcores=0@(" + allowed_cpus() + ")",
                                     "--no-shconf",
                                     "--no-telemetry",
                                     "--log-level=lib.eal:error",
                                     "--log-level=lib.telemetry:error",
                                     "--file-prefix=realmgw-" + std::to_string(::getpid())};
  if (options.huge_pages) {
    arguments.emplace_back("--huge-unlink");
  } else {
    arguments.insert(arguments.end(), {"--no-huge", "-m", std::to_string(options.memory_mib)});
  }
  if (options.pci.empty()) arguments.emplace_back("--no-pci");
  for (const auto& address : options.pci) arguments.insert(arguments.end(), {"-a", address});

  std::vector<char*> argv;
  for (auto& argument : arguments) argv.push_back(argument.data());
  if (rte_eal_init(static_cast<int>(argv.size()), argv.data()) < 0) {
    throw std::runtime_error{std::string{"DPDK does not start: "} + rte_strerror(rte_errno)};
  }
}

Eal::~Eal() { rte_eal_cleanup(); }

bool Eal::huge_pages_free() {
  std::ifstream file{"/proc/meminfo"};
  for (std::string key, unit; file >> key;) {
    unsigned long value = 0;
    file >> value;
    if (key == "HugePages_Free:") return value > 0;
    std::getline(file, unit);
  }
  return false;
}

DpdkThread::DpdkThread() : registered_{rte_lcore_id() == LCORE_ID_ANY && rte_thread_register() == 0} {}

DpdkThread::~DpdkThread() {
  if (registered_) rte_thread_unregister();
}

PacketPool make_packet_pool(unsigned count, unsigned mtu) {
  constexpr unsigned cache = 256;
  constexpr unsigned link_overhead = 64;  // Ethernet header, tags, and slack for drivers that round
  const auto room = static_cast<std::uint16_t>(RTE_PKTMBUF_HEADROOM + std::max(2048U, mtu + link_overhead));
  static_assert(ring::packet_note_room % RTE_MBUF_PRIV_ALIGN == 0);
  static unsigned serial = 0;  // names are global to the process
  const std::string name = "packets#" + std::to_string(serial++);
  PacketPool pool{rte_pktmbuf_pool_create(name.c_str(), count, cache, ring::packet_note_room, room, SOCKET_ID_ANY)};
  if (!pool) throw std::runtime_error{"no memory for " + std::to_string(count) + " packet buffers: " + rte_strerror(rte_errno)};
  return pool;
}

}  // namespace rgw::dataplane
