// BigEndian:
//   the_bytes_lie_in_network_order
//   reading_gives_back_what_was_written
//   order_is_by_number_not_by_byte
//   from_raw_takes_bytes_as_they_lie
#include "realmgw/base/endian.hpp"

#include <array>
#include <bit>
#include <cstdint>
#include <type_traits>

#include <gtest/gtest.h>

namespace rgw {
namespace {

static_assert(sizeof(be16) == 2 && sizeof(be32) == 4 && sizeof(be64) == 8);
static_assert(std::has_unique_object_representations_v<be32> && std::is_trivially_copyable_v<be32>);
static_assert(!std::is_convertible_v<std::uint16_t, be16> && !std::is_convertible_v<be16, std::uint16_t>,
              "no silent conversion");

TEST(BigEndian, the_bytes_lie_in_network_order) {
  EXPECT_EQ((std::bit_cast<std::array<std::uint8_t, 2>>(be16{0x1234})),
            (std::array<std::uint8_t, 2>{0x12, 0x34}));
  EXPECT_EQ((std::bit_cast<std::array<std::uint8_t, 4>>(be32{0x0a000001})),
            (std::array<std::uint8_t, 4>{10, 0, 0, 1}));
  EXPECT_EQ((std::bit_cast<std::array<std::uint8_t, 8>>(be64{0x0102030405060708})),
            (std::array<std::uint8_t, 8>{1, 2, 3, 4, 5, 6, 7, 8}));
}

TEST(BigEndian, reading_gives_back_what_was_written) {
  for (std::uint32_t value = 0; value <= 0xffff; ++value) {
    ASSERT_EQ(be16{static_cast<std::uint16_t>(value)}.host(), value);
  }
  static_assert(be32{0xdeadbeef}.host() == 0xdeadbeef);
  static_assert(be64{0xdeadbeef01020304}.host() == 0xdeadbeef01020304);
}

TEST(BigEndian, order_is_by_number_not_by_byte) {
  EXPECT_LT(be16{0x00ff}, be16{0x0100});
  EXPECT_LT(be32{0x000000ff}, be32{0x01000000});
  EXPECT_EQ(be32{5}, be32{5});
  EXPECT_NE(be32{5}, be32{0x05000000});
}

TEST(BigEndian, from_raw_takes_bytes_as_they_lie) {
  const auto raw = std::bit_cast<std::uint16_t>(std::array<std::uint8_t, 2>{0x00, 0x35});
  EXPECT_EQ(be16::from_raw(raw).host(), 53);
  EXPECT_EQ(be16{53}.raw(), raw);
}

}  // namespace
}  // namespace rgw
