// What rests, and for how long: POOL-4.
#include "realmgw/pool/quarantine.hpp"

#include "realmgw/base/random.hpp"

#include <algorithm>
#include <array>

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
  PortMasks ports{200, HashSalt{random}};
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

TEST_F(QuarantineTest, a_changed_rest_is_that_of_what_rests_already) {  // OPS-2
  auto quarantine = make(1s, 8);
  quarantine.add(0, tcp(1), now);
  quarantine.add(0, tcp(2), now + 900ms);
  quarantine.set_rest(200ms);
  quarantine.add(0, tcp(3), now + 950ms);
  quarantine.expire(now + 1000ms);
  EXPECT_FALSE(rests(quarantine, 0, tcp(1)));
  EXPECT_TRUE(rests(quarantine, 0, tcp(2)));
  quarantine.expire(now + 1100ms);
  EXPECT_FALSE(rests(quarantine, 0, tcp(2)));
  EXPECT_TRUE(rests(quarantine, 0, tcp(3)));
  quarantine.set_rest(5s);
  quarantine.expire(now + 5949ms);
  EXPECT_TRUE(rests(quarantine, 0, tcp(3)));
  quarantine.expire(now + 5950ms);
  EXPECT_FALSE(rests(quarantine, 0, tcp(3)));
}

// POOL-4, POOL-14
TEST_F(QuarantineTest, pairs_rest_from_instants_of_their_own_in_whatever_order_they_come) {
  constexpr std::uint16_t pairs = 40;  // fewer than may be passed
  auto quarantine = make(100ms, 1000);
  std::array<Instant, pairs> from;
  from.fill(Instant::min());
  for (int step = 0; step < 5000; ++step) {
    now += std::chrono::milliseconds{random.below(20)};
    quarantine.expire(now);
    for (std::uint16_t port = 0; port < pairs; ++port) {
      ASSERT_EQ(rests(quarantine, 0, tcp(port + 1)), now < from[port] + 100ms) << "step " << step;
    }
    const auto port = static_cast<std::uint16_t>(random.below(pairs));
    const auto later = now + std::chrono::milliseconds{random.below(2) * random.below(200)};
    quarantine.add(0, tcp(port + 1), later);
    from[port] = std::max(from[port], later);
  }
}

TEST_F(QuarantineTest, behind_very_many_that_rest_for_longer_a_pair_rests_as_long_as_one_of_them) {
  auto quarantine = make(100ms, 1000);
  for (std::uint16_t port = 1; port <= 70; ++port)
    quarantine.add(0, tcp(port), now + std::chrono::milliseconds{port});
  quarantine.add(0, tcp(80), now);
  const auto first_passed = now + 7ms;  // 64 of 70
  quarantine.expire(first_passed + 99ms);
  EXPECT_TRUE(rests(quarantine, 0, tcp(80)));
  quarantine.expire(first_passed + 100ms);
  EXPECT_FALSE(rests(quarantine, 0, tcp(80)));
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
