// What several workers bring, and what a packet costs that arrives at the wrong one: two workers against one,
// each in a thread on a CPU of its own.
#pragma once

#include <cstdint>
#include <vector>

#include "bench/options.hpp"
#include "bench/report.hpp"

namespace rgw::bench {

/// The rows "workers: ..." with `flows` open flows, both directions mixed. Fewer than 1,024 flows, or more
/// than a million, are not measured; where there is one CPU, only the rows of workers that take turns on it.
void measure_workers(const Options& options, std::uint32_t flows, std::vector<Row>& rows);

/// Is any of them wanted?
[[nodiscard]] bool wants_workers(const Options& options);

}  // namespace rgw::bench
