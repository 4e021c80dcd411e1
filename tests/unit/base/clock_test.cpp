// Clocks:
//   a_manual_clock_moves_only_when_told
//   the_machine_s_clock_never_goes_back
#include "realmgw/base/clock.hpp"

#include <chrono>

#include <gtest/gtest.h>

namespace rgw {
namespace {

using namespace std::chrono_literals;

TEST(Clock, a_manual_clock_moves_only_when_told) {
  ManualClock clock{Instant{5s}};
  const Clock& seen = clock;
  EXPECT_EQ(seen.now(), Instant{5s});
  EXPECT_EQ(seen.now(), Instant{5s});
  clock.advance(250ms);
  EXPECT_EQ(seen.now() - Instant{5s}, 250ms);
}

TEST(Clock, the_machine_s_clock_never_goes_back) {
  const MonotonicClock clock;
  Instant last = clock.now();
  for (int i = 0; i < 1000; ++i) {
    const Instant now = clock.now();
    ASSERT_GE(now, last);
    last = now;
  }
}

}  // namespace
}  // namespace rgw
