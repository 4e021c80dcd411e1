// OUT-7: which bytes of a datagram have been seen.
//
//   - complete when every byte has come, in any order, up to the longest datagram
//   - overlaps, duplicates and contradictions are told apart exactly; a model agrees
#include "realmgw/nat/datagram_cover.hpp"

#include "realmgw/base/random.hpp"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

namespace rgw::nat {
namespace {

using enum DatagramCover::Fit;

TEST(DatagramCover, is_complete_when_every_byte_has_come) {
  DatagramCover cover;
  EXPECT_FALSE(cover.complete());
  EXPECT_EQ(cover.add(0, 1480, true), fits);
  EXPECT_EQ(cover.add(2960, 41, false), fits);
  EXPECT_FALSE(cover.complete());
  EXPECT_EQ(cover.add(1480, 1480, true), fits);
  EXPECT_TRUE(cover.complete());
}

TEST(DatagramCover, takes_the_longest_datagram_in_the_smallest_pieces_backwards) {
  DatagramCover cover;
  ASSERT_EQ(cover.add(65528, 7, false), fits);
  for (std::uint32_t offset = 65528; offset != 0;) {
    ASSERT_FALSE(cover.complete());
    offset -= 8;
    ASSERT_EQ(cover.add(offset, 8, true), fits);
  }
  EXPECT_TRUE(cover.complete());
}

TEST(DatagramCover, takes_the_longest_fragment_at_once) {
  DatagramCover cover;
  EXPECT_EQ(cover.add(0, 65535, false), fits);
  EXPECT_TRUE(cover.complete());
  EXPECT_EQ(cover.add(0, 65535, false), duplicate);
}

TEST(DatagramCover, one_unit_in_common_is_an_overlap) {
  for (const std::uint32_t offset : {8U, 1472U, 1488U, 2944U}) {
    DatagramCover cover;
    ASSERT_EQ(cover.add(1480, 1472, true), fits);
    EXPECT_EQ(cover.add(offset, 1480, true), overlaps) << offset;
  }
  DatagramCover cover;
  ASSERT_EQ(cover.add(1480, 1472, true), fits);
  EXPECT_EQ(cover.add(0, 1480, true), fits);
  EXPECT_EQ(cover.add(2952, 8, false), fits);
}

TEST(DatagramCover, the_same_bytes_cut_in_another_way_are_no_duplicate) {
  DatagramCover cover;
  ASSERT_EQ(cover.add(0, 64, true), fits);
  ASSERT_EQ(cover.add(64, 64, true), fits);
  EXPECT_EQ(cover.add(64, 64, true), duplicate);
  EXPECT_EQ(cover.add(0, 128, true), overlaps);
  EXPECT_EQ(cover.add(0, 32, true), overlaps);
  EXPECT_EQ(cover.add(32, 32, true), overlaps);
  EXPECT_EQ(cover.add(64, 64, false), overlaps) << "the same bytes, but now they are the last";
}

TEST(DatagramCover, there_is_one_end) {
  DatagramCover cover;
  ASSERT_EQ(cover.add(800, 13, false), fits);
  EXPECT_EQ(cover.add(816, 8, true), contradicts);
  EXPECT_EQ(cover.add(800, 16, true), contradicts);
  EXPECT_EQ(cover.add(800, 12, false), contradicts);
  EXPECT_EQ(cover.add(0, 8, false), contradicts);
  EXPECT_EQ(cover.add(800, 13, false), duplicate);
  DatagramCover reversed;
  ASSERT_EQ(reversed.add(816, 8, true), fits);
  EXPECT_EQ(reversed.add(800, 13, false), contradicts);
}

TEST(DatagramCover, cleared_is_as_good_as_new) {
  DatagramCover cover;
  ASSERT_EQ(cover.add(8, 65520, true), fits);
  ASSERT_EQ(cover.add(65528, 7, false), fits);
  cover.clear();
  EXPECT_FALSE(cover.complete());
  for (std::uint32_t offset = 0; offset < 65528; offset += 8) ASSERT_EQ(cover.add(offset, 8, true), fits);
}

TEST(DatagramCover, random_fragments_agree_with_a_model) {
  struct Piece {
    std::uint32_t offset, length;
    bool more;
    [[nodiscard]] std::uint32_t end() const { return offset + length; }
    bool operator==(const Piece&) const = default;
  };
  const auto judge = [](const std::vector<Piece>& seen, const Piece& piece) {
    for (const Piece& s : seen) {
      if (!s.more && (piece.end() > s.end() || (!piece.more && piece.end() != s.end()))) return contradicts;
      if (!piece.more && s.end() > piece.end()) return contradicts;
    }
    if (std::find(seen.begin(), seen.end(), piece) != seen.end()) return duplicate;
    for (const Piece& s : seen) {
      if (piece.offset < (s.end() + 7) / 8 * 8 && s.offset < (piece.end() + 7) / 8 * 8) return overlaps;
    }
    return fits;
  };

  Random random{7};
  std::array<unsigned, 4> verdicts{};
  for (int round = 0; round < 5000; ++round) {
    DatagramCover cover;
    std::vector<Piece> seen;
    const std::uint32_t units = random.below(2) == 0 ? 24 : 300;
    for (int n = 0; n < 20; ++n) {
      Piece piece{};
      if (!seen.empty() && random.below(6) == 0) {
        piece = seen[random.below(static_cast<std::uint32_t>(seen.size()))];
      } else {
        piece.offset = 8 * random.below(units);
        piece.more = random.below(6) != 0;
        piece.length = 8 * (1 + random.below(units / 6)) - (piece.more ? 0 : random.below(8));
      }
      const auto expected = judge(seen, piece);
      ASSERT_EQ(cover.judge(piece.offset, piece.length, piece.more), expected);
      ASSERT_EQ(cover.add(piece.offset, piece.length, piece.more), expected);
      ++verdicts[static_cast<std::size_t>(expected)];
      if (expected == fits) seen.push_back(piece);
      std::uint32_t bytes = 0, total = 0;
      for (const Piece& s : seen) {
        bytes += s.length;
        if (!s.more) total = s.end();
      }
      ASSERT_EQ(cover.complete(), total != 0 && bytes == total);
    }
  }
  for (const unsigned count : verdicts) EXPECT_GT(count, 1000U) << "the test does not reach every verdict";
}

}  // namespace
}  // namespace rgw::nat
