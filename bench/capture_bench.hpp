// What a capture costs the worker, for each packet of the ports that it watches.
#pragma once

#include <vector>

#include "bench/options.hpp"
#include "bench/report.hpp"

namespace rgw::bench {

void measure_capture(const Options& options, std::vector<Row>& rows);

}  // namespace rgw::bench
