// GUARD-1 to GUARD-3.
#include "realmgw/guard/ladder.hpp"

#include <gtest/gtest.h>

namespace rgw::guard {
namespace {

using namespace std::chrono_literals;
using net::Family;
net::IpAddress v4(std::uint32_t number) {
  return net::Ipv4Address{be32{number}};
}

class LadderTest : public testing::Test {
 protected:
  static constexpr HostId host{1};
  Random random{1};
  Ladder ladder{{}, HashSalt{random}};
  Instant now{1000s};

  static Asking asking(std::uint32_t source, bool proven, bool joins = false) {
    return {.source = v4(source), .proven = proven, .host = host, .plain = true, .joins = joins};
  }
  Finding judge(std::uint32_t source, bool proven, const PoolLoad& load, bool joins = false) {
    return ladder.judge(asking(source, proven, joins), load, now);
  }
  // A claim that begins now and ends two seconds later.
  void claim(std::uint32_t source, bool proven, bool used, Family family = Family::v4, HostId of = host) {
    ladder.claim_began(v4(source), proven, now);
    ladder.claim_ended(v4(source), proven, of, family, used ? Fate::used : Fate::expired, now + 2s);
  }
};

TEST_F(LadderTest, in_calm_nobody_must_prove_anything) {
  EXPECT_EQ(judge(1, false, {.addresses = 3}), Finding::admitted);
  EXPECT_EQ(judge(1, true, {.addresses = 3}), Finding::admitted);
}

TEST_F(LadderTest, without_proof_a_quarter_of_the_pool_is_held_at_most_and_one_address_of_a_small_one) {
  EXPECT_EQ(judge(1, false, {.addresses = 3, .unproven = 1}), Finding::to_prove);
  EXPECT_EQ(judge(1, true, {.addresses = 3, .unproven = 1}), Finding::admitted);
  EXPECT_EQ(judge(1, false, {.addresses = 40, .unproven = 9}), Finding::admitted);
  EXPECT_EQ(judge(1, false, {.addresses = 40, .unproven = 10}), Finding::to_prove);
}

TEST_F(LadderTest, where_half_of_what_was_unproven_is_not_used_all_must_prove_for_ten_seconds) {
  for (std::uint32_t n = 0; n < 4; ++n) claim(n << 8, false, n % 2 == 0);
  now += 2s;
  EXPECT_EQ(judge(99 << 8, false, {.addresses = 100}), Finding::to_prove);
  EXPECT_EQ(judge(99 << 8, true, {.addresses = 100}), Finding::admitted);
  now += 8s;
  EXPECT_EQ(judge(99 << 8, false, {.addresses = 100}), Finding::to_prove);
  now += 2s;
  EXPECT_EQ(judge(99 << 8, false, {.addresses = 100}), Finding::admitted);
}

TEST_F(LadderTest, always_and_never_are_what_they_say) {
  ladder.change({.challenge = Challenge::always});
  EXPECT_EQ(judge(1, false, {.addresses = 100}), Finding::to_prove);
  EXPECT_EQ(judge(1, true, {.addresses = 100}), Finding::admitted);
  ladder.change({.challenge = Challenge::never});
  EXPECT_EQ(judge(1, false, {.addresses = 1, .carrying = 1, .unproven = 1, .of_host = 1000}),
            Finding::admitted);
}

TEST_F(LadderTest, a_prefix_and_a_host_have_quotas) {
  for (int n = 0; n < 64; ++n) {
    EXPECT_EQ(judge(1, true, {.addresses = 100}), Finding::admitted);
    ladder.claim_began(v4(1), true, now);
  }
  EXPECT_EQ(judge(2, true, {.addresses = 100}), Finding::over_quota);  // the same /24
  EXPECT_EQ(judge(1 << 8, true, {.addresses = 100}), Finding::admitted);
  ladder.claim_ended(v4(1), true, host, Family::v4, Fate::used, now);
  EXPECT_EQ(judge(2, true, {.addresses = 100}), Finding::admitted);
  EXPECT_EQ(judge(1 << 8, true, {.addresses = 100, .of_host = 16}), Finding::over_quota);
  EXPECT_EQ(judge(1 << 8, true, {.addresses = 100, .of_host = 16}, true), Finding::admitted);  // it joins
  for (int n = 0; n < 4; ++n) ladder.claim_began(v4(9 << 8), false, now);
  EXPECT_EQ(judge(9 << 8, false, {.addresses = 100}), Finding::over_quota);
}

// Figure 7 of guard.md.
TEST_F(LadderTest, a_resolver_that_never_follows_up_is_refused_above_a_third_of_the_load_within_ten_seconds) {
  const PoolLoad load{.addresses = 9, .carrying = 4};
  const Instant begin = now;
  while (judge(1, true, load) == Finding::admitted) {
    claim(1, true, false);
    now += 1s;
    ASSERT_LT(now - begin, 10s);
  }
  EXPECT_EQ(judge(1, true, load), Finding::distrusted);
  EXPECT_EQ(judge(1, true, {.addresses = 9, .carrying = 2}), Finding::admitted);
  EXPECT_EQ(judge(1 << 8, true, load), Finding::admitted);  // a stranger
}

TEST_F(LadderTest, a_client_that_asks_for_both_families_and_uses_one_keeps_its_reputation) {
  for (int n = 0; n < 50; ++n) {
    const bool v6_wins = n % 2 == 0;
    ladder.claim_began(v4(1), true, now);
    ladder.claim_began(v4(1), true, now);
    ladder.claim_ended(v4(1), true, host, v6_wins ? Family::v6 : Family::v4, Fate::used, now + 50ms);
    ladder.claim_ended(v4(1), true, host, v6_wins ? Family::v4 : Family::v6, Fate::expired, now + 2s);
    now += 3s;
  }
  EXPECT_GE(ladder.reputation(v4(1), now), 0.7);
}

// An operator who plays with dig and a pool of three.
TEST_F(LadderTest, a_few_queries_that_nobody_follows_up_shut_nobody_out) {
  for (int n = 0; n < 6; ++n) claim(1, true, false);
  EXPECT_EQ(judge(1, true, {.addresses = 3, .carrying = 2}), Finding::admitted);
}

TEST_F(LadderTest, reputation_fades_by_half_in_a_minute) {
  for (int n = 0; n < 30; ++n) claim(1, true, false);
  now += 2s;
  EXPECT_NEAR(ladder.reputation(v4(1), now), 6.0 / 42, 0.001);
  now += 60s;
  EXPECT_NEAR(ladder.reputation(v4(1), now), 6.0 / 27, 0.001);
  EXPECT_EQ(ladder.reputation(v4(77 << 8), now), 0.5);
}

TEST_F(LadderTest, what_was_withdrawn_says_nothing_of_the_asker) {
  ladder.claim_began(v4(1), false, now);
  EXPECT_EQ(ladder.unproven_claims(), 1U);
  ladder.claim_ended(v4(1), false, host, Family::v4, Fate::withdrawn, now);
  EXPECT_EQ(ladder.unproven_claims(), 0U);
  EXPECT_EQ(ladder.reputation(v4(1), now), 0.5);
}

TEST_F(LadderTest, what_was_displaced_is_held_against_the_calm_and_not_against_the_asker) {
  for (std::uint32_t n = 0; n < 4; ++n) {
    ladder.claim_began(v4(n << 8), false, now);
    ladder.claim_ended(v4(n << 8), false, host, Family::v4, Fate::displaced, now + 300ms);
  }
  EXPECT_EQ(ladder.reputation(v4(1 << 8), now), 0.5);
  EXPECT_EQ(judge(99 << 8, false, {.addresses = 100}), Finding::to_prove);
}

TEST_F(LadderTest, without_proof_nobody_joins_what_yields) {
  Asking asking{.source = v4(1), .host = host, .joins = true, .joins_what_yields = true};
  EXPECT_EQ(ladder.judge(asking, {.addresses = 100}, now), Finding::to_prove);
  asking.proven = true;
  EXPECT_EQ(ladder.judge(asking, {.addresses = 100}, now), Finding::admitted);
}

class Aliases : public LadderTest {
 protected:
  Aliases() { ladder.change({.challenge = Challenge::always}); }
  Finding ask(std::uint32_t source, bool knows_cookies = false) {
    return ladder.judge({.source = v4(source), .knows_cookies = knows_cookies, .host = host},
                        {.addresses = 100}, now);
  }
  Finding ask_with_proof(std::uint32_t source, bool by_alias) {
    return ladder.judge({.source = v4(source), .proven = true, .by_alias = by_alias, .host = host},
                        {.addresses = 100}, now);
  }
};

TEST_F(Aliases, who_was_sent_to_tcp_three_times_and_never_came_gets_an_alias) {
  for (int n = 0; n < 3; ++n) EXPECT_EQ(ask(1), Finding::to_prove);
  EXPECT_EQ(ask(2), Finding::to_alias) << "of the same /24";
  EXPECT_EQ(ask(1), Finding::to_alias);
  EXPECT_EQ(ask(1 << 8), Finding::to_prove) << "of another";
  EXPECT_EQ(ask_with_proof(1, true), Finding::admitted);
  EXPECT_EQ(ask(1), Finding::to_alias) << "that it returns aliases does not mean that it comes by TCP";
}

TEST_F(Aliases, who_has_come_by_tcp_is_sent_there_again) {
  for (int n = 0; n < 5; ++n) (void)ask(1);
  EXPECT_EQ(ask(1), Finding::to_alias);
  EXPECT_EQ(ask_with_proof(1, false), Finding::admitted);
  for (int n = 0; n < 5; ++n) EXPECT_EQ(ask(1), Finding::to_prove);
}

TEST_F(Aliases, who_knows_cookies_needs_none) {
  for (int n = 0; n < 10; ++n) EXPECT_EQ(ask(1, true), Finding::to_prove);
  EXPECT_EQ(ask(1), Finding::to_prove) << "he was never sent to TCP";
}

TEST_F(Aliases, can_be_switched_off) {
  ladder.change({.challenge = Challenge::always, .alias = false});
  for (int n = 0; n < 10; ++n) EXPECT_EQ(ask(1), Finding::to_prove);
}

}  // namespace
}  // namespace rgw::guard
