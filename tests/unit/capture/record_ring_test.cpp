// Records between two threads, whole and in order, also round the end of the room.
#include "realmgw/capture/record_ring.hpp"

#include <string>
#include <string_view>
#include <thread>

#include <gtest/gtest.h>

namespace rgw::capture {
namespace {

std::span<const std::byte> bytes(std::string_view text) {
  return std::as_bytes(std::span{text.data(), text.size()});
}
std::string text(std::span<const std::byte> record) {
  return {reinterpret_cast<const char*>(record.data()), record.size()};
}

TEST(RecordRingTest, records_come_out_whole_and_in_order) {
  RecordRing ring{256};
  EXPECT_TRUE(ring.front().empty());
  EXPECT_TRUE(ring.push(bytes("head"), bytes("body")));
  EXPECT_TRUE(ring.push(bytes("alone"), {}));
  EXPECT_EQ(text(ring.front()), "headbody");
  EXPECT_EQ(text(ring.front()), "headbody") << "until it is popped";
  ring.pop();
  EXPECT_EQ(text(ring.front()), "alone");
  ring.pop();
  EXPECT_TRUE(ring.front().empty());
}

TEST(RecordRingTest, a_full_ring_takes_nothing_and_loses_nothing) {
  RecordRing ring{64};
  int taken = 0;
  while (ring.push(bytes(std::to_string(taken)), bytes("-"))) ++taken;
  EXPECT_EQ(taken, 8);
  EXPECT_FALSE(ring.push({}, bytes("x")));
  for (int i = 0; i < taken; ++i) {
    EXPECT_EQ(text(ring.front()), std::to_string(i) + "-");
    ring.pop();
  }
  EXPECT_TRUE(ring.front().empty());
  EXPECT_TRUE(ring.push({}, bytes("x")));
}

TEST(RecordRingTest, a_record_as_long_as_the_ring_fits_once_it_is_empty_and_a_longer_one_never) {
  RecordRing ring{64};
  const std::string whole(60, 'w');
  EXPECT_FALSE(ring.push({}, bytes(whole + "!")));
  EXPECT_TRUE(ring.push({}, bytes(whole)));
  EXPECT_EQ(text(ring.front()), whole);
  ring.pop();
  EXPECT_TRUE(ring.push({}, bytes(whole)));
}

// Lengths and rounds of every kind, with two threads.
TEST(RecordRingTest, one_thread_reads_what_another_writes) {
  constexpr int records = 200'000;
  RecordRing ring{1024};
  const auto record = [](int i) {
    return std::string(static_cast<std::size_t>(i * 7 % 97), 'a') + std::to_string(i);
  };
  std::thread writer{[&] {
    for (int i = 0; i < records; ++i) {
      const std::string one = record(i);
      while (!ring.push(bytes(one).first(one.size() / 2), bytes(one).subspan(one.size() / 2)))
        std::this_thread::yield();
    }
  }};
  for (int i = 0; i < records; ++i) {
    while (ring.front().empty()) std::this_thread::yield();
    const std::string got = text(ring.front());
    ring.pop();
    ASSERT_EQ(got, record(i));
  }
  writer.join();
}

}  // namespace
}  // namespace rgw::capture
