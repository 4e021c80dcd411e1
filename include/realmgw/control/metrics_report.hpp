// What realmgw-exporter gets: all metrics at once, as JSON.
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/base/turn_meter.hpp"
#include "realmgw/control/ctl_server.hpp"
#include "realmgw/control/dns_times.hpp"
#include "realmgw/control/port_monitor.hpp"
#include "realmgw/control/realm_reload.hpp"
#include "realmgw/control/recursive_service.hpp"
#include "realmgw/control/reports.hpp"
#include "realmgw/control/use_survey.hpp"
#include "realmgw/control/watch.hpp"
#include "realmgw/pool/circular_pool.hpp"
#include "realmgw/ring/snapshot.hpp"
#include "realmgw/session_log/session_log.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace rgw::control {

/// What came of the reloads so far, dry runs left out.
struct ReloadTally {
  std::uint64_t reloaded = 0, unchanged = 0, mistakes = 0, restart = 0;
  bool last_successful = true;
  Instant in_force_since;

  void add(const ReloadReport& report, Instant now);
};

/// What `metrics_report` looks at.
struct MetricsFacts {
  const ring::Snapshot& snapshot;
  std::string version;
  std::chrono::system_clock::time_point started_at;
  Instant started, now;
  std::vector<NamedCounters> workers;
  const CounterBlock& control;
  std::vector<const TurnMeter*> turns;  ///< by worker; null: not measured
  std::span<const ring::WorkerUse> uses;
  const std::vector<PortStatus>& ports;  ///< by PortId
  unsigned packet_buffers, packet_buffers_free;
  const pool::CircularPool& pool;
  const DnsTimes& dns_times;
  const RecursiveService* recursion;  ///< null: the realm has no upstreams
  const Watch& watch;
  const ReloadTally& reloads;
  const session_log::SessionLog* session_log;  ///< null: none is kept
};

/// `{"version": ..., "counters": {name: value, ...}, "metrics": {name: [[[label, ...], value], ...], ...}}`:
/// the counters as `counters` gives them, and those metrics of base/metric.hpp that are the gateway's to
/// give. The labels stand in the order of that list. The value of a histogram is
/// `{"bounds": [seconds, ...], "counts": [n, ...], "sum": seconds}`, the counts by class, the last one
/// without a bound.
[[nodiscard]] std::string metrics_report(const MetricsFacts& facts);

/// Answers `metrics` once the workers have told of their tables.
class MetricsReply final : public CtlReply {
 public:
  MetricsReply(UseSurvey& survey, std::function<std::string()> report)
      : survey_{survey}, report_{std::move(report)} {
    survey_.begin();
  }
  Progress append_to(std::string& text) override {
    if (!survey_.done()) return Progress::more;
    text += report_();
    return Progress::finished;
  }

 private:
  UseSurvey& survey_;
  std::function<std::string()> report_;
};

}  // namespace rgw::control
