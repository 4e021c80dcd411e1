// The programs as they are called: help, exit statuses, and a socket with a gateway's answers behind it.
#include "realmgw/control/file_descriptor.hpp"

#include <array>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

namespace rgw::app {
namespace {

struct Result {
  int status;
  std::string output;  // stdout and stderr
};

Result run(const std::string& command) {
  FILE* const pipe = popen((command + " 2>&1").c_str(), "r");
  Result result{-1, {}};
  std::array<char, 4096> piece;
  while (const std::size_t got = std::fread(piece.data(), 1, piece.size(), pipe))
    result.output.append(piece.data(), got);
  const int status = pclose(pipe);
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return result;
}
Result ctl(const std::string& arguments) {
  return run(RGW_REALMGWCTL " " + arguments);
}
Result daemon(const std::string& arguments) {
  return run(RGW_REALMGWD " " + arguments);
}

std::string temporary(const std::string& name) {
  return std::filesystem::temp_directory_path() / ("rgw-cli-" + std::to_string(getpid()) + "-" + name);
}

/// Answers one question, and keeps it.
class OneAnswer {
 public:
  explicit OneAnswer(std::string answer) : answer_{std::move(answer)} {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, path.c_str());
    EXPECT_EQ(bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(listen(listener_.get(), 1), 0);
    thread_ = std::thread{[this] {
      const control::FileDescriptor client{accept(listener_.get(), nullptr, nullptr)};
      std::array<char, 256> heard{};
      const auto got = recv(client.get(), heard.data(), heard.size(), 0);
      asked.assign(heard.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
      static_cast<void>(send(client.get(), answer_.data(), answer_.size(), MSG_NOSIGNAL));
    }};
  }
  ~OneAnswer() {
    wait();
    std::filesystem::remove(path);
  }
  void wait() {
    if (thread_.joinable()) thread_.join();
  }
  std::string path = temporary("sock");
  std::string asked;

 private:
  std::string answer_;
  control::FileDescriptor listener_{::socket(AF_UNIX, SOCK_STREAM, 0)};
  std::thread thread_;
};

TEST(RealmgwctlTest, helps_in_general_and_with_each_command) {
  const auto general = ctl("--help");
  EXPECT_EQ(general.status, 0);
  for (const char* command :
       {"status", "sessions", "bib", "eam", "map", "pool", "hosts", "pinholes", "cache", "counters"}) {
    EXPECT_NE(general.output.find(std::string{"  "} + command + " "), std::string::npos);
    const auto special = ctl(std::string{command} + " --help");
    EXPECT_EQ(special.status, 0);
    EXPECT_EQ(special.output.rfind("Usage: realmgwctl " + std::string{command}, 0), 0U) << special.output;
  }
}

TEST(RealmgwctlTest, a_bad_command_line_is_named_and_ends_with_two) {
  for (const auto& [arguments, what] :
       {std::pair{"", "a command is needed"}, std::pair{"dance", "unknown command: dance"},
        std::pair{"--loud status", "unknown option: --loud"},
        std::pair{"sessions --limit x", "--limit takes a number"},
        std::pair{"status now", "unexpected argument: now"}, std::pair{"map", "map takes an address"},
        std::pair{"map 10.0.0.1 10.0.0.2", "unexpected argument: 10.0.0.2"}}) {
    const auto result = ctl(arguments);
    EXPECT_EQ(result.status, 2) << arguments;
    EXPECT_NE(result.output.find(what), std::string::npos) << result.output;
  }
}

TEST(RealmgwctlTest, a_gateway_that_is_not_there_is_told_and_ends_with_three) {
  const auto result = ctl("--socket /nowhere/at/all status");
  EXPECT_EQ(result.status, 3);
  EXPECT_NE(result.output.find("/nowhere/at/all: No such file or directory"), std::string::npos);
}

TEST(RealmgwctlTest, an_answer_is_shown_as_a_table_or_as_json) {
  {
    OneAnswer gateway{R"({"rx_packets": 5})"};
    const auto result = ctl("--socket " + gateway.path + " counters");
    EXPECT_EQ(result.status, 0);
    EXPECT_NE(result.output.find("packets received from a port"), std::string::npos);
    gateway.wait();
    EXPECT_EQ(gateway.asked, "counters\n");
  }
  OneAnswer gateway{"[]\n"};
  const auto result = ctl("sessions --limit 7 --json --socket " + gateway.path);
  EXPECT_EQ(result.output, "[]\n");
  gateway.wait();
  EXPECT_EQ(gateway.asked, "sessions limit 7\n");
}

TEST(RealmgwctlTest, an_address_is_asked_for_by_itself) {
  OneAnswer gateway{R"({"address":"10.0.0.9","translations":[]})"};
  const auto result = ctl("map 10.0.0.9 --socket " + gateway.path);
  EXPECT_EQ(result.output, "10.0.0.9: no rule\n");
  gateway.wait();
  EXPECT_EQ(gateway.asked, "map 10.0.0.9\n");
}

TEST(RealmgwctlTest, a_refusal_ends_with_one_and_half_an_answer_with_three) {
  {
    OneAnswer gateway{R"({"error": "not today"})"};
    const auto result = ctl("status --socket " + gateway.path);
    EXPECT_EQ(result.status, 1);
    EXPECT_EQ(result.output, "realmgwctl: not today\n");
  }
  OneAnswer gateway{"[{\"protocol\":"};
  EXPECT_EQ(ctl("sessions --socket " + gateway.path).status, 3);
}

TEST(RealmgwdTest, helps_and_tells_its_version) {
  EXPECT_EQ(daemon("--help").status, 0);
  EXPECT_EQ(daemon("--version").output.rfind("realmgwd ", 0), 0U);
  EXPECT_EQ(daemon("--nonsense").status, 2);
}

// OPS-1.
TEST(RealmgwdTest, checks_a_realm_file) {
  EXPECT_EQ(daemon("--check " RGW_SOURCE_DIR "/config/lab.yaml").status, 0);
  const std::string path = temporary("bad.yaml");
  std::ofstream{path} << "realm: foo\nports: 7\nshoes: two\n";
  // The service manager does not try again after 78 (OPS-2).
  for (const auto& [mode, status] : {std::pair{"--check ", 1}, std::pair{"--config ", 78}}) {
    const auto result = daemon(mode + path);
    EXPECT_EQ(result.status, status) << mode;
    EXPECT_NE(result.output.find(path + ":2:"), std::string::npos) << result.output;
    EXPECT_NE(result.output.find(path + ":3:"), std::string::npos) << result.output;
  }
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace rgw::app
