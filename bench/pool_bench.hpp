// What the Circular Pool can do: its speed on this machine, and its capacity on virtual time against the
// bounds of theory (POOL-13). Plain functions; bench/realmgw-bench prints what they return, the unit tests
// judge it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace rgw::bench {

struct PoolSpeed {
  std::string load;                ///< what was asked for
  double reservations_per_second;  ///< queries answered with an address of their own
  double claims_per_second;        ///< packets that took them
};
/// Wall-clock speed of the allocator alone, one thread. Each round fills the pool and claims all of it.
[[nodiscard]] std::vector<PoolSpeed> measure_pool_speed(std::size_t rounds = 200);

struct PoolCapacity {
  std::string load;
  double measured;  ///< reservations per second of virtual time, under more load than it can take
  double bound;     ///< N/T_service, or Nport * Nproto * Nip / T_service
};
/// The pool without sharing and waiting, under overload, until about so many reservations have been granted.
/// The service time is one second in the mean, evenly spread by a tenth of that.
[[nodiscard]] std::vector<PoolCapacity> measure_pool_capacity(std::size_t grants = 5000);

struct PoolBlocking {
  std::size_t servers;  ///< addresses
  double erlangs;       ///< arrival rate * mean service time
  std::string service;  ///< how the time until the release is distributed
  double measured;      ///< the share of queries that found no address
  double erlang_b;      ///< what theory says
};
/// Poisson arrivals of plain-FQDN queries at a pool without sharing and waiting.
[[nodiscard]] std::vector<PoolBlocking> measure_pool_blocking(std::size_t arrivals = 1'000'000);

/// The blocking probability of `servers` servers under `erlangs`, by the recursion B(n) = A B(n-1) / (n + A
/// B(n-1)).
[[nodiscard]] double erlang_b(std::size_t servers, double erlangs);

}  // namespace rgw::bench
