#include "realmgw/pcp/lease_book.hpp"

namespace rgw::pcp {

Lease* LeaseBook::find(const LeaseKey& key) {
  const auto found = leases_.find(key);
  return found == leases_.end() ? nullptr : &found->second;
}

LeaseBook::Room LeaseBook::room_for(const net::IpAddress& host) const {
  if (leases_.size() >= limits_.leases) return Room::full;
  const auto found = of_host_.find(host);
  return found != of_host_.end() && found->second >= limits_.leases_per_host ? Room::host_full : Room::yes;
}

void LeaseBook::add(const LeaseKey& key, const Nonce& nonce) {
  if (leases_.try_emplace(key, Lease{.nonce = nonce}).second) ++of_host_[key.host];
}

void LeaseBook::set(const LeaseKey& key, Lease::State state, Instant end) {
  Lease& lease = leases_.at(key);
  if (lease.state != Lease::State::asked) ends_.erase({lease.end, key});
  lease.state = state;
  lease.end = end;
  if (state != Lease::State::asked) ends_.emplace(end, key);
}

void LeaseBook::erase(const LeaseKey& key) {
  const auto found = leases_.find(key);
  if (found == leases_.end()) return;
  ends_.erase({found->second.end, key});
  leases_.erase(found);
  if (const auto host = of_host_.find(key.host); --host->second == 0) of_host_.erase(host);
}

std::optional<LeaseKey> LeaseBook::due(Instant now) const {
  if (ends_.empty() || ends_.begin()->first > now) return std::nullopt;
  return ends_.begin()->second;
}

std::vector<LeaseKey> LeaseBook::of_host(const net::IpAddress& host, net::Protocol protocol) const {
  std::vector<LeaseKey> keys;
  for (auto at = leases_.lower_bound({host, net::Protocol::any, 0, net::Family::v4});
       at != leases_.end() && at->first.host == host; ++at) {
    if (protocol == net::Protocol::any || at->first.protocol == protocol) keys.push_back(at->first);
  }
  return keys;
}

}  // namespace rgw::pcp
