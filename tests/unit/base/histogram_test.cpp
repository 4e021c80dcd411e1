// How long things took (OPS-4): classes, sums, and the turns of a worker.
#include "realmgw/base/histogram.hpp"

#include "realmgw/base/turn_meter.hpp"

#include <chrono>

#include <gtest/gtest.h>

namespace rgw {
namespace {

using namespace std::chrono_literals;

constexpr std::array<Duration, 2> bounds{1ms, 10ms};

TEST(Histogram, a_duration_is_of_the_first_class_that_is_long_enough) {
  Histogram times{bounds};
  for (const Duration took : {Duration{0}, Duration{1ms}, Duration{1ms + 1ns}, Duration{10ms}, Duration{1h}})
    times.add(took);
  EXPECT_EQ(times.count(0), 2U);
  EXPECT_EQ(times.count(1), 2U);
  EXPECT_EQ(times.count(2), 1U);
  EXPECT_EQ(times.sum(), 1h + 12ms + 1ns);
}

TEST(TurnMeter, a_busy_turn_lasts_until_the_next_one_begins) {
  TurnMeter meter;
  meter.begin(Instant{1s});
  meter.end(true);
  EXPECT_EQ(meter.busy().sum(), 0ns);
  meter.begin(Instant{1s + 3us});
  EXPECT_EQ(meter.busy().sum(), 3us);
  EXPECT_EQ(meter.busy().count(1), 1U);
}

TEST(TurnMeter, a_turn_without_work_and_the_rest_after_it_do_not_count) {
  TurnMeter meter;
  meter.begin(Instant{1s});
  meter.end(false);
  meter.begin(Instant{2s});
  meter.end(true);
  meter.begin(Instant{2s + 1ms});
  meter.end(false);
  meter.begin(Instant{3s});
  EXPECT_EQ(meter.busy().sum(), 1ms);
}

}  // namespace
}  // namespace rgw
