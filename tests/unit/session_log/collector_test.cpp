// A collector: what the gateway sends by UDP and TCP to a socket of the test's own, which comes late, goes
// away and comes back. TLS, and collectors that people run, are in tests/e2e/test_session_log.py.
#include "realmgw/session_log/collector.hpp"

#include "realmgw/base/file_descriptor.hpp"

#include <arpa/inet.h>
#include <array>
#include <chrono>
#include <functional>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <thread>

#include <gtest/gtest.h>

namespace rgw::session_log {
namespace {

using namespace std::chrono_literals;
using Transport = config::SessionLog::Collector::Transport;

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/// A socket on loopback; port 0: any.
FileDescriptor bound(int type, std::uint16_t port = 0) {
  FileDescriptor socket = checked(::socket(AF_INET, type | SOCK_CLOEXEC, 0), "socket");
  const int on = 1;
  setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const auto address = loopback(port);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw last_error("bind");
  if (type == SOCK_STREAM && ::listen(socket.get(), 4) != 0) throw last_error("listen");
  return socket;
}
std::uint16_t port_of(const FileDescriptor& socket) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

bool readable(const FileDescriptor& socket, std::chrono::milliseconds patience = 10s) {
  pollfd one{socket.get(), POLLIN, 0};
  return poll(&one, 1, static_cast<int>(patience.count())) == 1;
}
std::string read_some(const FileDescriptor& socket) {
  std::array<char, 65536> bytes;
  if (!readable(socket)) return {};
  const auto count = ::recv(socket.get(), bytes.data(), bytes.size(), 0);
  return {bytes.data(), count > 0 ? static_cast<std::size_t>(count) : 0};
}
FileDescriptor accepted(const FileDescriptor& listener) {
  return readable(listener) ? FileDescriptor{::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC)}
                            : FileDescriptor{};
}

Collector::Rules rules(Transport transport, std::uint16_t port) {
  return {{transport, "127.0.0.1", port}, {}};
}
void put(Collector& collector, unsigned from, unsigned count) {
  for (unsigned i = from; i < from + count; ++i)
    collector.put({WallTime{std::chrono::seconds{i}}, "session-begin", {{"id", std::to_string(i)}}});
  collector.flush();
}
/// The ids of messages that stand behind their lengths (RFC 6587 section 3.4.1).
std::vector<std::string> ids(std::string_view text) {
  std::vector<std::string> all;
  while (!text.empty()) {
    const std::size_t length = std::stoul(std::string{text.substr(0, text.find(' '))});
    const std::string_view message = text.substr(text.find(' ') + 1, length);
    EXPECT_EQ(message.substr(0, 7), "<134>1 ");
    EXPECT_EQ(message.back(), ']');
    const auto begin = message.find("id=\"") + 4;
    all.emplace_back(message.substr(begin, message.find('"', begin) - begin));
    text.remove_prefix(text.find(' ') + 1 + length);
  }
  return all;
}
bool eventually(const std::function<bool()>& holds) {
  for (const auto end = std::chrono::steady_clock::now() + 15s; std::chrono::steady_clock::now() < end;
       std::this_thread::sleep_for(5ms)) {
    if (holds()) return true;
  }
  return false;
}

TEST(CollectorTest, gets_each_record_as_a_datagram) {  // RFC 5426 section 3.1
  const auto socket = bound(SOCK_DGRAM);
  Collector collector{rules(Transport::udp, port_of(socket))};
  put(collector, 0, 3);
  for (unsigned i = 0; i < 3; ++i) {
    const std::string message = read_some(socket);
    EXPECT_TRUE(message.starts_with("<134>1 1970-01-01T00:00:0" + std::to_string(i))) << message;
    EXPECT_TRUE(message.ends_with("id=\"" + std::to_string(i) + "\"]")) << message;
  }
}

TEST(CollectorTest, gets_over_tcp_messages_behind_their_lengths) {  // RFC 6587 section 3.4.1
  const auto listener = bound(SOCK_STREAM);
  Collector collector{rules(Transport::tcp, port_of(listener))};
  put(collector, 0, 2);
  const auto peer = accepted(listener);
  ASSERT_TRUE(peer);
  EXPECT_EQ(ids(read_some(peer)), (std::vector<std::string>{"0", "1"}));
  EXPECT_TRUE(
      eventually([&] { return collector.status().records == 2 && collector.status().waiting_bytes == 0; }));
  EXPECT_EQ(collector.status().trouble, "");
}

TEST(CollectorTest, that_is_away_gets_what_waited_when_it_comes) {
  std::uint16_t port = 0;
  port = port_of(bound(SOCK_STREAM));  // nobody's now
  Collector collector{rules(Transport::tcp, port)};
  put(collector, 0, 5);
  ASSERT_TRUE(eventually([&] { return collector.status().trouble == "connect: Connection refused"; }));
  EXPECT_GT(collector.status().waiting_bytes, 0U);
  const auto listener = bound(SOCK_STREAM, port);
  const auto peer = accepted(listener);
  ASSERT_TRUE(peer);
  EXPECT_EQ(ids(read_some(peer)).size(), 5U);
  EXPECT_TRUE(eventually([&] { return collector.status().trouble.empty(); }));
}

TEST(CollectorTest, that_goes_away_gets_all_by_its_next_connection) {
  const auto listener = bound(SOCK_STREAM);
  Collector collector{rules(Transport::tcp, port_of(listener))};
  put(collector, 0, 1);
  auto peer = accepted(listener);
  ASSERT_TRUE(peer);
  ASSERT_EQ(ids(read_some(peer)).size(), 1U);
  ASSERT_TRUE(eventually([&] { return collector.status().records == 1; }));
  peer = FileDescriptor{};
  put(collector, 1, 3);
  peer = accepted(listener);
  ASSERT_TRUE(peer);
  std::vector<std::string> came;
  while (came.size() < 3) {
    const auto some = ids(read_some(peer));
    if (some.empty()) break;
    came.insert(came.end(), some.begin(), some.end());
  }
  EXPECT_EQ(came, (std::vector<std::string>{"1", "2", "3"}));
}

TEST(CollectorTest, that_stays_away_costs_bounded_memory_and_hears_of_the_loss) {  // OPS-6
  std::uint16_t port = port_of(bound(SOCK_STREAM));
  Collector collector{rules(Transport::tcp, port), 10'000};
  put(collector, 0, 1'000);
  const auto stuck = collector.status();
  EXPECT_LT(stuck.waiting_bytes, 10'200U);
  EXPECT_GT(stuck.lost, 800U);
  const auto listener = bound(SOCK_STREAM, port);
  const auto peer = accepted(listener);
  ASSERT_TRUE(peer);
  ASSERT_TRUE(eventually([&] { return collector.status().waiting_bytes == 0; }));
  put(collector, 1'000, 1);
  std::string all;
  while (all.find("id=\"1000\"") == all.npos) {
    const auto some = read_some(peer);
    ASSERT_FALSE(some.empty());
    all += some;
  }
  EXPECT_NE(all.find(" lost [session@32473 v=\"1\" count=\"" + std::to_string(stuck.lost) + "\" since="),
            all.npos);
}

TEST(CollectorTest, of_tls_needs_certificates_that_can_be_read) {
  EXPECT_THROW((Collector{{{Transport::tls, "127.0.0.1", 1}, "/missing.pem"}}), std::runtime_error);
}

}  // namespace
}  // namespace rgw::session_log
