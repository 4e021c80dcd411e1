// IPv4 addresses inside IPv6 ones (RFC 6052):
// - the examples of section 2.4, both ways
// - bits 64 to 71 are zero in what is made, and what has others there is no such address
// - the suffix is zero in what is made, and not looked at
#include "realmgw/net/rfc6052.hpp"

#include <gtest/gtest.h>

namespace rgw::net {
namespace {

struct Example {
  const char* prefix;
  const char* address;
};
constexpr Example examples[] = {
    {"2001:db8::/32", "2001:db8:c000:221::"},
    {"2001:db8:100::/40", "2001:db8:1c0:2:21::"},
    {"2001:db8:122::/48", "2001:db8:122:c000:2:2100::"},
    {"2001:db8:122:300::/56", "2001:db8:122:3c0:0:221::"},
    {"2001:db8:122:344::/64", "2001:db8:122:344:c0:2:2100::"},
    {"2001:db8:122:344::/96", "2001:db8:122:344::192.0.2.33"},
};

Ipv6Address v6(const char* text) {
  return IpAddress::parse(text)->v6();
}

TEST(Rfc6052, embeds_as_the_examples_of_section_2_4) {
  const Ipv4Address embedded = IpAddress::parse("192.0.2.33")->v4();
  for (const Example& example : examples) {
    const Pref64 prefix{*Prefix::parse(example.prefix)};
    EXPECT_EQ(prefix.embed(embedded), v6(example.address)) << example.prefix;
    EXPECT_EQ(prefix.extract(v6(example.address)), embedded) << example.prefix;
  }
}

TEST(Rfc6052, an_address_that_sets_bits_64_to_71_embeds_nothing) {  // section 2.2
  for (const Example& example : examples) {
    Ipv6Address address = v6(example.address);
    address.bytes[8] = 1;
    EXPECT_EQ(Pref64{*Prefix::parse(example.prefix)}.extract(address), std::nullopt) << example.prefix;
  }
  EXPECT_THROW(Pref64{*Prefix::parse("2001:db8:0:0:100::/96")}, std::invalid_argument);
}

TEST(Rfc6052, the_suffix_is_not_looked_at) {  // section 2.2
  for (const Example& example : examples) {
    const Pref64 prefix{*Prefix::parse(example.prefix)};
    if (prefix.prefix().length() == 96) continue;  // has none
    Ipv6Address address = v6(example.address);
    address.bytes[15] = 0xff;
    EXPECT_EQ(prefix.extract(address), IpAddress::parse("192.0.2.33")->v4()) << example.prefix;
  }
}

TEST(Rfc6052, another_prefix_embeds_nothing) {
  for (const Example& example : examples) {
    Ipv6Address address = v6(example.address);
    address.bytes[3] ^= 1;
    EXPECT_EQ(Pref64{*Prefix::parse(example.prefix)}.extract(address), std::nullopt) << example.prefix;
  }
}

TEST(Rfc6052, the_well_known_prefix_stands_for_global_addresses_alone) {  // section 3.1
  const Pref64 well_known{*Prefix::parse("64:ff9b::/96")}, own{*Prefix::parse("fd64::/96")};
  for (const char* text :
       {"10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "192.0.2.1", "198.18.0.1"}) {
    const Ipv4Address address = IpAddress::parse(text)->v4();
    EXPECT_FALSE(well_known.represents(address)) << text;
    EXPECT_TRUE(own.represents(address)) << text;
  }
  for (const char* text :
       {"0.1.2.3", "127.0.0.1", "169.254.1.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"}) {
    const Ipv4Address address = IpAddress::parse(text)->v4();
    EXPECT_FALSE(well_known.represents(address)) << text;
    EXPECT_FALSE(own.represents(address)) << text << " is no remote's";
  }
  for (const char* text :
       {"9.9.9.9", "11.0.0.1", "172.32.0.1", "192.169.0.1", "100.128.0.1", "223.255.255.255"}) {
    EXPECT_TRUE(well_known.represents(IpAddress::parse(text)->v4())) << text;
  }
}

}  // namespace
}  // namespace rgw::net
