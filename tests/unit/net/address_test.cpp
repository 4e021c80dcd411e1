// Addresses:
//   ipv4_text_is_four_decimal_numbers_and_nothing_else
//   ipv4_classes_end_where_the_registries_say
//   ipv6_text_is_read_in_every_form_and_written_in_the_one_of_rfc_5952
//   ipv6_classes_end_where_rfc_4291_says
//   a_solicited_node_group_keeps_the_last_24_bits
//   an_address_of_either_family_keeps_its_bytes_in_network_order
//   addresses_of_two_families_are_never_equal
//   equal_addresses_hash_alike
//   ethernet_text_is_six_pairs_with_colons
//   multicast_groups_have_their_ethernet_addresses
#include "realmgw/net/address.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>

#include <gtest/gtest.h>

namespace rgw::net {
namespace {

using namespace std::string_literals;

static_assert(sizeof(Ipv4Address) == 4 && std::has_unique_object_representations_v<Ipv4Address>);
static_assert(sizeof(Ipv6Address) == 16 && std::has_unique_object_representations_v<Ipv6Address>);
static_assert(sizeof(IpAddress) == 17 && std::has_unique_object_representations_v<IpAddress>);
static_assert(other(Family::v4) == Family::v6 && other(Family::v6) == Family::v4);

Ipv6Address v6(std::string_view text) {
  return Ipv6Address::parse(text).value();
}

TEST(Ipv4Address, ipv4_text_is_four_decimal_numbers_and_nothing_else) {
  EXPECT_EQ(Ipv4Address::parse("198.51.100.7"), (Ipv4Address{198, 51, 100, 7}));
  EXPECT_EQ(Ipv4Address::parse("0.0.0.0"), Ipv4Address{});
  EXPECT_EQ(Ipv4Address::parse("255.255.255.255"), (Ipv4Address{255, 255, 255, 255}));
  EXPECT_EQ((Ipv4Address{10, 0, 0, 1}).value, be32{0x0a000001});
  EXPECT_EQ((Ipv4Address{10, 0, 0, 1}).to_string(), "10.0.0.1");
  for (const auto& wrong :
       {""s, "1.2.3"s, "1.2.3.4.5"s, "256.1.1.1"s, "1.2.3.4 "s, " 1.2.3.4"s, "1.2.3.-4"s, "1.2.3.0x4"s,
        "1.2.3.4\0"s, "1.2.3.4\0.5"s, "::1"s, "hosta"s, std::string(1000, '1')}) {
    EXPECT_EQ(Ipv4Address::parse(wrong), std::nullopt) << wrong;
  }
}

TEST(Ipv4Address, ipv4_classes_end_where_the_registries_say) {
  EXPECT_TRUE((Ipv4Address{0, 0, 0, 0}).is_unspecified());
  EXPECT_FALSE((Ipv4Address{0, 0, 0, 1}).is_unspecified());
  EXPECT_TRUE((Ipv4Address{127, 0, 0, 0}).is_loopback());
  EXPECT_TRUE((Ipv4Address{127, 255, 255, 255}).is_loopback());
  EXPECT_FALSE((Ipv4Address{126, 255, 255, 255}).is_loopback());
  EXPECT_FALSE((Ipv4Address{128, 0, 0, 0}).is_loopback());
  EXPECT_FALSE((Ipv4Address{223, 255, 255, 255}).is_multicast());
  EXPECT_TRUE((Ipv4Address{224, 0, 0, 0}).is_multicast());
  EXPECT_TRUE((Ipv4Address{239, 255, 255, 255}).is_multicast());
  EXPECT_FALSE((Ipv4Address{240, 0, 0, 0}).is_multicast());
  EXPECT_TRUE((Ipv4Address{255, 255, 255, 255}).is_limited_broadcast());
  EXPECT_FALSE((Ipv4Address{255, 255, 255, 254}).is_limited_broadcast());
}

TEST(Ipv6Address, ipv6_text_is_read_in_every_form_and_written_in_the_one_of_rfc_5952) {
  EXPECT_EQ(v6("2001:DB8:0:0:0:0:0:1").to_string(), "2001:db8::1");
  EXPECT_EQ(v6("2001:db8::").to_string(), "2001:db8::");
  EXPECT_EQ(v6("::").to_string(), "::");
  EXPECT_EQ(v6("2001:db8:0:1:1:1:1:1").to_string(), "2001:db8:0:1:1:1:1:1")
      << "section 4.2.2: one zero group stays";
  EXPECT_EQ(v6("2001:0:0:1:0:0:0:1").to_string(), "2001:0:0:1::1") << "section 4.2.3: the longest run";
  EXPECT_EQ(v6("::ffff:192.0.2.1").to_string(), "::ffff:192.0.2.1");
  for (const auto& wrong : {""s, ":"s, "1::2::3"s, "12345::"s, "1:2:3:4:5:6:7"s, "::1%eth0"s, "[::1]"s,
                            "::1 "s, "10.0.0.1"s, "::1\0"s}) {
    EXPECT_EQ(Ipv6Address::parse(wrong), std::nullopt) << wrong;
  }
}

TEST(Ipv6Address, ipv6_classes_end_where_rfc_4291_says) {
  EXPECT_TRUE(v6("::").is_unspecified());
  EXPECT_FALSE(v6("::1").is_unspecified());
  EXPECT_TRUE(v6("::1").is_loopback());
  EXPECT_FALSE(v6("1::1").is_loopback());
  EXPECT_TRUE(v6("ff00::").is_multicast());
  EXPECT_FALSE(v6("feff::").is_multicast());
  EXPECT_TRUE(v6("fe80::1").is_link_local());
  EXPECT_TRUE(v6("febf:ffff::1").is_link_local());
  EXPECT_FALSE(v6("fec0::1").is_link_local());
  EXPECT_FALSE(v6("fe7f::1").is_link_local());
}

TEST(Ipv6Address, a_solicited_node_group_keeps_the_last_24_bits) {
  // The example of RFC 4291 section 2.7.1.
  EXPECT_EQ(v6("4037::01:800:200e:8c6c").solicited_node(), v6("ff02::1:ff0e:8c6c"));
}

TEST(IpAddress, an_address_of_either_family_keeps_its_bytes_in_network_order) {
  const IpAddress a = Ipv4Address{192, 0, 2, 33};
  EXPECT_TRUE(a.is_v4());
  EXPECT_EQ(a.size(), 4u);
  EXPECT_EQ(a.bits(), 32u);
  EXPECT_EQ(a.data()[0], 192);
  EXPECT_EQ(a.data()[3], 33);
  EXPECT_EQ(a.v4(), (Ipv4Address{192, 0, 2, 33}));
  const IpAddress b = v6("2001:db8::5");
  EXPECT_TRUE(b.is_v6());
  EXPECT_EQ(b.size(), 16u);
  EXPECT_EQ(b.data()[0], 0x20);
  EXPECT_EQ(b.data()[15], 5);
  EXPECT_EQ(b.v6(), v6("2001:db8::5"));
  for (const auto* text : {"192.0.2.33", "2001:db8::5", "::", "0.0.0.0"}) {
    EXPECT_EQ(IpAddress::parse(text).value().to_string(), text);
  }
  EXPECT_EQ(IpAddress::parse("hosta"), std::nullopt);
  EXPECT_EQ(IpAddress::parse("10.0.0.1/8"), std::nullopt);
}

TEST(IpAddress, addresses_of_two_families_are_never_equal) {
  EXPECT_NE(IpAddress{Ipv4Address{}}, IpAddress{Ipv6Address{}});
  EXPECT_LT(IpAddress{(Ipv4Address{255, 255, 255, 255})}, IpAddress{Ipv6Address{}});
  EXPECT_LT(IpAddress{(Ipv4Address{9, 255, 0, 0})}, IpAddress{(Ipv4Address{10, 0, 0, 0})});
}

TEST(IpAddress, equal_addresses_hash_alike) {
  const std::hash<IpAddress> hash;
  EXPECT_EQ(hash(Ipv4Address{10, 0, 0, 1}), hash(IpAddress::parse("10.0.0.1").value()));
  EXPECT_NE(hash(Ipv4Address{10, 0, 0, 1}), hash(Ipv4Address{10, 0, 0, 2}));
  EXPECT_NE(hash(v6("::1")), hash(v6("::2")));
}

TEST(MacAddress, ethernet_text_is_six_pairs_with_colons) {
  const auto mac = MacAddress::parse("02:00:5E:10:00:ff");
  ASSERT_TRUE(mac);
  EXPECT_EQ(mac->bytes, (std::array<std::uint8_t, 6>{0x02, 0x00, 0x5e, 0x10, 0x00, 0xff}));
  EXPECT_EQ(mac->to_string(), "02:00:5e:10:00:ff");
  for (const auto* wrong :
       {"", "02:00:5e:10:00", "02:00:5e:10:00:f", "02-00-5e-10-00-ff", "02:00:5e:10:00:fg",
        "02:00:5e:10:00:ff:01", "0200:5e:10:00:ff:", " 2:00:5e:10:00:ff"}) {
    EXPECT_EQ(MacAddress::parse(wrong), std::nullopt) << wrong;
  }
  EXPECT_TRUE(MacAddress{}.is_zero());
  EXPECT_FALSE(mac->is_zero());
  EXPECT_FALSE(mac->is_multicast());
  EXPECT_TRUE(MacAddress::broadcast().is_multicast());
}

TEST(MacAddress, multicast_groups_have_their_ethernet_addresses) {
  // RFC 1112 section 6.4: the low 23 bits.
  EXPECT_EQ(MacAddress::for_multicast(Ipv4Address{224, 0, 0, 5}).to_string(), "01:00:5e:00:00:05");
  EXPECT_EQ(MacAddress::for_multicast(Ipv4Address{239, 255, 255, 250}).to_string(), "01:00:5e:7f:ff:fa");
  // RFC 2464 section 7: the low 32 bits.
  EXPECT_EQ(MacAddress::for_multicast(v6("ff02::1:ff0e:8c6c")).to_string(), "33:33:ff:0e:8c:6c");
}

}  // namespace
}  // namespace rgw::net
