// How fast the recursive service answers inside clients out of its cache (DNS-2, DNS-3). Plain functions;
// bench/realmgw-bench prints what they return.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace rgw::bench {

struct ResolverSpeed {
  std::string load;           ///< what was asked for
  double answers_per_second;  ///< from the query's bytes to the answer's, one thread, no sockets
};
/// Queries for `names` names that lie in the cache, asked for in turn: native A, synthesised AAAA (DNS64) and
/// negative answers; each through responder and recursor as the DNS server does it.
[[nodiscard]] std::vector<ResolverSpeed> measure_resolver_speed(std::size_t names = 10'000,
                                                                std::size_t rounds = 20);

}  // namespace rgw::bench
