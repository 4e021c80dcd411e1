#include "realmgw/control/watch.hpp"

#include <algorithm>
#include <utility>

namespace rgw::control {
namespace {

struct Row {
  Trouble what;
  std::vector<Counter> counters;
  std::uint64_t enough;  ///< so many between two looks are a trouble
};

const std::vector<Row>& rows() {
  using enum Counter;
  static const std::vector<Row> all{
      {Trouble::pool_exhausted, {pool_exhausted}, 1},
      {Trouble::ports_exhausted, {port_exhausted, proxy_exhausted}, 1},
      {Trouble::sessions_full, {session_table_full}, 1},
      {Trouble::reservations_full, {binding_table_full}, 1},
      {Trouble::upstreams_failing, {dns_upstream_failures}, 3},  // one may be the name's own fault
      {Trouble::control_overloaded, {punt_ring_full, query_ring_full, alg_ring_full}, 1},
      {Trouble::workers_overloaded, {steer_peer_full, worker_ring_full, tx_ring_full}, 1},
      {Trouble::no_buffers, {no_mbuf}, 1},
      {Trouble::alg_full, {alg_table_full, alg_pinhole_refused, pinhole_table_full, alg_over_memory}, 1},
      {Trouble::updates_not_kept, {dns_update_not_kept}, 1},
      {Trouble::session_log_lost, {session_log_lost}, 1},
  };
  return all;
}

}  // namespace

std::string_view name(Trouble trouble) {
  constexpr std::array<std::string_view, trouble_count> names{
      "link_down",          "router_lost",        "pool_exhausted",    "ports_exhausted",
      "sessions_full",      "reservations_full",  "upstreams_failing", "upstream_dead",
      "control_overloaded", "workers_overloaded", "no_buffers",        "alg_full",
      "updates_not_kept",   "kernel_forwards",    "www_not_written",   "session_log_lost",
      "session_log_stuck"};
  return names[static_cast<std::size_t>(trouble)];
}

bool Watch::active(Trouble what, const std::string& subject) const {
  if (const auto state = states_.find({what, subject}); state != states_.end()) return state->second.on;
  return subject.empty() && counted_[static_cast<std::size_t>(what)].on;
}

bool Watch::active(Trouble what) const {
  return counted_[static_cast<std::size_t>(what)].on || std::ranges::any_of(states_, [&](const auto& state) {
           return state.first.first == what && state.second.on;
         });
}

void Watch::look(std::span<const CounterBlock* const> threads, Instant now) {
  for (const Row& row : rows()) {
    std::uint64_t sum = 0;
    for (const CounterBlock* thread : threads) {
      for (const Counter counter : row.counters) sum += thread->get(counter);
    }
    Told& told = counted_[static_cast<std::size_t>(row.what)];
    const std::uint64_t grown = sum - std::exchange(told.last, sum);
    // What was counted before the first look began before this watch.
    const bool bad = looked_ && (told.on ? grown != 0 : grown >= row.enough);
    if (bad && !told.on) told.begun_at = sum - grown;
    note(row.what, {}, told, bad, now);
  }
  looked_ = true;
}

void Watch::state(Trouble what, const std::string& subject, bool bad, Instant now) {
  const auto known = states_.find({what, subject});
  if (known == states_.end() && !bad) return;
  Told& told = known != states_.end() ? known->second : states_[{what, subject}];
  note(what, subject, told, bad, now);
  if (!told.on) states_.erase({what, subject});
}

void Watch::states(Trouble what, const std::vector<std::string>& bad, Instant now) {
  std::vector<std::string> good;
  for (const auto& [key, told] : states_) {
    if (key.first == what && std::ranges::find(bad, key.second) == bad.end()) good.push_back(key.second);
  }
  for (const auto& subject : good) state(what, subject, false, now);
  for (const auto& subject : bad) state(what, subject, true, now);
}

void Watch::end_states(Trouble what, Instant now) {
  for (auto state = states_.begin(); state != states_.end();) {
    auto& [key, told] = *state;
    if (key.first != what) {
      ++state;
      continue;
    }
    told.on = false;
    tell(what, key.second, told, now);
    state = states_.erase(state);
  }
}

void Watch::tell(Trouble what, const std::string& subject, const Told& told, Instant now) {
  if (hear_) hear_({what, subject, !told.on, told.last - told.begun_at, now - told.since});
}

void Watch::note(Trouble what, const std::string& subject, Told& told, bool bad, Instant now) {
  if (bad) {
    told.bad_at = now;
    if (told.on) return;
    told.on = true;
    told.since = now;
    tell(what, subject, told, now);
  } else if (told.on && now - told.bad_at >= quiet) {
    told.on = false;
    tell(what, subject, told, now);
  }
}

}  // namespace rgw::control
