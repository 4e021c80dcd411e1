// The Internet checksum: RFC 1071's own example, odd lengths, and differences that agree with sums made anew
// (RFC 1624), the corner cases of one's complement among them.
#include "realmgw/net/checksum.hpp"

#include "realmgw/base/random.hpp"

#include <array>

#include <gtest/gtest.h>

namespace rgw::net {
namespace {

TEST(ChecksumSum, agrees_with_the_example_of_rfc_1071) {  // section 3
  constexpr std::array<std::uint8_t, 8> bytes{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  EXPECT_EQ(be16::from_raw(ChecksumSum{}.add(bytes.data(), bytes.size()).fold()).host(), 0xddf2);
  EXPECT_EQ(ChecksumSum{}.add(bytes.data(), bytes.size()).checksum().host(), 0x220d);
}

TEST(ChecksumSum, counts_an_odd_last_byte_as_if_a_zero_followed) {  // RFC 1071 section 1
  constexpr std::array<std::uint8_t, 8> bytes{1, 2, 3, 4, 5, 6, 7, 0};
  for (const std::size_t size : {1U, 3U, 5U, 7U}) {
    std::array<std::uint8_t, 8> padded{};
    std::copy_n(bytes.begin(), size, padded.begin());
    EXPECT_EQ(ChecksumSum{}.add(bytes.data(), size).fold(),
              ChecksumSum{}.add(padded.data(), size + 1).fold());
  }
}

TEST(ChecksumSum, of_words_and_of_bytes_are_the_same) {
  const Ipv4Address v4{10, 0, 0, 42};
  EXPECT_EQ(ChecksumSum{}.add(v4).fold(),
            ChecksumSum{}.add(reinterpret_cast<const std::uint8_t*>(&v4), 4).fold());
  const auto v6 = *Ipv6Address::parse("2001:db8::1:2");
  EXPECT_EQ(be16::from_raw(ChecksumSum{}.add(v6).fold()).host(), 0x2001 + 0x0db8 + 1 + 2);
  EXPECT_EQ(be16::from_raw(ChecksumSum{}.add(be16{0x1234}).add(be32{0x00010002}).fold()).host(), 0x1237);
}

TEST(ChecksumSum, takes_away_what_it_added) {
  ChecksumSum sum = ChecksumSum{}.add(be32{0xdeadbeef}).add(be16{0x1234});
  sum.subtract(ChecksumSum{}.add(be32{0xdeadbeef}));
  EXPECT_EQ(be16::from_raw(sum.fold()).host(), 0x1234);
}

TEST(ChecksumSum, of_a_pseudo_header_counts_addresses_protocol_and_length) {  // RFC 9293 section 3.1
  const auto sum = pseudo_header(Ipv4Address{1, 2, 3, 4}, Ipv4Address{5, 6, 7, 8}, 17, 0x10009);
  EXPECT_EQ(be16::from_raw(sum.fold()).host(), 0x0102 + 0x0304 + 0x0506 + 0x0708 + 17 + 1 + 9);
}

TEST(ChecksumDelta, moves_a_checksum_to_what_it_would_be_anew) {  // RFC 1624, and its way back
  Random random{1};
  constexpr std::array<std::uint16_t, 6> corners{0x0000, 0x0001, 0x7fff, 0x8000, 0xfffe, 0xffff};
  const auto word = [&] {
    return random.below(2) == 0 ? corners[random.below(corners.size())]
                                : static_cast<std::uint16_t>(random.next());
  };
  for (int i = 0; i < 100'000; ++i) {
    // A header whose first word is never zero: a sum of nothing but zeros has two forms (RFC 1624 section 3).
    std::array<be16, 4> words{be16{0x4500}, be16{word()}, be16{word()}, be16{word()}};
    const auto sum_of = [&] {
      return ChecksumSum{}.add(reinterpret_cast<const std::uint8_t*>(words.data()), sizeof words);
    };
    const be16 original = sum_of().checksum();
    const be16 before = words[1], after{word()};
    const auto delta = ChecksumDelta::between(ChecksumSum{}.add(before), ChecksumSum{}.add(after));
    words[1] = after;
    be16 moved = original;
    delta.apply(moved);
    ASSERT_EQ(moved, sum_of().checksum());
    delta.reversed().apply(moved);
    ASSERT_EQ(moved, original);
  }
}

TEST(ChecksumDelta, keeps_a_wrong_checksum_wrong) {
  const auto delta = ChecksumDelta::between(ChecksumSum{}.add(be16{0x1111}), ChecksumSum{}.add(be16{0x2222}));
  be16 right{0x4321}, wrong{0x4322};
  delta.apply(right);
  delta.apply(wrong);
  EXPECT_EQ(wrong.host() - right.host(), 1);
}

TEST(ChecksumDelta, leaves_a_udp_checksum_of_zero_and_makes_none) {  // RFC 768
  const auto none = ChecksumDelta::between(ChecksumSum{}, ChecksumSum{}.add(be16{1}));
  be16 absent{};
  none.apply_udp(absent);
  EXPECT_EQ(absent.host(), 0);
  be16 becomes_zero{1};  // ~(~1 + 1) = 0: sent as ones
  none.apply_udp(becomes_zero);
  EXPECT_EQ(becomes_zero.host(), 0xffff);
}

TEST(
    DecrementTtl,
    leaves_the_checksum_that_the_header_would_have_anew) {  // RFC 1624 section 3, with RFC 1141's corner case
  for (unsigned ttl = 1; ttl < 256; ++ttl) {
    for (unsigned other = 0; other < 65536; other += 51) {
      std::array<std::uint8_t, 6> header{
          static_cast<std::uint8_t>(ttl),   6, static_cast<std::uint8_t>(other >> 8),
          static_cast<std::uint8_t>(other), 0, 0};
      be16 checksum = ChecksumSum{}.add(header.data(), 4).checksum();
      decrement_ttl(header[0], checksum);
      EXPECT_EQ(header[0], ttl - 1);
      ASSERT_EQ(checksum, ChecksumSum{}.add(header.data(), 4).checksum()) << ttl << " " << other;
    }
  }
}

}  // namespace
}  // namespace rgw::net
