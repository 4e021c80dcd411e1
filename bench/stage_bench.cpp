#include "bench/stage_bench.hpp"

#include "realmgw/dataplane/stages.hpp"

#include <array>
#include <memory>
#include <stdexcept>

#include "bench/cycles.hpp"

namespace rgw::bench {
namespace {

using dataplane::Batch;
using dataplane::Context;
namespace stages = dataplane::stages;

struct Stage {
  const char* name;
  void (*run)(Context&, Batch&);
};

constexpr std::array<Stage, 8> walk{{{"parse", stages::parse},
                                     {"defrag", stages::defrag},
                                     {"steer", stages::steer},
                                     {"lookup", stages::lookup},
                                     {"admit", stages::admit},
                                     {"egress", stages::egress},
                                     {"translate", stages::translate},
                                     {"resolve", stages::resolve}}};
constexpr std::size_t rx = walk.size(), tx = rx + 1, short_way = tx + 1, places = short_way + 1;

using Times = std::array<double, places>;

class Watch {
 public:
  explicit Watch(Times& times) : times_{times}, last_{now_cycles()} {}
  void lap(std::size_t place) {
    _mm_lfence();  // what the stage has begun belongs to it
    const auto now = now_cycles();
    times_[place] += static_cast<double>(now - last_) / Traffic::stretch;
    last_ = now;
  }

 private:
  Times& times_;
  std::uint64_t last_;
};

// One stretch, already on the wires, that goes the whole walk.
Times walk_stretch(Gateway& gateway, Batch& batch) {
  Context& context = gateway.worker().context();
  context.now = context.clock.now();
  context.tick = nat::tick_of(context.now);
  Times times{};
  Watch watch{times};
  for (unsigned done = 0; done < Traffic::stretch;) {
    for (const std::uint8_t side : {Gateway::inside, Gateway::outside}) {
      const auto& port = gateway.port(side);
      std::array<rte_mbuf*, Batch::capacity> burst;
      const auto count = stages::receive(context, port, burst);
      stages::enlist(port, {burst.data(), count}, batch);
      watch.lap(rx);
      done += count;
      for (std::size_t i = 0; i < walk.size(); ++i) {
        walk[i].run(context, batch);
        watch.lap(i);
      }
      batch.clear();
    }
    context.flush();
    watch.lap(tx);
  }
  return times;
}

// The same on the short way.
double short_stretch(Gateway& gateway) {
  Context& context = gateway.worker().context();
  Times times{};
  Watch watch{times};
  for (unsigned done = 0; done < Traffic::stretch;) {
    for (const std::uint8_t side : {Gateway::inside, Gateway::outside}) {
      const auto& port = gateway.port(side);
      std::array<rte_mbuf*, Batch::capacity> burst;
      const auto count = stages::receive(context, port, burst);
      watch.lap(rx);
      done += count;
      if (stages::take_short_way(context, port.facts(), {burst.data(), count}) != 0)
        throw std::runtime_error{"a packet of the benchmark is not plain"};
      watch.lap(short_way);
    }
    context.flush();
    watch.lap(tx);
  }
  return times[short_way];
}

}  // namespace

void measure_stages(const Options& options, Gateway& gateway, Traffic& traffic, std::uint32_t sessions,
                    std::vector<Row>& rows) {
  const auto batch = std::make_unique<Batch>();
  std::array<std::vector<double>, places> all;
  for (unsigned i = 0; i < (options.quick ? 8 : 500); ++i) {
    traffic.put_random(Direction::mixed, sessions);
    Times times = walk_stretch(gateway, *batch);
    traffic.take();
    traffic.put_random(Direction::mixed, sessions);
    times[short_way] = short_stretch(gateway);
    traffic.take();
    for (std::size_t place = 0; place < places; ++place) all[place].push_back(times[place]);
  }
  const auto add = [&](const char* stage, std::size_t place) {
    const std::string name = std::string{"stage "} + stage;
    if (!options.wants(name)) return;
    rows.push_back(
        {.name = name, .sessions = sessions, .direction = "mixed", .cycles = median(all[place]), .more = {}});
  };
  add("rx", rx);
  add("short way", short_way);
  for (std::size_t i = 0; i < walk.size(); ++i) add(walk[i].name, i);
  add("tx", tx);
}

}  // namespace rgw::bench
