#include "bench/churn_bench.hpp"

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <vector>

#include "bench/cycles.hpp"
#include "bench/gateway.hpp"
#include "bench/traffic.hpp"

namespace rgw::bench {
namespace {

constexpr const char* row_name = "forwarding under churn";
constexpr std::uint32_t max_flows = 1U << 18;
constexpr double begun_a_second = 1e6;

// Sessions last for `lifetime` without a packet; the churn is measured for a whole one of them after another
// has passed, so that as many end as begin.
struct Plan {
  std::chrono::milliseconds lifetime;
  std::uint32_t churned;  ///< sessions that begin in all
};

config::Realm realm_of(const Plan& plan, std::uint32_t flows) {
  auto realm = bench_realm(flows + plan.churned);
  realm.timers.udp = plan.lifetime;
  return realm;
}

double quantile(const std::vector<double>& sorted, double part) {
  if (sorted.empty()) return 0;
  return sorted[std::min(sorted.size() - 1,
                         static_cast<std::size_t>(part * static_cast<double>(sorted.size())))];
}

class ChurnBench {
 public:
  ChurnBench(const Options& options, std::uint32_t flows, double tsc_hz)
      : plan_{options.quick ? Plan{std::chrono::milliseconds{200}, 1U << 20}
                            : Plan{std::chrono::milliseconds{1000}, 4U << 20}},
        flows_{flows},
        tsc_hz_{tsc_hz},
        gateway_{realm_of(plan_, flows)},
        traffic_{gateway_},
        fresh_{flows} {}

  Row run() {
    for (std::uint32_t first = 0; first < flows_; first += Traffic::stretch)
      play([&] { traffic_.put_each(Direction::outward, first, std::min(flows_ - first, Traffic::stretch)); });
    std::vector<double> alone;
    for (unsigned n = 0; n < 200; ++n)
      alone.push_back(play([&] { traffic_.put_random(Direction::mixed, flows_); }) / Traffic::stretch);
    const double setup = begin_alone();

    churn();  // until as many end as begin
    const std::uint64_t ended_before = ended();
    const std::uint32_t fresh_before = fresh_;
    const std::uint64_t known_before = known_;
    turns_.clear();
    const double cycles = churn();
    const auto known = static_cast<double>(known_ - known_before);
    const auto begun = static_cast<double>(fresh_ - fresh_before);
    const auto over = static_cast<double>(ended() - ended_before);
    std::vector<double> turns = std::move(turns_);
    std::sort(turns.begin(), turns.end());
    if (gateway_.count(Counter::session_created_outbound) != fresh_ || gateway_.drops() != 0)
      throw std::runtime_error{"sessions are missing"};
    const double end = end_alone();

    const double net = (cycles - begun * setup - over * end) / known, before = median(alone);
    const double seconds = cycles / tsc_hz_;
    const auto us = [&](double part) { return quantile(turns, part) / tsc_hz_ * 1e6; };
    return {.name = row_name,
            .sessions = flows_,
            .direction = "mixed",
            .cycles = net,
            .unit = Unit::packet,
            .more = {{"alone", before},
                     {"cost_ratio", net / before},
                     {"rate_ratio", known * before / cycles},
                     {"begun_mps", begun / seconds / 1e6},
                     {"ended_mps", over / seconds / 1e6},
                     {"setup_cycles", setup},
                     {"end_cycles", end},
                     {"turn_p50_us", us(0.5)},
                     {"turn_p99_us", us(0.99)},
                     {"turn_p999_us", us(0.999)}}};
  }

 private:
  /// Packets of open flows overtake first ones of other flows.
  enum class Order { kept, mixed };

  void take(Order how) {
    if (how == Order::kept) return traffic_.take();
    if (traffic_.take_any() != Traffic::stretch) throw std::runtime_error{"the gateway kept a packet"};
  }
  std::uint64_t ended() const { return gateway_.count(Counter::session_expired); }

  double step() {
    const auto begin = now_cycles();
    work_ = gateway_.worker().step();
    const auto taken = static_cast<double>(now_cycles() - begin);
    turns_.push_back(taken);
    return taken;
  }

  // The cycles of the worker for what `put` lays on the wires. No time passes for the gateway while the
  // generator writes and checks.
  template <class Put>
  double play(Put&& put, Order how = Order::kept) {
    hold_clock(put);
    double cycles = 0;
    do {
      cycles += step();
    } while (work_ != 0);
    hold_clock([&] { take(how); });
    return cycles;
  }
  template <class Work>
  void hold_clock(Work&& work) {
    const Instant begin = gateway_.clock().now();
    work();
    gateway_.clock().jump(begin - gateway_.clock().now());
  }

  // Beginnings alone, of sessions that end before the churn is measured.
  double begin_alone() {
    std::vector<double> cycles;
    for (unsigned n = 0; n < 64; ++n) {
      cycles.push_back(play([&] { traffic_.put_each(Direction::outward, fresh_, Traffic::stretch); }) /
                       Traffic::stretch);
      fresh_ += Traffic::stretch;
    }
    return median(cycles);
  }

  // One and a half lifetimes of packets of open flows, and among them as many first packets as the time that
  // the worker has taken asks for.
  double churn() {
    const double length = std::chrono::duration<double>{plan_.lifetime}.count() * 1.5 * tsc_hz_;
    const std::uint32_t first = fresh_;
    double cycles = 0;
    while (cycles < length) {
      const double due = cycles / tsc_hz_ * begun_a_second - (fresh_ - first);
      const auto begun = static_cast<unsigned>(std::clamp(due, 0.0, Traffic::stretch / 2.0));
      cycles += play([&] { traffic_.put_random(Direction::mixed, flows_, fresh_, begun); }, Order::mixed);
      fresh_ += begun;
      known_ += Traffic::stretch - begun;
    }
    return cycles;
  }

  // Ends alone: of all that is left.
  double end_alone() {
    gateway_.clock().jump(2 * std::chrono::nanoseconds{plan_.lifetime} + std::chrono::seconds{1});
    const auto& table = gateway_.worker().context().sessions;
    const std::uint32_t count = table.size();
    if (count == 0) throw std::runtime_error{"the flows have ended"};
    double cycles = 0;
    while (table.size() != 0) cycles += step();
    return cycles / count;
  }

  Plan plan_;
  std::uint32_t flows_;
  double tsc_hz_;
  Gateway gateway_;
  Traffic traffic_;
  std::uint32_t fresh_;      ///< the first flow that has not begun
  std::uint64_t known_ = 0;  ///< packets of open flows that went beside churn
  std::uint32_t work_ = 0;   ///< of the last turn
  std::vector<double> turns_;
};

}  // namespace

bool wants_churn(const Options& options) {
  return options.wants(row_name);
}

void measure_churn(const Options& options, std::uint32_t flows, std::vector<Row>& rows, double tsc_hz) {
  if (!wants_churn(options) || flows < Traffic::stretch || flows > max_flows) return;
  rows.push_back(ChurnBench{options, flows, tsc_hz}.run());
}

}  // namespace rgw::bench
