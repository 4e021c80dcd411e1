// NPTv6 (RFC 6296): the RFC's own example, prefixes longer than 48 bits and of different lengths, what cannot
// be translated, and for a million addresses: there and back is the same, and no checksum notices.
#include "realmgw/nat/prefix_translation.hpp"

#include "realmgw/base/random.hpp"
#include "realmgw/net/checksum.hpp"

#include "support/packet_builder.hpp"
#include <gtest/gtest.h>

namespace rgw::nat {
namespace {

using Found = PrefixTranslation::Found;

net::Ipv6Address v6(const char* text) {
  return test::address(text).v6();
}
net::Prefix prefix(const char* text) {
  return net::Prefix::parse(text).value();
}
PrefixTranslation one(const char* inside, const char* outside) {
  return {{{prefix(inside), prefix(outside)}}, {}};
}
std::string there(const PrefixTranslation& npt, const char* inside) {
  const auto result = npt.outward(v6(inside));
  return result.found == Found::translated ? result.address.to_string() : "nothing";
}
std::string back(const PrefixTranslation& npt, const char* outside) {
  const auto result = npt.inward(v6(outside));
  return result.found == Found::translated ? result.address.to_string() : "nothing";
}

TEST(PrefixTranslation, agrees_with_the_rfcs_example) {  // section 3.6
  const auto npt = one("fd01:203:405::/48", "2001:db8:1::/48");
  EXPECT_EQ(there(npt, "fd01:203:405:1::1234"), "2001:db8:1:d550::1234");
  EXPECT_EQ(back(npt, "2001:db8:1:d550::1234"), "fd01:203:405:1::1234");
}

TEST(PrefixTranslation, leaves_the_identifier_alone_up_to_48_bits) {  // section 3.4
  const auto npt = one("fd00::/32", "2001:db8::/32");
  const auto result = npt.outward(v6("fd00:0:77:1:1:2:3:4"));
  ASSERT_EQ(result.found, Found::translated);
  EXPECT_EQ(result.address.to_string().substr(0, 14), "2001:db8:77:cf");
  EXPECT_TRUE(std::equal(result.address.bytes.begin() + 8, result.address.bytes.end(),
                         v6("::1:2:3:4").bytes.begin() + 8));
}

TEST(PrefixTranslation, adjusts_the_identifiers_first_word_that_is_not_all_ones) {  // section 3.5
  const auto npt = one("fd01:203:405:600::/56", "2001:db8:1:f00::/56");
  EXPECT_EQ(there(npt, "fd01:203:405:677::1234"), "2001:db8:1:f77:cc4f::1234");
  EXPECT_EQ(there(npt, "fd01:203:405:677:ffff::1234"), "2001:db8:1:f77:ffff:cc4f:0:1234");
  EXPECT_EQ(there(npt, "fd01:203:405:677:ffff:ffff:ffff:1"), "2001:db8:1:f77:ffff:ffff:ffff:cc50");
  EXPECT_EQ(back(npt, "2001:db8:1:f77:ffff:cc4f:0:1234"), "fd01:203:405:677:ffff::1234");
}

TEST(PrefixTranslation, extends_the_shorter_prefix_with_zeros) {  // section 3.7
  const auto npt = one("fd01:203:405::/48", "2001:db8:1:ab00::/56");
  const auto result = npt.outward(v6("fd01:203:405:c::1"));
  ASSERT_EQ(result.found, Found::translated);
  EXPECT_EQ(result.address.to_string().rfind("2001:db8:1:ab0c:", 0), 0U) << result.address.to_string();
  EXPECT_EQ(npt.inward(result.address).address, v6("fd01:203:405:c::1"));
  EXPECT_EQ(npt.outward(v6("fd01:203:405:100::1")).found, Found::none) << "a subnet beyond the zeros";
}

TEST(PrefixTranslation, says_what_it_cannot_translate) {  // sections 3.2, 3.7 and 4.2
  const auto short_ones = one("fd01:203:405::/48", "2001:db8:1::/48");
  EXPECT_EQ(short_ones.outward(v6("fd01:203:405:ffff::1")).found, Found::no_subnet);
  EXPECT_EQ(short_ones.inward(v6("2001:db8:1:ffff::1")).found, Found::no_subnet);
  EXPECT_EQ(short_ones.outward(v6("fd01:203:405:1::")).found, Found::translated);
  EXPECT_EQ(short_ones.outward(v6("fd01:203:406:1::1")).found, Found::none);
  const auto long_ones = one("fd01:203:405:600::/56", "2001:db8:1:f00::/56");
  EXPECT_EQ(long_ones.outward(v6("fd01:203:405:601::")).found, Found::null_identifier);
  EXPECT_EQ(long_ones.outward(v6("fd01:203:405:601:ffff:ffff:ffff:ffff")).found, Found::no_subnet);
}

TEST(PrefixTranslation, chooses_the_longest_prefix_and_leaves_links_alone) {
  const PrefixTranslation npt{{{prefix("fd00::/40"), prefix("2001:db8:100::/40")},
                               {prefix("fd00:0:7::/48"), prefix("2001:db8:207::/48")}},
                              {prefix("2001:db8:100:9::/64"), prefix("198.51.100.0/24")}};
  EXPECT_EQ(npt.outward(v6("fd00:0:7::1")).pair, 1U);
  EXPECT_EQ(npt.outward(v6("fd00:0:8::1")).pair, 0U);
  EXPECT_EQ(npt.inward(v6("2001:db8:100:9::1")).found, Found::none);
  EXPECT_EQ(npt.inward(v6("2001:db8:100:a::1")).found, Found::translated);
}

TEST(PrefixTranslation, takes_ipv6_prefixes_of_64_bits_at_most) {
  EXPECT_THROW(one("fd00::/65", "2001:db8::/64"), std::invalid_argument);
  EXPECT_THROW(one("fd00::/64", "198.51.100.0/24"), std::invalid_argument);
  EXPECT_TRUE(PrefixTranslation{}.empty());
  EXPECT_EQ(PrefixTranslation{}.outward(v6("fd00::1")).found, Found::none);
}

TEST(PrefixTranslation, is_neutral_to_checksums_and_reversible) {  // section 2.5, appendix B
  Random random{6296};
  const PrefixTranslation npt{{{prefix("fd01:203:405::/48"), prefix("2001:db8:1::/48")},
                               {prefix("fd02::/16"), prefix("2a02::/16")},
                               {prefix("fd03:203:405:600::/56"), prefix("2001:db8:2:f00::/56")},
                               {prefix("fd04:1:2:3::/64"), prefix("2001:db8:3:4::/64")},
                               {prefix("fd05:1:2::/48"), prefix("2001:db8:4:ab00::/60")}},
                              {}};
  unsigned translated = 0;
  for (unsigned n = 0; n < 1'000'000; ++n) {
    const auto& pair = npt.pairs()[n % npt.pairs().size()];
    const unsigned length = std::max(pair.inside.length(), pair.outside.length());
    net::Ipv6Address address = pair.inside.address().v6();
    for (unsigned byte = (length + 7) / 8; byte < 16; ++byte) {
      // Many words of all ones and all zeros.
      const std::uint32_t dice = random.below(8);
      address.bytes[byte] = dice == 0 ? 0xff : dice == 1 ? 0 : static_cast<std::uint8_t>(random.below(256));
    }
    const auto out = npt.outward(address);
    ASSERT_NE(out.found, Found::none) << address.to_string();
    if (out.found != Found::translated) continue;
    ++translated;
    ASSERT_TRUE(pair.outside.contains(out.address));
    const auto sum = [](const net::Ipv6Address& a) {
      const auto folded = net::ChecksumSum{}.add(a).fold();
      return folded == 0xffff ? std::uint16_t{0} : folded;
    };
    ASSERT_EQ(sum(out.address), sum(address)) << address.to_string();
    const auto in = npt.inward(out.address);
    ASSERT_EQ(in.found, Found::translated) << out.address.to_string();
    ASSERT_EQ(in.address, address);
  }
  EXPECT_GT(translated, 900'000U);
}

}  // namespace
}  // namespace rgw::nat
