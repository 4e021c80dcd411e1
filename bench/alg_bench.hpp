// The control thread's part in signalling: what an ALG costs for each message (ALG-5).
#pragma once

#include <vector>

#include "bench/options.hpp"
#include "bench/report.hpp"

namespace rgw::bench {

/// FTP commands and replies, and SIP messages, through the service from a worker's ring and back to it:
/// parsing, checksums, editor or inspector, the packet made anew. One thread, no worker.
void measure_alg(const Options& options, std::vector<Row>& rows);

}  // namespace rgw::bench
