#include "realmgw/pool/address_ring.hpp"

#include <algorithm>
#include <bit>
#include <stdexcept>
#include <unordered_map>

namespace rgw::pool {
namespace {

AddressSlot lowest(std::size_t word, std::uint64_t bits) {
  return static_cast<AddressSlot>(word * 64 + static_cast<unsigned>(std::countr_zero(bits)));
}

}  // namespace

AddressRing::AddressRing(std::vector<net::IpAddress> addresses, std::span<const Blocked> blocked,
                         Duration rest, std::size_t capacity, const HashSalt& salt)
    : addresses_{std::move(addresses)},
      ports_{2 * capacity + blocked.size(), salt},
      taken_{addresses_.size(), ports_, PortMasks::Set::taken},
      blocked_{addresses_.size(), ports_, PortMasks::Set::blocked},
      quarantine_{rest, addresses_.size(), capacity, ports_, salt},
      links_(addresses_.size()),
      rests_until_(addresses_.size(), Instant::min()) {
  if (addresses_.size() > max_addresses) throw std::invalid_argument{"too many addresses in the pool"};
  std::unordered_map<net::IpAddress, AddressSlot> slots;
  for (AddressSlot slot = 0; slot < addresses_.size(); ++slot) {
    if (!slots.emplace(addresses_[slot], slot).second) {
      throw std::invalid_argument{addresses_[slot].to_string() + " is in the pool twice"};
    }
    fresh_.push_back(links_, slot);
  }
  for (const auto& [address, service] : blocked) {
    const auto slot = slots.find(address);
    const auto kept = canonical(service);
    if (slot == slots.end() || !kept || blocked_.covers(slot->second, *kept)) continue;
    if (!blocked_.add(slot->second, *kept)) throw std::length_error{"too many blocked services"};
  }
}

AddressRing::Candidates AddressRing::carrying(const net::Service& service) const {
  Candidates found;
  // All of an address fits on no other than a fresh one.
  if (service.is_any() || taken_.carrying_count() == 0) return found;
  for (std::size_t word = 0; word < taken_.words(); ++word) {
    auto bits = taken_.carrying(word);
    if (bits == 0) continue;
    bits &= ~taken_.overlapping(word, service);
    if (bits == 0) continue;
    bits &= ~blocked_.covering(word, service);
    if (bits == 0) continue;
    if (const auto rested = bits & ~quarantine_.overlapping(word, service)) {
      found.rested = lowest(word, rested);
      return found;
    }
    if (!found.resting) found.resting = lowest(word, bits);
  }
  return found;
}

std::optional<AddressSlot> AddressRing::fresh(const net::Service& service) const {
  for (auto slot = fresh_.first(); slot != IndexList::none; slot = links_[slot].next) {
    if (allows(slot, service)) return slot;
  }
  return std::nullopt;
}

std::optional<AddressSlot> AddressRing::choose(const net::Service& service, Instant now) {
  quarantine_.expire(now);
  const auto carrier = carrying(service);
  if (carrier.rested) return carrier.rested;
  const auto unused = fresh(service);
  if (unused && rests_until_[*unused] <= now) return unused;
  return carrier.resting ? carrier.resting : unused;
}

std::optional<AddressSlot> AddressRing::choose_carrying(const net::Service& service, Instant now) {
  quarantine_.expire(now);
  return carrying(service).rested;
}

bool AddressRing::fits(AddressSlot address, const net::Service& service) const {
  return !taken_.overlaps(address, service) && allows(address, service);
}

bool AddressRing::allows(const net::Service& service) const {
  // Where something is blocked on fewer addresses than there are, one is left for everything.
  if (blocked_.carrying_count() < addresses_.size()) return true;
  std::size_t refused = 0;
  for (std::size_t word = 0; word < blocked_.words(); ++word) {
    refused += static_cast<std::size_t>(std::popcount(blocked_.covering(word, service)));
  }
  return refused < addresses_.size();
}

bool AddressRing::take(AddressSlot address, const net::Service& service) {
  const bool was_fresh = !taken_.carries(address);
  if (!taken_.add(address, service)) return false;
  if (was_fresh) fresh_.erase(links_, address);
  latest_ = address;
  return true;
}

void AddressRing::release(AddressSlot address, const net::Service& service, Instant now) {
  quarantine_.add(address, service, now);  // before the removal: so it keeps its place in `ports_`
  taken_.remove(address, service);
  if (taken_.carries(address)) return;
  fresh_.push_back(links_, address);
  rests_until_[address] = now + quarantine_.rest();
}

}  // namespace rgw::pool
