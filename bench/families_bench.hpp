// What translation costs by family pair, and without sessions: NAT66, NAT64, NAT46, SIIT by prefixes and by
// explicit maps, beside NAT44, with the same number of flows in the same way.
#pragma once

#include <cstdint>
#include <vector>

#include "bench/options.hpp"
#include "bench/report.hpp"

namespace rgw::bench {

/// A row "<pair> flows UDP" for each pair and direction that is wanted. `flows` beyond a million are not
/// measured: each keeps its packets as they are expected.
void measure_families(const Options& options, std::uint32_t flows, std::vector<Row>& rows);

/// Is any of them wanted?
[[nodiscard]] bool wants_families(const Options& options);

}  // namespace rgw::bench
