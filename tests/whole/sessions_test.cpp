// What an operator asks of sessions (OPS-3), with one worker, two and four, over the operator's socket:
// - a list shows those that the filter describes, and no other
// - a deletion ends those and no other: their ports, signposts and claims come back, and their hosts may
// begin
//   anew; inspected ones end as well
// - a bad filter is named; nothing ends
#include <array>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "support/whole_gateway.hpp"
#include "whole/workers.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rgw::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class Sessions : public WithWorkers {
 protected:
  static std::string socket_path() {
    return std::filesystem::temp_directory_path() / ("rgw-sessions-" + std::to_string(getpid()));
  }
  json ask(const std::string& line) {
    const FileDescriptor client{::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, socket_path().c_str());
    EXPECT_EQ(connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(send(client.get(), (line + "\n").data(), line.size() + 1, 0),
              static_cast<ssize_t>(line.size() + 1));
    std::string text;
    for (int i = 0; i < 1000; ++i) {
      gateway.turn_all();
      std::array<char, 65536> piece;
      const auto got = recv(client.get(), piece.data(), piece.size(), 0);
      if (got == 0) return json::parse(text);
      if (got > 0) text.append(piece.data(), static_cast<std::size_t>(got));
    }
    ADD_FAILURE() << "no answer: " << text;
    return {};
  }
  std::size_t listed(const std::string& filter) { return ask("sessions " + filter).size(); }
  std::uint64_t deleted(const std::string& filter) {
    const json answer = ask("sessions delete " + filter);
    return answer.contains("deleted") ? answer["deleted"].get<std::uint64_t>() : 9999;
  }

  /// Sessions of both hosts, of both protocols, from both sides.
  void open_some() {
    for (int i = 0; i < 40; ++i) {
      const std::string port = std::to_string(5000 + i);
      ASSERT_NE(gateway.leaves(udp("10.0.0.42:" + port, "203.0.113.10:53").payload(9)), "");
      ASSERT_NE(gateway.leaves(tcp("10.0.0.43:" + port, "203.0.113.20:80").syn()), "");
    }
    ASSERT_EQ(resolver.look_up("tcp22.hosta.foo"), "198.51.100.10");
    ASSERT_EQ(gateway.opens(tcp("203.0.113.30:4000", "198.51.100.10:22").syn()),
              "tcp 203.0.113.30:4000 > 10.0.0.42:22");
    gateway.turn_all();
  }

  WholeGateway gateway{whole_realm(), GetParam(), socket_path()};
  Resolver resolver{gateway};
};
RGW_WITH_WORKERS(Sessions);

TEST_P(Sessions, are_listed_as_a_filter_describes_them) {
  open_some();
  EXPECT_EQ(listed(""), 81U);
  EXPECT_EQ(listed("host hosta"), 41U);
  EXPECT_EQ(listed("host 10.0.0.43"), 40U);
  EXPECT_EQ(listed("host 10.0.0.42/31"), 81U);
  EXPECT_EQ(listed("remote 203.0.113.20"), 40U);
  EXPECT_EQ(listed("remote 203.0.113.0/24"), 81U);
  EXPECT_EQ(listed("proto udp"), 40U);
  EXPECT_EQ(listed("proto tcp host hosta"), 1U);
  EXPECT_EQ(listed("port 22"), 1U);
  EXPECT_EQ(listed("port 53"), 40U) << "of the remote";
  EXPECT_EQ(listed("port 5007 proto udp"), 1U) << "of the host";
  EXPECT_EQ(listed("proto tcp limit 7"), 7U);
  EXPECT_EQ(listed("host 10.0.0.44"), 0U);
}

TEST_P(Sessions, are_ended_as_a_filter_describes_them_and_no_others) {
  open_some();
  EXPECT_EQ(deleted("host hosta proto udp port 5007"), 1U);
  EXPECT_EQ(listed("port 5007"), 1U) << "of the other host";
  EXPECT_EQ(deleted("remote 203.0.113.20"), 40U);
  EXPECT_EQ(listed(""), 40U);
  EXPECT_EQ(deleted("remote 203.0.113.20"), 0U);
  EXPECT_EQ(gateway.count(Counter::session_deleted), 41U);
  // What goes on, and what begins anew.
  EXPECT_EQ(gateway.arrives(tcp("203.0.113.30:4000", "198.51.100.10:22").ack().payload(3)),
            "tcp 203.0.113.30:4000 > 10.0.0.42:22");
  EXPECT_EQ(gateway.leaves(tcp("10.0.0.43:5000", "203.0.113.20:80").ack().payload(3)), "") << "it has ended";
  EXPECT_NE(gateway.leaves(tcp("10.0.0.43:5000", "203.0.113.20:80").syn()), "");
  EXPECT_EQ(deleted("all"), 41U);
  EXPECT_EQ(listed(""), 0U);
  EXPECT_EQ(gateway.sessions(), 0U) << "with their signposts";
  EXPECT_EQ(ask("status")["sessions"], 0);
}

TEST_P(Sessions, of_a_claim_give_the_service_back_when_they_are_ended) {
  open_some();
  ASSERT_EQ(deleted("port 22"), 1U);
  EXPECT_EQ(gateway.arrives(tcp("203.0.113.30:4000", "198.51.100.10:22").ack().payload(3)), "");
  gateway.pass(std::chrono::seconds{2});
  ASSERT_NE(resolver.look_up("tcp22.hosta.foo"), "no answer");
}

TEST_P(Sessions, more_than_a_turn_looks_at_are_ended_all_the_same) {
  for (int i = 0; i < 1500; ++i)
    ASSERT_NE(gateway.leaves(udp("10.0.0.42:" + std::to_string(10000 + i), "203.0.113.10:53").payload(9)),
              "");
  EXPECT_EQ(deleted("host hosta"), 1500U);
  EXPECT_EQ(listed(""), 0U);
}

TEST_P(Sessions, are_left_alone_where_the_filter_is_bad) {
  open_some();
  for (const auto& [words, what] : {std::pair{"delete", "say which sessions, or all"},
                                    {"delete host nobody", "\"nobody\" is neither a host"},
                                    {"delete port 70000", "\"70000\" is not a port"},
                                    {"delete proto gre", "\"gre\" is not tcp, udp"},
                                    {"delete remote here", "\"here\" is not an address"},
                                    {"delete limit 3", "knows no limit"},
                                    {"delete host", "host needs a value"},
                                    {"delete all host hosta", "knows no \"all\""},
                                    {"port 1 port 2", "port is given twice"},
                                    {"colour red", "knows no \"colour\""},
                                    {"limit many", "\"many\" is not a number"}}) {
    EXPECT_THAT(ask(std::string{"sessions "} + words).value("error", ""), HasSubstr(what)) << words;
  }
  EXPECT_EQ(listed(""), 81U);
  EXPECT_EQ(gateway.count(Counter::session_deleted), 0U);
}

}  // namespace
}  // namespace rgw::test
