// The claims of a reservation that a SYN may look at: each SYN is a search, so it has a bound.
#pragma once

#include "realmgw/base/clock.hpp"

#include <cstdint>

namespace rgw::nat {

inline constexpr unsigned most_claims_looked_at = 64;

/// Calls `use(claim)` for those that have not run out, the oldest first, as long as it says true; for no more
/// than the bound. `last` ends the list that begins at `first`.
template <class Claims, class Use>
void for_live_claims(Claims& claims, std::uint32_t first, std::uint32_t last, Instant now, Use&& use) {
  unsigned looked_at = 0;
  for (std::uint32_t i = first; i != last; i = claims[i].next) {
    if (now >= claims[i].deadline) continue;
    if (!use(claims[i]) || ++looked_at == most_claims_looked_at) return;
  }
}

}  // namespace rgw::nat
