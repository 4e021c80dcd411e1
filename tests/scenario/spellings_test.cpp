// A NAT64 remote has many spellings where the prefix is shorter than 96 bits: the suffix is not looked at
// (RFC 6052 section 2.2). They are one remote, with one and four workers.
#include "scenario/every_way.hpp"
#include <gtest/gtest.h>

namespace rgw::test {
namespace {

struct Spelling {
  const char *prefix, *zeros, *other;  // of 203.0.113.10
};
constexpr Spelling spellings[] = {
    {"fd64::/32", "fd64:0:cb00:710a::", "fd64:0:cb00:710a:0:1:2:3"},
    {"fd64::/40", "fd64:0:cb:71:a::", "fd64:0:cb:71:a::1"},
    {"fd64::/48", "fd64:0:0:cb00:71:a00::", "fd64:0:0:cb00:71:a00:ffff:1"},
    {"fd64::/56", "fd64:0:0:cb:0:710a::", "fd64:0:0:cb:0:710a:0:ff"},
    {"fd64::/64", "fd64::cb:71:a00:0", "fd64::cb:71:a00:1"},
};

class Spellings : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(on, Spellings, testing::Values(1U, 4U), workers_name);

// RFC 6052 section 2.2: the suffix is not looked at. Whichever spelling comes first, the other goes by the
// same session, and answers come from the one with which the session began.
TEST_P(Spellings, two_spellings_of_a_nat64_remote_are_one_remote) {
  for (const Spelling& spelling : spellings) {
    for (const bool zeros_first : {true, false}) {
      config::Realm realm = lab_realm();
      realm.nat64.prefix = net::Prefix::parse(spelling.prefix);
      EveryWay gateway{GetParam(), realm};
      const std::string first = zeros_first ? spelling.zeros : spelling.other;
      const std::string second = zeros_first ? spelling.other : spelling.zeros;
      ASSERT_EQ(net::Pref64{*realm.nat64.prefix}.extract(address(second).v6()), address("203.0.113.10").v4());
      const std::string host = "[fd00:10::5]:6000";

      const auto asked = gateway.out(udp(host, at(first, 53)).payload(11));
      ASSERT_TRUE(asked);
      const std::string e = net::Endpoint{asked->source(), asked->source_port()}.to_string();
      for (int i = 0; i < 3; ++i) {
        const auto again = gateway.out(udp(host, at(second, 53)).payload(12));
        ASSERT_TRUE(again) << second;
        EXPECT_EQ(again->to_string(), asked->to_string());
        EXPECT_TRUE(again->checksums_right());
        EXPECT_TRUE(gateway.out(udp(host, at(first, 53)).payload(13))->checksums_right());
      }
      const auto answer = gateway.in(udp("203.0.113.10:53", e).payload(14));
      ASSERT_TRUE(answer);
      EXPECT_EQ(answer->source(), address(first));
      EXPECT_TRUE(answer->checksums_right());
      EXPECT_EQ(gateway.sessions(), 1U);

      ASSERT_TRUE(gateway.out(tcp(host, at(first, 80)).syn()));
      const auto segment = gateway.out(tcp(host, at(second, 80)).ack().payload(100));
      ASSERT_TRUE(segment);
      EXPECT_TRUE(segment->checksums_right());
      const auto request = gateway.out(ping("fd00:10::5", first, 9).payload(20));
      const auto repeated = gateway.out(ping("fd00:10::5", second, 9).payload(20));
      ASSERT_TRUE(request && repeated);
      EXPECT_EQ(repeated->bytes().size(), request->bytes().size());
      EXPECT_EQ(repeated->icmp().identifier.host(), request->icmp().identifier.host());
      EXPECT_TRUE(repeated->checksums_right());
      EXPECT_EQ(gateway.sessions(), 3U);
      for (const Bytes& piece : udp(host, at(second, 53)).id(5).payload(2000).fragments(1232))
        gateway.put(inside, piece);
      gateway.turn();
      const Seen whole{reassemble(take_all(gateway, outside))};
      ASSERT_EQ(whole.bytes().size(), 20U + 8 + 2000);
      EXPECT_TRUE(whole.checksums_right());
      EXPECT_EQ(gateway.count(Counter::session_conflict), 0U);

      // What is told about such a packet quotes it as it was sent (RFC 4443 section 2.4).
      gateway.put(inside, udp(host, at(second, 53)).ttl(1).payload(5).ip());
      gateway.turn();
      const auto told = gateway.take(inside);
      ASSERT_TRUE(told);
      EXPECT_EQ(told->inner().destination(), address(second));
    }
  }
}

TEST(Spellings, whom_a_remote_has_called_may_answer_by_any) {  // POOL-12
  config::Realm realm = lab_realm();
  realm.nat64.prefix = net::Prefix::parse("fd64::/64");
  EveryWay gateway{1, realm};
  gateway.bind("198.51.100.10", {}, "fd00:10::5");
  ASSERT_TRUE(gateway.in(udp("203.0.113.10:4000", "198.51.100.10:7")));
  EXPECT_EQ(text(gateway.out(udp("[fd00:10::5]:7", "[fd64::cb:71:a00:1]:4000"))),
            "udp 198.51.100.10:7 > 203.0.113.10:4000");
  EXPECT_EQ(gateway.sessions(), 1U);
}

}  // namespace
}  // namespace rgw::test
