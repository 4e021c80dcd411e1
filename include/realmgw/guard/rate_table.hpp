// How often somebody may do something a second, of many whom strangers may invent (GUARD-6). Hot path: no
// packet of an open session comes here; a query or the first packet of a flow costs one look at a line of the
// cache.
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/base/hash.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace rgw::guard {

/// Token buckets by a number that stands for whoever it is, in memory that is fixed at the start. Whoever is
/// not known may go on for a second's worth at once. Where there is no room, the one that has been quiet the
/// longest of a few is forgotten: who never stops is not. One thread; no clock of its own.
class RateTable {
 public:
  static constexpr std::size_t capacity = 65536;

  explicit RateTable(const HashSalt& salt) : salt_{salt}, sets_(capacity / ways) {}

  /// May `who`, not 0, do it once more? `rate` times a second; 0: always.
  [[nodiscard]] bool allows(std::uint64_t who, std::uint32_t rate, Instant now) {
    if (rate == 0) return true;
    Bucket& bucket = bucket_of(who, rate, milliseconds(now));
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }

 private:
  static constexpr std::size_t ways = 4;
  struct Bucket {
    std::uint64_t who = 0;  ///< 0: nobody
    float tokens = 0;
    std::uint32_t at = 0;  ///< milliseconds, when `tokens` was right
  };
  static_assert(sizeof(Bucket) == 16);
  struct alignas(64) Set {
    std::array<Bucket, ways> buckets{};
  };

  [[nodiscard]] static std::uint32_t milliseconds(Instant now);
  [[nodiscard]] Bucket& bucket_of(std::uint64_t who, std::uint32_t rate, std::uint32_t at);

  HashSalt salt_;
  std::vector<Set> sets_;
};

}  // namespace rgw::guard
