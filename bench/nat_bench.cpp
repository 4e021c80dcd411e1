#include "bench/nat_bench.hpp"

#include "realmgw/net/headers.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <fstream>
#include <stdexcept>
#include <string>
#include <unistd.h>
#include <utility>

#include "bench/cycles.hpp"
#include "bench/gateway.hpp"
#include "bench/stage_bench.hpp"
#include "bench/traffic.hpp"

namespace rgw::bench {
namespace {

// The least that a router could do: a burst from each port, new MAC addresses, and out at the other.
unsigned forward_step(Gateway& gateway) {
  constexpr std::uint16_t burst = dataplane::Batch::capacity;
  std::array<rte_mbuf*, burst> packets;
  unsigned sum = 0;
  for (const std::uint8_t side : {Gateway::inside, Gateway::outside}) {
    const std::uint8_t to = side == Gateway::inside ? Gateway::outside : Gateway::inside;
    const std::uint16_t count = gateway.port(side).receive(0, packets.data(), burst);
    if (count == 0) continue;
    for (std::uint16_t i = 0; i < count; ++i) rte_prefetch0(rte_pktmbuf_mtod(packets[i], void*));
    for (std::uint16_t i = 0; i < count; ++i) {
      auto& ethernet = net::header<net::EthernetHeader>(rte_pktmbuf_mtod(packets[i], std::uint8_t*));
      ethernet.source = gateway.port(to).facts().mac;
      ethernet.destination = {{2, 0, 0, 0, 0, to}};
    }
    if (gateway.port(to).send(0, packets.data(), count) != count)
      throw std::runtime_error{"the wire is full"};
    sum += count;
  }
  return sum;
}

// Turns the crank until `count` packets have been received; cycles for each of them.
template <class Step>
double run(unsigned count, Step&& step) {
  const auto begin = now_cycles();
  for (unsigned done = 0; done < count;) {
    const unsigned now = step();
    if (now == 0) throw std::runtime_error{"the crank turns and nothing moves"};
    done += now;
  }
  return static_cast<double>(now_cycles() - begin) / count;
}

class NatBench {
 public:
  NatBench(const Options& options, std::uint32_t sessions, std::vector<Row>& rows)
      : options_{options},
        sessions_{sessions},
        rows_{rows},
        resident_{resident_bytes()},
        begin_{std::chrono::steady_clock::now()},
        gateway_{bench_realm(std::max(sessions, 1024U))},
        start_{std::chrono::steady_clock::now() - begin_},
        traffic_{gateway_} {}

  void run_all() {
    begin_sessions();
    for (const Direction direction : {Direction::outward, Direction::inward, Direction::mixed}) {
      if (options_.wants("NAT44 UDP")) replay(direction);
    }
    if (options_.stages) measure_stages(options_, gateway_, traffic_, sessions_, rows_);
    end_sessions();
  }

 private:
  // A round has many stretches, and the middle one of them counts.
  [[nodiscard]] unsigned stretches() const { return options_.quick ? 8 : 500; }

  static double resident_bytes() {
    std::ifstream file{"/proc/self/statm"};
    double size = 0, resident = 0;
    file >> size >> resident;
    return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
  }

  unsigned step() { return gateway_.worker().step(); }

  double forward(Direction direction) {
    std::vector<double> times;
    for (unsigned i = 0; i < std::min(stretches(), 100U); ++i) {
      traffic_.put_random(direction, sessions_);
      times.push_back(run(Traffic::stretch, [&] { return forward_step(gateway_); }));
      traffic_.take(true);
    }
    return median(times);
  }

  double translate(Direction direction) {
    std::vector<double> times;
    for (unsigned i = 0; i < stretches(); ++i) {
      traffic_.put_random(direction, sessions_);
      times.push_back(run(Traffic::stretch, [&] { return step(); }));
      traffic_.take();
    }
    return median(times);
  }

  void replay(Direction direction) {
    Figure plain, nat;
    forward(direction);
    translate(direction);  // a round to warm up
    for (unsigned round = 0; round < options_.rounds; ++round) {
      plain.add(forward(direction));
      nat.add(translate(direction));
    }
    rows_.push_back({.name = "NAT44 UDP",
                     .sessions = sessions_,
                     .direction = std::string{name(direction)},
                     .cycles = nat.median(),
                     .forward = plain.median(),
                     .unit = Unit::packet,
                     .more = {{"least", nat.least()}, {"forward_least", plain.least()}}});
  }

  // A packet of each flow in order; what it cost in the middle stretch, and in the mean.
  std::pair<double, double> play_each(Direction direction) {
    std::vector<double> times;
    double sum = 0;
    for (std::uint32_t first = 0; first < sessions_; first += Traffic::stretch) {
      const unsigned count = std::min(sessions_ - first, Traffic::stretch);
      traffic_.put_each(direction, first, count);
      times.push_back(run(count, [&] { return step(); }));
      sum += times.back() * count;
      traffic_.take();
    }
    return {median(times), sum / sessions_};
  }

  // First packets, each of a flow that nobody has seen, and the first answers to them, which find the way
  // inward.
  void begin_sessions() {
    const auto [first, first_mean] = play_each(Direction::outward);
    const auto [reply, reply_mean] = play_each(Direction::inward);
    if (gateway_.count(Counter::session_created_outbound) != sessions_)
      throw std::runtime_error{"sessions are missing"};
    if (sessions_ < Traffic::stretch) return;
    const auto& table = gateway_.worker().context().sessions;
    const auto add = [&](const char* name, Direction direction, double cycles, Unit unit,
                         std::vector<std::pair<std::string, double>> more) {
      if (!options_.wants(name)) return;
      rows_.push_back({.name = name,
                       .sessions = sessions_,
                       .direction = std::string{bench::name(direction)},
                       .cycles = cycles,
                       .forward = forward(direction),
                       .unit = unit,
                       .more = std::move(more)});
    };
    add("new session NAT44 UDP", Direction::outward, first, Unit::session,
        {{"mean", first_mean},
         {"table_bytes", static_cast<double>(table.bytes()) / table.capacity()},
         {"resident_bytes", (resident_bytes() - resident_) / sessions_},
         {"start_ms", start_.count()}});
    add("first reply NAT44 UDP", Direction::inward, reply, Unit::packet, {{"mean", reply_mean}});
  }

  // All of them end at one moment; a turn of the crank takes its share of them, and must not take long.
  void end_sessions() {
    if (sessions_ < Traffic::stretch || !options_.wants("end of session NAT44 UDP")) return;
    gateway_.clock().jump(std::chrono::hours{2} + std::chrono::seconds{1});
    const auto& table = gateway_.worker().context().sessions;
    std::vector<double> turns;
    double sum = 0;
    while (table.size() != 0) {
      const auto begin = now_cycles();
      step();
      turns.push_back(static_cast<double>(now_cycles() - begin));
      sum += turns.back();
    }
    std::sort(turns.begin(), turns.end());
    rows_.push_back({.name = "end of session NAT44 UDP",
                     .sessions = sessions_,
                     .direction = "none",
                     .cycles = sum / sessions_,
                     .forward = rows_.empty() ? 0 : rows_.back().forward,
                     .unit = Unit::session,
                     .more = {{"turn_p50", turns[turns.size() / 2]},
                              {"turn_p999", turns[turns.size() * 999 / 1000]},
                              {"idle_p999", idle_p999(turns)}}});
  }

  // What the longest of as many stretches of time take in which nothing is done at all: the machine's own
  // part.
  static double idle_p999(const std::vector<double>& turns) {
    std::vector<double> stretches;
    for (std::size_t i = 0; i < turns.size(); ++i) {
      const auto begin = now_cycles();
      std::uint64_t now = begin;
      while (static_cast<double>(now - begin) < turns[turns.size() / 2]) now = now_cycles();
      stretches.push_back(static_cast<double>(now - begin));
    }
    std::sort(stretches.begin(), stretches.end());
    return stretches[stretches.size() * 999 / 1000];
  }

  const Options& options_;
  std::uint32_t sessions_;
  std::vector<Row>& rows_;
  double resident_;
  std::chrono::steady_clock::time_point begin_;
  Gateway gateway_;
  std::chrono::duration<double, std::milli> start_;  ///< that the gateway took to start
  Traffic traffic_;
};

}  // namespace

void measure_nat(const Options& options, std::uint32_t sessions, std::vector<Row>& rows) {
  NatBench{options, sessions, rows}.run_all();
}

}  // namespace rgw::bench
