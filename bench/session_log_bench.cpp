#include "bench/session_log_bench.hpp"

#include "realmgw/session_log/scribe.hpp"
#include "realmgw/session_log/session_log.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <unistd.h>

#include "bench/cycles.hpp"
#include "bench/gateway.hpp"
#include "bench/traffic.hpp"

namespace rgw::bench {
namespace {

constexpr const char* row_name = "forwarding with a session log";
constexpr std::uint32_t flows = 16'384;
constexpr std::chrono::milliseconds lifetime{1'000};
constexpr unsigned packets_a_beginning = 128;

enum class Keep { nothing, sessions, blocks };

config::Realm realm_of(Keep keep, const std::filesystem::path& directory) {
  auto realm = bench_realm(1U << 19);
  realm.timers.udp = lifetime;
  // Enough that no block is missed; without blocks, too, so that they alone make the difference.
  const auto first = realm.outbound.addresses.front().v4().value.host();
  for (std::uint32_t i = 1; i < 32; ++i)
    realm.outbound.addresses.push_back(net::Ipv4Address{be32{first + i}});
  if (keep == Keep::blocks) realm.outbound.port_blocks = {.size = 64, .hold = std::chrono::milliseconds{0}};
  if (keep != Keep::nothing) realm.session_log.file = (directory / "sessions.log").string();
  if (keep == Keep::blocks) realm.session_log.per = config::SessionLog::Per::block;
  return realm;
}

struct Measured {
  double cycles = 0;  ///< a packet
  std::uint64_t records = 0, lost = 0;
};

class SessionLogBench {
 public:
  SessionLogBench(Keep keep, const std::filesystem::path& directory)
      : gateway_{realm_of(keep, directory)}, traffic_{gateway_} {
    const auto& what = gateway_.snapshot().realm.session_log;
    if (!what.on()) return;
    log_ = std::make_unique<session_log::SessionLog>(session_log::SessionLog::Parts{
        .what = what, .workers = 1, .version = "bench", .clock = &gateway_.clock()});
    auto& context = gateway_.worker().context();
    scribe_ = std::make_unique<session_log::Scribe>(context.book, context.now, what, log_->lane(WorkerId{}),
                                                    context.counters);
    context.book.observe(*scribe_);
    log_->start();
  }

  Measured run(double seconds, double tsc_hz) {
    for (std::uint32_t first = 0; first < flows; first += Traffic::stretch)
      play([&] { traffic_.put_each(Direction::outward, first, std::min(flows - first, Traffic::stretch)); });
    churn(std::chrono::duration<double>{lifetime}.count() * 1.2, tsc_hz);  // until as many end as begin
    const double cycles = churn(seconds, tsc_hz);
    if (gateway_.drops() != 0) throw std::runtime_error{"packets were dropped"};
    Measured measured{.cycles = cycles, .lost = gateway_.count(Counter::session_log_lost)};
    if (log_) measured.records = log_->status().file->records;
    return measured;
  }

 private:
  template <class Put>
  double play(Put&& put) {
    // No time passes for the gateway while the generator writes and checks.
    const auto held = [&](auto&& work) {
      const Instant begin = gateway_.clock().now();
      work();
      gateway_.clock().jump(begin - gateway_.clock().now());
    };
    held(put);
    double cycles = 0;
    for (std::uint32_t work = 1; work != 0;) {
      const auto begin = now_cycles();
      work = gateway_.worker().step();
      cycles += static_cast<double>(now_cycles() - begin);
    }
    held([&] {
      if (traffic_.take_any() == 0) throw std::runtime_error{"the gateway kept the packets"};
    });
    return cycles;
  }

  /// The cycles of a packet, beginnings and ends included: the median of all stretches, so that it does not
  /// matter what else the machine has to do.
  double churn(double seconds, double tsc_hz) {
    constexpr unsigned begun = Traffic::stretch / packets_a_beginning;
    static_assert(begun != 0);
    std::vector<double> all;
    for (double sum = 0; sum < seconds * tsc_hz; sum += all.back()) {
      all.push_back(play([&] { traffic_.put_random(Direction::outward, flows, fresh_, begun); }));
      fresh_ += begun;
    }
    return median(all) / Traffic::stretch;
  }

  Gateway gateway_;
  Traffic traffic_;
  std::unique_ptr<session_log::SessionLog> log_;
  std::unique_ptr<session_log::Scribe> scribe_;
  std::uint32_t fresh_ = flows;
};

}  // namespace

bool wants_session_log(const Options& options) {
  return options.wants(row_name);
}

void measure_session_log(const Options& options, std::vector<Row>& rows, double tsc_hz) {
  if (!wants_session_log(options)) return;
  const double seconds = options.quick ? 0.2 : 2;
  const auto directory =
      std::filesystem::temp_directory_path() / ("realmgw-bench-log-" + std::to_string(getpid()));
  const auto measured = [&](Keep keep) {
    std::filesystem::create_directories(directory);
    const Measured one = SessionLogBench{keep, directory}.run(seconds, tsc_hz);
    std::filesystem::remove_all(directory);
    return one;
  };
  for (const Keep keep : {Keep::sessions, Keep::blocks}) {
    // Before and after, for the machine may grow slower meanwhile.
    const double before = measured(Keep::nothing).cycles;
    const Measured with = measured(keep);
    const double without = (before + measured(Keep::nothing).cycles) / 2;
    rows.push_back({.name = std::string{row_name} + (keep == Keep::blocks ? " per block" : " per session"),
                    .sessions = flows,
                    .direction = "outward",
                    .cycles = with.cycles,
                    .unit = Unit::packet,
                    .more = {{"without", without},
                             {"rate_ratio", without / with.cycles},
                             {"records", static_cast<double>(with.records)},
                             {"lost", static_cast<double>(with.lost)}}});
  }
}

}  // namespace rgw::bench
