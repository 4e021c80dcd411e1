// Reservations that nobody has proven his address for, and which of them yields to an asker who has: GUARD-1.
#include "realmgw/pool/circular_pool.hpp"

#include <span>

namespace rgw::pool {
namespace {

// A search looks at so many of the oldest that yield.
constexpr std::size_t most_looked_at = 64;

}  // namespace

bool CircularPool::joins_what_yields(const Request& asked_for, Instant now) const {
  const auto service = canonical(asked_for.service);
  if (!service) return false;
  Request request = asked_for;
  request.service = *service;
  const Slot joined = shareable(request);
  if (joined == none) return false;
  const auto& record = reservations_[joined];
  const QueryKey key = query_key(request);
  return record.unproven && record.made + config_.yields_after <= now &&
         !find_query(key, hash_of(key, salt_));
}

/// It has one claim more, which is promised what each is.
void CircularPool::keep_unproven(Slot reservation, Instant now) {
  auto& record = reservations_[reservation];
  if (record.next_claim != 0) (record.yields ? yielding_ : firm_).erase(unproven_links_, reservation);
  record.yields = false;
  record.joined = now;
  firm_.push_back(unproven_links_, reservation);
}

/// Its room is needed no more, or somebody with proof has joined it.
void CircularPool::forget_unproven(Slot reservation) {
  auto& record = reservations_[reservation];
  (record.yields ? yielding_ : firm_).erase(unproven_links_, reservation);
  record.unproven = record.yields = false;
  if (record.unproven_fresh) --unproven_[static_cast<std::size_t>(record.family)];
  record.unproven_fresh = false;
}

/// Whoever waits with proof may have its room now, first come first.
void CircularPool::begin_to_yield(Slot reservation, Instant now) {
  firm_.erase(unproven_links_, reservation);
  yielding_.push_back(unproven_links_, reservation);
  reservations_[reservation].yields = true;
  for (Slot waiter = waiting_.first(); waiter != none; waiter = waiter_links_[waiter].next) {
    if (!displace_for(waiters_[waiter].request, now)) continue;
    serve_waiting(now);
    return;
  }
}

/// Withdraws the oldest that yield and whose room the request fits in: all of an address that are in its way,
/// or none. The listener hears of their end before it hears of what takes their place, and so does every
/// worker: no packet finds both.
bool CircularPool::displace_for(const Request& request, Instant now) {
  std::array<Slot, most_looked_at> found{};
  std::size_t count = 0, looked_at = 0;
  for (Slot slot = yielding_.first(); slot != none && looked_at < most_looked_at;
       slot = unproven_links_[slot].next, ++looked_at) {
    const auto& record = reservations_[slot];
    if (record.family == request.family && record.service.overlaps(request.service)) found[count++] = slot;
  }
  for (const Slot oldest : std::span{found}.first(count)) {
    const AddressSlot address = reservations_[oldest].address;
    std::array<Slot, most_looked_at> there{};
    std::array<net::Service, most_looked_at> services{};
    std::size_t in_the_way = 0;
    for (const Slot slot : std::span{found}.first(count)) {
      if (reservations_[slot].address != address) continue;
      there[in_the_way] = slot;
      services[in_the_way++] = reservations_[slot].service;
    }
    if (!ring(request.family).fits_without(address, request.service, std::span{services}.first(in_the_way)))
      continue;
    for (const Slot slot : std::span{there}.first(in_the_way)) {
      counters_.add(Counter::pool_displaced);
      close(slot, End::displaced, now);
    }
    return true;
  }
  return false;
}

std::optional<Granted> CircularPool::displace_and_grant(const Asked& asked, Instant when, Instant now) {
  if (!asked.request.proven || !displace_for(asked.request, now)) return std::nullopt;
  return grant(asked, when, now);
}

}  // namespace rgw::pool
