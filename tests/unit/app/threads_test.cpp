// The daemon's threads: they end when told to, a failure is heard of, and their turns are counted.
#include "realmgw/app/threads.hpp"

#include <poll.h>
#include <stdexcept>

#include <gtest/gtest.h>

namespace rgw::app {
namespace {

bool readable(int fd, int timeout_ms) {
  pollfd wait{fd, POLLIN, 0};
  return poll(&wait, 1, timeout_ms) == 1;
}

TEST(ThreadGroupTest, threads_run_until_they_are_told_to_stop) {
  std::atomic<int> ended{0};
  ThreadGroup threads;
  for (int i = 0; i < 2; ++i) {
    threads.start("test", [&](ThreadGroup::Turns& turns) {
      while (turns.next()) std::this_thread::yield();
      ++ended;
    });
  }
  EXPECT_EQ(ended, 0);
  threads.stop();
  EXPECT_EQ(ended, 2);
  EXPECT_FALSE(readable(threads.failure_fd(), 0));
}

TEST(ThreadGroupTest, a_thread_that_throws_is_heard_of_and_the_others_can_be_stopped) {
  ThreadGroup threads;
  threads.start("good", [](ThreadGroup::Turns& turns) {
    while (turns.next()) std::this_thread::yield();
  });
  threads.start("bad", [](ThreadGroup::Turns&) { throw std::runtime_error{"on purpose, by a test"}; });
  EXPECT_TRUE(readable(threads.failure_fd(), 10'000));
  threads.stop();
}

TEST(ThreadGroupTest, the_turns_of_each_thread_are_counted) {
  ThreadGroup threads;
  std::atomic<bool> hold{true};
  threads.start("turns", [](ThreadGroup::Turns& turns) {
    while (turns.next()) std::this_thread::yield();
  });
  threads.start("stands", [&](ThreadGroup::Turns& turns) {
    while (turns.next()) {
      while (hold) std::this_thread::yield();
    }
  });
  const auto& turns = threads.turns();
  ASSERT_EQ(turns.size(), 2U);
  EXPECT_EQ(turns[0]->name(), "turns");
  while (turns[0]->count() < 1000 || turns[1]->count() == 0) std::this_thread::yield();
  EXPECT_EQ(turns[1]->count(), 1U);
  hold = false;
}

TEST(RestTest, a_worker_rests_after_a_run_of_empty_polls_and_deeper_after_a_long_one) {
  Rest rest;
  for (unsigned i = 0; i < Rest::patience; ++i) ASSERT_EQ(rest.next(), 0) << i;
  for (unsigned i = 0; i < Rest::light_sleeps; ++i) ASSERT_EQ(rest.next(), Rest::light_nanoseconds) << i;
  EXPECT_EQ(rest.next(), Rest::deep_nanoseconds);
  EXPECT_EQ(rest.next(), Rest::deep_nanoseconds);
  rest.after_poll(true);
  EXPECT_EQ(rest.next(), 0) << "a packet came";
}

}  // namespace
}  // namespace rgw::app
