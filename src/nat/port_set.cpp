#include "realmgw/nat/port_set.hpp"

#include "realmgw/base/hash.hpp"

#include <bit>
#include <cassert>

namespace rgw::nat {

namespace {

constexpr std::uint64_t even_bits = 0x5555555555555555, all_bits = ~std::uint64_t{0};
constexpr std::uint32_t high_ports = 1024;

}  // namespace

PortSet::PortSet(OwnPorts own, Kind kind, net::PortRange range)
    : own_{own},
      kind_{kind},
      rules_{std::uint64_t{range.first} << 16 | range.last},
      high_begin_{own.index_from(high_ports)},
      beyond_((own.size() + 63) / 64),
      reserved_(beyond_.size()),
      owned_(beyond_.size()),
      held_(beyond_.size()),
      occupied_(beyond_.size()),
      uses_(own.size()) {
  if (kind_ == Kind::ports && own_.contains(0)) set(beyond_, own_.index(0), true);
  for (Index i = 0; i < own_.size(); ++i) {
    if (!range.contains(own_.port(i))) set(beyond_, i, true);
  }
  for (const std::uint64_t word : beyond_) beyond_count_ += static_cast<std::size_t>(std::popcount(word));
  held_ = occupied_ = beyond_;
}

void PortSet::reserve(std::uint16_t port) {
  assert(owns(port));
  const Index i = own_.index(port);
  rules_ = multiply_fold(rules_ + port + 1, 0x9e37'79b9'7f4a'7c15);
  set(reserved_, i, true);
  set(held_, i, true);
  set_occupied(i, true);
}

void PortSet::adopt(const PortSet& rules) {
  if (rules_ == rules.rules_) return;  // as nearly always: the bitmaps are long
  rules_ = rules.rules_;
  beyond_count_ = rules.beyond_count_;
  for (std::size_t word = 0; word < held_.size(); ++word) {
    const std::uint64_t former = beyond_[word] | reserved_[word],
                        next = rules.beyond_[word] | rules.reserved_[word];
    beyond_[word] = rules.beyond_[word];
    reserved_[word] = rules.reserved_[word];
    if (former == next) continue;
    held_[word] = owned_[word] | next;
    for (std::uint64_t changed = former ^ next; changed != 0; changed &= changed - 1) {
      const auto i = static_cast<Index>(word * 64 + static_cast<std::size_t>(std::countr_zero(changed)));
      set(occupied_, i, test(held_, i) || uses_[i] != 0);
    }
  }
  occupied_count_ = 0;
  for (std::size_t word = 0; word < held_.size(); ++word)
    occupied_count_ += static_cast<std::size_t>(std::popcount(occupied_[word] & ~beyond_[word]));
}

void PortSet::set_occupied(Index i, bool value) {
  if (test(occupied_, i) == value) return;
  set(occupied_, i, value);
  if (test(beyond_, i)) return;
  value ? ++occupied_count_ : --occupied_count_;
}

bool PortSet::hold(std::uint16_t port) {
  assert(owns(port));
  const Index i = own_.index(port);
  if (test(occupied_, i)) return false;
  set(owned_, i, true);
  set(held_, i, true);
  set_occupied(i, true);
  return true;
}

void PortSet::release(std::uint16_t port) {
  assert(owns(port) && may_be_given(port));
  const Index i = own_.index(port);
  set(owned_, i, false);
  set(held_, i, test(reserved_, i) || test(beyond_, i));
  set_occupied(i, uses_[i] != 0 || test(held_, i));
}

bool PortSet::use(std::uint16_t port) {
  assert(owns(port) && may_be_given(port));
  const Index i = own_.index(port);
  if (uses_[i] == max_uses) return false;
  ++uses_[i];
  set_occupied(i, true);
  return true;
}

void PortSet::unuse(std::uint16_t port) {
  assert(owns(port) && uses(port) != 0);
  const Index i = own_.index(port);
  --uses_[i];
  set_occupied(i, uses_[i] != 0 || test(held_, i));
}

std::optional<PortLease> PortSet::lease_exclusive(std::uint16_t preferred, Random& random) {
  return lease_exclusive({0, own_.size()}, regions_for(preferred), preferred, random);
}

std::optional<PortLease> PortSet::lease_exclusive(const Stretch& within, std::uint16_t preferred,
                                                  Random& random) {
  return lease_exclusive(within, regions_of(within, preferred), preferred, random);
}

std::optional<PortLease> PortSet::lease_exclusive(const Stretch& within, const Regions& regions,
                                                  std::uint16_t preferred, Random& random) {
  std::optional<std::uint16_t> port;
  if (offers(within, preferred) && is_free(preferred)) {
    port = preferred;
  } else {
    port = find_free(regions, random);
  }
  return port ? lease_this(*port) : std::nullopt;
}

std::optional<PortLease> PortSet::lease_this(std::uint16_t port) {
  return may_be_given(port) && hold(port) ? std::optional{PortLease{*this, port, true}} : std::nullopt;
}

PortSet::Regions PortSet::regions_for(std::uint16_t preferred) const {
  Regions regions{};
  const auto add = [&](Index begin, Index end, std::uint64_t mask) {
    if (begin != end) regions.region[regions.count++] = {begin, end, mask};
  };
  const Index size = own_.size();
  if (kind_ == Kind::identifiers) {
    add(0, size, all_bits);
    return regions;
  }
  const std::uint64_t same = even_bits << (preferred & 1), opposite = ~same;
  if (preferred < high_ports) {
    add(0, high_begin_, same);
    add(0, high_begin_, opposite);
  }
  add(high_begin_, size, same);
  add(high_begin_, size, opposite);
  return regions;
}

PortSet::Regions PortSet::regions_of(const Stretch& within, std::uint16_t preferred) const {
  if (kind_ == Kind::identifiers) return {{{within.begin, within.end, all_bits}}, 1};
  const std::uint64_t same = even_bits << (preferred & 1);
  return {{{within.begin, within.end, same}, {within.begin, within.end, ~same}}, 2};
}

std::optional<std::uint16_t> PortSet::find_free(const Regions& regions, Random& random) const {
  for (const Region& region : regions.all()) {
    const Index start = any_of(region, random);
    auto found = first_free({start, region.end, region.mask});
    if (!found) found = first_free({region.begin, start, region.mask});
    if (found) return own_.port(*found);
  }
  return std::nullopt;
}

std::optional<PortSet::Index> PortSet::first_free(const Region& region) const {
  for (Index begin = region.begin; begin < region.end; begin = (begin / 64 + 1) * 64) {
    const Index word = begin / 64;
    const std::uint64_t free = ~occupied_[word] & region.mask & (all_bits << (begin % 64));
    if (free == 0) continue;
    const Index found = word * 64 + static_cast<Index>(std::countr_zero(free));
    return found < region.end ? std::optional{found} : std::nullopt;
  }
  return std::nullopt;
}

PortSet::Index PortSet::any_of(const Region& region, Random& random) {
  if (region.mask == all_bits) return region.begin + random.below(region.end - region.begin);
  // Both ends are even, so each pair has one index of the parity.
  const Index parity = (region.mask & 1) != 0 ? 0 : 1;
  return region.begin + 2 * random.below((region.end - region.begin) / 2) + parity;
}

PortSet::Index PortSet::after(const Region& region, Index index) {
  const Index next = index + (region.mask == all_bits ? 1 : 2);
  return next < region.end ? next : next - (region.end - region.begin);
}

}  // namespace rgw::nat
