// FlowIndex:
//   an_empty_index_finds_nothing
//   an_entry_is_found_by_its_hash_until_it_is_erased
//   entries_of_one_hash_are_candidates_one_after_the_other
//   entries_of_one_tag_and_bucket_are_told_apart_by_verification
//   it_agrees_with_a_model_over_random_operations
//   it_loads_to_nine_tenths_at_every_size
//   a_failed_insertion_changes_nothing
//   hints_go_when_displaced_entries_go
//   a_bulk_search_finds_what_single_searches_find
//   memory_is_at_most_18_bytes_per_entry
//   a_capacity_of_zero_or_beyond_reason_is_an_error
#include "realmgw/nat/flow_index.hpp"

#include "realmgw/base/hash.hpp"
#include "realmgw/base/random.hpp"

#include <array>
#include <bit>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <stdexcept>
#include <unordered_map>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace rgw::nat {
namespace {

using Ref = FlowIndex::Ref;

#if defined(__SANITIZE_ADDRESS__) || !defined(NDEBUG)
constexpr int model_operations = 1'000'000;
#else
constexpr int model_operations = 10'000'000;
#endif

std::vector<Ref> candidates(const FlowIndex& index, std::uint64_t hash) {
  std::vector<Ref> all;
  auto probe = index.probe(hash);
  while (const auto ref = index.next(probe)) all.push_back(*ref);
  return all;
}

bool holds(const FlowIndex& index, std::uint64_t hash, Ref ref) {
  return index.find(hash, [&](Ref candidate) { return candidate == ref; }).has_value();
}

TEST(FlowIndex, an_empty_index_finds_nothing) {
  const FlowIndex index{1000};
  Random random{1};
  for (int i = 0; i < 1000; ++i) {
    const auto hash = random.next();
    index.prefetch(hash);
    EXPECT_TRUE(candidates(index, hash).empty());
    EXPECT_FALSE(index.probe(hash).reads_second_line());
  }
  EXPECT_TRUE(candidates(index, 0).empty()) << "a hash of zero is no free slot";
}

TEST(FlowIndex, an_entry_is_found_by_its_hash_until_it_is_erased) {
  FlowIndex index{1000};
  for (const std::uint64_t hash :
       {std::uint64_t{0}, std::uint64_t{0xffffffffffffffff}, std::uint64_t{0x123456789abcdef0}}) {
    for (const Ref ref : {0u, 1u, 0xffffffffu}) {
      ASSERT_TRUE(index.insert(hash, ref));
      EXPECT_EQ(candidates(index, hash), std::vector<Ref>{ref});
      EXPECT_FALSE(index.erase(hash, ref ^ 1));
      EXPECT_FALSE(index.erase(hash ^ (std::uint64_t{1} << 60), ref));
      EXPECT_EQ(index.size(), 1u);
      EXPECT_TRUE(index.erase(hash, ref));
      EXPECT_FALSE(index.erase(hash, ref));
      EXPECT_TRUE(candidates(index, hash).empty());
      EXPECT_EQ(index.size(), 0u);
    }
  }
}

TEST(FlowIndex, entries_of_one_hash_are_candidates_one_after_the_other) {
  FlowIndex index{1000};
  constexpr std::uint64_t hash = 0xabcdef0123456789;
  std::set<Ref> refs;
  for (Ref ref = 0; ref < 16; ++ref) {  // both buckets, to the brim
    ASSERT_TRUE(index.insert(hash, ref));
    refs.insert(ref);
  }
  EXPECT_FALSE(index.insert(hash, 16)) << "entries of one hash have two buckets and no other";
  auto found = candidates(index, hash);
  EXPECT_EQ(found.size(), 16u);
  EXPECT_EQ((std::set<Ref>{found.begin(), found.end()}), refs);
  for (Ref ref = 0; ref < 16; ++ref) {
    EXPECT_TRUE(holds(index, hash, ref));
    EXPECT_TRUE(index.erase(hash, ref));
    EXPECT_FALSE(holds(index, hash, ref));
  }
}

TEST(FlowIndex, entries_of_one_tag_and_bucket_are_told_apart_by_verification) {
  FlowIndex index{1000};
  // Bits 32 to 47 are neither tag nor bucket.
  ASSERT_TRUE(index.insert(0x7777'0000'0000'0001, 10));
  ASSERT_TRUE(index.insert(0x7777'0001'0000'0001, 11));
  EXPECT_EQ(candidates(index, 0x7777'0000'0000'0001).size(), 2u);
  EXPECT_EQ(index.find(0x7777'0000'0000'0001, [](Ref ref) { return ref == 11; }), 11u);
  EXPECT_EQ(index.find(0x7777'0000'0000'0001, [](Ref) { return false; }), std::nullopt);
}

TEST(FlowIndex, it_agrees_with_a_model_over_random_operations) {
  Random random{2024};
  const HashSalt salt{random};
  constexpr std::size_t capacity = 29'000;  // of 4096 buckets, so that they fill to 0.885
  FlowIndex index{capacity};
  std::unordered_map<std::uint32_t, Ref> model;  // key to ref
  std::vector<std::uint32_t> key_of(1u << 20);   // the record of a ref
  constexpr std::uint32_t keys = 60'000;
  for (int i = 0; i < model_operations; ++i) {
    const std::uint32_t key = random.below(keys);
    const std::uint64_t hash = hash_of(key, salt);
    const auto it = model.find(key);
    const auto found = index.find(hash, [&](Ref ref) { return key_of[ref] == key; });
    ASSERT_EQ(found.has_value(), it != model.end());
    if (found) {
      ASSERT_EQ(*found, it->second);
      if (random.below(2) == 0) {
        ASSERT_TRUE(index.erase(hash, *found));
        model.erase(it);
      }
    } else if (model.size() < capacity) {
      const auto ref =
          static_cast<Ref>(random.below(1u << 20) & ~0xffffu) | key;  // never one ref for two keys
      key_of[ref] = key;
      ASSERT_TRUE(index.insert(hash, ref)) << "at " << model.size() << " entries";
      model.emplace(key, ref);
    }
    ASSERT_EQ(index.size(), model.size());
  }
  EXPECT_GT(model.size(), capacity / 2);
  for (const auto& [key, ref] : model) ASSERT_TRUE(holds(index, hash_of(key, salt), ref));
}

TEST(FlowIndex, it_loads_to_nine_tenths_at_every_size) {
  Random random{5};
  for (const std::size_t buckets : {16u, 64u, 1024u, 65536u}) {
    const std::size_t entries = buckets * 8 * 9 / 10;
    FlowIndex index{entries};
    ASSERT_EQ(index.slots(), buckets * 8);
    std::vector<std::uint64_t> hashes;
    for (std::size_t i = 0; i < entries; ++i) {
      hashes.push_back(random.next());
      ASSERT_TRUE(index.insert(hashes.back(), static_cast<Ref>(i))) << i << " of " << entries;
    }
    for (std::size_t i = 0; i < entries; ++i) ASSERT_TRUE(holds(index, hashes[i], static_cast<Ref>(i)));
  }
}

TEST(FlowIndex, a_failed_insertion_changes_nothing) {
  Random random{6};
  FlowIndex index{100};
  std::vector<std::pair<std::uint64_t, Ref>> entries;
  const auto everything = [&] {
    std::vector<std::vector<Ref>> all;
    for (const auto& [hash, ref] : entries) all.push_back(candidates(index, hash));
    return all;
  };
  std::size_t failures = 0;
  for (Ref ref = 0; failures < 100; ++ref) {
    const auto hash = random.next();
    const auto before = everything();
    const auto displaced = index.displaced();
    if (index.insert(hash, ref)) {
      entries.emplace_back(hash, ref);
      continue;
    }
    ++failures;
    ASSERT_FALSE(holds(index, hash, ref));
    ASSERT_EQ(index.size(), entries.size());
    ASSERT_EQ(index.displaced(), displaced);
    ASSERT_EQ(everything(), before);
  }
  EXPECT_GE(index.size(), index.slots() * 95 / 100);
  for (const auto& [hash, ref] : entries) ASSERT_TRUE(holds(index, hash, ref));
}

TEST(FlowIndex, hints_go_when_displaced_entries_go) {
  Random random{7};
  FlowIndex index{5000};
  std::vector<std::uint64_t> hashes;
  for (Ref ref = 0; index.size() < index.slots() * 9 / 10; ++ref) {
    hashes.push_back(random.next());
    ASSERT_TRUE(index.insert(hashes.back(), ref));
  }
  EXPECT_GT(index.displaced(), index.size() / 50);
  for (Ref ref = 0; ref < hashes.size(); ++ref) ASSERT_TRUE(index.erase(hashes[ref], ref));
  EXPECT_EQ(index.displaced(), 0u);
  for (int i = 0; i < 100'000; ++i) ASSERT_FALSE(index.probe(random.next()).reads_second_line());
}

TEST(FlowIndex, a_bulk_search_finds_what_single_searches_find) {
  Random random{8};
  FlowIndex index{29'000};
  std::vector<std::uint64_t> hashes;
  for (Ref ref = 0; ref < 29'000; ++ref) {
    hashes.push_back(random.next());
    // A third of the entries has a twin of the same hash, so that verification decides.
    ASSERT_TRUE(index.insert(hashes.back(), ref));
    if (ref % 3 == 0 && index.size() < 29'000) {
      ASSERT_TRUE(index.insert(hashes.back(), ref | 1u << 31));
    }
    if (index.size() >= 29'000) break;
  }
  for (int round = 0; round < 2000; ++round) {
    std::array<std::uint64_t, FlowIndex::max_bulk> wanted;
    std::array<Ref, FlowIndex::max_bulk> meant, refs;
    const std::size_t n = random.below(FlowIndex::max_bulk + 1);
    std::uint32_t expected = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const bool hit = random.below(4) != 0;
      meant[i] = random.below(static_cast<std::uint32_t>(hashes.size()));
      wanted[i] = hit ? hashes[meant[i]] : random.next();
      expected |= static_cast<std::uint32_t>(hit) << i;
      index.prefetch(wanted[i]);
    }
    std::size_t fetched = 0;
    const auto found = index.find_bulk(
        std::span{wanted}.first(n), refs.data(), [&](Ref) { ++fetched; },
        [&](std::size_t i, Ref ref) { return ref == meant[i]; });
    ASSERT_EQ(found, expected);
    ASSERT_GE(fetched, static_cast<std::size_t>(std::popcount(found)));
    for (std::size_t i = 0; i < n; ++i) {
      if ((found >> i & 1) != 0) {
        ASSERT_EQ(refs[i], meant[i]);
      }
    }
  }
}

TEST(FlowIndex, memory_is_at_most_18_bytes_per_entry) {
  for (const std::size_t capacity : {100'000u, 117'965u, 117'966u, 1'000'000u, 20'971'520u}) {
    const FlowIndex index{capacity};
    EXPECT_LE(static_cast<double>(index.bytes()) / static_cast<double>(capacity), 18.0) << capacity;
    EXPECT_GE(index.slots() * 9 / 10, capacity);
  }
}

TEST(FlowIndex, a_capacity_of_zero_or_beyond_reason_is_an_error) {
  EXPECT_THROW(FlowIndex{0}, std::length_error);
  EXPECT_THROW(FlowIndex{(std::size_t{1} << 30) + 1}, std::length_error);
}

}  // namespace
}  // namespace rgw::nat
