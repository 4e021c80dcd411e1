// What a packet costs of a connection whose text an ALG has edited and reads no longer (ALG-1).
#pragma once

#include <vector>

#include "bench/options.hpp"
#include "bench/report.hpp"

namespace rgw::bench {

/// Segments of a connection with edits in both directions, and of a plain one beside it in the same rounds,
/// through the worker's loop. `rate_ratio` is the edited one's rate over the plain one's.
void measure_edited(const Options& options, std::vector<Row>& rows);

}  // namespace rgw::bench
