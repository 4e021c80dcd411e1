// The operator's socket: questions and answers, slow and broken clients, the socket's file.
#include "realmgw/control/ctl_server.hpp"

#include <array>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rgw::control {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

/// Never ends.
struct EndlessReply final : CtlReply {
  Progress append_to(std::string& text) override {
    text += std::string(65536, 'x');
    return Progress::more;
  }
};

class CtlServerTest : public testing::Test {
 protected:
  CtlServerTest() {
    server->add("echo", [](std::span<const std::string_view> arguments) {
      std::string all;
      for (const auto word : arguments) all += std::string{word} + "|";
      return std::make_unique<CtlText>(json(all).dump());
    });
    server->add("endless", [](auto) { return std::make_unique<EndlessReply>(); });
  }
  ~CtlServerTest() override {
    server.reset();
    std::filesystem::remove_all(directory);
  }

  FileDescriptor connected() const {
    FileDescriptor client{::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, path.c_str());
    EXPECT_EQ(connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    return client;
  }
  static void say(const FileDescriptor& client, const std::string& text) {
    ASSERT_EQ(send(client.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }
  void turn(int times = 8) {
    for (int i = 0; i < times; ++i) {
      loop.wait(0us);
      server->step(clock.now());
    }
  }
  /// What the client can read now; "<closed>" is added where the server has closed.
  static std::string heard(const FileDescriptor& client) {
    std::string text;
    std::array<char, 4096> piece;
    for (;;) {
      const auto got = recv(client.get(), piece.data(), piece.size(), 0);
      if (got < 0) return errno == EAGAIN ? text : text + "<closed>";
      if (got == 0) return text + "<closed>";
      text.append(piece.data(), static_cast<std::size_t>(got));
    }
  }
  std::string ask(const std::string& line) {
    const auto client = connected();
    turn(1);
    say(client, line);
    turn();
    return heard(client);
  }

  std::filesystem::path directory =
      std::filesystem::temp_directory_path() / ("rgw-ctl-" + std::to_string(getpid()));
  std::string path = directory / "below" / "gateway.sock";
  ManualClock clock;
  EventLoop loop;
  std::unique_ptr<CtlServer> server = std::make_unique<CtlServer>(loop, clock, path);
};

TEST_F(CtlServerTest, a_line_is_answered_and_the_connection_closed) {
  EXPECT_EQ(ask("echo one  two\n"), "\"one|two|\"\n<closed>");
}

TEST_F(CtlServerTest, a_line_may_come_in_pieces) {
  const auto client = connected();
  for (const char* piece : {"ec", "ho o", "ne\n"}) {
    say(client, piece);
    turn();
  }
  EXPECT_EQ(heard(client), "\"one|\"\n<closed>");
}

TEST_F(CtlServerTest, what_cannot_be_understood_is_answered_with_an_error) {
  EXPECT_EQ(ask("sing\n"), "{\"error\":\"unknown command: sing\"}\n<closed>");
  EXPECT_EQ(ask("\n"), "{\"error\":\"an empty request\"}\n<closed>");
  EXPECT_EQ(ask("echo " + std::string(600, 'x') + "\n"), "{\"error\":\"the request is too long\"}\n<closed>");
  EXPECT_EQ(ask(std::string(512, 'x')), "{\"error\":\"the request is too long\"}\n<closed>");
  EXPECT_TRUE(json::accept(ask("\xff\xfe\n").substr(0, 40).substr(0, ask("\xff\xfe\n").find('\n'))));
}

TEST_F(CtlServerTest, a_client_that_does_not_read_makes_an_answer_pause) {
  const auto client = connected();
  say(client, "endless\n");
  turn(100);
  int more = 0;
  for (int i = 0; i < 100; ++i) more += server->step(clock.now()) ? 1 : 0;
  EXPECT_EQ(more, 0) << "the answer has grown on";
  EXPECT_FALSE(heard(client).empty());
  turn(1);
  EXPECT_TRUE(server->step(clock.now())) << "it goes on when the client reads";
}

TEST_F(CtlServerTest, a_client_that_neither_asks_nor_reads_is_closed) {
  const auto silent = connected();
  const auto deaf = connected();
  say(deaf, "endless\n");
  turn(100);
  clock.advance(CtlServer::patience);
  turn();
  EXPECT_EQ(heard(silent), "<closed>");
  EXPECT_TRUE(heard(deaf).ends_with("<closed>"));
}

TEST_F(CtlServerTest, the_client_that_came_first_makes_room_for_one_too_many) {
  std::vector<FileDescriptor> clients;
  for (std::size_t i = 0; i < CtlServer::max_clients; ++i) {
    clients.push_back(connected());
    turn(1);
  }
  EXPECT_EQ(heard(clients.front()), "");
  EXPECT_EQ(ask("echo late\n"), "\"late|\"\n<closed>");
  EXPECT_EQ(heard(clients.front()), "<closed>");
  EXPECT_EQ(heard(clients[1]), "");
}

TEST_F(CtlServerTest, a_client_that_leaves_early_does_no_harm) {
  { const auto client = connected(); }
  {
    const auto client = connected();
    say(client, "endless\n");
    turn(2);
  }
  turn();
  EXPECT_EQ(ask("echo on\n"), "\"on|\"\n<closed>");
}

TEST_F(CtlServerTest, only_owner_and_group_may_ask) {
  struct stat status {};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0660U);
}

TEST_F(CtlServerTest, a_command_of_two_words_comes_before_one_of_the_first) {
  server->add("echo loud", [](std::span<const std::string_view> arguments) {
    return std::make_unique<CtlText>(std::to_string(arguments.size()));
  });
  EXPECT_EQ(ask("echo loud a b\n"), "2\n<closed>");
  EXPECT_EQ(ask("echo low a\n"), "\"low|a|\"\n<closed>");
  EXPECT_EQ(ask("loud\n"), "{\"error\":\"unknown command: loud\"}\n<closed>");
}

TEST_F(CtlServerTest, what_changes_the_gateway_is_for_root_and_its_own_user) {  // OPS-9
  if (geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
  server->add("change", CtlServer::Right::owner, [](auto) { return std::make_unique<CtlText>("\"done\""); });
  const auto answer_to = [&](uid_t user, const char* line) {
    // Of this thread alone, and for as long as it connects.
    syscall(SYS_setresuid, -1, user, -1);
    const auto client = connected();
    syscall(SYS_setresuid, -1, 0, -1);
    say(client, line);
    turn();
    return heard(client);
  };
  ASSERT_EQ(chmod(path.c_str(), 0666), 0);
  ASSERT_EQ(chmod(directory.c_str(), 0755), 0);
  EXPECT_EQ(answer_to(0, "change\n"), "\"done\"\n<closed>");
  EXPECT_EQ(answer_to(65534, "change\n"),
            "{\"error\":\"change: only root and the gateway's own user may do that\"}\n<closed>");
  EXPECT_EQ(answer_to(65534, "echo a\n"), "\"a|\"\n<closed>");
}

TEST_F(CtlServerTest, a_second_gateway_does_not_take_the_socket_over) {
  EXPECT_THROW((CtlServer{loop, clock, path}), std::runtime_error);
  EXPECT_EQ(ask("echo here\n"), "\"here|\"\n<closed>");
}

TEST_F(CtlServerTest, a_socket_that_a_killed_gateway_left_is_replaced_and_a_file_is_not) {
  server.reset();
  EXPECT_FALSE(std::filesystem::exists(path));
  {
    FileDescriptor left{::socket(AF_UNIX, SOCK_STREAM, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, path.c_str());
    ASSERT_EQ(bind(left.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  server = std::make_unique<CtlServer>(loop, clock, path);
  server.reset();
  { FileDescriptor file{::creat(path.c_str(), 0600)}; }
  EXPECT_THROW((CtlServer{loop, clock, path}), std::runtime_error);
  EXPECT_TRUE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace rgw::control
