// A port of the gateway: an Ethernet device under DPDK, whichever driver it has (OPS-7).
#pragma once

#include "realmgw/base/strong_id.hpp"
#include "realmgw/config/realm.hpp"
#include "realmgw/dataplane/port_tap.hpp"
#include "realmgw/ring/snapshot.hpp"

#include <cstdint>
#include <mutex>
#include <set>
#include <string>
#include <sys/types.h>
#include <vector>

#include <rte_mbuf.h>

namespace rgw::dataplane {

/// Owns the device, whoever made DPDK know it, and closes it: a device that stays open keeps buffers of a
/// pool that is about to go. Opened and started by the main thread; each queue belongs to one worker. A
/// device whose interface of the kernel was deleted is closed and opened anew by another thread, while all
/// workers have let go of it (`ring::PortRelease`).
class Port {
 public:
  struct Stats {
    std::uint64_t rx_packets, tx_packets, rx_bytes, tx_bytes, rx_missed, rx_errors, tx_errors;
  };

  /// Probes the device, sets up as many queue pairs as it has, `workers` at the most, and starts it. A device
  /// that DPDK knows already by this name (a PCI card, since the EAL's start) is taken as it is. Throws
  /// std::runtime_error with the port's name and the reason.
  Port(PortId id, const config::Port& config, unsigned workers, rte_mempool* pool);
  ~Port();
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;

  /// Closes the device, so that DPDK forgets it. The port's facts stay. AF_XDP's driver keeps what lies in
  /// its rings for good.
  void close();
  /// The same where the kernel's interface or its XDP program is gone and no worker sends, so that nobody
  /// touches those rings any more: what lies in them comes back.
  void close_dead();
  /// Opens it by the same name, and gives the workers its queues again. Throws std::runtime_error with the
  /// port's name and the reason, also where its MAC address is another one now; it is closed then.
  void reopen();
  [[nodiscard]] bool is_open() const { return is_open_; }

  [[nodiscard]] const ring::PortFacts& facts() const { return facts_; }
  [[nodiscard]] PortId id() const { return facts_.id; }
  [[nodiscard]] std::uint16_t queues() const { return queues_; }
  [[nodiscard]] const std::string& driver() const { return driver_; }
  /// Has the device receive-side scaling set up over its queues?
  [[nodiscard]] bool spreads() const { return spreads_; }

  /// The kernel's interface beneath the device; 0 where the kernel has no part in it.
  [[nodiscard]] unsigned kernel_index() const { return kernel_index_; }

  /// Asks the driver, which may know nothing of the cable of a kernel's interface; not for the packet path.
  [[nodiscard]] bool link_up() const;
  [[nodiscard]] Stats stats() const;

  // -- the packet path; `queue` belongs to the calling worker
  [[nodiscard]] std::uint16_t receive(std::uint16_t queue, rte_mbuf** packets, std::uint16_t room) const;
  [[nodiscard]] std::uint16_t send(std::uint16_t queue, rte_mbuf** packets, std::uint16_t count) const;

 private:
  friend class PortTap;
  void add(PortTap& tap);
  void remove(PortTap& tap);
  void link_taps();
  void unlink_taps();

  void open();
  void find();
  void configure();

  const config::Port config_;
  const unsigned workers_;
  rte_mempool* const pool_;
  bool is_open_ = false;
  std::set<ino_t> xdp_sockets_;  ///< of the device
  std::uint16_t device_ = 0;
  std::uint16_t queues_ = 1;
  unsigned kernel_index_ = 0;
  bool spreads_ = false;
  std::string driver_;
  ring::PortFacts facts_;
  std::mutex taps_lock_;  ///< a device is opened and closed by another thread than taps are made by
  std::vector<PortTap*> taps_;
  bool carries_taps_ = false;  ///< the device is there, and has them
};

}  // namespace rgw::dataplane
