#include "realmgw/dns/upstream_standings.hpp"

#include <algorithm>
#include <numeric>

namespace rgw::dns {

UpstreamStandings::UpstreamStandings(const std::vector<net::Endpoint>& upstreams, Times times)
    : all_(upstreams.size()), times_{times} {
  for (std::size_t i = 0; i < all_.size(); ++i) all_[i].health.upstream = upstreams[i];
}

std::vector<std::size_t> UpstreamStandings::order() const {
  std::vector<std::size_t> order(all_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [this](std::size_t i) { return all_[i].health.state; });
  return order;
}

bool UpstreamStandings::all_dead() const {
  return std::ranges::all_of(all_,
                             [](const Standing& one) { return one.health.state == UpstreamState::dead; });
}

std::vector<UpstreamStandings::Health> UpstreamStandings::health() const {
  std::vector<Health> all;
  for (const auto& one : all_) all.push_back(one.health);
  all[order().front()].preferred = true;
  return all;
}

void UpstreamStandings::doubt(std::size_t upstream) {
  UpstreamState& state = all_[upstream].health.state;
  if (state < UpstreamState::suspect) state = UpstreamState::suspect;
}

void UpstreamStandings::trust(std::size_t upstream) {
  UpstreamState& state = all_[upstream].health.state;
  if (state >= UpstreamState::suspect) state = UpstreamState::good;
}

std::vector<std::size_t> UpstreamStandings::take_probes(Instant now) {
  std::vector<std::size_t> due;
  for (std::size_t i = 0; i < all_.size(); ++i) {
    Standing& one = all_[i];
    if (one.health.state == UpstreamState::slow && now >= one.slow_until)
      one.health.state = UpstreamState::good;
    if (one.health.state < UpstreamState::suspect || one.probed || now < one.probe_at) continue;
    one.probed = true;
    due.push_back(i);
  }
  return due;
}

void UpstreamStandings::alive(std::size_t upstream, Duration took, Instant now) {
  Standing& one = all_[upstream];
  one.probed = false;
  one.health.state = took > times_.slow_after ? UpstreamState::slow : UpstreamState::good;
  one.slow_until = now + times_.slow_for;
  one.probe_at = now + times_.between_probes;  // one that answers probes alone costs no more than that
}

void UpstreamStandings::dead(std::size_t upstream, Instant now) {
  Standing& one = all_[upstream];
  one.probed = false;
  one.health.state = UpstreamState::dead;
  one.probe_at = now + times_.between_probes;
}

}  // namespace rgw::dns
