// realmgw-bench: what the gateway costs. See `realmgw-bench --help` and docs/performance.md.
#include "realmgw/dataplane/eal.hpp"

#include <exception>
#include <iostream>
#include <sched.h>
#include <stdexcept>

#include "bench/alg_bench.hpp"
#include "bench/capture_bench.hpp"
#include "bench/churn_bench.hpp"
#include "bench/dns_bench.hpp"
#include "bench/edited_bench.hpp"
#include "bench/families_bench.hpp"
#include "bench/nat_bench.hpp"
#include "bench/options.hpp"
#include "bench/reload_bench.hpp"
#include "bench/report.hpp"
#include "bench/session_log_bench.hpp"
#include "bench/syn_flood_bench.hpp"
#include "bench/workers_bench.hpp"
#include <rte_cycles.h>

namespace {

using namespace rgw;

void pin(unsigned cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  if (::sched_setaffinity(0, sizeof set, &set) != 0)
    throw std::runtime_error{"cannot run on CPU " + std::to_string(cpu)};
}

bool wants_packets(const bench::Options& options) {
  for (const char* name :
       {"NAT44 UDP", "new session NAT44 UDP", "first reply NAT44 UDP", "end of session NAT44 UDP"}) {
    if (options.wants(name)) return true;
  }
  return options.stages;
}

void measure(const bench::Options& options) {
  if (options.cpu) pin(*options.cpu);
  constexpr unsigned memory_mib = 256;
  const dataplane::Eal eal{{.program = "realmgw-bench",
                            .huge_pages = !options.no_huge && dataplane::Eal::huge_pages_mib() >= memory_mib,
                            .memory_mib = memory_mib,
                            .pci = {}}};
  const auto tsc_hz = static_cast<double>(rte_get_tsc_hz());
  std::vector<bench::Row> rows;
  if (wants_packets(options)) {
    for (const std::uint32_t sessions : options.sessions) bench::measure_nat(options, sessions, rows);
  }
  if (bench::wants_families(options)) {
    for (const std::uint32_t flows : options.sessions) bench::measure_families(options, flows, rows);
  }
  if (bench::wants_workers(options)) {
    for (const std::uint32_t flows : options.sessions) bench::measure_workers(options, flows, rows);
  }
  if (bench::wants_churn(options)) {
    for (const std::uint32_t flows : options.sessions) bench::measure_churn(options, flows, rows, tsc_hz);
  }
  if (bench::wants_reload(options)) {
    for (const std::uint32_t flows : options.sessions) bench::measure_reload(options, flows, rows, tsc_hz);
  }
  bench::measure_session_log(options, rows, tsc_hz);
  bench::measure_syn_flood(options, rows, tsc_hz);
  bench::measure_dns(options, rows);
  bench::measure_capture(options, rows);
  bench::measure_alg(options, rows);
  bench::measure_edited(options, rows);
  bench::measure_pool(options, rows, tsc_hz);
  bench::measure_resolver(options, rows, tsc_hz);
  options.json ? bench::print_json(std::cout, rows, tsc_hz) : bench::print_table(std::cout, rows, tsc_hz);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const auto options = bench::parse_options(argc, argv);
    if (options.help) {
      std::cout << bench::usage;
      return 0;
    }
    measure(options);
    return 0;
  } catch (const std::invalid_argument& error) {
    std::cerr << "realmgw-bench: " << error.what() << '\n';
    return 2;
  } catch (const std::exception& error) {
    std::cerr << "realmgw-bench: " << error.what() << '\n';
    return 1;
  }
}
