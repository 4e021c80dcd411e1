// Arrivals are the same again for the same seed, and Poisson.
#include "tests/policies/arrivals.hpp"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

namespace rgw::policies {
namespace {

using namespace std::chrono_literals;

Mix with(Kind kind, double rate) {
  Mix mix;
  mix.rates[static_cast<std::size_t>(kind)] = rate;
  return mix;
}

bool equal(const Arrival& a, const Arrival& b) {
  return a.at == b.at && a.kind == b.kind && a.source == b.source && a.host == b.host &&
         a.service == b.service;
}

TEST(ArrivalsTest, a_seed_makes_the_same_again_and_another_one_others) {
  const Mix mix = with(Kind::honest, 30);
  const auto once = arrivals(mix, 10s, 1);
  EXPECT_TRUE(std::ranges::equal(once, arrivals(mix, 10s, 1), equal));
  EXPECT_FALSE(std::ranges::equal(once, arrivals(mix, 10s, 2), equal));
}

TEST(ArrivalsTest, an_attacker_changes_no_honest_arrival) {
  Mix mix = with(Kind::honest, 30);
  const auto alone = arrivals(mix, 10s, 1);
  mix.rates[static_cast<std::size_t>(Kind::spoofed_query)] = 100;
  auto together = arrivals(mix, 10s, 1);
  EXPECT_GT(together.size(), 2 * alone.size());
  std::erase_if(together, [](const Arrival& arrival) { return arrival.kind != Kind::honest; });
  EXPECT_TRUE(std::ranges::equal(alone, together, equal));
}

// The mean of a Poisson process, and that its gaps vary as much as they are long; each within four standard
// deviations.
TEST(ArrivalsTest, they_come_by_a_poisson_process) {
  for (std::size_t kind = 0; kind < kinds; ++kind) {
    const auto all = arrivals(with(static_cast<Kind>(kind), 100), 100s, 3);
    const auto count = static_cast<double>(all.size());
    EXPECT_NEAR(count, 10'000, 4 * std::sqrt(10'000));
    double sum = 0, squares = 0;
    for (std::size_t i = 1; i < all.size(); ++i) {
      const double gap = std::chrono::duration<double>{all[i].at - all[i - 1].at}.count();
      ASSERT_GE(gap, 0);
      sum += gap;
      squares += gap * gap;
    }
    const double mean = sum / count;
    EXPECT_NEAR(std::sqrt(squares / count - mean * mean) / mean, 1, 4 / std::sqrt(count));
  }
}

}  // namespace
}  // namespace rgw::policies
