// What `realmgwctl` shows, as JSON.
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/base/counter.hpp"
#include "realmgw/control/busy_shares.hpp"
#include "realmgw/control/host_book.hpp"
#include "realmgw/control/port_monitor.hpp"
#include "realmgw/pool/circular_pool.hpp"
#include "realmgw/pool/host_names.hpp"
#include "realmgw/ring/snapshot.hpp"

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

namespace rgw::control {

/// One thread's counters under its name: "control", "worker0".
struct NamedCounters {
  std::string thread;
  const CounterBlock* counters;
};

/// Sessions that there are: each was made once, and ends once.
[[nodiscard]] std::uint64_t live_sessions(std::span<const NamedCounters> threads);
/// Each counter summed over the threads, in the order of the list.
[[nodiscard]] nlohmann::ordered_json counters_json(std::span<const NamedCounters> threads);
/// `{"rx_packets": 12, ...}`, each counter summed over the threads, in the order of the list.
[[nodiscard]] std::string counters_report(std::span<const NamedCounters> threads);
/// `{"control": {"rx_packets": 12, ...}, "worker0": {...}}`.
[[nodiscard]] std::string counters_per_thread_report(std::span<const NamedCounters> threads);

/// What `status_report` looks at.
struct StatusFacts {
  const ring::Snapshot& snapshot;
  std::string version;
  Duration uptime;
  std::vector<NamedCounters> workers;
  std::vector<PortStatus> ports;  ///< by PortId
  unsigned mbufs_total = 0;
  unsigned mbufs_free = 0;
  std::size_t neighbours = 0;
  pool::PoolUse pool;
  BusyShares busy;
};
[[nodiscard]] std::string status_report(const StatusFacts& facts);

/// Every pool address and every reservation.
[[nodiscard]] std::string pool_report(const ring::Snapshot& snapshot, const pool::CircularPool& pool,
                                      const pool::HostNames& hosts, Instant now);
/// Every host with its names, how many claims are pending for it, and whether it was added at run time; of
/// those that updates have made 10,000.
[[nodiscard]] std::string hosts_report(const config::Realm& realm, const pool::CircularPool& pool,
                                       const pool::HostNames& names, const HostBook& added);

}  // namespace rgw::control
