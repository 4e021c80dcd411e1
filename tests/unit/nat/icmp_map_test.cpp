// ICMP types, codes, pointers and MTUs across the families, each value there is (RFC 7915 sections 4.2
// and 5.2).
#include "realmgw/nat/icmp_map.hpp"

#include <map>
#include <utility>

#include <gtest/gtest.h>

namespace rgw::nat {
namespace {

using TypeCode = std::pair<unsigned, unsigned>;

TEST(IcmpMap, every_icmpv4_message_becomes_what_section_4_2_says_or_nothing) {
  std::map<TypeCode, TypeCode> expected{
      {{3, 0}, {1, 0}},  {{3, 1}, {1, 0}},  {{3, 2}, {4, 1}},  {{3, 3}, {1, 4}},  {{3, 4}, {2, 0}},
      {{3, 5}, {1, 0}},  {{3, 6}, {1, 0}},  {{3, 7}, {1, 0}},  {{3, 8}, {1, 0}},  {{3, 9}, {1, 1}},
      {{3, 10}, {1, 1}}, {{3, 11}, {1, 0}}, {{3, 12}, {1, 0}}, {{3, 13}, {1, 1}}, {{3, 15}, {1, 1}},
      {{12, 0}, {4, 0}}, {{12, 2}, {4, 0}}, {{11, 0}, {3, 0}}, {{11, 1}, {3, 1}}};
  for (unsigned type = 0; type < 256; ++type) {
    for (unsigned code = 0; code < 16; ++code) {
      const auto meaning = icmp4_to_icmp6(static_cast<std::uint8_t>(type), static_cast<std::uint8_t>(code));
      if (type == 8 || type == 0) {
        ASSERT_TRUE(meaning);
        EXPECT_EQ(meaning->type, type == 8 ? 128 : 129);
      } else if (type == 11 && code > 1) {
        continue;  // there are no such codes
      } else if (const auto want = expected.find({type, code}); want != expected.end()) {
        ASSERT_TRUE(meaning) << type << '/' << code;
        EXPECT_EQ(TypeCode(meaning->type, meaning->code), want->second) << type << '/' << code;
      } else {
        EXPECT_FALSE(meaning) << type << '/' << code
                              << ": a query that IPv6 has not, or a message of one link";
      }
    }
  }
}

TEST(IcmpMap, every_icmpv6_message_becomes_what_section_5_2_says_or_nothing) {
  std::map<TypeCode, TypeCode> expected{
      {{1, 0}, {3, 1}}, {{1, 1}, {3, 10}}, {{1, 2}, {3, 1}},  {{1, 3}, {3, 1}},  {{1, 4}, {3, 3}},
      {{2, 0}, {3, 4}}, {{3, 0}, {11, 0}}, {{3, 1}, {11, 1}}, {{4, 0}, {12, 0}}, {{4, 1}, {3, 2}}};
  for (unsigned type = 0; type < 256; ++type) {
    for (unsigned code = 0; code < 8; ++code) {
      const auto meaning = icmp6_to_icmp4(static_cast<std::uint8_t>(type), static_cast<std::uint8_t>(code));
      if (type == 128 || type == 129) {
        ASSERT_TRUE(meaning);
        EXPECT_EQ(meaning->type, type == 128 ? 8 : 0);
      } else if ((type == 2 && code > 0) || (type == 3 && code > 1)) {
        continue;  // there are no such codes
      } else if (const auto want = expected.find({type, code}); want != expected.end()) {
        ASSERT_TRUE(meaning) << type << '/' << code;
        EXPECT_EQ(TypeCode(meaning->type, meaning->code), want->second) << type << '/' << code;
      } else {
        EXPECT_FALSE(meaning) << type << '/' << code << ": neighbour or listener discovery, or unknown";
      }
    }
  }
}

TEST(IcmpMap, a_pointer_to_a_field_points_to_its_counterpart) {  // RFC 7915 figures 3 and 6
  constexpr int none = -1;
  constexpr int to_v6[20] = {0,    1,    4, 4, none, none, none, none, 7,  6,
                             none, none, 8, 8, 8,    8,    24,   24,   24, 24};
  for (unsigned i = 0; i < 256; ++i) {
    const auto pointer = pointer4_to_6(static_cast<std::uint8_t>(i));
    EXPECT_EQ(pointer ? int{*pointer} : none, i < 20 ? to_v6[i] : none) << i;
  }
  for (unsigned i = 0; i < 300; ++i) {
    int want = none;
    if (i < 8)
      want = std::array<int, 8>{0, 1, none, none, 2, 2, 9, 8}[i];
    else if (i < 24)
      want = 12;
    else if (i < 40)
      want = 16;
    const auto pointer = pointer6_to_4(i);
    EXPECT_EQ(pointer ? int{*pointer} : none, want) << i;
  }
}

TEST(IcmpMap, a_router_that_tells_no_mtu_meant_the_plateau_below) {  // RFC 1191 section 7
  EXPECT_EQ(mtu_plateau_below(1500), 1492);
  EXPECT_EQ(mtu_plateau_below(1492), 1006);
  EXPECT_EQ(mtu_plateau_below(65535), 32000);
  EXPECT_EQ(mtu_plateau_below(69), 68);
  EXPECT_EQ(mtu_plateau_below(68), 68);
  EXPECT_EQ(mtu_plateau_below(0), 68);
}

}  // namespace
}  // namespace rgw::nat
