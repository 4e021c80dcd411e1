// How full a worker's tables are, and what is in use of each outside address: for the metrics.
#pragma once

#include "realmgw/net/address.hpp"

#include <array>
#include <cstdint>
#include <string_view>

namespace rgw::ring {

/// A table of a worker, of bounded size.
enum class WorkerTable : std::uint8_t {
  sessions,
  mappings,
  reservations,
  proxies,
  pinholes,
  inspected,
  fragmented,
  fragments_held,
  stored_syns,
  neighbours,
};
inline constexpr auto worker_tables = std::to_array<std::string_view>(
    {"sessions", "mappings", "reservations", "proxies", "pinholes", "inspected_sessions",
     "fragmented_datagrams", "held_fragments", "stored_syns", "neighbours"});

/// Owned by the control thread. The worker writes it between UseQuery and UseFilled, and nobody else touches
/// it meanwhile.
struct WorkerUse {
  /// Of more outside addresses than this only the first are listed.
  static constexpr std::uint32_t max_externals = 256;
  /// A look at one costs some cache misses.
  static constexpr std::uint32_t externals_a_turn = 32;
  /// TCP, UDP, ICMP, SCTP.
  static constexpr std::size_t protocols = 4;

  struct Table {
    std::uint32_t used = 0, room = 0;
  };
  struct External {
    net::IpAddress address;
    std::uint32_t sessions = 0;
    std::array<std::uint32_t, protocols> ports_used{};
    std::array<std::uint32_t, protocols> ports{};  ///< that the worker may give
  };

  std::array<Table, worker_tables.size()> tables;
  std::array<External, max_externals> externals;
  std::uint32_t count = 0;  ///< of `externals`
};

/// Write down the tables, and the outside addresses from number `first` on: a bounded number of them.
struct UseQuery {
  WorkerUse* use;
  std::uint32_t first;  ///< 0 at first, then what UseFilled gave
};
struct UseFilled {
  WorkerUse* use;
  std::uint32_t next;
  bool last;  ///< all that fits has been written
};

}  // namespace rgw::ring
