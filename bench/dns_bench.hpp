// The control thread's part: DNS answers that reserve, and what becomes of the reservations.
#pragma once

#include <vector>

#include "bench/options.hpp"
#include "bench/report.hpp"

namespace rgw::bench {

/// Queries from resolvers through responder, pool and relay to a worker; first packets that claim what was
/// reserved; the worker's word that control frees the addresses by. No sockets, one thread, the parts timed
/// apart.
void measure_dns(const Options& options, std::vector<Row>& rows);

/// The Circular Pool alone: its speed, and its capacity and blocking on virtual time against theory
/// (POOL-13).
void measure_pool(const Options& options, std::vector<Row>& rows, double tsc_hz);

/// The recursive service of inside clients, out of its cache (DNS-2, DNS-3).
void measure_resolver(const Options& options, std::vector<Row>& rows, double tsc_hz);

}  // namespace rgw::bench
