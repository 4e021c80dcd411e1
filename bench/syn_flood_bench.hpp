// What forged SYNs at a reservation cost the flows that are open (GUARD-5).
#pragma once

#include <vector>

#include "bench/options.hpp"
#include "bench/report.hpp"

namespace rgw::bench {

/// Packets of open flows, and among them a million forged SYNs a second, by the time that the worker takes,
/// to the one address and port that is reserved. `rate_ratio`: the flows' rate over their rate alone;
/// `claims` and `half_open`: what the SYNs have got.
void measure_syn_flood(const Options& options, std::vector<Row>& rows, double tsc_hz);

}  // namespace rgw::bench
