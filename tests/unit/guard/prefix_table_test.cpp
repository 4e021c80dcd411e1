#include "realmgw/guard/prefix_table.hpp"

#include <gtest/gtest.h>

namespace rgw::guard {
namespace {

struct Record {
  int value = 0;
  bool precious = false;
  [[nodiscard]] bool gives_way_to(bool proven) const { return proven || !precious; }
};
net::IpAddress v4(std::uint32_t number) {
  return net::Ipv4Address{be32{number}};
}

class PrefixTableTest : public testing::Test {
 protected:
  Random random{1};
  PrefixTable<Record> table{HashSalt{random}};
  Instant now{std::chrono::seconds{1}};
};

TEST_F(PrefixTableTest, a_prefix_is_a_24_or_a_56) {
  const auto is_one = [](const char* a, const char* b) {
    return AskerPrefix{*net::IpAddress::parse(a)} == AskerPrefix{*net::IpAddress::parse(b)};
  };
  EXPECT_TRUE(is_one("192.0.2.1", "192.0.2.255"));
  EXPECT_FALSE(is_one("192.0.2.1", "192.0.3.1"));
  EXPECT_TRUE(is_one("2001:db8:0:0100::1", "2001:db8:0:01ff:ffff::1"));
  EXPECT_FALSE(is_one("2001:db8:0:0100::1", "2001:db8:0:0200::1"));
  EXPECT_FALSE(is_one("0.0.0.0", "::"));
}

TEST_F(PrefixTableTest, what_was_remembered_is_found) {
  table.find_or_add(AskerPrefix{v4(0xc0000201)}, false, now)->value = 7;
  ASSERT_NE(table.find(AskerPrefix{v4(0xc0000299)}), nullptr);
  EXPECT_EQ(table.find(AskerPrefix{v4(0xc0000299)})->value, 7);
  EXPECT_EQ(table.find(AskerPrefix{v4(0xc0000399)}), nullptr);
  EXPECT_EQ(table.size(), 1U);
}

// Bounded state: a flood of prefixes without proof never takes the place of one with it.
TEST_F(PrefixTableTest, a_flood_takes_no_place_of_what_does_not_give_way) {
  for (std::uint32_t n = 0; n < 100; ++n)
    table.find_or_add(AskerPrefix{v4(n << 8)}, true, now)->precious = true;
  std::size_t refused = 0;
  for (std::uint32_t n = 1000; n < 1'000'000; ++n) {
    now += std::chrono::microseconds{1};
    refused += table.find_or_add(AskerPrefix{v4(n << 8)}, false, now) == nullptr;
  }
  for (std::uint32_t n = 0; n < 100; ++n) {
    const auto* const kept = table.find(AskerPrefix{v4(n << 8)});
    ASSERT_NE(kept, nullptr) << n;
    EXPECT_TRUE(kept->precious);
  }
  EXPECT_LE(table.size(), (PrefixTable<Record>::capacity));
  EXPECT_EQ(refused, 0U);  // four ways, of which none is wholly precious
}

}  // namespace
}  // namespace rgw::guard
