// What rests, and for how long: POOL-4.
#include "realmgw/pool/quarantine.hpp"

#include "realmgw/base/random.hpp"

#include <gtest/gtest.h>

namespace rgw::pool {
namespace {

using namespace std::chrono_literals;
using net::Service;

Service tcp(std::uint16_t port) {
  return {net::Protocol::tcp, port};
}

class QuarantineTest : public testing::Test {
 protected:
  Quarantine make(Duration rest, std::size_t capacity) {
    return {rest, 2, capacity, ports, HashSalt{random}};
  }
  static bool rests(const Quarantine& quarantine, AddressSlot address, Service service) {
    return (quarantine.overlapping(0, service) >> address & 1) != 0;
  }

  Random random{1};
  PortMasks ports{8, HashSalt{random}};
  Instant now{1000s};
};

TEST_F(QuarantineTest, a_pair_rests_on_its_address_until_the_time_is_over) {  // POOL-4
  auto quarantine = make(100ms, 8);
  quarantine.add(1, tcp(22), now);
  EXPECT_TRUE(rests(quarantine, 1, tcp(22)));
  EXPECT_FALSE(rests(quarantine, 0, tcp(22)));
  EXPECT_FALSE(rests(quarantine, 1, tcp(80)));
  quarantine.expire(now + 100ms - 1ns);
  EXPECT_TRUE(rests(quarantine, 1, {}));
  quarantine.expire(now + 100ms);
  EXPECT_FALSE(rests(quarantine, 1, {}));
}

TEST_F(QuarantineTest, what_is_released_again_rests_afresh) {  // POOL-4
  auto quarantine = make(100ms, 8);
  quarantine.add(0, tcp(22), now);
  quarantine.add(0, tcp(22), now + 60ms);
  quarantine.expire(now + 159ms);
  EXPECT_TRUE(rests(quarantine, 0, tcp(22)));
  quarantine.expire(now + 160ms);
  EXPECT_FALSE(rests(quarantine, 0, tcp(22)));
}

TEST_F(QuarantineTest, without_a_rest_nothing_rests) {  // POOL-4
  auto quarantine = make(0ms, 8);
  quarantine.add(0, tcp(22), now);
  EXPECT_FALSE(rests(quarantine, 0, {}));
}

TEST_F(QuarantineTest, a_shorter_rest_ends_what_rests_already_in_its_order) {  // OPS-2
  auto quarantine = make(1s, 8);
  quarantine.add(0, tcp(1), now);
  quarantine.add(0, tcp(2), now + 900ms);
  quarantine.set_rest(200ms, now + 900ms);
  quarantine.add(0, tcp(3), now + 950ms);
  quarantine.expire(now + 1000ms);
  EXPECT_FALSE(rests(quarantine, 0, tcp(1))) << "it was to end before";
  EXPECT_TRUE(rests(quarantine, 0, tcp(2)));
  quarantine.expire(now + 1100ms);
  EXPECT_FALSE(rests(quarantine, 0, tcp(2)));
  EXPECT_TRUE(rests(quarantine, 0, tcp(3)));
  quarantine.set_rest(5s, now + 1100ms);
  quarantine.expire(now + 1150ms);
  EXPECT_FALSE(rests(quarantine, 0, tcp(3))) << "a longer one is for others";
}

TEST_F(QuarantineTest, the_pairs_are_bounded_and_the_oldest_gives_way) {
  auto quarantine = make(1h, 2);
  quarantine.add(0, tcp(1), now);
  quarantine.add(0, tcp(2), now);
  quarantine.add(0, tcp(3), now);
  EXPECT_FALSE(rests(quarantine, 0, tcp(1)));
  EXPECT_TRUE(rests(quarantine, 0, tcp(2)));
  EXPECT_TRUE(rests(quarantine, 0, tcp(3)));
}

}  // namespace
}  // namespace rgw::pool
