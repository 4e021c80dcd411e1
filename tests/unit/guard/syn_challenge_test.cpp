// Whether the sender of a SYN is there (GUARD-5): numbers that cannot be known, for their time and their ends
// alone; all workers have the same; who has answered is known for a minute.
#include "realmgw/guard/syn_challenge.hpp"

#include <set>

#include <gtest/gtest.h>

namespace rgw::guard {
namespace {

using namespace std::chrono_literals;

constexpr Instant start{1000s};

SynChallenge::Ends ends(const char* client, const char* external = "198.51.100.10:22") {
  return {*net::Endpoint::parse(client), *net::Endpoint::parse(external)};
}

TEST(SynChallenge, a_number_is_of_its_ends_alone) {
  const SynChallenge challenge{7};
  std::set<std::uint32_t> numbers;
  for (const auto& each :
       {ends("203.0.113.7:4000"), ends("203.0.113.7:4001"), ends("203.0.113.8:4000"),
        ends("203.0.113.7:4000", "198.51.100.10:23"), ends("203.0.113.7:4000", "198.51.100.11:22"),
        ends("[2001:db8::7]:4000", "[2001:db8::10]:22")}) {
    const auto number = challenge.number(each, start);
    EXPECT_TRUE(numbers.insert(number).second);
    EXPECT_TRUE(challenge.is_answer(each, number, start));
    EXPECT_FALSE(challenge.is_answer(each, number + 1, start));
  }
}

TEST(SynChallenge, a_number_is_good_for_its_time) {
  const SynChallenge challenge{7};
  const auto who = ends("203.0.113.7:4000");
  const auto number = challenge.number(who, start);
  EXPECT_TRUE(challenge.is_answer(who, number, start + SynChallenge::period));
  EXPECT_FALSE(challenge.is_answer(who, number, start + 2 * SynChallenge::period));
}

TEST(SynChallenge, workers_of_one_gateway_know_each_others_numbers_and_nobody_else_does) {
  const SynChallenge one{7}, other{7}, stranger{8};
  const auto who = ends("203.0.113.7:4000");
  EXPECT_TRUE(other.is_answer(who, one.number(who, start), start));
  EXPECT_FALSE(stranger.is_answer(who, one.number(who, start), start));
}

TEST(SynChallenge, who_has_answered_is_known_for_a_minute) {
  SynChallenge challenge{7};
  const auto client = *net::IpAddress::parse("203.0.113.7"), other = *net::IpAddress::parse("203.0.113.8");
  EXPECT_FALSE(challenge.knows(client, start));
  challenge.note(client, start);
  EXPECT_TRUE(challenge.knows(client, start + 59s));
  EXPECT_FALSE(challenge.knows(other, start));
  challenge.note(other, start + 30s);
  EXPECT_FALSE(challenge.knows(client, start + 60s));
  EXPECT_TRUE(challenge.knows(other, start + 60s));
}

}  // namespace
}  // namespace rgw::guard
