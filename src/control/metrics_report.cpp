#include "realmgw/control/metrics_report.hpp"

#include "realmgw/base/metric.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <unordered_map>

namespace rgw::control {

namespace {

using nlohmann::ordered_json;
using Labels = std::vector<std::string>;

double seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

/// The metrics of an answer as they grow.
class Samples {
 public:
  template <class Value>
  void add(Metric metric, const Labels& labels, Value value) {
    json_[std::string{info(metric).name}].push_back(ordered_json::array({labels, value}));
  }
  void add(Metric metric, const Labels& labels, const Histogram& times) {
    ordered_json bounds = ordered_json::array(), counts = ordered_json::array();
    for (const Duration bound : times.bounds()) bounds.push_back(seconds(bound));
    for (std::size_t place = 0; place <= times.bounds().size(); ++place) counts.push_back(times.count(place));
    add(metric, labels, ordered_json{{"bounds", bounds}, {"counts", counts}, {"sum", seconds(times.sum())}});
  }
  [[nodiscard]] ordered_json take() { return std::move(json_); }

 private:
  ordered_json json_ = ordered_json::object();
};

std::string_view name(PortFault fault) {
  switch (fault) {
    case PortFault::interface_gone:
      return "interface_gone";
    case PortFault::program_gone:
      return "program_gone";
    case PortFault::none:
      break;
  }
  return "none";
}

void add_gateway(Samples& samples, const MetricsFacts& facts) {
  const auto unix_time = [&](Instant when) {
    const auto since_epoch = facts.started_at.time_since_epoch() + (when - facts.started);
    return std::chrono::duration<double>(since_epoch).count();
  };
  samples.add(Metric::build_info, {facts.version}, 1);
  samples.add(Metric::start_time_seconds, {}, unix_time(facts.started));
  samples.add(Metric::uptime_seconds, {}, seconds(facts.now - facts.started));
  const ReloadTally& reloads = facts.reloads;
  samples.add(Metric::reloads_total, {"reloaded"}, reloads.reloaded);
  samples.add(Metric::reloads_total, {"unchanged"}, reloads.unchanged);
  samples.add(Metric::reloads_total, {"mistakes"}, reloads.mistakes);
  samples.add(Metric::reloads_total, {"restart"}, reloads.restart);
  samples.add(Metric::last_reload_successful, {}, reloads.last_successful ? 1 : 0);
  samples.add(Metric::last_reload_success_timestamp_seconds, {}, unix_time(reloads.in_force_since));
  samples.add(Metric::packet_buffers, {}, facts.packet_buffers);
  samples.add(Metric::packet_buffers_free, {}, facts.packet_buffers_free);
}

void add_troubles(Samples& samples, const MetricsFacts& facts) {
  const auto write = [&](Trouble what, const std::string& subject, bool active) {
    samples.add(Metric::trouble_active, {std::string{name(what)}, subject}, active ? 1 : 0);
  };
  const auto add = [&](Trouble what, const std::string& subject) {
    write(what, subject, facts.watch.active(what, subject));
  };
  for (const auto& port : facts.snapshot.ports) add(Trouble::link_down, port.name);
  std::set<net::IpAddress> routers;
  for (const auto& route : facts.snapshot.realm.routes) {
    if (routers.insert(route.via).second) add(Trouble::router_lost, route.via.to_string());
  }
  if (facts.recursion != nullptr) {
    for (const auto& health : facts.recursion->upstreams())
      add(Trouble::upstream_dead, health.upstream.to_string());
  }
  constexpr auto with_subject =
      std::to_array({Trouble::link_down, Trouble::router_lost, Trouble::upstream_dead});
  for (std::size_t i = 0; i < trouble_count; ++i) {
    const auto what = static_cast<Trouble>(i);
    if (std::ranges::find(with_subject, what) == with_subject.end())
      write(what, {}, facts.watch.active(what));
  }
}

void add_ports(Samples& samples, const MetricsFacts& facts) {
  for (const auto& port : facts.snapshot.ports) {
    const PortStatus& status = facts.ports[port.id.value()];
    samples.add(Metric::port_info,
                {port.name, port.side == net::Side::inside ? "inside" : "outside",
                 facts.snapshot.realm.ports[port.id.value()].device, std::string{name(status.fault)}},
                1);
    const Labels labels{port.name};
    samples.add(Metric::port_up, labels, status.link_up ? 1 : 0);
    samples.add(Metric::port_receive_packets_total, labels, status.rx_packets);
    samples.add(Metric::port_receive_bytes_total, labels, status.rx_bytes);
    samples.add(Metric::port_receive_missed_total, labels, status.rx_missed);
    samples.add(Metric::port_receive_errors_total, labels, status.rx_errors);
    samples.add(Metric::port_transmit_packets_total, labels, status.tx_packets);
    samples.add(Metric::port_transmit_bytes_total, labels, status.tx_bytes);
    samples.add(Metric::port_transmit_errors_total, labels, status.tx_errors);
  }
}

void add_workers(Samples& samples, const MetricsFacts& facts) {
  std::uint64_t all_sessions = 0;
  for (std::size_t i = 0; i < facts.workers.size(); ++i) {
    const Labels labels{std::to_string(i)};
    const CounterBlock& counters = *facts.workers[i].counters;
    const std::uint64_t own = live_sessions({&facts.workers[i], 1});
    all_sessions += own;
    if (facts.turns[i] != nullptr) samples.add(Metric::worker_turn_seconds, labels, facts.turns[i]->busy());
    samples.add(Metric::worker_receive_packets_total, labels, counters.get(Counter::rx_packets));
    samples.add(Metric::worker_transmit_packets_total, labels, counters.get(Counter::tx_packets));
    samples.add(Metric::worker_sessions, labels, own);
  }
  samples.add(Metric::sessions, {}, all_sessions);
}

void add_tables(Samples& samples, const MetricsFacts& facts) {
  const auto add = [&](std::string_view table, const std::string& thread, std::size_t used,
                       std::size_t room) {
    const Labels labels{std::string{table}, thread};
    samples.add(Metric::table_entries, labels, used);
    samples.add(Metric::table_capacity, labels, room);
  };
  for (std::size_t i = 0; i < facts.uses.size(); ++i) {
    for (std::size_t table = 0; table < ring::worker_tables.size(); ++table) {
      const auto& [used, room] = facts.uses[i].tables[table];
      add(ring::worker_tables[table], facts.workers[i].thread, used, room);
    }
  }
  const pool::PoolUse use = facts.pool.use();
  add("pool_claims", "control", use.claims, use.max_claims);
  add("pool_waiting", "control", use.waiting, use.max_waiting);
  if (facts.recursion == nullptr) return;
  const auto cache = facts.recursion->cache_use();
  add("dns_cache", "control", cache.entries, cache.max_entries);
}

/// Each worker has its part of an address's ports, and its own sessions.
void add_externals(Samples& samples, const MetricsFacts& facts) {
  std::vector<ring::WorkerUse::External> sums;
  std::unordered_map<net::IpAddress, std::size_t> places;
  for (const auto& use : facts.uses) {
    for (const auto& part : std::span{use.externals}.first(use.count)) {
      const auto [place, is_new] = places.emplace(part.address, sums.size());
      if (is_new) {
        sums.push_back(part);
        continue;
      }
      auto& sum = sums[place->second];
      sum.sessions += part.sessions;
      for (std::size_t i = 0; i < sum.ports.size(); ++i) {
        sum.ports_used[i] += part.ports_used[i];
        sum.ports[i] += part.ports[i];
      }
    }
  }
  constexpr std::array<const char*, ring::WorkerUse::protocols> protocols{"tcp", "udp", "icmp", "sctp"};
  sums.resize(std::min<std::size_t>(sums.size(), ring::WorkerUse::max_externals));
  for (const auto& sum : sums) {
    const std::string address = sum.address.to_string();
    samples.add(Metric::external_sessions, {address}, sum.sessions);
    for (std::size_t i = 0; i < protocols.size(); ++i) {
      samples.add(Metric::external_ports_in_use, {address, protocols[i]}, sum.ports_used[i]);
      samples.add(Metric::external_ports, {address, protocols[i]}, sum.ports[i]);
    }
  }
}

void add_pool(Samples& samples, const MetricsFacts& facts) {
  const pool::PoolUse use = facts.pool.use();
  for (const auto family : {net::Family::v4, net::Family::v6}) {
    const auto [all, carrying, unproven] = use.families[static_cast<std::size_t>(family)];
    const std::size_t resting = facts.pool.resting(family, facts.now);
    const std::string named = family == net::Family::v4 ? "ipv4" : "ipv6";
    samples.add(Metric::pool_addresses, {named, "reserved"}, carrying);
    samples.add(Metric::pool_addresses, {named, "resting"}, resting);
    samples.add(Metric::pool_unproven_addresses, {named}, unproven);
    samples.add(Metric::pool_addresses, {named, "free"}, all - std::min(all, carrying + resting));
  }
  samples.add(Metric::pool_reservations, {}, use.reservations);
  samples.add(Metric::pool_claims_pending, {}, use.claims);
  samples.add(Metric::pool_waiting, {}, use.waiting);
  samples.add(Metric::pool_service_seconds, {}, facts.pool.service_times());
}

void add_dns(Samples& samples, const MetricsFacts& facts) {
  samples.add(Metric::dns_answer_seconds, {"own"}, facts.dns_times.own);
  samples.add(Metric::dns_answer_seconds, {"waited"}, facts.dns_times.waited);
  samples.add(Metric::dns_answer_seconds, {"recursive"}, facts.dns_times.recursive);
  if (facts.recursion == nullptr) return;
  samples.add(Metric::dns_cache_bytes, {}, facts.recursion->cache_use().bytes);
  for (const auto& health : facts.recursion->upstreams()) {
    const std::string upstream = health.upstream.to_string();
    samples.add(Metric::dns_upstream_attempts_total, {upstream, "answered"}, health.answered);
    samples.add(Metric::dns_upstream_attempts_total, {upstream, "failed"}, health.failed);
    samples.add(Metric::dns_upstream_attempts_total, {upstream, "silent"}, health.silent);
    samples.add(Metric::dns_upstream_attempts_total, {upstream, "unreachable"}, health.unreachable);
    samples.add(Metric::dns_upstream_preferred, {upstream}, health.preferred ? 1 : 0);
  }
}

void add_session_log(Samples& samples, const MetricsFacts& facts) {
  if (facts.session_log == nullptr) return;
  const auto status = facts.session_log->status();
  const auto add = [&](const char* sink, const std::optional<session_log::SinkStatus>& of) {
    if (!of) return;
    samples.add(Metric::session_log_records_total, {sink}, of->records);
    samples.add(Metric::session_log_sink_lost_total, {sink}, of->lost);
    samples.add(Metric::session_log_waiting_bytes, {sink}, of->waiting_bytes);
    samples.add(Metric::session_log_sink_up, {sink}, of->trouble.empty() ? 1 : 0);
  };
  add("file", status.file);
  add("collector", status.collector);
}

}  // namespace

void ReloadTally::add(const ReloadReport& report, Instant now) {
  using Result = ReloadReport::Result;
  switch (report.result) {
    case Result::reloaded:
      ++reloaded;
      in_force_since = now;
      break;
    case Result::unchanged:
      ++unchanged;
      break;
    case Result::mistakes:
      ++mistakes;
      break;
    case Result::restart:
      ++restart;
      break;
    case Result::pending:
    case Result::would_apply:
      return;
  }
  last_successful = report.result == Result::reloaded || report.result == Result::unchanged;
}

std::string metrics_report(const MetricsFacts& facts) {
  Samples samples;
  add_gateway(samples, facts);
  add_troubles(samples, facts);
  add_ports(samples, facts);
  add_workers(samples, facts);
  add_tables(samples, facts);
  add_externals(samples, facts);
  add_pool(samples, facts);
  add_dns(samples, facts);
  add_session_log(samples, facts);
  auto threads = facts.workers;
  threads.push_back({"control", &facts.control});
  const ordered_json json{
      {"version", facts.version}, {"counters", counters_json(threads)}, {"metrics", samples.take()}};
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace rgw::control
