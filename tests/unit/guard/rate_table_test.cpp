// Rates by who it is (GUARD-6): what passes, what is saved up, and that strangers do not push anybody out who
// does not stop.
#include "realmgw/guard/rate_table.hpp"

#include "realmgw/base/random.hpp"

#include <gtest/gtest.h>

namespace rgw::guard {
namespace {

using namespace std::chrono_literals;

class RateTableTest : public testing::Test {
 protected:
  /// Of so many tries at once, how many pass.
  unsigned passed(std::uint64_t who, unsigned tries, std::uint32_t rate = 100) {
    unsigned count = 0;
    for (unsigned i = 0; i < tries; ++i) count += table.allows(who, rate, now) ? 1 : 0;
    return count;
  }
  Random random{1};
  RateTable table{HashSalt{random}};
  Instant now{1000s};
};

TEST_F(RateTableTest, a_second_s_worth_passes_at_once_and_then_as_many_as_the_rate_says) {
  EXPECT_EQ(passed(1, 1000), 100U);
  now += 100ms;
  EXPECT_EQ(passed(1, 1000), 10U);
  now += 1h;
  EXPECT_EQ(passed(1, 1000), 100U) << "no more is saved up";
}

TEST_F(RateTableTest, who_keeps_to_the_rate_is_never_stopped) {
  for (int i = 0; i < 1000; ++i) {
    EXPECT_TRUE(table.allows(1, 100, now));
    now += 10ms;
  }
}

TEST_F(RateTableTest, each_has_his_own) {
  EXPECT_EQ(passed(1, 1000), 100U);
  EXPECT_EQ(passed(2, 1000), 100U);
}

TEST_F(RateTableTest, a_rate_of_0_is_none) {
  EXPECT_EQ(passed(1, 5000, 0), 5000U);
}

TEST_F(RateTableTest, a_flood_of_strangers_gains_nothing_for_who_does_not_stop) {
  // Three times as many strangers as there is room for; he goes on at five times the rate.
  std::uint64_t stranger = 1'000'000;
  unsigned count = passed(1, 100);
  for (int i = 0; i < 2000; ++i) {
    for (int n = 0; n < 100; ++n) (void)table.allows(stranger++, 100, now);
    count += table.allows(1, 100, now) ? 1 : 0;
    now += 2ms;
  }
  EXPECT_LE(count, 100U + 400U + 10U);  // of four seconds, beside those at the beginning
  EXPECT_GE(count, 490U);
}

}  // namespace
}  // namespace rgw::guard
