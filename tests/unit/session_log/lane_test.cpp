// Records from a worker to the writer: in order, none twice, and what finds no room is counted.
#include "realmgw/session_log/lane.hpp"

#include <thread>

#include <gtest/gtest.h>

namespace rgw::session_log {
namespace {

Record numbered(std::uint32_t number) {
  return {.at = {}, .host = {}, .external = {}, .remote = {}, .session = number};
}

TEST(Lane, hands_records_over_in_order_and_counts_those_without_room) {
  Lane lane{8};
  for (std::uint32_t i = 0; i < 11; ++i) EXPECT_EQ(lane.put(numbered(i)), i < 8);
  EXPECT_EQ(lane.lost(), 3U);
  std::uint32_t next = 0;
  EXPECT_EQ(lane.take(5, [&](const Record& record) { EXPECT_EQ(record.session, next++); }), 5U);
  EXPECT_TRUE(lane.put(numbered(8)));
  EXPECT_EQ(lane.take(100, [&](const Record& record) { EXPECT_EQ(record.session, next++); }), 4U);
  EXPECT_EQ(lane.take(100, [&](const Record&) { ADD_FAILURE() << "it is empty"; }), 0U);
  EXPECT_EQ(lane.lost(), 3U);
}

TEST(Lane, between_two_threads_what_was_not_lost_arrives_once_and_in_order) {
  constexpr std::uint32_t all = 300'000;
  Lane lane{1024};
  std::uint32_t put = 0;
  std::atomic<bool> done = false;
  std::thread writer{[&] {
    for (std::uint32_t i = 0; i < all; ++i) put += lane.put(numbered(i)) ? 1 : 0;
    done = true;
  }};
  std::uint32_t taken = 0;
  std::int64_t last = -1;
  const auto use = [&](const Record& record) {
    EXPECT_GT(std::int64_t{record.session}, last);
    last = record.session;
    ++taken;
  };
  while (!done) lane.take(256, use);
  writer.join();
  while (lane.take(256, use) != 0) {
  }
  EXPECT_EQ(taken, put);
  EXPECT_EQ(lane.lost(), all - put);
  EXPECT_GT(taken, 0U);
}

}  // namespace
}  // namespace rgw::session_log
