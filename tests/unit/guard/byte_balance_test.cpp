// GUARD-7: out <= 0.8 in + 64 KiB/s, whatever is asked.
#include "realmgw/guard/byte_balance.hpp"

#include <gtest/gtest.h>

namespace rgw::guard {
namespace {

using namespace std::chrono_literals;
net::IpAddress v4(std::uint32_t number) {
  return net::Ipv4Address{be32{number}};
}

class ByteBalanceTest : public testing::Test {
 protected:
  struct Sum {
    double in = 0, out = 0;
  };
  // `count` queries at even distances, from `sources` prefixes in turn.
  Sum ask(std::uint32_t count, Duration between, std::uint32_t sources, std::size_t query,
          std::size_t answer) {
    Sum sum;
    for (std::uint32_t n = 0; n < count; ++n) {
      now += between;
      const AskerPrefix prefix{v4((n % sources) << 8)};
      balance.received(prefix, query, now);
      sum.in += static_cast<double>(query);
      if (balance.pay(prefix, answer, now)) {
        sum.out += static_cast<double>(answer);
      } else if (balance.pay_for_word(prefix, query - 11)) {  // TC: no OPT record, else the same
        sum.out += static_cast<double>(query) - 11;
      }
    }
    return sum;
  }
  Random random{1};
  Instant now{1000s};
  ByteBalance balance{{}, HashSalt{random}, now};
};

TEST_F(ByteBalanceTest, a_resolver_that_asks_now_and_then_is_always_answered) {
  for (int n = 0; n < 300; ++n) {
    now += 100ms;
    const AskerPrefix prefix{v4(1)};
    balance.received(prefix, 40, now);
    EXPECT_TRUE(balance.pay(prefix, 120, now)) << n;
  }
}

// The figure of guard.md: 5,000 queries a second from one /24 and from 5,000.
TEST_F(ByteBalanceTest, no_flood_is_amplified_from_one_prefix_or_from_many) {
  for (const std::uint32_t sources : {1U, 5'000U, 1U << 24}) {
    for (const std::size_t answer : {std::size_t{60}, std::size_t{110}, std::size_t{1232}}) {
      const Sum sum = ask(60 * 5'000, 200us, sources, 50, answer);
      // 64 KiB/s and the burst of both balances beside what came in.
      EXPECT_LE(sum.out, 0.8 * sum.in + 65'536.0 * 61 + 4'096)
          << sources << " sources, " << answer << " bytes";
      if (sources == 1) {
        EXPECT_LE(sum.out / sum.in, 1.0) << answer;
      }
    }
  }
}

TEST_F(ByteBalanceTest, a_gift_is_given_once_and_again_when_time_has_passed) {
  const AskerPrefix prefix{v4(1)};
  balance.received(prefix, 100, now);
  EXPECT_TRUE(balance.pay(prefix, 4'000, now));
  EXPECT_FALSE(balance.pay(prefix, 4'000, now));
  now += 4s;
  EXPECT_TRUE(balance.pay(prefix, 4'000, now));
}

// Whoever is heard of all the time is not the one who gives way, and so has his gift but once.
TEST_F(ByteBalanceTest, a_flood_of_others_gives_nobody_his_gift_again) {
  const AskerPrefix prefix{v4(1)};
  balance.received(prefix, 1, now);
  ASSERT_TRUE(balance.pay(prefix, 4'000, now));
  for (std::uint32_t n = 1; n < 500'000; ++n) {
    balance.received(AskerPrefix{v4(n << 8)}, 1, now);
    if (n % 1'000 == 0) {
      now += 1us;
      balance.received(prefix, 1, now);
    }
  }
  EXPECT_FALSE(balance.pay(prefix, 4'000, now));
}

TEST_F(ByteBalanceTest, in_the_red_every_other_one_is_told) {
  const AskerPrefix prefix{v4(1)};
  balance.received(prefix, 10'000, now);
  int told = 0;
  for (int n = 0; n < 100; ++n) told += balance.pay_for_word(prefix, 40);
  EXPECT_EQ(told, 50);
  for (int n = 0; n < 1'000; ++n) told += balance.pay_for_word(prefix, 40);
  EXPECT_EQ(told, 200) << "no more than was earned";
}

}  // namespace
}  // namespace rgw::guard
