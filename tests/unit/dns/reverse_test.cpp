// Reverse zones (DNS-1): names, zones that cover a prefix and no more, PTR that the forward zone confirms.
#include "realmgw/dns/reverse.hpp"

#include "unit/dns/support.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rgw::dns {
namespace {

using test::Fixture;
using test::foo_spec;
using testing::ElementsAre;

std::vector<std::string> zone_names(const char* prefix) {
  std::vector<std::string> names;
  for (const auto& zone : reverse_zones(foo_spec(), *net::Prefix::parse(prefix), {}))
    names.push_back(zone.name);
  return names;
}

TEST(ReverseName, octets_and_nibbles_backwards) {
  EXPECT_EQ(reverse_name(*net::IpAddress::parse("198.51.100.10")), "10.100.51.198.in-addr.arpa");
  EXPECT_EQ(reverse_name(*net::IpAddress::parse("2001:db8::567:89ab")),
            "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
}

TEST(ReverseZones, a_prefix_on_an_edge_is_one_zone) {
  EXPECT_THAT(zone_names("10.0.0.0/24"), ElementsAre("0.0.10.in-addr.arpa"));
  EXPECT_THAT(zone_names("10.0.0.0/8"), ElementsAre("10.in-addr.arpa"));
  EXPECT_THAT(zone_names("192.0.2.7/32"), ElementsAre("7.2.0.192.in-addr.arpa"));
  EXPECT_THAT(zone_names("2001:db8::/32"), ElementsAre("8.b.d.0.1.0.0.2.ip6.arpa"));
}

TEST(ReverseZones, another_prefix_is_as_many_zones_as_it_takes_and_covers_nothing_else) {
  EXPECT_THAT(zone_names("198.51.100.8/30"),
              ElementsAre("8.100.51.198.in-addr.arpa", "9.100.51.198.in-addr.arpa",
                          "10.100.51.198.in-addr.arpa", "11.100.51.198.in-addr.arpa"));
  EXPECT_THAT(zone_names("172.16.0.0/15"), ElementsAre("16.172.in-addr.arpa", "17.172.in-addr.arpa"));
  EXPECT_THAT(zone_names("2001:dc0::/27"), ElementsAre("c.d.0.1.0.0.2.ip6.arpa", "d.d.0.1.0.0.2.ip6.arpa"));
  EXPECT_THAT(zone_names("2001:d00::/31"),
              ElementsAre("0.0.d.0.1.0.0.2.ip6.arpa", "1.0.d.0.1.0.0.2.ip6.arpa"));
  EXPECT_EQ(zone_names("198.51.100.0/25").size(), 128U);
}

TEST(ReverseZones, each_ptr_is_confirmed_by_the_forward_zone) {
  std::vector<ZoneSpec> specs{foo_spec()};
  const auto forward = Zone{specs[0]}.addresses();
  for (const auto* prefix : {"198.51.100.0/30", "2001:db8:100::/64"}) {
    for (auto& zone : reverse_zones(specs[0], *net::Prefix::parse(prefix), forward)) specs.push_back(zone);
  }
  Fixture gateway{specs};
  EXPECT_EQ(forward.size(), 3U);
  for (const auto& named : forward) {
    const auto name = reverse_name(named.address);
    EXPECT_THAT(gateway.ask(name, RrType::ptr).answer, ElementsAre(name + ". 3600 PTR " + named.name));
    const auto type = named.address.is_v4() ? RrType::a : RrType::aaaa;
    EXPECT_THAT(gateway.ask(named.name, type).answer,
                testing::Contains(testing::EndsWith(" " + named.address.to_string())));
  }
}

TEST(ReverseZones, an_address_without_a_name_does_not_exist_and_one_outside_is_refused) {
  const std::vector<NamedAddress> names{{*net::IpAddress::parse("10.0.0.42"), "hosta.foo"},
                                        {*net::IpAddress::parse("10.0.1.1"), "elsewhere.foo"}};
  std::vector<ZoneSpec> specs{foo_spec()};
  for (auto& zone : reverse_zones(specs[0], *net::Prefix::parse("10.0.0.0/24"), names)) specs.push_back(zone);
  Fixture gateway{specs};
  EXPECT_THAT(gateway.ask("42.0.0.10.in-addr.arpa", RrType::ptr).answer,
              ElementsAre("42.0.0.10.in-addr.arpa. 3600 PTR hosta.foo."));
  EXPECT_EQ(gateway.ask("43.0.0.10.in-addr.arpa", RrType::ptr).rcode, 3U);
  EXPECT_EQ(gateway.ask("1.1.0.10.in-addr.arpa", RrType::ptr).rcode, 5U);
}

TEST(ReverseZones, they_take_what_they_are_like_from_the_forward_zone) {
  ZoneSpec like = foo_spec();
  like.views = ZoneViews::inside;
  const auto zones = reverse_zones(like, *net::Prefix::parse("10.0.0.0/24"), {});
  ASSERT_EQ(zones.size(), 1U);
  EXPECT_EQ(zones[0].views, ZoneViews::inside);
  EXPECT_EQ(zones[0].nameservers, like.nameservers);
  EXPECT_EQ(zones[0].contact, "hostmaster.foo");
  EXPECT_FALSE(zones[0].dynamic);
}

}  // namespace
}  // namespace rgw::dns
