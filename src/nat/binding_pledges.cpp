// Reservations whose claims are pledged: who stands in line for which claim, and what becomes of the line
// when one takes it (GUARD-5). No claim is taken twice: whoever takes one ends its line.
#include "realmgw/nat/binding_table.hpp"

#include "live_claims.hpp"

namespace rgw::nat {

BindingTable::Claim* BindingTable::least_pledged(const Binding& binding, bool proven,
                                                 const net::IpAddress* remote, Instant now) {
  Claim* least = nullptr;
  const auto before = [&](const Claim& claim) {
    if (least == nullptr || claim.in_line[proven] != least->in_line[proven])
      return least == nullptr || claim.in_line[proven] < least->in_line[proven];
    return claim.client.has_value() && !least->client.has_value();
  };
  for_live_claims(claims_, binding.first, none, now, [&](Claim& claim) {
    const bool may = remote != nullptr ? may_take(claim, *remote, now) : !claim.client;
    if (may && claim.in_line[proven] < max_pledges && before(claim)) least = &claim;
    return true;
  });
  return least;
}

std::optional<BindingTable::Pledge> BindingTable::pledge(const Found& found, const net::IpAddress& remote,
                                                         std::uint32_t syn, bool proven, Instant now) {
  Claim* const claim = least_pledged(*found.binding, proven, &remote, now);
  if (claim == nullptr) return std::nullopt;
  const Pledge index = pledges_.add(found.reservation, claim->number, syn, proven, claim->ring);
  if (index == PledgeTable::none) return std::nullopt;
  claim->ring = index;
  ++claim->in_line[proven];
  return index;
}

BindingTable::Binding* BindingTable::binding_of(Pledge pledge, const At& at) {
  for (const EndpointKey& key : keys_of(at.external, at.protocol, at.port)) {
    Binding* const binding = by_key_.find(key);
    if (binding != nullptr && binding->reservation == pledges_.reservation(pledge)) return binding;
  }
  return nullptr;
}

BindingTable::Claim* BindingTable::claim_of(Binding* binding, std::uint32_t number) {
  if (binding == nullptr) return nullptr;
  for (std::uint32_t i = binding->first; i != none; i = claims_[i].next) {
    if (claims_[i].number == number) return &claims_[i];
  }
  return nullptr;
}

BindingTable::Pledge BindingTable::leave_line(Pledge pledge, Claim* claim) {
  const Pledge other = pledges_.detach(pledge);
  if (claim != nullptr) {
    claim->ring = other;
    --claim->in_line[pledges_.proven(pledge)];
  }
  return other;
}

PledgeStep BindingTable::step(Pledge pledge, const HandshakeSegment& segment, const At& at) {
  const PledgeStep step = pledges_.step(pledge, segment);
  if (step == PledgeStep::resets)
    leave_line(pledge, claim_of(binding_of(pledge, at), pledges_.claim(pledge)));
  return step;
}

BindingTable::Found BindingTable::redeem(Pledge pledge, const At& at, const net::IpAddress& inside,
                                         Instant now) {
  Binding* const binding = binding_of(pledge, at);
  Claim* const claim = claim_of(binding, pledges_.claim(pledge));
  const Found found{pledges_.reservation(pledge), pledges_.claim(pledge), inside, binding};
  const Pledge others = leave_line(pledge, claim);
  pledges_.remove(pledge);
  if (claim != nullptr) {
    take(*binding, found.claim, now);
  } else if (others != PledgeTable::none) {
    disperse(others, binding, now);  // the reservation has ended, and they came before that
  }
  return found;
}

void BindingTable::give_up(Pledge pledge, const At& at) {
  if (pledges_.stands(pledge)) leave_line(pledge, claim_of(binding_of(pledge, at), pledges_.claim(pledge)));
  pledges_.remove(pledge);
}

void BindingTable::disperse(Pledge ring, Binding* binding, Instant now) {
  while (ring != PledgeTable::none) {
    const Pledge pledge = ring;
    ring = pledges_.detach(pledge);
    Claim* const claim =
        binding == nullptr ? nullptr : least_pledged(*binding, pledges_.proven(pledge), nullptr, now);
    if (claim == nullptr) {
      pledges_.lose(pledge);
      ++lost_;
      continue;
    }
    pledges_.join(pledge, claim->number, claim->ring);
    claim->ring = pledge;
    ++claim->in_line[pledges_.proven(pledge)];
  }
}

}  // namespace rgw::nat
