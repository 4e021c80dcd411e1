// Prefixes, interface addresses and ranges:
//   a_prefix_is_an_address_and_a_length
//   a_prefix_with_host_bits_is_refused_as_text_and_cleared_as_value
//   a_bare_address_is_a_prefix_of_full_length
//   a_prefix_contains_the_addresses_between_its_ends_at_every_length
//   prefixes_of_two_families_have_nothing_in_common
//   prefixes_overlap_where_one_contains_the_other
//   an_interface_address_keeps_its_host_bits_and_must_say_its_length
//   a_range_is_written_in_four_ways
//   a_range_backwards_or_across_families_is_refused
//   a_range_counts_its_addresses_and_saturates
//   a_range_lists_its_addresses_up_to_a_limit
//   the_successor_carries_and_wraps
#include "realmgw/net/prefix.hpp"

#include "realmgw/base/random.hpp"

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace rgw::net {
namespace {

IpAddress ip(std::string_view text) {
  return IpAddress::parse(text).value();
}
Prefix prefix(std::string_view text) {
  return Prefix::parse(text).value();
}
AddressRange range(std::string_view text) {
  return AddressRange::parse(text).value();
}

TEST(Prefix, a_prefix_is_an_address_and_a_length) {
  const auto p = prefix("198.51.100.0/24");
  EXPECT_EQ(p.address(), ip("198.51.100.0"));
  EXPECT_EQ(p.length(), 24u);
  EXPECT_EQ(p.last(), ip("198.51.100.255"));
  EXPECT_EQ(p.to_string(), "198.51.100.0/24");
  EXPECT_EQ(prefix("2001:db8::/33").last(), ip("2001:db8:7fff:ffff:ffff:ffff:ffff:ffff"));
  EXPECT_EQ(prefix("0.0.0.0/0"), Prefix::all(Family::v4));
  EXPECT_EQ(prefix("::/0"), Prefix::all(Family::v6));
  for (const auto* wrong : {"", "/", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.0.0.0/+8",
                            "10.0.0.0/8 ", "10.0.0.0/8/8", "10.0.0/8", "/8", "10.0.0.0/99999999999"}) {
    EXPECT_EQ(Prefix::parse(wrong), std::nullopt) << wrong;
  }
}

TEST(Prefix, a_prefix_with_host_bits_is_refused_as_text_and_cleared_as_value) {
  EXPECT_EQ(Prefix::parse("198.51.100.1/24"), std::nullopt);
  EXPECT_EQ(Prefix::parse("2001:db8::1/127"), std::nullopt);
  EXPECT_EQ((Prefix{ip("198.51.100.77"), 26}), prefix("198.51.100.64/26"));
}

TEST(Prefix, a_bare_address_is_a_prefix_of_full_length) {
  EXPECT_EQ(prefix("10.0.0.1"), prefix("10.0.0.1/32"));
  EXPECT_EQ(prefix("::1"), prefix("::1/128"));
}

TEST(Prefix, a_prefix_contains_the_addresses_between_its_ends_at_every_length) {
  Random random{1};
  for (unsigned length = 0; length <= 32; ++length) {
    for (int i = 0; i < 200; ++i) {
      const auto base = static_cast<std::uint32_t>(random.next());
      // Near to the prefix, mostly: a random address would hardly ever be in a long one.
      const std::uint32_t other = base ^ (1u << random.below(32)) ^ random.below(4);
      const std::uint32_t mask = length == 0 ? 0 : ~std::uint32_t{0} << (32 - length);
      const Prefix p{Ipv4Address{be32{base}}, length};
      ASSERT_EQ(p.contains(Ipv4Address{be32{other}}), (base & mask) == (other & mask)) << p.to_string();
    }
  }
  for (unsigned length = 1; length <= 128; ++length) {
    const Prefix p{ip("2001:db8:a5a5:5a5a:c3c3:3c3c:9696:6969"), length};
    auto bytes = p.last().v6().bytes;
    ASSERT_TRUE(p.contains(Ipv6Address{bytes}));
    bytes[(length - 1) / 8] = static_cast<std::uint8_t>(bytes[(length - 1) / 8] ^ 0x80u >> (length - 1) % 8);
    ASSERT_FALSE(p.contains(Ipv6Address{bytes})) << "the last bit of /" << length;
  }
}

TEST(Prefix, prefixes_of_two_families_have_nothing_in_common) {
  EXPECT_FALSE(Prefix::all(Family::v4).contains(ip("::1")));
  EXPECT_FALSE(Prefix::all(Family::v6).contains(ip("10.0.0.1")));
  EXPECT_FALSE(Prefix::all(Family::v4).overlaps(Prefix::all(Family::v6)));
}

TEST(Prefix, prefixes_overlap_where_one_contains_the_other) {
  const auto wide = prefix("10.0.0.0/8"), narrow = prefix("10.1.0.0/16"), beside = prefix("11.0.0.0/8");
  EXPECT_TRUE(wide.contains(narrow));
  EXPECT_FALSE(narrow.contains(wide));
  EXPECT_TRUE(wide.contains(wide));
  EXPECT_TRUE(narrow.overlaps(wide));
  EXPECT_TRUE(wide.overlaps(narrow));
  EXPECT_FALSE(wide.overlaps(beside));
}

TEST(InterfaceAddress, an_interface_address_keeps_its_host_bits_and_must_say_its_length) {
  const auto address = InterfaceAddress::parse("10.0.0.1/24");
  ASSERT_TRUE(address);
  EXPECT_EQ(address->address, ip("10.0.0.1"));
  EXPECT_EQ(address->prefix(), prefix("10.0.0.0/24"));
  EXPECT_EQ(address->to_string(), "10.0.0.1/24");
  EXPECT_EQ(InterfaceAddress::parse("10.0.0.1"), std::nullopt);
  EXPECT_EQ(InterfaceAddress::parse("10.0.0.1/33"), std::nullopt);
}

TEST(AddressRange, a_range_is_written_in_four_ways) {
  const AddressRange three{ip("198.51.100.10"), ip("198.51.100.12")};
  EXPECT_EQ(range("198.51.100.10-198.51.100.12"), three);
  EXPECT_EQ(range("198.51.100.10-12"), three);
  EXPECT_EQ(three.to_string(), "198.51.100.10-198.51.100.12");
  EXPECT_EQ(range("198.51.100.8/30"), (AddressRange{ip("198.51.100.8"), ip("198.51.100.11")}));
  EXPECT_EQ(range("2001:db8::1"), (AddressRange{ip("2001:db8::1"), ip("2001:db8::1")}));
  EXPECT_EQ(range("2001:db8::1").to_string(), "2001:db8::1");
  EXPECT_TRUE(three.contains(ip("198.51.100.10")));
  EXPECT_TRUE(three.contains(ip("198.51.100.12")));
  EXPECT_FALSE(three.contains(ip("198.51.100.9")));
  EXPECT_FALSE(three.contains(ip("198.51.100.13")));
  EXPECT_FALSE(range("0.0.0.0/0").contains(ip("::1")));
}

TEST(AddressRange, a_range_backwards_or_across_families_is_refused) {
  for (const auto* wrong :
       {"", "-", "10.0.0.2-10.0.0.1", "10.0.0.2-1", "10.0.0.1-256", "10.0.0.1-", "-10.0.0.1", "10.0.0.1-::1",
        "::1-5000000", "10.0.0.1-10.0.0.2-10.0.0.3", "10.0.0.0/24-10.0.1.0"}) {
    EXPECT_EQ(AddressRange::parse(wrong), std::nullopt) << wrong;
  }
}

TEST(AddressRange, a_range_counts_its_addresses_and_saturates) {
  constexpr auto most = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(range("10.0.0.1").size(), 1u);
  EXPECT_EQ(range("10.0.0.250-10.0.1.5").size(), 12u);
  EXPECT_EQ(range("0.0.0.0/0").size(), std::uint64_t{1} << 32);
  EXPECT_EQ(range("2001:db8::/96").size(), std::uint64_t{1} << 32);
  EXPECT_EQ(range("2001:db8::/65").size(), std::uint64_t{1} << 63);
  EXPECT_EQ(range("2001:db8::/64").size(), most);
  EXPECT_EQ(range("::/0").size(), most);
  EXPECT_EQ(range("2001:db8::ffff:ffff:ffff:ffff-2001:db8:0:1::1").size(), 3u) << "across a 64-bit boundary";
}

TEST(AddressRange, a_range_lists_its_addresses_up_to_a_limit) {
  EXPECT_EQ(range("10.0.0.255-10.0.1.1").addresses(100),
            (std::vector{ip("10.0.0.255"), ip("10.0.1.0"), ip("10.0.1.1")}));
  EXPECT_EQ(range("2001:db8::/64").addresses(2), (std::vector{ip("2001:db8::"), ip("2001:db8::1")}));
  EXPECT_EQ(range("2001:db8::ffff:ffff:ffff:ffff-2001:db8:0:1::").addresses(100),
            (std::vector{ip("2001:db8::ffff:ffff:ffff:ffff"), ip("2001:db8:0:1::")}));
}

TEST(Successor, the_successor_carries_and_wraps) {
  EXPECT_EQ(successor(ip("10.0.255.255")), ip("10.1.0.0"));
  EXPECT_EQ(successor(ip("255.255.255.255")), ip("0.0.0.0"));
  EXPECT_EQ(successor(ip("2001:db8::ffff:ffff")), ip("2001:db8::1:0:0"));
  EXPECT_EQ(successor(ip("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")), ip("::"));
}

}  // namespace
}  // namespace rgw::net
