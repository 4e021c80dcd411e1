// Upstreams over real sockets of the loopback interface: UDP, TCP where UDP was too short, the next upstream
// where one fails, and what protects from forged replies.
#include "realmgw/dns/cares_upstream.hpp"

#include <map>

#include "unit/dns/loopback_server.hpp"
#include "unit/dns/recursion_support.hpp"
#include <gmock/gmock.h>

namespace rgw::dns {
namespace {

using namespace std::chrono_literals;
using test::Bytes;
using test::LoopbackServer;
using Status = UpstreamReply::Status;

Bytes a_reply(unsigned records = 1) {
  test::Scripted scripted;
  for (unsigned i = 0; i < records; ++i)
    scripted.answer.push_back("a.example. 60 IN A 192.0.2." + std::to_string(i));
  return test::reply("a.example", RrType::a, scripted);
}

class CaresUpstreamTest : public testing::Test, public SocketWatcher {
 protected:
  void watch(int fd, bool readable, bool writable) override {
    if (readable || writable) {
      watched[fd] = static_cast<short>((readable ? POLLIN : 0) | (writable ? POLLOUT : 0));
    } else {
      watched.erase(fd);
    }
  }
  void use(std::vector<net::Endpoint> upstreams, std::chrono::milliseconds timeout = 2000ms) {
    upstream.emplace(CaresUpstream::Config{std::move(upstreams), timeout, 2}, *this);
  }
  void ask(std::uint64_t id) {
    upstream->ask(FetchId{id}, test::query("a.example").flags(flag::rd).edns(1232).bytes());
  }
  /// Turns everything until a reply comes, for at most twenty seconds.
  UpstreamReply reply() {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (std::chrono::steady_clock::now() < deadline) {
      turn();
      if (auto taken = upstream->take()) return *taken;
    }
    ADD_FAILURE() << "no reply";
    return {};
  }
  void turn() {
    for (LoopbackServer* server : servers) server->pump();
    std::vector<pollfd> polled;
    for (const auto& [fd, events] : watched) polled.push_back({fd, events, 0});
    poll(polled.data(), polled.size(), 1);
    for (const auto& one : polled) {
      if (one.revents != 0)
        upstream->ready(one.fd, (one.revents & ~POLLOUT) != 0, (one.revents & POLLOUT) != 0);
    }
    upstream->tick(MonotonicClock{}.now());
  }

  std::map<int, short> watched;
  std::vector<LoopbackServer*> servers;
  std::optional<CaresUpstream> upstream;
};

TEST_F(CaresUpstreamTest, a_reply_comes_over_udp) {
  LoopbackServer server{[](auto, bool) { return a_reply(); }};
  servers = {&server};
  use({server.endpoint()});
  ask(7);
  const auto got = reply();
  EXPECT_EQ(got.id, FetchId{7});
  EXPECT_EQ(got.status, Status::answered);
  const auto response = read_response(got.message, {test::name_of("a.example"), RrType::a}, false);
  ASSERT_TRUE(response);
  EXPECT_TRUE(response->has(RrType::a));
  EXPECT_TRUE(watched.empty()) << "a socket is left behind";
}

TEST_F(CaresUpstreamTest, a_long_reply_within_the_edns_size_needs_no_tcp) {
  LoopbackServer server{[](auto, bool) { return a_reply(60); }};
  servers = {&server};
  use({server.endpoint()});
  ask(1);
  EXPECT_GT(reply().message.size(), 900U);
  EXPECT_EQ(server.tcp_queries, 0U);
}

TEST_F(CaresUpstreamTest, a_truncated_reply_is_asked_for_again_over_tcp) {
  LoopbackServer server{[](auto, bool tcp) {
    Bytes bytes = a_reply(tcp ? 200 : 1);
    if (!tcp) bytes[2] |= 0x02;  // TC
    return bytes;
  }};
  servers = {&server};
  use({server.endpoint()});
  ask(1);
  const auto got = reply();
  EXPECT_EQ(got.status, Status::answered);
  EXPECT_GT(got.message.size(), 3000U);
  EXPECT_EQ(server.tcp_queries, 1U);
}

TEST_F(CaresUpstreamTest, the_next_upstream_is_asked_where_one_refuses_or_fails) {
  for (const unsigned rcode : {2U, 5U}) {
    LoopbackServer bad{[rcode](auto, bool) { return test::reply("a.example", RrType::a, {{}, {}, rcode}); }};
    LoopbackServer good{[](auto, bool) { return a_reply(); }};
    servers = {&bad, &good};
    use({bad.endpoint(), good.endpoint()});
    ask(1);
    EXPECT_EQ(reply().status, Status::answered) << rcode;
    EXPECT_GE(bad.udp_queries, 1U);
    EXPECT_EQ(good.udp_queries, 1U);
    upstream.reset();
  }
}

TEST_F(CaresUpstreamTest, an_upstream_that_is_silent_is_not_asked_first_again) {
  LoopbackServer silent{[](auto, bool) { return Bytes{}; }};
  LoopbackServer good{[](auto, bool) { return a_reply(); }};
  servers = {&silent, &good};
  use({silent.endpoint(), good.endpoint()}, 30ms);
  ask(1);
  EXPECT_EQ(reply().status, Status::answered);
  const unsigned before = silent.udp_queries;
  ask(2);
  EXPECT_EQ(reply().status, Status::answered);
  EXPECT_EQ(silent.udp_queries, before);
}

TEST_F(CaresUpstreamTest, silence_on_all_sides_is_no_answer) {
  LoopbackServer silent{[](auto, bool) { return Bytes{}; }};
  servers = {&silent};
  use({silent.endpoint()}, 20ms);
  ask(1);
  EXPECT_EQ(reply().status, Status::no_answer);
  EXPECT_EQ(silent.udp_queries, 2U);
  EXPECT_TRUE(watched.empty());
}

TEST_F(CaresUpstreamTest, an_upstream_that_is_not_there_is_unreachable) {
  net::Endpoint gone;
  {
    LoopbackServer server{[](auto, bool) { return a_reply(); }};
    gone = server.endpoint();
  }
  use({gone});
  ask(1);
  EXPECT_EQ(reply().status, Status::unreachable);
}

// RFC 5452 section 9.2.
TEST_F(CaresUpstreamTest, questions_in_flight_leave_from_ports_of_their_own) {
  LoopbackServer server{[](auto, bool) { return Bytes{}; }};
  servers = {&server};
  use({server.endpoint()});
  for (std::uint64_t id = 1; id <= 20; ++id) ask(id);
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (server.udp_queries < 20 && std::chrono::steady_clock::now() < deadline) turn();
  EXPECT_EQ(server.source_ports.size(), 20U);
}

TEST_F(CaresUpstreamTest, a_reply_with_another_question_is_passed_over) {
  LoopbackServer server{[](auto, bool) { return test::reply("b.example", RrType::a, {}); }};
  servers = {&server};
  use({server.endpoint()}, 20ms);
  ask(1);
  EXPECT_EQ(reply().status, Status::no_answer);
}

TEST_F(CaresUpstreamTest, what_is_cancelled_has_no_reply_and_leaves_no_socket) {
  LoopbackServer server{[](auto, bool) { return a_reply(); }};
  servers = {&server};
  use({server.endpoint()});
  ask(1);
  EXPECT_FALSE(watched.empty());
  upstream->cancel(FetchId{1});
  EXPECT_TRUE(watched.empty());
  ask(2);
  EXPECT_EQ(reply().id, FetchId{2});
  EXPECT_FALSE(upstream->take());
}

TEST_F(CaresUpstreamTest, its_end_closes_what_is_open) {
  LoopbackServer server{[](auto, bool) { return Bytes{}; }};
  servers = {&server};
  use({server.endpoint()});
  ask(1);
  EXPECT_FALSE(watched.empty());
  upstream.reset();
  EXPECT_TRUE(watched.empty());
}

}  // namespace
}  // namespace rgw::dns
