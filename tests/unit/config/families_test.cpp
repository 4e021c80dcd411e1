// dns.upstreams and what follows from it, nat64 and nat46: how they are written, their defaults, what is
// refused (DNS-2, DNS-3, X64-2, X46-1).
#include "unit/config/support.hpp"

namespace rgw::config {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

net::Endpoint endpoint(const char* text) {
  return net::Endpoint::parse(text).value();
}

TEST(Upstreams, are_addresses_or_endpoints) {
  const Realm realm =
      realm_with("dns: { upstreams: [192.0.2.53, '2001:db8::53', '192.0.2.54:5353', '127.0.0.1:54'] }\n");
  EXPECT_THAT(realm.dns.upstreams, ElementsAre(endpoint("192.0.2.53:53"), endpoint("[2001:db8::53]:53"),
                                               endpoint("192.0.2.54:5353"), endpoint("127.0.0.1:54")));
  EXPECT_THAT(realm_with("").dns.upstreams, IsEmpty());
}

TEST(Upstreams, are_not_the_gateway_itself) {
  EXPECT_THAT(problems_with("dns: { upstreams: [192.0.2.53, 10.0.0.1] }\n"),
              ElementsAre("f:8:32: dns.upstreams[1]: 10.0.0.1 is the gateway itself"));
  EXPECT_THAT(problems_with("dns: { upstreams: '10.0.0.1:5353' }\n"), IsEmpty());
  EXPECT_EQ(problems_with("dns: { upstreams: [dns.example, 224.0.0.1, '192.0.2.1:0'] }\n").size(), 3U);
}

TEST(Dns64, is_on_where_there_is_a_prefix_and_nothing_is_said) {
  EXPECT_FALSE(realm_with("").dns.dns64);
  EXPECT_TRUE(realm_with("nat64: { prefix: 'fd64::/96' }\n").dns.dns64);
  EXPECT_FALSE(realm_with("nat64: { prefix: 'fd64::/96' }\ndns: { dns64: false }\n").dns.dns64);
  EXPECT_THAT(problems_with("dns: { dns64: true }\n"),
              ElementsAre("f:8:15: dns.dns64: needs a nat64.prefix to make addresses of"));
}

// RFC 6052 section 2.2.
TEST(Nat64, has_a_prefix_of_one_of_six_lengths) {
  EXPECT_EQ(realm_with("nat64: { prefix: default }\n").nat64.prefix, net::Prefix::parse("fd64::/96"));
  for (const char* good : {"2001:db8:8000::/33", "2001:db8::/95", "2001:db8:1:2:300::/72", "10.0.0.0/8",
                           "ff00::/96", "2001:db8:1:2:300::/96"}) {
    EXPECT_EQ(problems_with("nat64: { prefix: '" + std::string{good} + "' }\n").size(), 1U) << good;
  }
  for (const char* good : {"2001:db9::/32", "2001:db8:300::/40", "2001:db8:ff00:1::/64", "64:ff9b::/96"}) {
    EXPECT_THAT(problems_with("nat64: { prefix: '" + std::string{good} + "' }\n"), IsEmpty()) << good;
  }
}

TEST(Nat46, has_a_block_of_ipv4_proxies) {
  EXPECT_EQ(realm_with("nat46: { proxies: 100.64.0.0/16 }\n").nat46.proxies,
            net::Prefix::parse("100.64.0.0/16"));
  EXPECT_FALSE(realm_with("").nat46.proxies);
  for (const char* bad : {"100.64.0.0/25", "0.0.0.0/7", "fd00::/96"}) {
    EXPECT_EQ(problems_with("nat46: { proxies: '" + std::string{bad} + "' }\n").size(), 1U) << bad;
  }
}

TEST(Families, are_apart_from_the_links) {
  EXPECT_THAT(problems_with("nat46: { proxies: 10.0.0.0/16 }\n"),
              ElementsAre("f:8:19: nat46.proxies: overlaps the link 10.0.0.0/24 of ports.inside"));
  EXPECT_THAT(problems_with("nat64: { prefix: 'fd00:10::/64' }\n"),
              ElementsAre("f:8:18: nat64.prefix: overlaps the link fd00:10::/64 of ports.inside"));
}

}  // namespace
}  // namespace rgw::config
