// Random:
//   one_seed_gives_one_sequence
//   below_stays_below_its_bound_and_reaches_every_number
//   below_is_even
//   the_kernel_gives_different_seeds
#include "realmgw/base/random.hpp"

#include <array>
#include <cstdint>
#include <initializer_list>
#include <set>

#include <gtest/gtest.h>

namespace rgw {
namespace {

TEST(Random, one_seed_gives_one_sequence) {
  Random a{7}, b{7}, c{8};
  bool differs = false;
  for (int i = 0; i < 100; ++i) {
    const auto x = a.next();
    ASSERT_EQ(x, b.next());
    differs |= x != c.next();
  }
  EXPECT_TRUE(differs);
  a.reseed(7);
  b.reseed(7);
  EXPECT_EQ(a.next(), b.next());
}

TEST(Random, below_stays_below_its_bound_and_reaches_every_number) {
  Random random{1};
  for (const std::uint32_t bound : {1u, 2u, 3u, 10u, 97u}) {
    std::set<std::uint32_t> seen;
    for (int i = 0; i < 5000; ++i) {
      const auto x = random.below(bound);
      ASSERT_LT(x, bound);
      seen.insert(x);
    }
    EXPECT_EQ(seen.size(), bound);
  }
  for (int i = 0; i < 1000; ++i) ASSERT_LT(random.below(0xffffffff), 0xffffffff);
}

TEST(Random, below_is_even) {
  Random random{2};
  constexpr int rounds = 160'000;
  std::array<int, 16> count{};
  for (int i = 0; i < rounds; ++i) ++count[random.below(16)];
  // Expected 10,000 each, deviation 97; six of them.
  for (const int n : count) EXPECT_NEAR(n, rounds / 16, 6 * 97);
}

TEST(Random, the_kernel_gives_different_seeds) {
  std::set<std::uint64_t> seeds;
  for (int i = 0; i < 16; ++i) seeds.insert(Random::kernel_seed());
  EXPECT_EQ(seeds.size(), 16u);
}

}  // namespace
}  // namespace rgw
