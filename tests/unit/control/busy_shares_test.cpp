// How busy a worker has been of late, as `realmgwctl status` tells it (OPS-3).
#include "realmgw/control/busy_shares.hpp"

#include <chrono>

#include <gtest/gtest.h>

namespace rgw::control {
namespace {

using namespace std::chrono_literals;

TEST(BusyShares, are_of_the_time_between_the_last_two_looks) {
  TurnMeter meter;
  const TurnMeter* const turns[] = {&meter, nullptr};
  BusyShares shares;
  EXPECT_EQ(shares.percent(0), std::nullopt) << "nobody has looked";
  shares.look(turns, Instant{10s});
  EXPECT_EQ(shares.percent(0), std::nullopt) << "there is nothing to compare it with";
  meter.begin(Instant{10s});
  meter.end(true);
  meter.begin(Instant{10s + 250ms});
  meter.end(false);
  shares.look(turns, Instant{11s});
  EXPECT_EQ(shares.percent(0), 25U);
  EXPECT_EQ(shares.percent(1), std::nullopt) << "it is not measured";
  shares.look(turns, Instant{12s});
  EXPECT_EQ(shares.percent(0), 0U);
}

}  // namespace
}  // namespace rgw::control
