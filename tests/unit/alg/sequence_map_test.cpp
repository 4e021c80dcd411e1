// ALG-1, the numbers alone: what the fast path does to SEQ, ACK and SACK after edits.
#include "realmgw/alg/sequence_map.hpp"

#include <gtest/gtest.h>

namespace rgw::alg {
namespace {

/// [100, 110) became [100, 115); [200, 210) became [205, 206): +5, then -4.
SequenceMap grown_then_shrunk(std::uint32_t base = 0) {
  SequenceMap map;
  map.add({base + 100, base + 110, base + 100, base + 115});
  map.add({base + 200, base + 210, base + 205, base + 206});
  return map;
}

TEST(SequenceMap, a_session_without_edits_keeps_its_numbers) {
  const SequenceMap map;
  EXPECT_TRUE(map.identity());
  EXPECT_EQ(map.map_seq(7), 7u);
  EXPECT_EQ(map.map_ack(7), 7u);
}

TEST(SequenceMap, offsets_accumulate_from_edit_to_edit) {
  const auto map = grown_then_shrunk();
  EXPECT_EQ(map.map_seq(100), 100u);
  EXPECT_EQ(map.map_seq(110), 115u);
  EXPECT_EQ(map.map_seq(200), 205u);
  EXPECT_EQ(map.map_seq(210), 206u);
  EXPECT_EQ(map.map_seq(1000), 996u);
  EXPECT_EQ(map.delta(), static_cast<std::uint32_t>(-4));
}

TEST(SequenceMap, an_acknowledgement_within_an_edit_asks_for_all_of_it) {
  const auto map = grown_then_shrunk();
  EXPECT_EQ(map.map_ack(100), 100u);
  EXPECT_EQ(map.map_ack(112), 100u);
  EXPECT_EQ(map.map_ack(115), 110u);
  EXPECT_EQ(map.map_ack(205), 200u);
  EXPECT_EQ(map.map_ack(206), 210u);
}

TEST(SequenceMap, acknowledgements_invert_sequence_numbers_outside_of_edits_also_over_the_wrap) {
  for (const std::uint32_t base : {0u, 0xffffff00u, 0xffffff60u, 0xffffff9bu}) {
    const auto map = grown_then_shrunk(base);
    for (std::uint32_t i = 0; i < 400; ++i) {
      if ((i > 100 && i < 110) || (i > 200 && i < 210)) continue;
      EXPECT_EQ(map.map_ack(map.map_seq(base + i)), base + i) << base << "+" << i;
    }
  }
}

TEST(SequenceMap, a_sack_block_shrinks_to_what_is_whole) {
  const auto map = grown_then_shrunk();
  EXPECT_EQ(map.map_sack(90, 120), (std::pair{90u, 115u}));
  EXPECT_EQ(map.map_sack(90, 112), (std::pair{90u, 100u}));
  EXPECT_EQ(map.map_sack(112, 120), (std::pair{110u, 115u}));
  EXPECT_EQ(map.map_sack(101, 112), std::nullopt);
}

TEST(SequenceMap, segments_that_carry_edited_bytes_are_told_from_others) {
  const auto map = grown_then_shrunk();
  EXPECT_FALSE(map.touches(90, 10));
  EXPECT_TRUE(map.touches(90, 11));
  EXPECT_TRUE(map.touches(109, 1));
  EXPECT_FALSE(map.touches(110, 90));
  EXPECT_FALSE(map.touches(105, 0) && map.touches(110, 0));
}

TEST(SequenceMap, beyond_its_capacity_the_offset_before_the_oldest_remains) {
  SequenceMap map;
  for (std::uint32_t i = 0; i < 10; ++i) map.add({100 * i, 100 * i + 1, 102 * i, 102 * i + 3});
  EXPECT_EQ(map.map_seq(5000), 5020u);
  EXPECT_EQ(map.map_seq(601), 615u);
  EXPECT_EQ(map.map_seq(599), 611u) << "six edits lie before";
  EXPECT_EQ(map.map_ack(611), 599u);
}

}  // namespace
}  // namespace rgw::alg
