// The index of records by keys that stand in them:
//   random insertions, overwritings, searches and erasures agree with a plain map, with a good hash and with
//   a bad one it takes as many as it promises, and says when it is full
#include "realmgw/pool/slot_index.hpp"

#include "realmgw/base/random.hpp"

#include <map>
#include <vector>

#include <gtest/gtest.h>

namespace rgw::pool {
namespace {

using Hash = std::uint64_t (*)(std::uint32_t);
std::uint64_t good(std::uint32_t key) {
  return (key + 1) * 0x9e3779b97f4a7c15ULL;
}
/// All keys in a few runs, which also go round the end of the table.
std::uint64_t bad(std::uint32_t key) {
  return std::uint64_t{key % 3 == 0 ? 0xffffffffU : key % 7 * 2} << 32;
}

class SlotIndexTest : public testing::TestWithParam<Hash> {};
INSTANTIATE_TEST_SUITE_P(Hashes, SlotIndexTest, testing::Values(good, bad));

TEST_P(SlotIndexTest, random_operations_agree_with_a_plain_map) {
  constexpr std::uint32_t keys = 100;
  const Hash hash = GetParam();
  SlotIndex index{64};
  std::vector<std::uint32_t> key_of(1000);  // the records
  std::map<std::uint32_t, std::uint32_t> model;
  Random random{5};
  const auto find = [&](std::uint32_t key) {
    return index.find(hash(key), [&](std::uint32_t slot) { return key_of[slot] == key; });
  };
  for (int step = 0; step < 200'000; ++step) {
    const std::uint32_t key = random.below(keys), slot = random.below(10) * keys + key;
    const auto expected = model.find(key);
    auto* const found = find(key);
    ASSERT_EQ(found != nullptr, expected != model.end());
    if (found != nullptr) {
      ASSERT_EQ(*found, expected->second);
    }
    key_of[slot] = key;
    switch (random.below(3)) {
      case 0:
        if (found != nullptr) {
          *found = slot;
          model[key] = slot;
        } else if (index.insert(hash(key), slot)) {
          model.emplace(key, slot);
        } else {
          ASSERT_EQ(model.size(), 64U);
        }
        break;
      case 1:
        ASSERT_EQ(index.erase(hash(key), slot), expected != model.end() && expected->second == slot);
        if (expected != model.end() && expected->second == slot) model.erase(expected);
        break;
      default:
        if (found != nullptr) {
          ASSERT_TRUE(index.erase(hash(key), *found));
          model.erase(expected);
        }
    }
    ASSERT_EQ(index.size(), model.size());
    ASSERT_EQ(index.full(), model.size() == 64U);
  }
}

TEST(SlotIndex, a_capacity_that_it_cannot_have_is_refused) {
  EXPECT_THROW(SlotIndex{0}, std::length_error);
  EXPECT_THROW(SlotIndex{(std::size_t{1} << 29) + 1}, std::length_error);
}

}  // namespace
}  // namespace rgw::pool
