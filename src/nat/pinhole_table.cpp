#include "realmgw/nat/pinhole_table.hpp"

#include <algorithm>

namespace rgw::nat {
namespace {

net::Endpoint shifted(const net::Endpoint& first, std::uint16_t n) {
  return {first.address, static_cast<std::uint16_t>(first.port + n)};
}

}  // namespace

PinholeTable::PinholeTable(std::uint32_t capacity, const HashSalt& salt)
    : slots_(capacity),
      by_external_{std::max<std::size_t>(1, std::size_t{capacity} * 2), salt},
      by_remote_{std::max<std::size_t>(1, capacity), salt},
      by_inside_{std::max<std::size_t>(1, std::size_t{capacity} * 2), salt},
      by_id_{std::max<std::size_t>(1, capacity), salt} {
  free_.reserve(capacity);
  for (Index index = capacity; index-- > 0;) free_.push_back(index);
}

EndpointKey PinholeTable::outside_key(const Pinhole& hole, std::uint8_t n) {
  return {shifted(hole.external, n), hole.protocol};
}

EndpointKey PinholeTable::inside_key(const Pinhole& hole, std::uint8_t n) {
  return EndpointKey{shifted(hole.inside, n), hole.protocol}.towards(hole.external.address.family());
}

PinholeTable::Index PinholeTable::find(std::uint64_t id) const {
  const Index* index = by_id_.find(id);
  return index == nullptr ? none : *index;
}

PinholeTable::Index PinholeTable::add(const Pinhole& hole) {
  if (free_.empty() || hole.ports == 0 || hole.ports > max_ports) return none;
  const Index index = free_.back();
  if (by_id_.insert(hole.id, index) == nullptr) return none;
  if (hole.arrival == net::Side::inside) {
    // Announced once more, it is the newer one's.
    if (by_remote_.assign({hole.remote, hole.protocol}, index) == nullptr) {
      by_id_.erase(hole.id);
      return none;
    }
  } else {
    std::uint8_t n = 0;
    for (; n < hole.ports; ++n) {
      const Index* place = by_external_.insert(outside_key(hole, n), index);
      if (place == nullptr || *place != index) break;
    }
    if (n < hole.ports) {
      while (n-- > 0) by_external_.erase(outside_key(hole, n));
      by_id_.erase(hole.id);
      return none;
    }
    // Where there is no room for these, what the host sends first leaves by another port.
    for (n = 0; n < hole.ports; ++n) static_cast<void>(by_inside_.assign(inside_key(hole, n), index));
  }
  free_.pop_back();
  high_water_ = std::max<std::size_t>(high_water_, index + 1);
  slots_[index] = {hole, 0, true, false};
  return index;
}

void PinholeTable::extend(Index index, Instant deadline) {
  slots_[index].hole.deadline = deadline;
}

void PinholeTable::shut(Index index) {
  Slot& slot = slots_[index];
  if (!std::exchange(slot.found, false)) return;
  const Pinhole& hole = slot.hole;
  by_id_.erase(hole.id);
  const auto erase_own = [&](auto& map, const auto& key) {
    const Index* at = map.find(key);
    if (at != nullptr && *at == index) map.erase(key);
  };
  if (hole.arrival == net::Side::inside) {
    erase_own(by_remote_, EndpointKey{hole.remote, hole.protocol});
    return;
  }
  for (std::uint8_t n = 0; n < hole.ports; ++n) {
    erase_own(by_external_, outside_key(hole, n));
    erase_own(by_inside_, inside_key(hole, n));
  }
}

void PinholeTable::erase(Index index) {
  shut(index);
  free_.push_back(index);
}

std::optional<PinholeTable::Found> PinholeTable::from_outside(const net::Endpoint& external,
                                                              net::Protocol protocol,
                                                              const net::IpAddress& remote) const {
  if (by_external_.empty()) return std::nullopt;
  const Index* index = by_external_.find({external, protocol});
  if (index == nullptr) return std::nullopt;
  const Pinhole& hole = slots_[*index].hole;
  if (hole.one_remote && hole.remote.address != remote) return std::nullopt;
  return Found{*index, shifted(hole.inside, static_cast<std::uint16_t>(external.port - hole.external.port))};
}

std::optional<PinholeTable::Found> PinholeTable::from_inside(const net::Endpoint& host,
                                                             const net::Endpoint& remote,
                                                             net::Protocol protocol) const {
  if (by_id_.empty()) return std::nullopt;
  if (const Index* index = by_inside_.find(EndpointKey{host, protocol}.towards(remote.address.family()))) {
    const Pinhole& hole = slots_[*index].hole;
    if (hole.one_remote && hole.remote.address != remote.address) return std::nullopt;
    return Found{*index, shifted(hole.external, static_cast<std::uint16_t>(host.port - hole.inside.port))};
  }
  if (const Index* index = by_remote_.find({remote, protocol})) {
    const Pinhole& hole = slots_[*index].hole;
    if (hole.inside.address == host.address) return Found{*index, hole.external};
  }
  return std::nullopt;
}

}  // namespace rgw::nat
