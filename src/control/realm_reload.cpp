#include "realmgw/control/realm_reload.hpp"

#include "realmgw/control/realm_zones.hpp"

#include <algorithm>
#include <exception>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

namespace rgw::control {
namespace {

using Result = ReloadReport::Result;
using config::Change;
using nlohmann::ordered_json;

constexpr std::string_view name(Result result) {
  switch (result) {
    case Result::pending:
      return "pending";
    case Result::reloaded:
      return "reloaded";
    case Result::unchanged:
      return "unchanged";
    case Result::would_apply:
      return "would apply";
    case Result::mistakes:
      return "mistakes";
    case Result::restart:
      return "restart needed";
  }
  return "";
}

/// Do two realms say the same, but for one host?
bool same_besides(config::Realm one, config::Realm other, const std::string& host) {
  for (config::Realm* realm : {&one, &other})
    std::erase_if(realm->hosts, [&](const config::Host& each) { return each.name == host; });
  return config::differences(one, other).empty();
}

}  // namespace

std::string ReloadReport::to_json() const {
  ordered_json now = ordered_json::array(), ends_sessions = now, restart = now;
  for (const auto& difference : differences) {
    auto& list = difference.change == Change::now             ? now
                 : difference.change == Change::ends_sessions ? ends_sessions
                                                              : restart;
    list.push_back({{"key", difference.key}, {"what", difference.what}});
  }
  const ordered_json json{{"result", name(result)},
                          {"problems", problems},
                          {"warnings", warnings},
                          {"now", now},
                          {"ends_sessions", ends_sessions},
                          {"restart", restart},
                          {"sessions_ended", sessions_ended}};
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

RealmReload::RealmReload(LoadRealm load, Begun begun, Ended ended, RealmInForce& realm, WorkerLinks& workers,
                         RealmKeeper& keeper, HostBook& added)
    : load_{std::move(load)},
      begun_{std::move(begun)},
      ended_{std::move(ended)},
      realm_{realm},
      workers_{workers},
      keeper_{keeper},
      added_{added} {}

RealmReload::~RealmReload() = default;

std::shared_ptr<const ReloadReport> RealmReload::ask(bool dry_run) {
  return requests_.emplace_back(Request{dry_run, std::make_shared<ReloadReport>()}).report;
}

std::shared_ptr<const ReloadReport> RealmReload::ask(HostChange change) {
  return requests_.emplace_back(Request{false, std::make_shared<ReloadReport>(), std::move(change)}).report;
}

bool RealmReload::step() {
  switch (stage_) {
    case Stage::idle:
      if (requests_.empty()) return false;
      begin();
      return true;
    case Stage::reading:
      if (!ready_.load(std::memory_order_acquire)) return false;
      take_prepared();
      return true;
    case Stage::changing:
      if (sent_ == workers_.size()) return false;
      send();
      return true;
  }
  return false;
}

void RealmReload::begin() {
  stage_ = Stage::reading;
  ready_.store(false, std::memory_order_relaxed);
  if (begun_ && !requests_.front().dry_run) begun_();
  thread_ =
      std::jthread{[this, request = requests_.front(), former = realm_.share(), added = added_.hosts()] {
        try {
          verdict_ = prepare(request, *former, added);
        } catch (const std::exception& error) {
          request.report->problems.emplace_back(error.what());
          verdict_ = Result::mistakes;
        }
        ready_.store(true, std::memory_order_release);
      }};
}

ReloadReport::Result RealmReload::prepare(const Request& request, const ring::Snapshot& former,
                                          const HostBook::Hosts& added) {
  const auto& change = request.change;
  config::LoadResult loaded = change ? load_(change->hosts) : load_with_added(load_, added);
  ReloadReport& report = *request.report;
  for (const auto& problem : loaded.problems) report.problems.push_back(problem.to_string());
  for (const auto& warning : loaded.warnings) report.warnings.push_back(warning.to_string());
  if (!loaded.realm) return Result::mistakes;
  if (change && !same_besides(former.realm, *loaded.realm, change->name)) {
    report.problems.emplace_back(
        "the realm file is not the one that is in force: take it into force with `realmgwctl reload` first");
    return Result::mistakes;
  }
  report.differences = config::differences(former.realm, *loaded.realm);
  if (report.differences.empty()) return Result::unchanged;
  if (std::ranges::find(report.differences, Change::restart, &config::Difference::change) !=
      report.differences.end())
    return Result::restart;
  prepared_.snapshot = ring::make_snapshot(std::move(*loaded.realm), former.ports, &former);
  // The rows of the schema say what changes sizes; a worker must not meet what they have forgotten.
  if (nat::sizes_of(former.policy) != nat::sizes_of(prepared_.snapshot->policy)) {
    report.problems.emplace_back("the realm needs tables of other sizes");
    return Result::restart;
  }
  if (request.dry_run) return Result::would_apply;
  prepared_.zones = make_zones(prepared_.snapshot->realm);
  for (std::uint8_t worker = 0; worker < workers_.size(); ++worker)
    prepared_.parts.push_back(workers_.next_realm(WorkerId{worker}, prepared_.snapshot));
  if (change) HostBook::write(added_.file(), change->hosts);
  return Result::reloaded;
}

void RealmReload::take_prepared() {
  thread_.join();
  if (verdict_ != Result::reloaded && verdict_ != Result::would_apply) return finish(verdict_);
  if (const auto objection = keeper_.objection(*prepared_.snapshot)) {
    requests_.front().report->problems.push_back(*objection);
    return finish(Result::restart);
  }
  if (verdict_ == Result::would_apply) return finish(verdict_);
  keeper_.retire(*prepared_.snapshot);
  sent_ = 0;
  not_changed_ = not_swept_ = workers_.size();
  stage_ = Stage::changing;
}

// In order behind all that was said before.
void RealmReload::send() {
  for (; sent_ < workers_.size(); ++sent_) {
    const WorkerId worker{static_cast<std::uint8_t>(sent_)};
    if (!workers_.try_send(worker, ring::RealmExchange{prepared_.parts[sent_].get()})) return;
  }
}

void RealmReload::exchanged(const ring::RealmExchanged& exchanged) {
  const auto part =
      std::ranges::find(prepared_.parts, exchanged.former, &std::unique_ptr<ring::WorkerRealm>::get);
  part->reset();
  if (--not_changed_ != 0) return;
  auto& warnings = requests_.front().report->warnings;
  for (auto& failure : keeper_.adopt(std::exchange(prepared_.snapshot, nullptr), std::move(prepared_.zones)))
    warnings.push_back(std::move(failure));
}

// A worker has changed before it looks at its sessions, but another one may be slower at either.
void RealmReload::swept(const ring::RealmSwept& swept) {
  requests_.front().report->sessions_ended += swept.ended;
  if (--not_swept_ == 0) finish(Result::reloaded);
}

void RealmReload::finish(Result result) {
  Request request = std::move(requests_.front());
  requests_.pop_front();
  if (request.change && result == Result::reloaded) added_.replace(std::move(request.change->hosts));
  request.report->result = result;
  if (ended_ && !request.dry_run) ended_(*request.report);
  prepared_ = {};
  stage_ = Stage::idle;
}

}  // namespace rgw::control
