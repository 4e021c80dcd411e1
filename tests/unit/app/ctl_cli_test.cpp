// The programs as they are called: help, exit statuses, and a socket with a gateway's answers behind it.
#include "realmgw/base/file_descriptor.hpp"

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
#include <vector>

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

/// Answers the same to every question but `version`, and keeps the first question.
class Answers {
 public:
  explicit Answers(std::string answer, std::string version = R"({"version":")" REALMGW_VERSION R"("})")
      : answer_{std::move(answer)}, version_{std::move(version)} {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, path.c_str());
    EXPECT_EQ(bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(listen(listener_.get(), 4), 0);
    thread_ = std::thread{[this] {
      for (;;) {
        const FileDescriptor client{accept(listener_.get(), nullptr, nullptr)};
        if (!client) return;
        std::array<char, 256> heard{};
        const auto got = recv(client.get(), heard.data(), heard.size(), 0);
        const std::string line{heard.data(), got > 0 ? static_cast<std::size_t>(got) : 0};
        if (line != "version\n") asked_.push_back(line);
        const std::string& said = line == "version\n" ? version_ : answer_;
        static_cast<void>(send(client.get(), said.data(), said.size(), MSG_NOSIGNAL));
      }
    }};
  }
  ~Answers() {
    static_cast<void>(asked());
    std::filesystem::remove(path);
  }
  /// Ends it; what it was asked.
  const std::vector<std::string>& asked() {
    shutdown(listener_.get(), SHUT_RDWR);
    if (thread_.joinable()) thread_.join();
    return asked_;
  }
  std::string path = temporary("sock");

 private:
  std::string answer_, version_;
  std::vector<std::string> asked_;
  FileDescriptor listener_{::socket(AF_UNIX, SOCK_STREAM, 0)};
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
        std::pair{"--loud status", "unknown option: --loud"}, std::pair{"-x status", "unknown option: -x"},
        std::pair{"sessions --limit x", "--limit takes a number"},
        std::pair{"status now", "unexpected argument: now"}, std::pair{"map", "map takes an address"},
        std::pair{"map 10.0.0.1 10.0.0.2", "unexpected argument: 10.0.0.2"},
        std::pair{"sessions --watch=soon", "--watch takes a number of seconds"},
        std::pair{"sessions --host 'a b'", "--host takes one word"},
        std::pair{"completion fish", "completion is for bash and zsh"}}) {
    const auto result = ctl(arguments);
    EXPECT_EQ(result.status, 2) << arguments;
    EXPECT_NE(result.output.find(what), std::string::npos) << result.output;
  }
}

// OPS-3.
TEST(RealmgwctlTest, what_was_likely_meant_is_suggested) {
  for (const auto& [arguments, what] :
       {std::pair{"sesions", "unknown command: sesions: did you mean sessions?"},
        std::pair{"stauts", "did you mean status?"},
        std::pair{"sessions delte --all", "unexpected argument: delte: did you mean sessions delete?"},
        std::pair{"sessions --remot 1.2.3.4 --hots x", "unknown option: --hots: did you mean --host?"}}) {
    const auto result = ctl(arguments);
    EXPECT_EQ(result.status, 2) << arguments;
    EXPECT_NE(result.output.find(what), std::string::npos) << result.output;
  }
}

TEST(RealmgwctlTest, an_option_of_another_command_is_refused) {
  for (const auto& [arguments, what] :
       {std::pair{"pool --limit 5", "pool takes no --limit; it takes --watch"},
        std::pair{"sessions --all", "sessions takes no --all; it takes --host, --port"},
        std::pair{"reload --watch", "reload takes no --watch; it takes --dry-run"},
        std::pair{"map 10.0.0.1 --dry-run", "map takes no --dry-run\n"}}) {
    const auto result = ctl(arguments);
    EXPECT_EQ(result.status, 2) << arguments;
    EXPECT_NE(result.output.find(what), std::string::npos) << result.output;
  }
}

TEST(RealmgwctlTest, sessions_are_not_all_deleted_by_a_slip) {
  EXPECT_NE(ctl("sessions delete").output.find("say which sessions, or --all"), std::string::npos);
  EXPECT_NE(ctl("sessions delete --all --port 22").output.find("--all goes with no other"),
            std::string::npos);
  EXPECT_EQ(ctl("sessions delete").status, 2);
  EXPECT_EQ(ctl("sessions delete --all --port 22").status, 2);
}

TEST(RealmgwctlTest, a_gateway_that_is_not_there_is_told_and_ends_with_three) {
  const auto result = ctl("--socket /nowhere/at/all status");
  EXPECT_EQ(result.status, 3);
  EXPECT_NE(result.output.find("no gateway is running: nobody listens at /nowhere/at/all"),
            std::string::npos);
  // One that was killed leaves its socket behind.
  const std::string path = temporary("dead");
  {
    const FileDescriptor left{::socket(AF_UNIX, SOCK_STREAM, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, path.c_str());
    ASSERT_EQ(bind(left.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  const auto dead = ctl("status --socket " + path);
  EXPECT_EQ(dead.status, 3);
  EXPECT_NE(dead.output.find("no gateway is running"), std::string::npos) << dead.output;
  std::filesystem::remove(path);
}

TEST(RealmgwctlTest, an_answer_is_shown_as_a_table_or_as_json) {
  {
    Answers gateway{R"({"rx_packets": 5})"};
    const auto result = ctl("--socket " + gateway.path + " counters");
    EXPECT_EQ(result.status, 0);
    EXPECT_NE(result.output.find("packets received from a port"), std::string::npos);
    EXPECT_EQ(gateway.asked(), std::vector<std::string>{"counters\n"});
  }
  Answers gateway{"[]\n"};
  const auto result = ctl("sessions --limit 7 --json --socket " + gateway.path);
  EXPECT_EQ(result.output, "[]\n");
  EXPECT_EQ(gateway.asked(), std::vector<std::string>{"sessions limit 7\n"});
}

TEST(RealmgwctlTest, filters_go_to_the_gateway_word_by_word) {
  {
    Answers gateway{"[]"};
    EXPECT_EQ(
        ctl("sessions --host hosta --port 22 --proto tcp --remote 203.0.113.0/24 --socket " + gateway.path)
            .status,
        0);
    EXPECT_EQ(gateway.asked(),
              std::vector<std::string>{"sessions host hosta port 22 proto tcp remote 203.0.113.0/24\n"});
  }
  {
    Answers gateway{R"({"deleted":1})"};
    EXPECT_EQ(ctl("sessions delete --port 22 --socket " + gateway.path).output, "1 session deleted\n");
    EXPECT_EQ(gateway.asked(), std::vector<std::string>{"sessions delete port 22\n"});
  }
  Answers gateway{R"({"deleted":12})"};
  EXPECT_EQ(ctl("sessions delete --all --socket " + gateway.path).output, "12 sessions deleted\n");
  EXPECT_EQ(gateway.asked(), std::vector<std::string>{"sessions delete all\n"});
}

TEST(RealmgwctlTest, watches_until_it_is_ended) {
  Answers gateway{"[]"};
  const auto result = run("timeout 2.5 " RGW_REALMGWCTL " sessions --watch=1 --socket " + gateway.path);
  EXPECT_EQ(result.status, 124) << "ended by timeout";
  EXPECT_GE(gateway.asked().size(), 2U);
  EXPECT_EQ(gateway.asked()[0], "sessions\n");
}

TEST(RealmgwctlTest, a_gateway_of_another_version_is_told_of) {
  {
    Answers gateway{"[]", R"({"version":"0.0.0"})"};
    const auto result = ctl("sessions --socket " + gateway.path);
    EXPECT_EQ(result.status, 0);
    EXPECT_NE(result.output.find("the gateway that runs is 0.0.0"), std::string::npos) << result.output;
  }
  {
    Answers gateway{"[]", R"({"error":"unknown command: version"})"};
    EXPECT_NE(ctl("sessions --socket " + gateway.path).output.find("of an older version"), std::string::npos);
  }
  Answers gateway{"[]"};
  EXPECT_EQ(ctl("sessions --socket " + gateway.path).output.find("notice"), std::string::npos);
}

TEST(RealmgwctlTest, an_address_is_asked_for_by_itself) {
  Answers gateway{R"({"address":"10.0.0.9","translations":[]})"};
  const auto result = ctl("map 10.0.0.9 --socket " + gateway.path);
  EXPECT_EQ(result.output, "10.0.0.9: no rule\n");
  EXPECT_EQ(gateway.asked(), std::vector<std::string>{"map 10.0.0.9\n"});
}

TEST(RealmgwctlTest, a_refusal_ends_with_one_and_half_an_answer_with_three) {
  {
    Answers gateway{R"({"error": "not today"})"};
    const auto result = ctl("status --socket " + gateway.path);
    EXPECT_EQ(result.status, 1);
    EXPECT_EQ(result.output, "realmgwctl: not today\n");
  }
  Answers gateway{"[{\"protocol\":"};
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
