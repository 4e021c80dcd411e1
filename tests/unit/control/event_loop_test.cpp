// The event loop: who is called and when; handlers that take descriptors away, their own and others'.
#include "realmgw/control/event_loop.hpp"

#include <chrono>
#include <sys/eventfd.h>
#include <vector>

#include <gtest/gtest.h>

namespace rgw::control {
namespace {

using namespace std::chrono_literals;

class EventLoopTest : public testing::Test {
 protected:
  FileDescriptor event(bool ready) { return FileDescriptor{eventfd(ready ? 1 : 0, EFD_NONBLOCK)}; }
  EventLoop loop;
};

TEST_F(EventLoopTest, a_ready_descriptor_is_served_and_another_is_not) {
  const auto ready = event(true);
  const auto quiet = event(false);
  int served = 0;
  loop.add(ready.get(), EPOLLIN, [&](std::uint32_t events) { served += (events & EPOLLIN) != 0 ? 1 : 100; });
  loop.add(quiet.get(), EPOLLIN, [&](std::uint32_t) { served += 1000; });
  EXPECT_EQ(loop.wait(0us), 1U);
  EXPECT_EQ(served, 1);
}

TEST_F(EventLoopTest, work_that_a_handler_leaves_comes_up_again) {
  const auto ready = event(true);
  int served = 0;
  loop.add(ready.get(), EPOLLIN, [&](std::uint32_t) { ++served; });
  loop.wait(0us);
  loop.wait(0us);
  EXPECT_EQ(served, 2);
}

TEST_F(EventLoopTest, a_handler_may_remove_itself) {
  const auto ready = event(true);
  int served = 0;
  loop.add(ready.get(), EPOLLIN, [&](std::uint32_t) {
    loop.remove(ready.get());
    ++served;
  });
  loop.wait(0us);
  EXPECT_EQ(loop.wait(0us), 0U);
  EXPECT_EQ(served, 1);
}

TEST_F(EventLoopTest, what_a_handler_removes_is_not_served_in_the_same_turn) {
  const auto one = event(true);
  const auto two = event(true);
  int served = 0;
  loop.add(one.get(), EPOLLIN, [&](std::uint32_t) {
    ++served;
    loop.remove(two.get());
  });
  loop.add(two.get(), EPOLLIN, [&](std::uint32_t) {
    ++served;
    loop.remove(one.get());
  });
  loop.wait(0us);
  EXPECT_EQ(served, 1);
}

TEST_F(EventLoopTest, an_event_for_a_closed_descriptor_is_not_taken_for_the_next_one_of_its_number) {
  auto one = event(true);
  auto two = event(true);
  int wrong = 0;
  FileDescriptor reborn;
  const auto close_the_other = [&](FileDescriptor& other) {
    loop.remove(other.get());
    other = FileDescriptor{};
    reborn = event(false);
    loop.add(reborn.get(), EPOLLIN, [&](std::uint32_t) { ++wrong; });
  };
  loop.add(one.get(), EPOLLIN, [&](std::uint32_t) { close_the_other(two); });
  loop.add(two.get(), EPOLLIN, [&](std::uint32_t) { close_the_other(one); });
  loop.wait(0us);
  EXPECT_EQ(wrong, 0);
}

TEST_F(EventLoopTest, the_events_waited_for_can_be_changed) {
  const auto ready = event(true);
  std::uint32_t seen = 0;
  loop.add(ready.get(), EPOLLIN, [&](std::uint32_t events) { seen = events; });
  loop.change(ready.get(), EPOLLOUT);
  loop.wait(0us);
  EXPECT_EQ(seen, std::uint32_t{EPOLLOUT});
  loop.change(ready.get(), 0);
  EXPECT_EQ(loop.wait(0us), 0U);
}

}  // namespace
}  // namespace rgw::control
