#include "realmgw/pool/quarantine.hpp"

#include <iterator>

namespace rgw::pool {

Quarantine::Quarantine(Duration rest, std::size_t addresses, std::size_t capacity, PortMasks& ports,
                       const HashSalt& salt)
    : rest_{rest},
      capacity_{capacity},
      resting_{addresses, ports, PortMasks::Set::resting},
      again_{capacity, salt} {}

std::uint64_t Quarantine::key(const Pair& pair) {
  return std::uint64_t{pair.address} << 32 | static_cast<std::uint64_t>(pair.service.protocol) << 16 |
         pair.service.port;
}

void Quarantine::add(AddressSlot address, const net::Service& service, Instant from) {
  if (rest_ == Duration::zero()) return;
  if (queue_.size() == capacity_) pop();
  const Pair pair{address, service};
  if (resting_.contains(address, service)) {
    auto* const count = again_.insert(key(pair), 0U);
    if (count == nullptr) return;  // it rests as long as it was to before
    ++*count;
  } else if (!resting_.add(address, service)) {
    return;
  }
  auto place = queue_.end();
  for (std::size_t passed = 0; place != queue_.begin() && std::prev(place)->from > from; ++passed) {
    --place;
    if (passed + 1 == max_passed) from = place->from;
  }
  queue_.insert(place, {pair, from});
}

void Quarantine::expire(Instant now) {
  while (!queue_.empty() && queue_.front().from + rest_ <= now) pop();
}

void Quarantine::pop() {
  const Pair pair = queue_.front().pair;
  queue_.pop_front();
  if (auto* const count = again_.empty() ? nullptr : again_.find(key(pair))) {
    if (--*count == 0) again_.erase(key(pair));
    return;
  }
  resting_.remove(pair.address, pair.service);
}

}  // namespace rgw::pool
