// Limits of rate: for what the gateway says on its own account, ICMP errors and resets (OUT-5, OUT-6), and
// for the sessions that one host opens. Hot path: integers alone, no clock of its own.
#pragma once

#include "realmgw/base/clock.hpp"

#include <algorithm>
#include <cstdint>
#include <stdexcept>

namespace rgw::nat {

/// How fast buckets fill and how much each holds. A bucket is kept by its owner, as the one instant at which
/// it will be full again: no tokens to count, nothing to refill, and no rounding that adds up.
class TokenRate {
 public:
  /// `rate` tokens a second, of which a bucket holds `burst`. A rate of 0 lets nothing through; the
  /// interval is cut to whole nanoseconds, so that the rate may be too high by a part of rate / 10^9. Throws
  /// std::invalid_argument for a burst of 0 or a rate beyond 10^9.
  constexpr TokenRate(std::uint32_t rate, std::uint32_t burst) {
    if (burst == 0 || rate > 1'000'000'000) throw std::invalid_argument{"no such token bucket"};
    if (rate == 0) return;
    interval_ = Duration{1'000'000'000 / rate};
    slack_ = interval_ * (burst - 1);
  }

  /// Takes a token from the bucket that is full at `full_at`; false where there is none.
  [[nodiscard]] constexpr bool take(Instant& full_at, Instant now) const {
    if (interval_ == Duration::zero() || full_at > now + slack_) return false;
    full_at = std::max(full_at, now) + interval_;
    return true;
  }

 private:
  Duration interval_{};  ///< from token to token
  Duration slack_{};     ///< how far ahead of now `full_at` may lie for one more token to be there
};

/// One bucket with a rate of its own. Starts full.
class TokenBucket {
 public:
  /// As TokenRate.
  constexpr TokenBucket(std::uint32_t rate, std::uint32_t burst) : rate_{rate, burst} {}

  /// Takes a token; false where there is none.
  [[nodiscard]] constexpr bool take(Instant now) { return rate_.take(full_at_, now); }

 private:
  TokenRate rate_;
  Instant full_at_{};
};

}  // namespace rgw::nat
