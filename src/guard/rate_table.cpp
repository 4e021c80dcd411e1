#include "realmgw/guard/rate_table.hpp"

#include <algorithm>
#include <chrono>

namespace rgw::guard {

std::uint32_t RateTable::milliseconds(Instant now) {
  return static_cast<std::uint32_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count());
}

RateTable::Bucket& RateTable::bucket_of(std::uint64_t who, std::uint32_t rate, std::uint32_t at) {
  auto& buckets = sets_[hash_of(who, salt_) % sets_.size()].buckets;
  Bucket* quietest = buckets.data();
  for (Bucket& bucket : buckets) {
    if (bucket.who == who) {
      const float earned = static_cast<float>(at - bucket.at) * static_cast<float>(rate) / 1000;
      bucket.tokens = std::min(static_cast<float>(rate), bucket.tokens + earned);
      bucket.at = at;
      return bucket;
    }
    const bool quieter = at - bucket.at > at - quietest->at;
    if (quietest->who != 0 && (bucket.who == 0 || quieter)) quietest = &bucket;
  }
  *quietest = {who, static_cast<float>(rate), at};
  return *quietest;
}

}  // namespace rgw::guard
