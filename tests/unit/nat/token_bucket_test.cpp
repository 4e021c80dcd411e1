// OUT-5, OUT-6: the rate limit of the gateway's own messages.
#include "realmgw/nat/token_bucket.hpp"

#include <gtest/gtest.h>

namespace rgw::nat {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Instant start{seconds{1000}};

unsigned take_all(TokenBucket& bucket, Instant now) {
  unsigned taken = 0;
  while (taken < 1'000'000 && bucket.take(now)) ++taken;
  return taken;
}

TEST(TokenBucket, starts_full_and_empties) {
  TokenBucket bucket{100, 10};
  EXPECT_EQ(take_all(bucket, start), 10U);
}

TEST(TokenBucket, a_token_comes_back_after_its_interval_and_not_before) {
  TokenBucket bucket{100, 10};
  take_all(bucket, start);
  EXPECT_FALSE(bucket.take(start + milliseconds{10} - Duration{1}));
  EXPECT_TRUE(bucket.take(start + milliseconds{10}));
  EXPECT_FALSE(bucket.take(start + milliseconds{10}));
}

TEST(TokenBucket, rest_fills_it_to_the_burst_and_no_further) {
  TokenBucket bucket{100, 10};
  take_all(bucket, start);
  EXPECT_EQ(take_all(bucket, start + milliseconds{50}), 5U);
  EXPECT_EQ(take_all(bucket, start + seconds{3600}), 10U);
}

TEST(TokenBucket, keeps_its_rate_over_a_long_time) {
  TokenBucket bucket{3000, 7};
  unsigned taken = 0;
  for (int ms = 0; ms < 100'000; ++ms) taken += take_all(bucket, start + milliseconds{ms});
  EXPECT_NEAR(taken, 300'000 + 7, 4);
}

TEST(TokenBucket, a_burst_of_one_is_a_steady_drip) {
  TokenBucket bucket{1, 1};
  EXPECT_TRUE(bucket.take(start));
  EXPECT_FALSE(bucket.take(start + seconds{1} - Duration{1}));
  EXPECT_TRUE(bucket.take(start + seconds{1}));
}

TEST(TokenBucket, a_rate_of_zero_lets_nothing_through) {
  TokenBucket bucket{0, 10};
  EXPECT_FALSE(bucket.take(start));
  EXPECT_FALSE(bucket.take(start + seconds{3600}));
}

TEST(TokenBucket, the_largest_numbers_do_not_overflow) {
  TokenBucket slow{1, 0xffffffff};
  EXPECT_TRUE(slow.take(start));
  TokenBucket fast{1'000'000'000, 1};
  EXPECT_TRUE(fast.take(start));
  EXPECT_FALSE(fast.take(start));
  EXPECT_TRUE(fast.take(start + Duration{1}));
}

TEST(TokenBucket, an_impossible_bucket_is_refused) {
  EXPECT_THROW((TokenBucket{1, 0}), std::invalid_argument);
  EXPECT_THROW((TokenBucket{1'000'000'001, 1}), std::invalid_argument);
}

}  // namespace
}  // namespace rgw::nat
