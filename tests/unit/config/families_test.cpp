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

TEST(Dns64, excludes_mapped_addresses_unless_another_list_is_written) {  // RFC 6147 section 5.1.4
  EXPECT_THAT(realm_with("").dns.dns64_exclude, ElementsAre(*net::Prefix::parse("::ffff:0:0/96")));
  EXPECT_THAT(realm_with("dns: { dns64_exclude: ['2001:db8::/32', 'fc00::/7'] }\n").dns.dns64_exclude,
              ElementsAre(*net::Prefix::parse("2001:db8::/32"), *net::Prefix::parse("fc00::/7")));
  EXPECT_THAT(realm_with("dns: { dns64_exclude: [] }\n").dns.dns64_exclude, IsEmpty());
  EXPECT_EQ(problems_with("dns: { dns64_exclude: 10.0.0.0/8 }\n").size(), 1U);
}

TEST(RelaysTest, a_relay_is_an_address_or_a_prefix_and_never_everybody) {
  EXPECT_THAT(realm_with("dns: { trusted: [192.0.2.53, '2001:db8::/64'] }\n").dns.trusted,
              ElementsAre(*net::Prefix::parse("192.0.2.53/32"), *net::Prefix::parse("2001:db8::/64")));
  for (const char* wrong : {"0.0.0.0/0", "'::/0'", "dnsdist", "192.0.2.53/24"})
    EXPECT_EQ(problems_with("dns: { trusted: " + std::string{wrong} + " }\n").size(), 1U) << wrong;
}

// RFC 6052 section 2.2.
TEST(Nat64, has_a_prefix_of_one_of_six_lengths) {
  EXPECT_EQ(realm_with("nat64: { prefix: default }\n").nat64.prefix, net::Prefix::parse("fd64::/96"));
  for (const char* good :
       {"2001:db8:8000::/33", "2001:db8::/95", "2001:db8:1:2:300::/72", "10.0.0.0/8", "ff00::/96",
        "2001:db8:1:2:300::/96", "fe80::/96", "::ffff:0:0/96", "::/96", "2001:10::/32"}) {
    EXPECT_EQ(problems_with("nat64: { prefix: '" + std::string{good} + "' }\n").size(), 1U) << good;
  }
  for (const char* good : {"2001:db9::/32", "2001:db8:300::/40", "2001:db8:ff00:1::/64", "64:ff9b::/96"}) {
    EXPECT_THAT(problems_with("nat64: { prefix: '" + std::string{good} + "' }\n"), IsEmpty()) << good;
  }
}

TEST(Nat64, has_static_entries_from_ipv4_to_ipv6) {  // RFC 6146 section 3.1
  const Realm realm = realm_with(
      "forward: { outside: '198.51.100.1:80', inside: 10.0.0.42 }\n"
      "nat64:\n  prefix: default\n  static:\n"
      "    - { proto: [tcp, udp], outside: '198.51.100.1:2000', inside: '[fd00:10::5]:2001' }\n");
  ASSERT_EQ(realm.static_mappings.size(), 3U);
  EXPECT_EQ(realm.static_mappings[2].protocol, net::Protocol::udp);
  EXPECT_EQ(realm.static_mappings[2].outside, endpoint("198.51.100.1:2000"));
  EXPECT_EQ(realm.static_mappings[2].inside, endpoint("[fd00:10::5]:2001"));
}

TEST(Nat64, refuses_static_entries_that_are_no_nat64s) {
  const auto with = [](const char* entry) {
    return problems_with("nat64: { prefix: default, static: [" + std::string{entry} + "] }\n");
  };
  EXPECT_THAT(with("{ outside: '198.51.100.1:80', inside: '10.0.0.42:80' }"),
              ElementsAre(testing::HasSubstr("nat64.static[0].inside: ")));
  EXPECT_THAT(with("{ outside: '[2001:db8:100::1]:80', inside: '[fd00:10::5]:80' }"),
              ElementsAre(testing::HasSubstr("nat64.static[0].outside: ")));
  EXPECT_THAT(with("{ outside: 80, inside: '[fd00:10::5]:80' }"),
              ElementsAre(testing::HasSubstr("nat64.static[0].outside: ")));
  EXPECT_THAT(
      with("{ outside: '198.51.100.77:80', inside: '[fd00:10::5]:80' }"),
      ElementsAre(testing::HasSubstr("nat64.static[0].outside: 198.51.100.77 is no external address")));
}

TEST(StaticMappings, cross_the_families_where_something_translates) {  // POOL-12, OUT-2
  constexpr auto to_v6 = "forward: { outside: '198.51.100.1:80', inside: 'fd00:10::5' }\n";
  constexpr auto to_v4 = "forward: { outside: '[2001:db8:100::1]:80', inside: 10.0.0.42 }\n";
  EXPECT_THAT(problems_with(to_v6), ElementsAre(testing::HasSubstr("which needs a nat64.prefix")));
  EXPECT_THAT(problems_with(to_v4), ElementsAre(testing::HasSubstr("which needs nat46.proxies")));
  EXPECT_THAT(problems_with(std::string{to_v6} + "nat64: { prefix: default }\n"), IsEmpty());
  EXPECT_THAT(problems_with(std::string{to_v4} + "nat46: { proxies: 100.64.0.0/16 }\n"), IsEmpty());
}

TEST(Nat46, has_a_block_of_ipv4_proxies) {
  EXPECT_EQ(realm_with("nat46: { proxies: 100.64.0.0/16 }\n").nat46.proxies,
            net::Prefix::parse("100.64.0.0/16"));
  EXPECT_FALSE(realm_with("").nat46.proxies);
  for (const char* bad : {"100.64.0.0/25", "0.0.0.0/7", "fd00::/96", "127.0.0.0/16", "169.254.0.0/16",
                          "224.0.0.0/8", "240.0.0.0/8"}) {
    EXPECT_EQ(problems_with("nat46: { proxies: '" + std::string{bad} + "' }\n").size(), 1U) << bad;
  }
}

TEST(Outbound, addresses_may_have_a_range_of_ports) {  // RFC 6146 section 3.5.1.1
  const Realm realm = realm_with(
      "outbound:\n  addresses:\n    - { address: 198.51.100.1-2, ports: 1024-65535 }\n    - 198.51.100.3\n"
      "  max_ports_per_host: 100\n");
  ASSERT_EQ(realm.outbound.addresses.size(), 3U);
  EXPECT_THAT(realm.outbound.ports,
              ElementsAre(net::PortRange{1024, 65535}, net::PortRange{1024, 65535}, net::PortRange{}));
  EXPECT_EQ(realm.outbound.max_ports_per_host, 100U);
  EXPECT_THAT(realm_with("outbound: { addresses: [198.51.100.1, 198.51.100.2] }\n").outbound.ports,
              IsEmpty());
  for (const char* bad : {"70000", "9-1", "1-", "a-b", "1-65536"}) {
    EXPECT_EQ(problems_with("outbound: { addresses: { address: 198.51.100.1, ports: '" + std::string{bad} +
                            "' } }\n")
                  .size(),
              1U)
        << bad;
  }
  EXPECT_EQ(problems_with("outbound: { addresses: [{ ports: 1-9 }] }\n").size(), 1U);
}

TEST(Nat66, has_pairs_of_prefixes) {  // RFC 6296
  const Realm realm =
      realm_with("nat66: { npt: [{ inside: 'fd00:10::/48', outside: '2001:db8:200::/56' }] }\n");
  ASSERT_EQ(realm.nat66.npt.size(), 1U);
  EXPECT_EQ(realm.nat66.npt[0].inside, net::Prefix::parse("fd00:10::/48"));
  EXPECT_EQ(realm.nat66.npt[0].outside, net::Prefix::parse("2001:db8:200::/56"));
  for (const char* bad :
       {"fd00::/65", "10.0.0.0/8", "ff00::/8", "fe80::/10", "::/0", "fd00::1/48", "fec0::/48"}) {
    EXPECT_EQ(problems_with("nat66: { npt: { inside: '" + std::string{bad} +
                            "', outside: '2001:db8:200::/48' } }\n")
                  .size(),
              1U)
        << bad;
  }
}

TEST(Nat66, refuses_prefixes_of_more_than_one_meaning) {
  const auto npt = [](const std::string& pairs, const std::string& more = "") {
    return problems_with(more + "nat66: { npt: [" + pairs + "] }\n");
  };
  const std::string good = "{ inside: 'fd00:10::/48', outside: '2001:db8:200::/48' }";
  EXPECT_THAT(npt(good), IsEmpty());
  EXPECT_THAT(
      npt(good + ", { inside: 'fd00:10:0:5::/64', outside: '2001:db8:201::/64' }"),
      ElementsAre(testing::HasSubstr("nat66.npt[1].inside: fd00:10:0:5::/64 overlaps nat66.npt[0].inside")));
  EXPECT_THAT(npt(good + ", { inside: 'fd00:11::/48', outside: '2001:db8:200:1::/64' }"),
              ElementsAre(testing::HasSubstr(
                  "nat66.npt[1].outside: 2001:db8:200:1::/64 overlaps nat66.npt[0].outside")));
  EXPECT_THAT(npt("{ inside: 'fd00:10::/48', outside: 'fd00:10:0:7::/64' }").size(), testing::Ge(1U));
  EXPECT_THAT(npt("{ inside: 'fd00:12::/48', outside: '2001:db8:200::/48' }",
                  "nat64: { prefix: '2001:db8:200:1::/96' }\n"),
              ElementsAre(testing::HasSubstr("overlaps nat64.prefix")));
}

TEST(Families, are_apart_from_the_links) {
  EXPECT_THAT(problems_with("nat46: { proxies: 10.0.0.0/16 }\n"),
              ElementsAre("f:8:19: nat46.proxies: overlaps the link 10.0.0.0/24 of ports.inside"));
  EXPECT_THAT(problems_with("nat64: { prefix: 'fd00:10::/64' }\n"),
              ElementsAre("f:8:18: nat64.prefix: overlaps the link fd00:10::/64 of ports.inside"));
}

}  // namespace
}  // namespace rgw::config
