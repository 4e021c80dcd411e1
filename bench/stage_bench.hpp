// Where the cycles of the packet path go: the stages one by one.
#pragma once

#include <cstdint>
#include <vector>

#include "bench/options.hpp"
#include "bench/report.hpp"
#include "bench/traffic.hpp"

namespace rgw::bench {

/// Walks packets of `sessions` flows, both directions mixed, through the stages by hand, as Worker does, with
/// the time taken between them. Reading the counter, and waiting for what is under way, costs each stage a
/// cycle or two a packet.
void measure_stages(const Options& options, Gateway& gateway, Traffic& traffic, std::uint32_t sessions,
                    std::vector<Row>& rows);

}  // namespace rgw::bench
