// How long a worker's turns take while it goes over to another realm (OPS-2).
#pragma once

#include <cstdint>
#include <vector>

#include "bench/options.hpp"
#include "bench/report.hpp"

namespace rgw::bench {

/// A row "sweep of a reload": the cycles that a look at one of `flows` open sessions takes after a change of
/// timers. Beside it, of ten changes: `change_us`, the longest turn in which the worker went over;
/// `sweep_p50_us` and `sweep_p99_us`, the turns in which it looked through its sessions, with no packets
/// beside it. Fewer sessions than a stretch (bench/traffic.hpp) are not measured.
void measure_reload(const Options& options, std::uint32_t flows, std::vector<Row>& rows, double tsc_hz);

/// Is it wanted?
[[nodiscard]] bool wants_reload(const Options& options);

}  // namespace rgw::bench
