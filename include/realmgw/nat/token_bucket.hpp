// A rate limit for what the gateway says on its own account: ICMP errors, resets (OUT-5, OUT-6).
// Hot path: integers alone, no clock of its own.
#pragma once

#include "realmgw/base/clock.hpp"

#include <algorithm>
#include <cstdint>
#include <stdexcept>

namespace rgw::nat {

/// A token bucket, kept as the one instant at which it will be full again: no tokens to count, nothing to
/// refill, and no rounding that adds up. Starts full.
class TokenBucket {
 public:
  /// `rate` tokens a second, of which the bucket holds `burst`. A rate of 0 lets nothing through; the
  /// interval is cut to whole nanoseconds, so that the rate may be too high by a part of rate / 10^9. Throws
  /// std::invalid_argument for a burst of 0 or a rate beyond 10^9.
  constexpr TokenBucket(std::uint32_t rate, std::uint32_t burst) {
    if (burst == 0 || rate > 1'000'000'000) throw std::invalid_argument{"no such token bucket"};
    if (rate == 0) return;
    interval_ = Duration{1'000'000'000 / rate};
    slack_ = interval_ * (burst - 1);
  }

  /// Takes a token; false where there is none.
  [[nodiscard]] constexpr bool take(Instant now) {
    if (interval_ == Duration::zero() || full_at_ > now + slack_) return false;
    full_at_ = std::max(full_at_, now) + interval_;
    return true;
  }

 private:
  Duration interval_{};  ///< from token to token
  Duration slack_{};     ///< how far ahead of now `full_at_` may lie for one more token to be there
  Instant full_at_{};
};

}  // namespace rgw::nat
