#include "realmgw/pool/quarantine.hpp"

namespace rgw::pool {

Quarantine::Quarantine(Duration rest, std::size_t addresses, std::size_t capacity, const HashSalt& salt)
    : rest_{rest}, capacity_{capacity}, resting_{addresses, capacity, salt}, until_{capacity, salt} {}

std::uint64_t Quarantine::key(const Pair& pair) {
  return std::uint64_t{pair.address} << 32 | static_cast<std::uint64_t>(pair.service.protocol) << 16 |
         pair.service.port;
}

void Quarantine::add(AddressSlot address, const net::Service& service, Instant now) {
  if (rest_ == Duration::zero()) return;
  if (queue_.size() == capacity_) pop();
  const Pair pair{address, service};
  const bool rests_already = until_.contains(key(pair));
  if (!rests_already && !resting_.add(address, service)) return;
  if (until_.assign(key(pair), now + rest_) == nullptr) {
    resting_.remove(address, service);
    return;
  }
  queue_.push_back({pair, now + rest_});
}

void Quarantine::expire(Instant now) {
  while (!queue_.empty() && queue_.front().until <= now) pop();
}

void Quarantine::pop() {
  const auto [pair, until] = queue_.front();
  queue_.pop_front();
  const auto* const latest = until_.find(key(pair));
  if (latest == nullptr || *latest != until) return;  // it was released again meanwhile, and rests on
  until_.erase(key(pair));
  resting_.remove(pair.address, pair.service);
}

}  // namespace rgw::pool
