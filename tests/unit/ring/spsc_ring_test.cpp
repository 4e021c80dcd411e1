// The ring between two threads: what goes in comes out, whole and in order; what its writer wrote before the
// push, the reader sees after the pop. The preset tsan sees whether the ring orders the two, on any
// processor.
#include "realmgw/ring/spsc_ring.hpp"

#include "realmgw/dataplane/eal.hpp"

#include <array>
#include <cstdint>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace rgw::ring {
namespace {

struct Message {
  std::uint64_t* cell;
  std::uint64_t number;
};

class SpscRingTest : public testing::Test {
 protected:
  SpscRingTest() {
    static dataplane::Eal eal{{.program = "test", .huge_pages = false, .memory_mib = 64, .pci = {}}};
  }
};

TEST_F(SpscRingTest, takes_as_many_as_fit_and_gives_them_back_in_order) {
  SpscRing<std::uint32_t> ring{"fits", 5};  // rounded up to eight, less one
  const std::array<std::uint32_t, 9> values{1, 2, 3, 4, 5, 6, 7, 8, 9};
  EXPECT_TRUE(ring.empty());
  EXPECT_EQ(ring.room(), 7U);
  EXPECT_EQ(ring.push_burst(values), 7U);
  EXPECT_FALSE(ring.push(10));
  EXPECT_EQ(ring.size(), 7U);
  EXPECT_EQ(ring.room(), 0U);
  std::uint32_t first = 0;
  ASSERT_TRUE(ring.pop(first));
  EXPECT_EQ(first, 1U);
  ASSERT_TRUE(ring.push(11)) << "round the end of its memory";
  std::array<std::uint32_t, 9> rest{};
  EXPECT_EQ(ring.pop_burst(rest), 7U);
  EXPECT_EQ(rest, (std::array<std::uint32_t, 9>{2, 3, 4, 5, 6, 7, 11, 0, 0}));
  EXPECT_FALSE(ring.pop(first));
}

TEST_F(SpscRingTest, what_is_written_before_the_push_is_read_after_the_pop) {
  constexpr std::uint64_t count = 20'000;
  SpscRing<Message> there{"there", 64}, back{"back", 64};
  std::vector<std::uint64_t> cells(32);  // plain memory, written by both threads in turn
  std::thread reader{[&] {
    std::array<Message, 8> burst{};
    for (std::uint64_t seen = 0; seen < count;) {
      const unsigned popped = there.pop_burst(burst);
      if (popped == 0) std::this_thread::yield();
      for (unsigned i = 0; i < popped; ++i, ++seen) {
        EXPECT_EQ(burst[i].number, seen);
        EXPECT_EQ(*burst[i].cell, seen);
        *burst[i].cell = ~seen;
        while (!back.push(burst[i])) std::this_thread::yield();
      }
    }
  }};
  std::vector<std::uint64_t*> free;
  for (auto& cell : cells) free.push_back(&cell);
  for (std::uint64_t sent = 0, returned = 0; returned < count;) {
    for (Message message{}; back.pop(message); ++returned) {
      EXPECT_EQ(message.number, returned);
      EXPECT_EQ(*message.cell, ~returned);
      free.push_back(message.cell);
    }
    if (sent == count || free.empty()) {
      std::this_thread::yield();
      continue;
    }
    *free.back() = sent;
    ASSERT_TRUE(there.push({free.back(), sent})) << "never more under way than the ring holds";
    free.pop_back();
    ++sent;
  }
  reader.join();
  EXPECT_TRUE(there.empty());
  EXPECT_TRUE(back.empty());
}

}  // namespace
}  // namespace rgw::ring
