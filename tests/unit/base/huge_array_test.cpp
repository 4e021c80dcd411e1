// HugeArray:
//   its_bytes_are_zero_and_stay_written
//   a_big_one_begins_on_a_huge_page
//   prefaulting_changes_nothing
//   what_is_prefaulted_behind_its_user_keeps_what_is_written
//   prefaulting_behind_stops_when_asked
//   a_moved_array_keeps_its_memory
//   a_size_that_no_machine_has_is_an_error
#include "realmgw/base/huge_array.hpp"

#include <algorithm>
#include <cstdint>
#include <new>
#include <sys/mman.h>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace rgw {
namespace {

TEST(HugeArray, its_bytes_are_zero_and_stay_written) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{1000}, std::size_t{1} << 20}) {
    HugeArray<std::uint32_t> array{size};
    EXPECT_EQ(array.size(), size);
    EXPECT_GE(array.bytes(), size * 4);
    for (std::size_t i = 0; i < size; ++i) {
      ASSERT_EQ(array[i], 0u);
      array[i] = static_cast<std::uint32_t>(i) + 1;
    }
    for (std::size_t i = 0; i < size; ++i) ASSERT_EQ(array[i], i + 1);
  }
}

TEST(HugeArray, a_big_one_begins_on_a_huge_page) {
  for (const std::size_t mib : {2u, 3u, 64u}) {
    HugeArray<std::uint8_t> array{mib << 20};
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(array.data()) % (2u << 20), 0u);
    EXPECT_EQ(array.bytes() % (2u << 20), 0u);
    array[(mib << 20) - 1] = 1;
  }
}

TEST(HugeArray, prefaulting_changes_nothing) {
  HugeArray<std::uint32_t> array{3u << 20};
  array[0] = 1;
  array[(3u << 20) - 1] = 2;
  array.prefault();
  EXPECT_EQ(array[0], 1u);
  EXPECT_EQ(array[1u << 20], 0u);
  EXPECT_EQ(array[(3u << 20) - 1], 2u);
}

TEST(HugeArray, what_is_prefaulted_behind_its_user_keeps_what_is_written) {
  HugeArray<std::uint32_t> array{16u << 20};
  std::jthread behind = array.prefault_in_order(4u << 20);
  const std::size_t used = array.size() / 4;  // nobody but the thread touches the rest
  for (std::size_t i = 0; i < used; i += 512) array[i] = static_cast<std::uint32_t>(i + 1);
  behind.join();
  for (std::size_t i = 0; i < used; i += 512) ASSERT_EQ(array[i], i + 1);
  ASSERT_EQ(array[1], 0u);

  std::vector<unsigned char> resident(array.bytes() / 4096);
  ASSERT_EQ(::mincore(array.data(), array.bytes(), resident.data()), 0);
  EXPECT_EQ(
      std::count_if(resident.begin(), resident.end(), [](unsigned char page) { return (page & 1) == 0; }), 0);
  EXPECT_FALSE(array.prefault_in_order(array.bytes()).joinable());
}

TEST(HugeArray, prefaulting_behind_stops_when_asked) {
  HugeArray<std::uint32_t> array{64u << 20};
  static_cast<void>(array.prefault_in_order(0));  // goes at once
  array[array.size() - 1] = 3;
  EXPECT_EQ(array[array.size() - 1], 3u);
}

TEST(HugeArray, a_moved_array_keeps_its_memory) {
  HugeArray<std::uint32_t> array{100};
  array[7] = 7;
  auto moved = std::move(array);
  EXPECT_EQ(moved[7], 7u);
  HugeArray<std::uint32_t> other{5};
  other = std::move(moved);
  EXPECT_EQ(other[7], 7u);
  EXPECT_EQ(other.size(), 100u);
}

TEST(HugeArray, a_size_that_no_machine_has_is_an_error) {
  EXPECT_THROW(HugeArray<std::uint64_t>{SIZE_MAX}, std::bad_alloc);
  EXPECT_THROW(HugeArray<std::uint64_t>{SIZE_MAX / 8}, std::bad_alloc);
}

}  // namespace
}  // namespace rgw
