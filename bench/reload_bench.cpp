#include "bench/reload_bench.hpp"

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <utility>
#include <variant>

#include "bench/cycles.hpp"
#include "bench/gateway.hpp"
#include "bench/traffic.hpp"

namespace rgw::bench {
namespace {

constexpr const char* row_name = "sweep of a reload";
constexpr unsigned changes = 10;

double quantile(std::vector<double> values, double part) {
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(part * static_cast<double>(values.size()));
  std::ranges::nth_element(values, at);
  return *at;
}

struct Turns {
  std::vector<double> change, sweep;  ///< cycles
};

// One change; the turns that it took.
void change(Gateway& gateway, const std::shared_ptr<const ring::Snapshot>& realm, Turns& turns) {
  const auto next = gateway.worker().next_realm(realm);
  if (!gateway.rings().events_to_worker.push(ring::RealmExchange{next.get()}))
    throw std::runtime_error{"the ring is full"};
  for (bool changed = false, swept = false; !swept;) {
    const std::uint64_t before = now_cycles();
    gateway.worker().step();
    const auto took = static_cast<double>(now_cycles() - before);
    (changed ? turns.sweep : turns.change).push_back(took);
    changed = true;
    for (ring::ToControl event; gateway.rings().events_to_control.pop(event);) {
      if (const auto* end = std::get_if<ring::RealmSwept>(&event)) {
        if (end->ended != 0) throw std::runtime_error{"sessions have ended"};
        swept = true;
      }
    }
  }
}

}  // namespace

bool wants_reload(const Options& options) {
  return options.wants(row_name);
}

void measure_reload(const Options& options, std::uint32_t flows, std::vector<Row>& rows, double tsc_hz) {
  if (flows < Traffic::stretch) return;
  Gateway gateway{bench_realm(flows)};
  Traffic traffic{gateway};
  for (std::uint32_t first = 0; first < flows; first += Traffic::stretch) {
    traffic.put_each(Direction::outward, first, std::min(flows - first, Traffic::stretch));
    while (gateway.worker().step() != 0) {
    }
    traffic.take();
  }
  config::Realm other = gateway.snapshot().realm;
  other.timers.udp += std::chrono::seconds{1};
  const auto& first = gateway.share_snapshot();
  const std::shared_ptr<const ring::Snapshot> second =
      ring::make_snapshot(std::move(other), first->ports, first.get());
  Turns turns;
  for (unsigned n = 0; n < (options.quick ? 2 : changes); ++n)
    change(gateway, n % 2 == 0 ? second : first, turns);
  const auto us = [&](double cycles) { return cycles / tsc_hz * 1e6; };
  double all = 0;
  for (const double one : turns.sweep) all += one;
  rows.push_back({.name = row_name,
                  .sessions = flows,
                  .direction = "none",
                  .cycles = all / flows / (options.quick ? 2 : changes),
                  .unit = Unit::session,
                  .more = {{"change_us", us(*std::ranges::max_element(turns.change))},
                           {"sweep_p50_us", us(median(turns.sweep))},
                           {"sweep_p99_us", us(quantile(turns.sweep, 0.99))}}});
}

}  // namespace rgw::bench
