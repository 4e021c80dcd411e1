// Forwarding while sessions begin and end beside it, a million a second of each.
#pragma once

#include <cstdint>
#include <vector>

#include "bench/options.hpp"
#include "bench/report.hpp"

namespace rgw::bench {

/// A row "forwarding under churn" for a gateway through which packets of `flows` open flows pass in random
/// order and mixed directions while a million first packets a second open sessions that end by their timer.
/// The row's cycles are what a packet of an open flow takes, less what the beginnings and ends took that fell
/// between them, at the price that these have when nothing else is done (`setup_cycles`, `end_cycles`).
/// Beside it `alone`, the same packets without the churn; `cost_ratio`, the one to the other; `rate_ratio`,
/// how many packets of open flows a second pass with the churn to how many pass without it, beginnings and
/// ends not taken off; `begun_mps`, `ended_mps`, what came to pass; and `turn_p50_us`, `turn_p99_us`,
/// `turn_p999_us`: how long turns of the worker took, which is as long as a packet may stay between receive
/// and transmit. `flows` beyond 256 Ki are not measured, some of which would end by the timer
/// themselves; nor are fewer than a stretch (bench/traffic.hpp).
void measure_churn(const Options& options, std::uint32_t flows, std::vector<Row>& rows, double tsc_hz);

/// Is it wanted?
[[nodiscard]] bool wants_churn(const Options& options);

}  // namespace rgw::bench
