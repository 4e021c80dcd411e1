// The word to the service manager (OPS-2): one datagram; and the watchdog, which is beaten only while every
// thread turns.
#include "realmgw/app/watchdog.hpp"

#include "realmgw/app/notify.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

namespace rgw::app {
namespace {

using namespace std::chrono_literals;

/// What a service manager listens on, and its variables in the environment.
class NotifyTest : public testing::Test {
 protected:
  NotifyTest() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, path.c_str());
    EXPECT_EQ(bind(manager.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    setenv("NOTIFY_SOCKET", path.c_str(), 1);
  }
  ~NotifyTest() override {
    for (const char* variable : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) unsetenv(variable);
    std::filesystem::remove(path);
  }

  /// The next datagram; empty where there is none.
  std::string heard() {
    std::array<char, 64> text{};
    const auto length = recv(manager.get(), text.data(), text.size(), MSG_DONTWAIT);
    return {text.data(), length < 0 ? 0U : static_cast<std::size_t>(length)};
  }

  const std::string path =
      std::filesystem::temp_directory_path() / ("rgw-notify-" + std::to_string(getpid()));
  const FileDescriptor manager{::socket(AF_UNIX, SOCK_DGRAM, 0)};
};

TEST_F(NotifyTest, without_a_service_manager_there_is_nothing_to_do) {
  unsetenv("NOTIFY_SOCKET");
  EXPECT_TRUE(notify_service_manager("READY=1"));
}

TEST_F(NotifyTest, the_service_manager_gets_the_state_as_one_datagram) {
  EXPECT_TRUE(notify_service_manager("READY=1"));
  EXPECT_EQ(heard(), "READY=1");
  std::filesystem::remove(path);
  EXPECT_FALSE(notify_service_manager("READY=1"));
}

TEST_F(NotifyTest, only_the_process_that_the_service_manager_names_is_watched) {
  EXPECT_EQ(watchdog_patience(), std::nullopt);
  setenv("WATCHDOG_USEC", "2000000", 1);
  EXPECT_EQ(watchdog_patience(), 2s);
  setenv("WATCHDOG_PID", std::to_string(getpid()).c_str(), 1);
  EXPECT_EQ(watchdog_patience(), 2s);
  setenv("WATCHDOG_PID", "1", 1);
  EXPECT_EQ(watchdog_patience(), std::nullopt);
  unsetenv("WATCHDOG_PID");
  for (const char* nonsense : {"", "0", "-5", "2s"}) {
    setenv("WATCHDOG_USEC", nonsense, 1);
    EXPECT_EQ(watchdog_patience(), std::nullopt) << nonsense;
  }
}

TEST_F(NotifyTest, the_watchdog_is_beaten_only_while_every_thread_turns) {
  std::atomic<bool> hold{false};
  ThreadGroup threads;
  threads.start("good", [](ThreadGroup::Turns& turns) {
    while (turns.next()) std::this_thread::yield();
  });
  threads.start("held", [&](ThreadGroup::Turns& turns) {
    while (turns.next()) {
      while (hold) std::this_thread::yield();
    }
  });
  const auto& turns = threads.turns();
  const auto all_turn = [&] {
    for (const auto& thread : turns) {
      for (const auto before = thread->count(); thread->count() == before;) std::this_thread::yield();
    }
  };
  Watchdog watchdog{threads, 40ms};
  all_turn();
  watchdog.look();
  EXPECT_EQ(heard(), "WATCHDOG=1");

  hold = true;
  // Two looks with the same count of turns: nothing changes between them, since the thread is held.
  for (auto before = turns[1]->count();; before = turns[1]->count()) {
    std::this_thread::sleep_for(1ms);
    if (turns[1]->count() == before) break;
  }
  watchdog.look();
  while (!heard().empty()) {
  }
  for (int i = 0; i < 3; ++i) watchdog.look();
  EXPECT_EQ(heard(), "") << "a thread stands";

  hold = false;
  all_turn();
  watchdog.look();
  EXPECT_EQ(heard(), "WATCHDOG=1") << "it goes on";
}

TEST_F(NotifyTest, the_looks_are_four_in_the_time_that_the_service_manager_waits) {
  ThreadGroup threads;
  Watchdog watchdog{threads, 40ms};
  pollfd due{watchdog.due_fd(), POLLIN, 0};
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 4; ++i) {
    ASSERT_EQ(poll(&due, 1, 10'000), 1);
    watchdog.look();
  }
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 25ms) << "it waits between them";
  EXPECT_EQ((Watchdog{threads, std::nullopt}.due_fd()), -1) << "nobody waits";
}

}  // namespace
}  // namespace rgw::app
