#include "bench/workers_bench.hpp"

#include <array>
#include <atomic>
#include <immintrin.h>
#include <memory>
#include <optional>
#include <pthread.h>
#include <sched.h>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "bench/cycles.hpp"
#include "bench/gateway.hpp"
#include "bench/traffic.hpp"

namespace rgw::bench {
namespace {

constexpr unsigned stretch = Traffic::stretch;
constexpr const char *one = "workers: one", *two = "workers: two",
                     *two_wrong = "workers: two, all packets at the wrong one",
                     *in_turn = "workers: two in turn on one CPU",
                     *in_turn_wrong = "workers: two in turn on one CPU, all packets at the wrong one";

enum class Arrival : std::uint8_t { at_the_right_worker, at_the_wrong_one };

// The flows of each worker of a gateway whose port the gateway leaves them, so that a packet from outside can
// be written without asking.
std::vector<std::vector<std::uint32_t>> flows_of(Gateway& gateway, std::uint32_t count) {
  const auto& law = gateway.worker().context().ownership;
  std::vector<std::vector<std::uint32_t>> flows(gateway.workers());
  const std::uint32_t each = count / gateway.workers();
  for (std::uint32_t n = 0, full = 0; full != gateway.workers(); ++n) {
    const Tuple outside = outside_tuple(n);
    const WorkerId home = law.owner_in(inside_tuple(n).source);
    auto& own = flows[home.value()];
    if (own.size() == each || law.owner_out(outside.source, outside.source_port) != home) continue;
    own.push_back(n);
    full += own.size() == each ? 1 : 0;
  }
  return flows;
}

// What one worker receives and sends, a stretch at a time.
class Lane {
 public:
  Lane(Gateway& gateway, unsigned worker)
      : gateway_{gateway}, worker_{worker}, random_{worker + 1}, packets_(stretch) {
    if (rte_pktmbuf_alloc_bulk(gateway.packets(), packets_.data(), stretch) != 0)
      throw std::runtime_error{"no packet buffers"};
  }
  ~Lane() { rte_pktmbuf_free_bulk(packets_.data(), static_cast<unsigned>(packets_.size())); }
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  // Packets of random flows, the odd ones from outside.
  void put_random(const std::vector<std::uint32_t>& flows) {
    for (unsigned i = 0; i < stretch; ++i)
      write(i, flows[random_.below(static_cast<std::uint32_t>(flows.size()))], i % 2 == 1);
    put();
  }
  // A packet of each of these, which are at most a stretch.
  void put_each(std::span<const std::uint32_t> flows, bool inward) {
    for (unsigned i = 0; i < flows.size(); ++i) write(i, flows[i], inward);
    put();
  }

  // Turns the crank until so many packets have been received, from queues and from peers. False where nothing
  // moves any more.
  [[nodiscard]] bool work(std::uint32_t packets) {
    constexpr unsigned patience = 100'000'000;
    for (unsigned idle = 0; packets != 0;) {
      const std::uint32_t now = std::min(packets, step());
      idle = now == 0 ? idle + 1 : 0;
      packets -= now;
      if (idle == patience) return false;
    }
    return true;
  }
  std::uint32_t step() { return gateway_.worker(worker_).step(); }

  // Takes back what this worker sent. False unless it is as many packets as were put, all of them translated.
  [[nodiscard]] bool take() {
    std::size_t count = 0;
    bool right = true;
    for (const std::uint8_t side : {Gateway::inside, Gateway::outside}) {
      const unsigned taken = gateway_.wire(side, worker_).take(std::span{packets_}.subspan(count), worker_);
      for (std::size_t i = count; i < count + taken; ++i) right &= is_translated(packets_[i], side);
      count += taken;
    }
    return std::exchange(put_, 0) == count && right;
  }

 private:
  void write(unsigned i, std::uint32_t flow, bool inward) {
    Tuple tuple = inward ? outside_tuple(flow) : inside_tuple(flow);
    if (inward) tuple = {tuple.destination, tuple.source, tuple.destination_port, tuple.source_port};
    const std::uint8_t side = inward ? Gateway::outside : Gateway::inside;
    write_packet(packets_[i], gateway_.port(side).facts(), tuple);
    to_[side].push_back(packets_[i]);
  }
  void put() {
    for (const std::uint8_t side : {Gateway::inside, Gateway::outside}) {
      gateway_.wire(side, worker_).put(to_[side], worker_);
      put_ += to_[side].size();
      to_[side].clear();
    }
  }
  static bool is_translated(const rte_mbuf* packet, std::uint8_t side) {
    auto seen = read_packet(packet, 1);
    if (!seen) return false;
    if (side == Gateway::outside) return *seen == outside_tuple(flow_of(*seen));
    seen = {seen->destination, seen->source, seen->destination_port, seen->source_port};
    return *seen == inside_tuple(flow_of(*seen));
  }

  Gateway& gateway_;
  unsigned worker_;
  Random random_;
  std::vector<rte_mbuf*> packets_;  ///< ours to write to between stretches
  std::array<std::vector<rte_mbuf*>, 2> to_;
  std::size_t put_ = 0;
};

// Where threads wait for each other, turning: what follows begins on all CPUs at once. Whoever gives up lets
// the others go.
class Barrier {
 public:
  explicit Barrier(unsigned threads) : threads_{threads} {}
  void wait() {
    const unsigned round = round_.load(std::memory_order_acquire);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == threads_) {
      arrived_.store(0, std::memory_order_relaxed);
      round_.store(round + 1, std::memory_order_release);
      return;
    }
    while (round_.load(std::memory_order_acquire) == round && !failed()) _mm_pause();
  }
  void fail() { failed_.store(true, std::memory_order_relaxed); }
  [[nodiscard]] bool failed() const { return failed_.load(std::memory_order_relaxed); }

 private:
  const unsigned threads_;
  std::atomic<unsigned> arrived_{0}, round_{0};
  std::atomic<bool> failed_{false};
};

class Crew {
 public:
  Crew(unsigned workers, std::uint32_t flows)
      : realm_{bench_realm(std::max(2 * flows, 1024U))},
        gateway_{realm_, workers},
        flows_{flows_of(gateway_, flows)} {
    for (unsigned i = 0; i < workers; ++i) lanes_.push_back(std::make_unique<Lane>(gateway_, i));
    for (const bool inward : {false, true}) {
      for (unsigned i = 0; i < workers; ++i) open(i, inward);
    }
    if (gateway_.count(Counter::session_created_outbound) != flows)
      throw std::runtime_error{"sessions are missing"};
  }

  // Cycles of the wall's clock for each packet of all workers together, in the middle of so many stretches.
  double side_by_side(Arrival arrival, unsigned stretches) {
    const auto workers = static_cast<unsigned>(lanes_.size());
    Barrier barrier{workers};
    std::vector<std::vector<Span>> spans(workers, std::vector<Span>(stretches));
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < workers; ++i) {
      threads.emplace_back([&, i] {
        if (!pin(i)) barrier.fail();
        for (unsigned s = 0; s < stretches && !barrier.failed(); ++s) {
          lanes_[i]->put_random(flows_[sender(i, arrival)]);
          barrier.wait();
          spans[i][s].begin = now_cycles();
          bool right = lanes_[i]->work(work_of_stretch(arrival));
          spans[i][s].end = now_cycles();
          barrier.wait();
          right = right && lanes_[i]->take();
          if (!right) barrier.fail();
        }
      });
    }
    for (auto& thread : threads) thread.join();
    if (barrier.failed())
      throw std::runtime_error{"workers lost or spoilt a packet, or have no CPU of their own"};
    std::vector<double> times;
    for (unsigned s = 0; s < stretches; ++s) {
      Span all = spans[0][s];
      for (const auto& of_worker : spans)
        all = {std::min(all.begin, of_worker[s].begin), std::max(all.end, of_worker[s].end)};
      times.push_back(static_cast<double>(all.end - all.begin) / (workers * stretch));
    }
    return median(times);
  }

  // The cycles of all workers for each packet, one crank turned after the other.
  double in_turn(Arrival arrival, unsigned stretches) {
    std::vector<double> times;
    for (unsigned s = 0; s < stretches; ++s) {
      for (unsigned i = 0; i < lanes_.size(); ++i) lanes_[i]->put_random(flows_[sender(i, arrival)]);
      const auto begin = now_cycles();
      for (std::size_t left = lanes_.size() * work_of_stretch(arrival); left != 0;) {
        std::size_t now = 0;
        for (auto& lane : lanes_) now += lane->step();
        if (now == 0) throw std::runtime_error{"the crank turns and nothing moves"};
        left -= std::min(left, now);
      }
      times.push_back(static_cast<double>(now_cycles() - begin) /
                      static_cast<double>(lanes_.size() * stretch));
      for (auto& lane : lanes_) {
        if (!lane->take()) throw std::runtime_error{"a worker lost or spoilt a packet"};
      }
    }
    return median(times);
  }

 private:
  struct Span {
    std::uint64_t begin, end;
  };

  static bool pin(unsigned cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    return pthread_setaffinity_np(pthread_self(), sizeof set, &set) == 0;
  }
  // Whose flows a worker gets the packets of.
  [[nodiscard]] std::size_t sender(std::size_t worker, Arrival arrival) const {
    return arrival == Arrival::at_the_right_worker ? worker : (worker + 1) % lanes_.size();
  }
  // Each packet is received once or, by way of a peer, twice.
  static std::uint32_t work_of_stretch(Arrival arrival) {
    return arrival == Arrival::at_the_right_worker ? stretch : 2 * stretch;
  }
  void open(unsigned worker, bool inward) {
    std::span<const std::uint32_t> left = flows_[worker];
    while (!left.empty()) {
      const auto some = left.first(std::min<std::size_t>(left.size(), stretch));
      lanes_[worker]->put_each(some, inward);
      if (!lanes_[worker]->work(static_cast<std::uint32_t>(some.size())) || !lanes_[worker]->take())
        throw std::runtime_error{"a flow does not open"};
      left = left.subspan(some.size());
    }
  }

  config::Realm realm_;
  Gateway gateway_;
  std::vector<std::vector<std::uint32_t>> flows_;  ///< of each worker
  std::vector<std::unique_ptr<Lane>> lanes_;
};

}  // namespace

bool wants_workers(const Options& options) {
  for (const char* name : {one, two, two_wrong, in_turn, in_turn_wrong}) {
    if (options.wants(name)) return true;
  }
  return false;
}

void measure_workers(const Options& options, std::uint32_t flows, std::vector<Row>& rows) {
  if (flows < stretch || flows > 1U << 20) return;
  using enum Arrival;
  const unsigned stretches = options.quick ? 8 : 300;
  Crew alone{1, flows}, pair{2, flows};
  Figure right, wrong, turns_right, turns_wrong, single;
  const bool parallel = std::thread::hardware_concurrency() > 1;
  for (unsigned round = 0; round <= options.rounds; ++round) {  // the first to warm up
    if (round == 1) right = wrong = turns_right = turns_wrong = single = {};
    turns_right.add(pair.in_turn(at_the_right_worker, stretches));
    turns_wrong.add(pair.in_turn(at_the_wrong_one, stretches));
    if (!parallel) continue;
    single.add(alone.side_by_side(at_the_right_worker, stretches));
    right.add(pair.side_by_side(at_the_right_worker, stretches));
    wrong.add(pair.side_by_side(at_the_wrong_one, stretches));
  }
  const auto add = [&](const char* name, const Figure& figure,
                       std::vector<std::pair<std::string, double>> more) {
    if (!options.wants(name)) return;
    more.emplace_back("least", figure.least());
    rows.push_back({.name = name,
                    .sessions = flows,
                    .direction = "mixed",
                    .cycles = figure.median(),
                    .more = std::move(more)});
  };
  if (parallel) {
    add(one, single, {});
    add(two, right, {{"rate_ratio", single.median() / right.median()}});
    // Each has a share of the packets, so a cycle of the wall's is two of the workers'.
    add(two_wrong, wrong,
        {{"rate_ratio", single.median() / wrong.median()},
         {"more_cycles", 2 * (wrong.median() - right.median())}});
  }
  add(in_turn, turns_right, {});
  add(in_turn_wrong, turns_wrong, {{"more_cycles", turns_wrong.median() - turns_right.median()}});
}

}  // namespace rgw::bench
