#include "realmgw/nat/binding_table.hpp"

#include <algorithm>

#include "live_claims.hpp"

namespace rgw::nat {
namespace {

// As many as there can be, and no more than there are places.
std::uint32_t room_for_pledges(std::uint32_t claims) {
  return std::min(claims, PledgeTable::max_capacity / (2 * BindingTable::max_pledges)) * 2 *
         BindingTable::max_pledges;
}

}  // namespace

BindingTable::BindingTable(std::uint32_t capacity, const HashSalt& salt)
    : by_key_{capacity, salt}, claims_(capacity), pledges_{room_for_pledges(capacity)} {
  for (std::uint32_t i = 0; i < capacity; ++i) give_back(i);
}

BindingTable::Keys BindingTable::keys_of(const net::IpAddress& external, net::Protocol protocol,
                                         std::uint16_t port) {
  return {EndpointKey{external, protocol, port}, {external, protocol, 0}, {external, net::Protocol::any, 0}};
}

void BindingTable::prefetch_match(const net::IpAddress& external, net::Protocol protocol,
                                  std::uint16_t port) const {
  if (by_key_.empty()) return;
  for (const EndpointKey& key : keys_of(external, protocol, port)) by_key_.prefetch(key);
}

const net::IpAddress* BindingTable::host(const net::IpAddress& external, net::Protocol protocol,
                                         std::uint16_t port) const {
  if (by_key_.empty()) return nullptr;
  for (const EndpointKey& key : keys_of(external, protocol, port)) {
    if (const Binding* binding = by_key_.find(key)) return &binding->inside;
  }
  return nullptr;
}

bool BindingTable::bind(const net::IpAddress& external, net::Service service, ReservationId reservation,
                        std::uint32_t claim, const net::IpAddress& inside, Instant deadline,
                        const std::optional<net::Prefix>& client) {
  if (free_claim_ == none) return false;
  Binding* binding = by_key_.insert({external, service.protocol, service.port});
  if (binding == nullptr) return false;
  if (binding->reservation != reservation || binding->first == none) {
    // New here, or the memory of one that has ended and whose place this one takes.
    while (binding->first != none) {
      const std::uint32_t next = claims_[binding->first].next;
      give_back(binding->first);
      binding->first = next;
    }
    *binding = Binding{.reservation = reservation, .inside = inside};
  }
  const std::uint32_t slot = free_claim_;
  free_claim_ = claims_[slot].next;
  if (free_claim_ != none) __builtin_prefetch(&claims_[free_claim_], 1);  // the next one's
  claims_[slot] = {.number = claim, .next = none, .deadline = deadline, .client = client};
  if (binding->first == none) {
    binding->first = slot;
  } else {
    claims_[binding->last].next = slot;
  }
  binding->last = slot;
  return true;
}

void BindingTable::unbind(const net::IpAddress& external, net::Service service, ReservationId reservation,
                          bool remember, Instant now) {
  Binding* binding = by_key_.find({external, service.protocol, service.port});
  if (binding == nullptr || binding->reservation != reservation) return;
  binding->remember = remember;
  if (binding->first != none) end(*binding, Refusal::expired, now);
}

const BindingTable::Claim* BindingTable::claimable(const Binding* binding, Instant now) const {
  if (binding == nullptr) return nullptr;
  for (std::uint32_t i = binding->first; i != none; i = claims_[i].next) {
    if (now < claims_[i].deadline) return &claims_[i];
  }
  return nullptr;
}

const BindingTable::Claim* BindingTable::claimable_by(const net::IpAddress& remote, const Binding* binding,
                                                      Instant now) const {
  const Claim* anybodys = nullptr;
  const Claim* bound = nullptr;
  for_live_claims(claims_, binding->first, none, now, [&](const Claim& claim) {
    if (!may_take(claim, remote, now)) return true;
    if (claim.client) bound = &claim;
    if (anybodys == nullptr) anybodys = &claim;
    return bound == nullptr;
  });
  return bound != nullptr ? bound : anybodys;
}

BindingTable::Match BindingTable::match(const net::IpAddress& external, net::Protocol protocol,
                                        std::uint16_t port, const net::IpAddress& remote, Instant now) {
  Match result;
  if (by_key_.empty()) return result;
  // How many stand in line for the claim for which the fewest do.
  const auto line = [&](const Binding& binding) {
    unsigned shortest = 2 * max_pledges;
    for_live_claims(claims_, binding.first, none, now, [&](const Claim& claim) {
      if (may_take(claim, remote, now))
        shortest = std::min<unsigned>(shortest, claim.in_line[0] + claim.in_line[1]);
      return shortest != 0;
    });
    return shortest;
  };
  for (const EndpointKey& key : keys_of(external, protocol, port)) {
    Binding* binding = by_key_.find(key);
    if (binding == nullptr) continue;
    const Claim* const claim = claimable_by(remote, binding, now);
    if (result.found) {
      // Of TCP, where somebody stands in line, a wider reservation of the same host is as good (GUARD-5).
      const bool same_host = claim != nullptr && binding->inside == result.found->inside;
      if (same_host && line(*binding) < line(*result.found->binding))
        result.found = Found{binding->reservation, claim->number, binding->inside, binding};
      continue;
    }
    if (claim != nullptr) {
      result.found = Found{binding->reservation, claim->number, binding->inside, binding};
      if (protocol != net::Protocol::tcp || line(*binding) == 0) return result;
      continue;
    }
    if (claimable(binding, now) != nullptr) {
      if (result.refusal == Refusal::none_here) result.refusal = Refusal::bound;
      continue;
    }
    const bool pending = binding->first != none;  // expired, and control has not said so yet
    if (pending || (binding->remember && now - binding->ended < refusal_memory)) {
      if (result.refusal == Refusal::none_here)
        result.refusal = pending ? Refusal::expired : binding->refusal;
    }
  }
  return result;
}

void BindingTable::take(const Found& found, Instant now) {
  take(*found.binding, found.claim, now);
}

void BindingTable::take(Binding& binding, std::uint32_t number, Instant now) {
  std::uint32_t before = none;
  Pledge ring = PledgeTable::none;
  for (std::uint32_t i = binding.first; i != none; before = i, i = claims_[i].next) {
    if (claims_[i].number != number) continue;
    (before == none ? binding.first : claims_[before].next) = claims_[i].next;
    if (binding.last == i) binding.last = before;
    ring = claims_[i].ring;
    give_back(i);
    break;
  }
  if (ring != PledgeTable::none) disperse(ring, &binding, now);
  if (binding.first == none) end(binding, Refusal::spent, now);
}

void BindingTable::end(Binding& binding, Refusal why, Instant now) {
  while (binding.first != none) {
    const std::uint32_t next = claims_[binding.first].next;
    give_back(binding.first);
    binding.first = next;
  }
  binding.last = none;
  binding.ended = now;
  binding.refusal = why;
}

void BindingTable::sweep(Instant now) {
  if (by_key_.size() == 0) return;
  constexpr std::size_t slots_a_call = 64;
  by_key_.sweep(slots_a_call, [&](const EndpointKey&, Binding& binding) {
    if (binding.first != none) {
      // Control ends what expires. Should its word be lost, the claims end here all the same.
      if (now - claims_[binding.last].deadline < refusal_memory) return false;
      end(binding, Refusal::expired, now);
    }
    return !binding.remember || now - binding.ended >= refusal_memory;
  });
}

void BindingTable::give_back(std::uint32_t claim) {
  claims_[claim].next = free_claim_;
  free_claim_ = claim;
}

std::size_t BindingTable::bytes() const {
  return by_key_.bytes() + claims_.size() * sizeof(Claim) + pledges_.bytes();
}

}  // namespace rgw::nat
