// FlatMap:
//   what_was_inserted_is_found_until_it_is_erased
//   insert_keeps_a_present_value_and_assign_replaces_it
//   a_full_map_refuses_a_new_key_and_still_serves_the_old_ones
//   a_run_longer_than_max_probe_is_refused_and_the_map_stays_whole
//   a_run_across_the_end_of_the_table_survives_erasures
//   values_are_destroyed_once_each
//   it_agrees_with_a_model_over_random_operations
//   erase_if_asks_about_every_entry_and_keeps_the_others
//   a_sweep_in_parts_reaches_every_entry_while_it_erases
//   a_moved_map_keeps_its_entries
//   a_map_that_is_assigned_another_has_its_entries_and_no_more
//   what_was_moved_from_may_be_assigned_to
//   a_capacity_of_zero_or_beyond_reason_is_an_error
#include "realmgw/base/flat_map.hpp"

#include "realmgw/base/random.hpp"

#include <cstdint>
#include <memory>
#include <set>
#include <stdexcept>
#include <unordered_map>
#include <utility>

#include <gtest/gtest.h>

namespace rgw {
namespace {

HashSalt salt(std::uint64_t seed = 1) {
  Random random{seed};
  return HashSalt{random};
}

/// Puts keys where the test wants them: a key's home is the key itself.
struct HomeIsKey {
  std::uint64_t operator()(std::uint32_t key) const { return std::uint64_t{key} << 33; }
};
/// The worst there is.
struct AllAtHome {
  std::uint64_t operator()(std::uint32_t) const { return 0; }
};

using Map = FlatMap<std::uint32_t, std::uint32_t>;

TEST(FlatMap, what_was_inserted_is_found_until_it_is_erased) {
  Map map{8, salt()};
  EXPECT_EQ(map.find(7), nullptr);
  ASSERT_NE(map.insert(7u, 70u), nullptr);
  ASSERT_NE(map.find(7), nullptr);
  EXPECT_EQ(*map.find(7), 70u);
  EXPECT_EQ(map.size(), 1u);
  EXPECT_TRUE(map.erase(7));
  EXPECT_FALSE(map.erase(7));
  EXPECT_FALSE(map.contains(7));
  EXPECT_TRUE(map.empty());
}

TEST(FlatMap, insert_keeps_a_present_value_and_assign_replaces_it) {
  Map map{8, salt()};
  ASSERT_NE(map.insert(1u, 10u), nullptr);
  EXPECT_EQ(*map.insert(1u, 11u), 10u);
  EXPECT_EQ(*map.assign(1u, 12u), 12u);
  EXPECT_EQ(*map.find(1), 12u);
  EXPECT_EQ(map.size(), 1u);
}

TEST(FlatMap, a_full_map_refuses_a_new_key_and_still_serves_the_old_ones) {
  Map map{100, salt()};
  for (std::uint32_t key = 0; key < 100; ++key) ASSERT_NE(map.insert(key, key), nullptr);
  EXPECT_TRUE(map.full());
  EXPECT_EQ(map.insert(100u, 100u), nullptr);
  EXPECT_EQ(map.assign(100u, 100u), nullptr);
  EXPECT_EQ(*map.insert(5u, 500u), 5u);
  EXPECT_EQ(*map.assign(5u, 500u), 500u);
  EXPECT_TRUE(map.erase(50));
  EXPECT_NE(map.insert(100u, 100u), nullptr);
}

TEST(FlatMap, a_run_longer_than_max_probe_is_refused_and_the_map_stays_whole) {
  FlatMap<std::uint32_t, std::uint32_t, AllAtHome> map{1000, AllAtHome{}};
  const auto most = static_cast<std::uint32_t>(decltype(map)::max_probe);
  for (std::uint32_t key = 0; key < most; ++key) ASSERT_NE(map.insert(key, key), nullptr);
  EXPECT_EQ(map.insert(most, 0u), nullptr);
  EXPECT_EQ(map.size(), most);
  EXPECT_FALSE(map.contains(most));
  for (std::uint32_t key = 0; key < most; ++key) ASSERT_TRUE(map.contains(key));
  EXPECT_TRUE(map.erase(17));
  EXPECT_NE(map.insert(most, 0u), nullptr);
}

TEST(FlatMap, a_run_across_the_end_of_the_table_survives_erasures) {
  FlatMap<std::uint32_t, std::uint32_t, HomeIsKey> map{8, HomeIsKey{}};
  ASSERT_EQ(map.slot_count(), 16u);
  // Homes 14, 15, 15, 0, 14, 1: one run from slot 14 to slot 3.
  const std::uint32_t keys[] = {14, 15, 31, 16, 30, 17};
  for (const auto gone : keys) {
    for (const auto key : keys) ASSERT_NE(map.insert(key, key), nullptr);
    EXPECT_TRUE(map.erase(gone));
    for (const auto key : keys) EXPECT_EQ(map.contains(key), key != gone) << key << " without " << gone;
    map.clear();
  }
}

/// Knows how many of its kind are alive, those moved from among them.
struct Counted {
  explicit Counted(int& n) : alive{&n} { ++*alive; }
  Counted(Counted&& other) noexcept : alive{other.alive} { ++*alive; }
  ~Counted() { --*alive; }
  int* alive;
};

TEST(FlatMap, values_are_destroyed_once_each) {
  int alive = 0;
  {
    FlatMap<std::uint32_t, Counted> map{64, salt()};
    for (std::uint32_t key = 0; key < 64; ++key) ASSERT_NE(map.insert(key, alive), nullptr);
    EXPECT_EQ(alive, 64);
    for (std::uint32_t key = 0; key < 32; ++key) map.erase(key);
    EXPECT_EQ(alive, 32);
    ASSERT_NE(map.assign(40u, Counted{alive}), nullptr);
    EXPECT_EQ(alive, 32);
    const auto moved = std::move(map);
    EXPECT_EQ(alive, 32);
  }
  EXPECT_EQ(alive, 0);
}

TEST(FlatMap, it_agrees_with_a_model_over_random_operations) {
  Random random{42};
  constexpr std::uint32_t capacity = 500, keys = 700;
  Map map{capacity, HashSalt{random}};
  std::unordered_map<std::uint32_t, std::uint32_t> model;
  for (int i = 0; i < 300'000; ++i) {
    const std::uint32_t key = random.below(keys), value = random.below(1u << 30);
    switch (random.below(4)) {
      case 0:
      case 1: {
        const bool room = model.contains(key) || model.size() < capacity;
        const auto* got = map.insert(key, value);
        ASSERT_EQ(got != nullptr, room);
        if (room) {
          ASSERT_EQ(*got, model.try_emplace(key, value).first->second);
        }
        break;
      }
      case 2:
        ASSERT_EQ(map.erase(key), model.erase(key) == 1);
        break;
      case 3: {
        const auto it = model.find(key);
        const auto* got = map.find(key);
        ASSERT_EQ(got != nullptr, it != model.end());
        if (got != nullptr) {
          ASSERT_EQ(*got, it->second);
        }
        break;
      }
    }
    ASSERT_EQ(map.size(), model.size());
  }
  std::unordered_map<std::uint32_t, std::uint32_t> rest;
  map.for_each([&](std::uint32_t key, std::uint32_t value) { EXPECT_TRUE(rest.emplace(key, value).second); });
  EXPECT_EQ(rest, model);
}

TEST(FlatMap, erase_if_asks_about_every_entry_and_keeps_the_others) {
  // Runs that wrap, and runs that do not: homes are squeezed into the last and first slots.
  for (std::uint32_t first_home = 0; first_home < 64; ++first_home) {
    FlatMap<std::uint32_t, std::uint32_t, HomeIsKey> map{32, HomeIsKey{}};
    for (std::uint32_t i = 0; i < 32; ++i) {
      ASSERT_NE(map.insert(i * 64 + (first_home + i / 8) % 64, i), nullptr);
    }
    std::set<std::uint32_t> asked;
    const auto erased = map.erase_if([&](std::uint32_t, std::uint32_t& i) {
      asked.insert(i);
      return i % 3 == 0;
    });
    EXPECT_EQ(erased, 11u);
    EXPECT_EQ(asked.size(), 32u);
    EXPECT_EQ(map.size(), 21u);
    for (std::uint32_t i = 0; i < 32; ++i) {
      EXPECT_EQ(map.contains(i * 64 + (first_home + i / 8) % 64), i % 3 != 0);
    }
  }
}

TEST(FlatMap, a_sweep_in_parts_reaches_every_entry_while_it_erases) {
  Map map{300, salt()};
  for (std::uint32_t key = 0; key < 300; ++key) ASSERT_NE(map.insert(key, key), nullptr);
  std::set<std::uint32_t> asked;
  std::size_t erased = 0, looked_at = 0;
  while (looked_at < map.slot_count() + 150) {
    looked_at += 7;
    erased += map.sweep(7, [&](std::uint32_t key, std::uint32_t&) {
      asked.insert(key);
      return key % 2 == 0;
    });
  }
  EXPECT_EQ(erased, 150u);
  EXPECT_EQ(asked.size(), 300u);
  for (std::uint32_t key = 0; key < 300; ++key) EXPECT_EQ(map.contains(key), key % 2 == 1);
}

TEST(FlatMap, a_moved_map_keeps_its_entries) {
  FlatMap<std::uint32_t, std::unique_ptr<int>> map{4, salt()};
  ASSERT_NE(map.insert(1u, std::make_unique<int>(5)), nullptr);
  const auto moved = std::move(map);
  ASSERT_NE(moved.find(1), nullptr);
  EXPECT_EQ(**moved.find(1), 5);
}

TEST(FlatMap, a_map_that_is_assigned_another_has_its_entries_and_no_more) {
  int alive = 0;
  {
    FlatMap<std::uint32_t, Counted> map{64, salt(1)}, other{8, salt(2)};
    for (std::uint32_t key = 0; key < 64; ++key) ASSERT_NE(map.insert(key, alive), nullptr);
    for (std::uint32_t key = 100; key < 108; ++key) ASSERT_NE(other.insert(key, alive), nullptr);
    map = std::move(other);
    EXPECT_EQ(alive, 8) << "what it had is gone";
    EXPECT_EQ(map.size(), 8u);
    EXPECT_TRUE(map.full()) << "and so is its room";
    EXPECT_FALSE(map.contains(7));
    for (std::uint32_t key = 100; key < 108; ++key) EXPECT_TRUE(map.contains(key));
    auto& itself = map;
    map = std::move(itself);
    EXPECT_EQ(map.size(), 8u);
    EXPECT_TRUE(map.erase(100));
    EXPECT_NE(map.insert(200u, alive), nullptr);
  }
  EXPECT_EQ(alive, 0);
}

TEST(FlatMap, what_was_moved_from_may_be_assigned_to) {
  Map map{4, salt(1)}, other{4, salt(2)};
  ASSERT_NE(map.insert(1u, 10u), nullptr);
  ASSERT_NE(other.insert(2u, 20u), nullptr);
  std::swap(map, other);
  EXPECT_EQ(*map.find(2), 20u);
  EXPECT_EQ(*other.find(1), 10u);
  EXPECT_FALSE(map.contains(1));
  EXPECT_NE(other.insert(3u, 30u), nullptr);
}

TEST(FlatMap, a_capacity_of_zero_or_beyond_reason_is_an_error) {
  EXPECT_THROW((Map{0, salt()}), std::length_error);
  EXPECT_THROW((Map{std::size_t{1} << 30, salt()}), std::length_error);
}

}  // namespace
}  // namespace rgw
