// DNS over real sockets of the loopback interface: DNS-1 (UDP and TCP, several queries on a connection), and
// what strangers can do to them.
//   UDP: an answer to whom it is due; a datagram that is no query; an address that the machine does not have
//   TCP: whole, in pieces, pipelined, answers in any order; idle, slow, greedy, half-closed and too many
//   clients
#include "realmgw/control/dns_tcp.hpp"
#include "realmgw/control/dns_udp.hpp"
#include "realmgw/control/socket_address.hpp"

#include <arpa/inet.h>
#include <array>
#include <functional>
#include <sys/socket.h>

#include "unit/control/support.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rgw::control {
namespace {

using namespace test;

/// Answers with what was asked, backwards; keeps quiet, or waits, as its first byte says.
struct Mirror final : DnsHandler {
  static constexpr std::uint8_t wait = 'w';
  static constexpr std::uint8_t silence = 's';
  std::size_t answer_size = 0;  // padded to this
  bool trusting = false;        // relays' headers
  std::vector<ReplyPath> asked;

  bool believes(const net::IpAddress&, const dns::ProxyHeader& header) override {
    return trusting && header.state == dns::ProxyHeader::State::whole;
  }
  std::span<const std::uint8_t> answer(std::span<const std::uint8_t> query, const ReplyPath& path, Instant,
                                       std::span<std::uint8_t> room) override {
    asked.push_back(path);
    if (query.empty() || query[0] == wait || query[0] == silence) return {};
    std::reverse_copy(query.begin(), query.end(), room.begin());
    return room.first(std::max(query.size(), answer_size));
  }
};

/// From 192.0.2.7, port 4000, by TCP.
const std::string relay_header{
    "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x07\xc6\x33\x64\x01\x0f\xa0\0\x35", 28};

class SocketsTest : public testing::Test {
 protected:
  /// Turns the loop until `done`, for at most twenty seconds.
  void until(const std::function<bool()>& done) {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (!done() && std::chrono::steady_clock::now() < deadline) turn();
    EXPECT_TRUE(done());
  }
  virtual void turn() { loop.wait(1ms); }
  static FileDescriptor client(int type, const net::Endpoint& server) {
    FileDescriptor socket{::socket(AF_INET, type, 0)};
    const auto address = to_socket_address(server);
    EXPECT_EQ(connect(socket.get(), address.get(), address.length), 0);
    return socket;
  }

  ManualClock clock;
  EventLoop loop;
  Mirror mirror;
};

class DnsUdpTest : public SocketsTest {
 protected:
  DnsUdp server{loop, clock, endpoint("127.0.0.1:0"), mirror};
};

TEST_F(DnsUdpTest, an_answer_goes_to_who_asked) {
  const auto one = client(SOCK_DGRAM, server.local());
  const auto two = client(SOCK_DGRAM, server.local());
  send(one.get(), "abc", 3, 0);
  send(two.get(), "def", 3, 0);
  until([&] { return mirror.asked.size() == 2; });
  std::array<char, 16> heard{};
  ASSERT_EQ(recv(one.get(), heard.data(), heard.size(), MSG_DONTWAIT), 3);
  EXPECT_STREQ(heard.data(), "cba");
  ASSERT_EQ(recv(two.get(), heard.data(), heard.size(), MSG_DONTWAIT), 3);
  EXPECT_STREQ(heard.data(), "fed");
  EXPECT_EQ(mirror.asked[0].kind, dns::Transport::udp);
}

TEST_F(DnsUdpTest, more_queries_than_one_turn_takes_are_all_answered_in_order) {
  const auto one = client(SOCK_DGRAM, server.local());
  const auto two = client(SOCK_DGRAM, server.local());
  const std::size_t queries = 2 * DnsUdp::batch + 3;
  for (std::size_t i = 0; i < queries; ++i) {
    const Frame query{static_cast<std::uint8_t>(i), 'x'};
    send((i % 3 == 0 ? one : two).get(), query.data(), query.size(), 0);
  }
  until([&] { return mirror.asked.size() == queries; });
  for (std::size_t i = 0; i < queries; ++i) {
    if (i == Mirror::wait || i == Mirror::silence) continue;
    std::array<std::uint8_t, 16> heard{};
    ASSERT_EQ(recv((i % 3 == 0 ? one : two).get(), heard.data(), heard.size(), MSG_DONTWAIT), 2) << i;
    EXPECT_EQ(heard[1], i);
  }
}

TEST_F(DnsUdpTest, an_answer_may_come_later) {
  const auto socket = client(SOCK_DGRAM, server.local());
  send(socket.get(), "w", 1, 0);
  until([&] { return mirror.asked.size() == 1; });
  const Frame answer{'l', 'a', 't', 'e'};
  mirror.asked[0].transport->send(mirror.asked[0], answer);
  std::array<char, 16> heard{};
  EXPECT_EQ(recv(socket.get(), heard.data(), heard.size(), MSG_DONTWAIT), 4);
}

TEST_F(DnsUdpTest, a_datagram_longer_than_any_query_is_passed_over) {
  const auto socket = client(SOCK_DGRAM, server.local());
  const Frame long_one(DnsUdp::largest_query + 1, 'x');
  send(socket.get(), long_one.data(), long_one.size(), 0);
  send(socket.get(), "abc", 3, 0);
  until([&] { return mirror.asked.size() == 1; });
  std::array<char, 16> heard{};
  EXPECT_EQ(recv(socket.get(), heard.data(), heard.size(), MSG_DONTWAIT), 3);
}

// OUT-9: the TAP that has the address may come up later.
TEST_F(DnsUdpTest, an_address_that_the_machine_does_not_have_can_be_listened_on) {
  const DnsUdp elsewhere{loop, clock, endpoint("192.0.2.1:0"), mirror};
  EXPECT_EQ(elsewhere.local().address, ip("192.0.2.1"));
  EXPECT_NE(elsewhere.local().port, 0);
}

class DnsTcpTest : public SocketsTest {
 protected:
  DnsTcp server{loop, clock, mirror, {.connections = 3, .unsent = 4096, .idle = 10s}};
  net::Endpoint local = server.listen(endpoint("127.0.0.1:0"));

  void turn() override {
    loop.wait(1ms);
    server.tick(clock.now());
  }
  FileDescriptor connected() {
    const std::size_t before = server.connections();
    auto socket = client(SOCK_STREAM, local);
    if (before < 3) {
      until([&] { return server.connections() == before + 1; });
    } else {
      for (int i = 0; i < 5; ++i) turn();
    }
    return socket;
  }
  static std::string framed(const std::string& query) {
    return std::string{static_cast<char>(query.size() >> 8), static_cast<char>(query.size())} + query;
  }
  static void say(const FileDescriptor& socket, const std::string& bytes) {
    ASSERT_EQ(send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  /// What has come by the time that `size` bytes are there, or the connection has ended.
  std::string heard(const FileDescriptor& socket, std::size_t size) {
    std::string text;
    bool ended = false;
    until([&] {
      std::array<char, 4096> piece;
      const auto got =
          recv(socket.get(), piece.data(), std::min(piece.size(), size - text.size()), MSG_DONTWAIT);
      if (got > 0) text.append(piece.data(), static_cast<std::size_t>(got));
      ended = got == 0 || (got < 0 && errno != EAGAIN);
      return ended || text.size() == size;
    });
    return text;
  }
  bool is_closed(const FileDescriptor& socket) { return heard(socket, 1).empty(); }
};

TEST_F(DnsTcpTest, a_query_is_answered_with_its_length_before_it) {
  const auto socket = connected();
  say(socket, framed("abc"));
  EXPECT_EQ(heard(socket, 5), framed("cba"));
  EXPECT_EQ(mirror.asked[0].kind, dns::Transport::tcp);
}

TEST_F(DnsTcpTest, a_query_may_come_byte_by_byte) {
  const auto socket = connected();
  for (const char byte : framed("abc")) {
    say(socket, std::string(1, byte));
    turn();
  }
  EXPECT_EQ(heard(socket, 5), framed("cba"));
}

// DNS-5: once, before the first message.
TEST_F(DnsTcpTest, a_relays_header_names_who_asks_by_all_that_follows) {
  mirror.trusting = true;
  const auto socket = connected();
  for (const char byte : relay_header) {
    say(socket, std::string(1, byte));
    turn();
  }
  say(socket, framed("abc") + framed("def"));
  EXPECT_EQ(heard(socket, 10), framed("cba") + framed("fed"));
  for (const auto& path : mirror.asked) {
    ASSERT_TRUE(path.header);
    EXPECT_EQ(path.header->sender,
              (dns::Sender{*net::Endpoint::parse("192.0.2.7:4000"), dns::Transport::tcp}));
    EXPECT_EQ(path.client.address, ip("127.0.0.1"));
  }
  say(socket, relay_header);
  EXPECT_EQ(mirror.asked.size(), 2U) << "in the middle it is the front of a message";
}

TEST_F(DnsTcpTest, a_header_that_is_not_believed_closes_the_connection) {
  const auto socket = connected();
  say(socket, relay_header + framed("abc"));
  EXPECT_TRUE(is_closed(socket));
  EXPECT_TRUE(mirror.asked.empty());
}

TEST_F(DnsTcpTest, a_message_that_begins_like_a_header_is_a_message) {
  const auto socket = connected();
  std::string almost{relay_header.substr(2, 9) + "!"};
  almost.resize(0x0d0a, '!');
  say(socket, framed(almost));
  EXPECT_EQ(heard(socket, 2 + almost.size()), framed({almost.rbegin(), almost.rend()}));
}

// RFC 7766 section 6.2.1.1. More than one turn takes on.
TEST_F(DnsTcpTest, many_queries_at_once_are_all_answered) {
  const auto socket = connected();
  std::string asked;
  std::string expected;
  for (int i = 0; i < 100; ++i) {
    asked += framed("q" + std::to_string(i));
    const std::string query = "q" + std::to_string(i);
    expected += framed({query.rbegin(), query.rend()});
  }
  say(socket, asked);
  EXPECT_EQ(heard(socket, expected.size()), expected);
}

// RFC 7766 section 7: an address that is waited for (POOL-8) does not hold up what comes behind it.
TEST_F(DnsTcpTest, answers_may_overtake_each_other) {
  const auto socket = connected();
  say(socket, framed("w1") + framed("abc"));
  EXPECT_EQ(heard(socket, 5), framed("cba"));
  const Frame late{'1'};
  mirror.asked[0].transport->send(mirror.asked[0], late);
  EXPECT_EQ(heard(socket, 3), framed("1"));
}

TEST_F(DnsTcpTest, a_client_that_has_asked_all_is_still_answered_late) {
  const auto socket = connected();
  say(socket, framed("w1"));
  shutdown(socket.get(), SHUT_WR);
  until([&] { return mirror.asked.size() == 1; });
  for (int i = 0; i < 5; ++i) turn();
  EXPECT_EQ(server.connections(), 1U);
  const Frame late{'1'};
  mirror.asked[0].transport->send(mirror.asked[0], late);
  EXPECT_EQ(heard(socket, 3), framed("1"));
  EXPECT_EQ(server.connections(), 0U);
}

// RFC 5936 section 2.2: an answer may be several messages.
TEST_F(DnsTcpTest, a_client_that_has_asked_all_gets_the_last_of_several_messages) {
  const auto socket = connected();
  say(socket, framed("w"));
  until([&] { return mirror.asked.size() == 1; });
  shutdown(socket.get(), SHUT_WR);
  for (int i = 0; i < 3; ++i) turn();
  const auto bytes = [](const char* text) {
    return std::span{reinterpret_cast<const std::uint8_t*>(text), std::string_view{text}.size()};
  };
  const std::uint64_t id = mirror.asked[0].connection;
  server.send_part(id, bytes("one"), true);
  EXPECT_EQ(heard(socket, 5), framed("one"));
  for (int i = 0; i < 3; ++i) turn();
  EXPECT_EQ(server.takes_more(id), true);
  server.send_part(id, bytes("two"), false);
  EXPECT_EQ(heard(socket, 5), framed("two"));
  EXPECT_TRUE(is_closed(socket));
  EXPECT_EQ(server.takes_more(id), std::nullopt);
}

TEST_F(DnsTcpTest, a_client_that_takes_nothing_is_sent_no_more_than_there_is_room_for) {
  const auto socket = connected();
  say(socket, framed("w"));
  until([&] { return mirror.asked.size() == 1; });
  const std::vector<std::uint8_t> message(16'384, 'x');
  const std::uint64_t id = mirror.asked[0].connection;
  std::size_t sent = 0;
  while (server.takes_more(id) == true && sent < 4096) {
    server.send_part(id, message, true);
    ++sent;
  }
  EXPECT_EQ(server.takes_more(id), false) << "the buffers of the kernel are full, and so is ours";
  EXPECT_EQ(heard(socket, sent * 16'386).size(), sent * 16'386);
  EXPECT_EQ(server.takes_more(id), true);
}

TEST_F(DnsTcpTest, an_answer_to_a_client_that_has_gone_is_lost_and_goes_to_no_other) {
  auto socket = connected();
  say(socket, framed("w1"));
  until([&] { return mirror.asked.size() == 1; });
  socket = FileDescriptor{};
  for (int i = 0; i < 5; ++i) turn();
  clock.advance(10s);
  until([&] { return server.connections() == 0; });
  const auto next = connected();
  const Frame late{'1'};
  mirror.asked[0].transport->send(mirror.asked[0], late);
  say(next, framed("abc"));
  EXPECT_EQ(heard(next, 5), framed("cba"));
}

TEST_F(DnsTcpTest, a_connection_is_closed_after_ten_idle_seconds_however_slowly_it_drips) {
  const auto idle = connected();
  const auto dripping = connected();
  const auto busy = connected();
  say(dripping, std::string{"\x00\xff", 2});
  for (int second = 0; second < 9; ++second) {
    clock.advance(1s);
    say(dripping, "x");
    say(busy, framed("abc"));
    EXPECT_EQ(heard(busy, 5), framed("cba"));
  }
  EXPECT_EQ(server.connections(), 3U);
  clock.advance(1s);
  EXPECT_TRUE(is_closed(idle));
  EXPECT_TRUE(is_closed(dripping));
  EXPECT_EQ(server.connections(), 1U);
}

TEST_F(DnsTcpTest, one_connection_too_many_ends_the_one_idle_longest) {
  const auto first = connected();
  const auto second = connected();
  const auto third = connected();
  clock.advance(1s);
  say(first, framed("abc"));
  EXPECT_EQ(heard(first, 5), framed("cba"));
  const auto fourth = connected();
  EXPECT_TRUE(is_closed(second));
  say(fourth, framed("abc"));
  EXPECT_EQ(heard(fourth, 5), framed("cba"));
  EXPECT_EQ(server.connections(), 3U);
}

TEST_F(DnsTcpTest, a_length_beyond_any_query_ends_the_connection) {
  const auto socket = connected();
  say(socket, "\x40\x01");
  EXPECT_TRUE(is_closed(socket));
}

TEST_F(DnsTcpTest, a_client_that_takes_no_answers_is_not_listened_to) {
  mirror.answer_size = 60000;
  const auto socket = connected();
  std::string asked;
  for (int i = 0; i < 150; ++i) asked += framed("abc");
  say(socket, asked);
  for (int i = 0; i < 100; ++i) turn();
  const std::size_t answered = mirror.asked.size();
  EXPECT_LT(answered, 150U) << "all of 9 MB were taken into memory";
  static_cast<void>(heard(socket, 150 * 60002));
  EXPECT_EQ(mirror.asked.size(), 150U);
}

TEST_F(DnsTcpTest, an_empty_message_does_no_harm) {
  const auto socket = connected();
  say(socket, framed("") + framed("abc"));
  EXPECT_EQ(heard(socket, 5), framed("cba"));
}

}  // namespace
}  // namespace rgw::control
