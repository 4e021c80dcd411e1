#include "realmgw/pool/address_ring.hpp"

#include <algorithm>
#include <bit>
#include <stdexcept>

namespace rgw::pool {
namespace {

AddressSlot lowest(std::size_t word, std::uint64_t bits) {
  return static_cast<AddressSlot>(word * 64 + static_cast<unsigned>(std::countr_zero(bits)));
}

}  // namespace

AddressRing::AddressRing(std::vector<net::IpAddress> addresses, std::span<const Blocked> blocked,
                         Duration rest, Room room, const HashSalt& salt)
    : ports_{2 * room.reservations + std::max(blocked.size(), max_blocked), salt},
      taken_{0, ports_, PortMasks::Set::taken},
      blocked_{0, ports_, PortMasks::Set::blocked},
      quarantine_{rest, 0, room.reservations, ports_, salt},
      live_{room.live, salt},
      ended_room_{room.live} {
  if (addresses.size() > max_addresses) throw std::invalid_argument{"too many addresses in the pool"};
  for (const auto& address : addresses) {
    if (!add_address(address)) throw std::invalid_argument{address.to_string() + " is in the pool twice"};
  }
  grow();
  block(blocked);
}

bool AddressRing::add_address(const net::IpAddress& address) {
  const auto slot = static_cast<AddressSlot>(addresses_.size());
  if (!slots_.emplace(address, slot).second) return false;
  addresses_.push_back(address);
  withdrawn_.push_back(false);
  links_.emplace_back();
  rests_from_.push_back(Instant::min());
  fresh_.push_back(links_, slot);
  ++in_use_;
  return true;
}

/// To as many addresses as there are now.
void AddressRing::grow() {
  taken_.grow(addresses_.size());
  blocked_.grow(addresses_.size());
  quarantine_.grow(addresses_.size());
  others_.resize(taken_.words());
}

void AddressRing::block(AddressSlot address, const net::Service& service) {
  if (blocked_.covers(address, service)) return;
  if (!blocked_.add(address, service)) throw std::length_error{"too many blocked services"};
  blocked_pairs_.emplace_back(address, service);
}

void AddressRing::block(std::span<const Blocked> blocked) {
  for (const auto& [address, service] : blocked) {
    const auto slot = slots_.find(address);
    if (const auto kept = canonical(service); kept && slot != slots_.end()) block(slot->second, *kept);
  }
}

bool AddressRing::room_for(const std::vector<net::IpAddress>& addresses,
                           std::span<const Blocked> blocked) const {
  const auto fresh =
      std::ranges::count_if(addresses, [&](const auto& address) { return !slots_.contains(address); });
  return addresses_.size() + static_cast<std::size_t>(fresh) <= max_addresses &&
         blocked.size() <= max_blocked;
}

void AddressRing::change(const std::vector<net::IpAddress>& addresses, std::span<const Blocked> blocked,
                         Duration rest, Instant now) {
  quarantine_.expire(now);
  forget_ended(now);
  quarantine_.set_rest(rest);
  std::vector<bool> stays(addresses_.size());
  for (const auto& address : addresses) {
    const auto slot = slots_.find(address);
    if (slot == slots_.end()) {
      static_cast<void>(add_address(address));
      stays.push_back(true);
    } else {
      stays[slot->second] = true;
    }
  }
  grow();
  for (const auto& [address, service] : blocked_pairs_) blocked_.remove(address, service);
  blocked_pairs_.clear();
  in_use_ = 0;
  for (AddressSlot slot = 0; slot < addresses_.size(); ++slot) {
    withdrawn_[slot] = !stays[slot];
    stays[slot] ? static_cast<void>(++in_use_) : block(slot, net::Service{});
  }
  block(blocked);
  sort_fresh();
}

/// All that are in use and carry nothing, and no others.
void AddressRing::sort_fresh() {
  std::vector<AddressSlot> slots;
  for (auto slot = fresh_.first(); slot != IndexList::none; slot = links_[slot].next) slots.push_back(slot);
  std::vector<bool> listed(addresses_.size());
  for (const AddressSlot slot : slots) {
    listed[slot] = true;
    fresh_.erase(links_, slot);
  }
  for (AddressSlot slot = 0; slot < addresses_.size(); ++slot) {
    if (!listed[slot] && !taken_.carries(slot)) slots.push_back(slot);  // it has come back
  }
  std::ranges::stable_sort(slots, {}, [&](AddressSlot slot) { return rests_from_[slot]; });
  for (const AddressSlot slot : slots) {
    if (in_use(slot)) fresh_.push_back(links_, slot);
  }
}

std::size_t AddressRing::resting_count(Instant now) const {
  std::size_t count = 0;
  for (auto slot = fresh_.last(); slot != IndexList::none; slot = links_[slot].previous) {
    if (rests_from_[slot] == Instant::min() || rests_from_[slot] + quarantine_.rest() <= now) break;
    ++count;
  }
  return count;
}

void AddressRing::forget_ended(Instant now) {
  while (!ended_.empty() && (ended_.front().at + quarantine_.rest() <= now || ended_.size() > ended_room_)) {
    const auto& [address, service, host, at] = ended_.front();
    live_.ended(address, service, host);
    ended_.pop_front();
  }
}

std::uint64_t AddressRing::others_in(std::size_t word, const Wanted& wanted) const {
  return live_.empty() ? 0 : live_.of_others(word, wanted.service, wanted.host);
}

AddressRing::Candidates AddressRing::carrying(const Wanted& wanted) const {
  const net::Service& service = wanted.service;
  Candidates found;
  // All of an address fits on no other than a fresh one.
  if (service.is_any() || taken_.carrying_count() == 0) return found;
  Candidates behind;  // of those that rest, the first behind the latest
  for (std::size_t word = 0; word < taken_.words(); ++word) {
    auto bits = taken_.carrying(word);
    if (bits == 0) continue;
    bits &= ~taken_.overlapping(word, service);
    if (bits == 0) continue;
    bits &= ~blocked_.covering(word, service);
    if (bits == 0) continue;
    const auto resting = bits & quarantine_.overlapping(word, service);
    const auto others = others_in(word, wanted);
    for (const bool rests : {false, true}) {
      for (const bool others_live : {false, true}) {
        const auto counted = rests && !counts_at_rest(service) ? 0 : others;
        const auto those = bits & (rests ? resting : ~resting) & (others_live ? counted : ~counted);
        if (those == 0) continue;
        const auto place = rank(rests, others_live);
        if (!found[place]) found[place] = lowest(word, those);
        if (place == 0) return found;
        if (const auto next = those & behind_latest(word); rests && next != 0 && !behind[place])
          behind[place] = lowest(word, next);
      }
    }
  }
  for (std::size_t place = 0; place < found.size(); ++place) {
    if (behind[place]) found[place] = behind[place];
  }
  return found;
}

std::uint64_t AddressRing::behind_latest(std::size_t word) const {
  if (word != latest_ / 64) return word < latest_ / 64 ? 0 : ~std::uint64_t{0};
  return latest_ % 64 == 63 ? 0 : ~std::uint64_t{0} << (latest_ % 64 + 1);
}

AddressRing::Candidates AddressRing::beside(AddressSlot own, const Wanted& wanted) const {
  Candidates found;
  if (!fits_beside(own, wanted.service)) return found;
  const bool rests = (quarantine_.overlapping(own / 64, wanted.service) >> own % 64 & 1) != 0;
  const bool counts = !rests || counts_at_rest(wanted.service);
  found[rank(rests, counts && (others_in(own / 64, wanted) >> own % 64 & 1) != 0)] = own;
  return found;
}

bool AddressRing::find_lonely_fresh(const Wanted& wanted) {
  bool any = false;
  for (std::size_t word = 0; word < others_.size(); ++word) {
    others_[word] = others_in(word, wanted);
    const auto left = addresses_.size() - word * 64;
    const auto all = left >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << left) - 1;
    const auto bits = all & ~taken_.carrying(word) & ~others_[word];
    any |= bits != 0 && (bits & ~blocked_.covering(word, wanted.service)) != 0;
  }
  return any;
}

/// The least recently used comes first, and so does the end of its rest: behind one that rests all do. All
/// addresses are looked at only where others have sessions at the first.
AddressRing::Candidates AddressRing::fresh(const Wanted& wanted, Instant now) {
  Candidates found;
  for (auto slot = fresh_.first(); slot != IndexList::none; slot = links_[slot].next) {
    if (!allows(slot, wanted.service)) continue;
    const bool first = !found[1] && !found[3];
    const auto others = first ? others_in(slot / 64, wanted) : others_[slot / 64];
    const bool rests = rests_from_[slot] + quarantine_.rest() > now;
    const bool others_live = (!rests || counts_at_rest(wanted.service)) && (others >> slot % 64 & 1) != 0;
    const auto place = rank(rests, others_live);
    if (!found[place]) found[place] = slot;
    if (!others_live || (first && !find_lonely_fresh(wanted))) break;
  }
  return found;
}

std::optional<AddressSlot> AddressRing::choose(const net::Service& service, HostId host,
                                               std::optional<AddressSlot> own, Instant now) {
  quarantine_.expire(now);
  forget_ended(now);
  const Wanted wanted{service, host};
  const auto carriers = carrying(wanted);
  if (carriers[0]) return carriers[0];
  const auto besides = own ? beside(*own, wanted) : Candidates{};
  if (besides[0]) return besides[0];
  const auto unused = fresh(wanted, now);
  for (std::size_t place = 0; place < unused.size(); ++place) {
    for (const auto& candidates : {carriers, besides, unused}) {
      if (candidates[place]) return candidates[place];
    }
  }
  return std::nullopt;
}

bool AddressRing::fits(AddressSlot address, const net::Service& service) const {
  return !taken_.overlaps(address, service) && allows(address, service);
}

bool AddressRing::fits_without(AddressSlot address, const net::Service& service,
                               std::span<const net::Service> without) {
  for (const auto& one : without) taken_.remove(address, one);
  const bool would_fit = fits(address, service);
  for (const auto& one : without) static_cast<void>(taken_.add(address, one));  // there was room for it
  return would_fit;
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

void AddressRing::release(AddressSlot address, const net::Service& service, Instant from) {
  quarantine_.add(address, service, from);  // before the removal: so it keeps its place in `ports_`
  taken_.remove(address, service);
  if (taken_.carries(address)) return;
  rests_from_[address] = from;
  if (in_use(address)) insert_fresh(address);
}

/// In the order in which rests end, as long as few addresses rest for longer.
void AddressRing::insert_fresh(AddressSlot address) {
  auto& from = rests_from_[address];
  auto next = IndexList::none, last = fresh_.last();
  for (std::size_t passed = 0; last != IndexList::none && rests_from_[last] > from; ++passed) {
    next = last;
    last = links_[last].previous;
    if (passed + 1 == Quarantine::max_passed) from = rests_from_[next];
  }
  next == IndexList::none ? fresh_.push_back(links_, address) : fresh_.insert_before(links_, next, address);
}

void AddressRing::began(const net::IpAddress& address, const net::Service& service, HostId host) {
  if (const auto slot = slots_.find(address); slot != slots_.end()) live_.began(slot->second, service, host);
}

void AddressRing::ended(const net::IpAddress& address, const net::Service& service, HostId host,
                        Instant now) {
  const auto slot = slots_.find(address);
  if (slot == slots_.end()) return;
  ended_.push_back({slot->second, service, host, now});
  forget_ended(now);
}

}  // namespace rgw::pool
