// The daemon's threads: they end when told to, and a failure is heard of. The word to the service manager.
#include "realmgw/app/threads.hpp"

#include "realmgw/app/notify.hpp"

#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <poll.h>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

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
    threads.start("test", [&](const ThreadGroup::Stop& stop) {
      while (!stop) std::this_thread::yield();
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
  threads.start("good", [](const ThreadGroup::Stop& stop) {
    while (!stop) std::this_thread::yield();
  });
  threads.start("bad", [](const ThreadGroup::Stop&) { throw std::runtime_error{"on purpose, by a test"}; });
  EXPECT_TRUE(readable(threads.failure_fd(), 10'000));
  threads.stop();
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

TEST(NotifyTest, without_a_service_manager_there_is_nothing_to_do) {
  unsetenv("NOTIFY_SOCKET");
  EXPECT_TRUE(notify_service_manager("READY=1"));
}

TEST(NotifyTest, the_service_manager_gets_the_state_as_one_datagram) {
  const std::string path =
      std::filesystem::temp_directory_path() / ("rgw-notify-" + std::to_string(getpid()));
  const control::FileDescriptor manager{::socket(AF_UNIX, SOCK_DGRAM, 0)};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, path.c_str());
  ASSERT_EQ(bind(manager.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  setenv("NOTIFY_SOCKET", path.c_str(), 1);
  EXPECT_TRUE(notify_service_manager("READY=1"));
  std::array<char, 32> heard{};
  EXPECT_EQ(recv(manager.get(), heard.data(), heard.size(), MSG_DONTWAIT), 7);
  EXPECT_STREQ(heard.data(), "READY=1");
  std::filesystem::remove(path);
  EXPECT_FALSE(notify_service_manager("READY=1"));
  unsetenv("NOTIFY_SOCKET");
}

}  // namespace
}  // namespace rgw::app
