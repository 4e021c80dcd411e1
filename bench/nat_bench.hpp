// The packet path: cycles of NAT44 per packet, of a session's beginning and of its end.
#pragma once

#include <cstdint>
#include <vector>

#include "bench/options.hpp"
#include "bench/report.hpp"

namespace rgw::bench {

/// One gateway with a table of `sessions`: sets them up through their first packets, replays them in random
/// order in both directions and mixed, and lets them end by their timer.
void measure_nat(const Options& options, std::uint32_t sessions, std::vector<Row>& rows);

}  // namespace rgw::bench
