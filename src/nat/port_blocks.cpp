#include "realmgw/nat/port_blocks.hpp"

#include <algorithm>
#include <utility>

namespace rgw::nat {
namespace {

constexpr std::uint32_t first_high_port = 1024;

}  // namespace

PortBlocks::Id& PortBlocks::holder(Place place, std::uint32_t number) {
  if (place >= holders_.size()) holders_.resize(place + 1);
  auto& numbers = holders_[place];
  if (number >= numbers.size())
    numbers.resize(std::max(number + 1, 65536 / rules_.size / workers_ + 1), none);
  return numbers[number];
}

/// Is it whole, within the ports of its address, and is there a port to give?
bool PortBlocks::may_be_given(const PortSet& ports, std::uint32_t number) const {
  const auto [begin, end] = stretch_of(number);
  if (end > ports.own().size() || ports.own().port(begin) < first_high_port) return false;
  for (PortSet::Index index = begin; index < end; ++index) {
    if (ports.is_free(ports.own().port(index))) return true;
  }
  return false;
}

bool PortBlocks::give(const net::IpAddress& host, const net::IpAddress& external, Place place,
                      const PortSet& ports, Random& random, Instant now) {
  const Own* own = hosts_.find(AddressKey{host});
  if (own != nullptr && own->count >= rules_.per_host) return false;
  // Any one, so that nobody can tell from one port what the next host's are.
  const std::uint32_t numbers = ports.own().size() / rules_.size;
  if (numbers == 0) return false;
  std::uint32_t number = random.below(numbers);
  for (std::uint32_t n = 0; n < numbers; ++n, number = number + 1 == numbers ? 0 : number + 1) {
    if (holder(place, number) == none && may_be_given(ports, number))
      return begin(host, external, place, ports, number, now);
  }
  return false;
}

bool PortBlocks::claim(const net::IpAddress& host, const net::IpAddress& external, Place place,
                       const PortSet& ports, std::uint16_t port, Instant now) {
  const std::uint32_t number = ports.own().index(port) / rules_.size;
  if (const Id id = holder(place, number); id != none) return blocks_[id].host == host;
  return may_be_given(ports, number) && begin(host, external, place, ports, number, now);
}

bool PortBlocks::begin(const net::IpAddress& host, const net::IpAddress& external, Place place,
                       const PortSet& ports, std::uint32_t number, Instant now) {
  Own* own = hosts_.insert(AddressKey{host}, Own{});
  if (own == nullptr) return false;
  Id id = free_;
  if (id == none) {
    id = static_cast<Id>(blocks_.size());
    blocks_.emplace_back();
  } else {
    free_ = blocks_[id].next;
  }
  const auto [begin, end] = stretch_of(number);
  Block& block = blocks_[id];
  block = {.host = host, .external = external, .place = place, .number = number};
  block.first = ports.own().port(begin);
  block.last = ports.own().port(end - 1);
  // Behind those that it has: the older ones fill up first.
  Id* last = &own->first;
  while (*last != none) last = &blocks_[*last].next;
  *last = id;
  ++own->count;
  ++count_;
  holder(place, number) = id;
  now_ = now;
  rest(id);
  tell(block, true);
  return true;
}

void PortBlocks::end(Id id) {
  wake(id);
  Block& block = blocks_[id];
  const AddressKey host{block.host};
  Own& own = *hosts_.find(host);
  Id* at = &own.first;
  while (*at != id) at = &blocks_[*at].next;
  *at = block.next;
  if (--own.count == 0) hosts_.erase(host);
  holder(block.place, block.number) = none;
  --count_;
  tell(block, false);
  block.next = std::exchange(free_, id);
}

void PortBlocks::use(Place place, PortSet::Index index) {
  const Id id = holder(place, index / rules_.size);
  if (id != none && blocks_[id].uses++ == 0) wake(id);
}

void PortBlocks::unuse(Place place, PortSet::Index index) {
  const Id id = holder(place, index / rules_.size);
  if (id != none && blocks_[id].uses != 0 && --blocks_[id].uses == 0) rest(id);
}

void PortBlocks::expire(Instant now) {
  now_ = now;
  while (idle_first_ != none && now - blocks_[idle_first_].idle_since >= rules_.hold) end(idle_first_);
}

/// It has no use from now on.
void PortBlocks::rest(Id id) {
  Block& block = blocks_[id];
  block.idle_since = now_;
  block.idle_before = std::exchange(idle_last_, id);
  block.idle_after = none;
  (block.idle_before == none ? idle_first_ : blocks_[block.idle_before].idle_after) = id;
}

void PortBlocks::wake(Id id) {
  const Block& block = blocks_[id];
  (block.idle_before == none ? idle_first_ : blocks_[block.idle_before].idle_after) = block.idle_after;
  (block.idle_after == none ? idle_last_ : blocks_[block.idle_after].idle_before) = block.idle_before;
}

void PortBlocks::tell(const Block& block, bool began) const {
  if (hear_) hear_({block.host, block.external, block.first, block.last, workers_}, began);
}

}  // namespace rgw::nat
