// What the session log costs: forwarding while sessions begin and end, with and without it.
#pragma once

#include <vector>

#include "bench/options.hpp"
#include "bench/report.hpp"

namespace rgw::bench {

/// Two rows, "forwarding with a session log" `per session` and `per block`, for a gateway through which
/// packets of 16 Ki open flows pass outward while one packet in 128 begins a session, and as many end by
/// their timer. The row's cycles are what a packet takes, beginnings and ends included, in the median of all
/// stretches; `without` the same without a log, in the same run (of `per block` without blocks, too);
/// `rate_ratio`, packets a second with the log to those without; `records` that were written, and `lost`
/// ones. The log is a file in a directory of its own, written by its thread.
void measure_session_log(const Options& options, std::vector<Row>& rows, double tsc_hz);

/// Is it wanted?
[[nodiscard]] bool wants_session_log(const Options& options);

}  // namespace rgw::bench
