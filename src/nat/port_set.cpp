#include "realmgw/nat/port_set.hpp"

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
      high_begin_{own.index_from(high_ports)},
      held_((own.size() + 63) / 64),
      occupied_(held_.size()),
      uses_(own.size()) {
  if (kind_ == Kind::ports && own_.contains(0)) {
    set(held_, own_.index(0), true);
    set(occupied_, own_.index(0), true);
  }
  for (Index i = 0; i < own_.size(); ++i) {
    if (range.contains(own_.port(i))) continue;
    set(held_, i, true);
    set(occupied_, i, true);
  }
}

void PortSet::set_occupied(Index i, bool value) {
  if (test(occupied_, i) == value) return;
  set(occupied_, i, value);
  value ? ++occupied_count_ : --occupied_count_;
}

bool PortSet::hold(std::uint16_t port) {
  assert(owns(port));
  const Index i = own_.index(port);
  if (test(occupied_, i)) return false;
  set(held_, i, true);
  set_occupied(i, true);
  return true;
}

void PortSet::release(std::uint16_t port) {
  assert(owns(port) && is_held(port) && may_be_given(port));
  const Index i = own_.index(port);
  set(held_, i, false);
  set_occupied(i, uses_[i] != 0);
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
  std::optional<std::uint16_t> port;
  if (may_be_given(preferred) && owns(preferred) && is_free(preferred)) {
    port = preferred;
  } else {
    port = find_free(regions_for(preferred), random);
  }
  if (!port || !hold(*port)) return std::nullopt;
  return PortLease{*this, *port, true};
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
