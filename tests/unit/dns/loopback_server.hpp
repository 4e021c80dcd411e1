// A name server on the loopback interface, UDP and TCP on one port, that answers what a function says.
#pragma once

#include "realmgw/net/transport.hpp"

#include <arpa/inet.h>
#include <chrono>
#include <cstdint>
#include <functional>
#include <netinet/in.h>
#include <poll.h>
#include <set>
#include <span>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace rgw::dns::test {

/// Serves in `pump`, on the test's own thread.
class LoopbackServer {
 public:
  /// Gets a query and whether it came over TCP; an empty answer is silence. The ID is put in afterwards.
  using Handler = std::function<std::vector<std::uint8_t>(std::span<const std::uint8_t> query, bool tcp)>;

  explicit LoopbackServer(Handler handler) : handler_{std::move(handler)} {
    // A port that is free for both; of a hundred tries one will do.
    for (int i = 0; i < 100; ++i) {
      sockaddr_in address = loopback(0);
      udp_ = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
      tcp_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
      socklen_t size = sizeof address;
      if (bind(udp_, as_sockaddr(address), size) == 0 &&
          getsockname(udp_, as_sockaddr(address), &size) == 0 &&
          bind(tcp_, as_sockaddr(address), size) == 0 && listen(tcp_, 8) == 0) {
        port_ = ntohs(address.sin_port);
        return;
      }
      close(udp_);
      close(tcp_);
    }
  }
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;
  ~LoopbackServer() {
    close_udp();
    close(tcp_);
    if (elsewhere_ >= 0) close(elsewhere_);
    for (const int connection : connections_) close(connection);
  }

  /// From now on there is TCP alone.
  void close_udp() {
    if (udp_ >= 0) close(udp_);
    udp_ = -1;
  }
  /// From now on UDP answers come from another port.
  void answer_from_elsewhere() { elsewhere_ = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0); }

  [[nodiscard]] net::Endpoint endpoint() const { return {net::Ipv4Address{127, 0, 0, 1}, port_}; }

  /// Answers what has come.
  void pump() {
    std::uint8_t query[4096];
    sockaddr_in from{};
    socklen_t size = sizeof from;
    for (;;) {
      const auto got = recvfrom(udp_, query, sizeof query, 0, as_sockaddr(from), &size);
      if (got <= 0) break;
      source_ports.insert(ntohs(from.sin_port));
      auto answer = answer_to({query, static_cast<std::size_t>(got)}, false);
      if (!answer.empty())
        late_.push_back({std::chrono::steady_clock::now() + delay, from, std::move(answer)});
    }
    const auto now = std::chrono::steady_clock::now();
    for (auto& [due, to, answer] : late_) {
      if (due > now || answer.empty()) continue;
      sendto(elsewhere_ >= 0 ? elsewhere_ : udp_, answer.data(), answer.size(), 0, as_sockaddr(to),
             sizeof to);
      answer.clear();
    }
    std::erase_if(late_, [](const Late& one) { return one.answer.empty(); });
    const int connection = accept4(tcp_, nullptr, nullptr, SOCK_NONBLOCK);
    if (connection >= 0) connections_.push_back(connection);
    for (const int one : connections_) {
      const auto got = recv(one, query, sizeof query, 0);
      if (got <= 2) continue;
      auto answer = answer_to({query + 2, static_cast<std::size_t>(got) - 2}, true);
      if (answer.empty()) continue;
      const auto length = answer.size();
      answer.insert(answer.begin(),
                    {static_cast<std::uint8_t>(length >> 8), static_cast<std::uint8_t>(length)});
      send(one, answer.data(), answer.size(), MSG_NOSIGNAL);
    }
  }

  unsigned udp_queries = 0;  ///< probes apart
  unsigned tcp_queries = 0;  ///< likewise
  unsigned probes = 0;       ///< queries for the root
  std::set<std::uint16_t> source_ports;
  std::chrono::milliseconds delay{};  ///< of each answer over UDP

 private:
  struct Late {
    std::chrono::steady_clock::time_point due;
    sockaddr_in to;
    std::vector<std::uint8_t> answer;
  };

  static sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }
  static sockaddr* as_sockaddr(sockaddr_in& address) { return reinterpret_cast<sockaddr*>(&address); }
  std::vector<std::uint8_t> answer_to(std::span<const std::uint8_t> query, bool tcp) {
    constexpr std::size_t name_at = 12;
    const bool is_probe = query.size() > name_at && query[name_at] == 0;
    ++(is_probe ? probes : tcp ? tcp_queries : udp_queries);
    auto answer = handler_(query, tcp);
    // A probe has no answer where the handler is silent, and else one without records.
    if (is_probe && !answer.empty()) {
      answer.assign(query.begin(), query.begin() + name_at + 5);
      answer[2] |= 0x80;
      answer[11] = 0;
    }
    if (answer.size() >= 2) {
      answer[0] = query[0];
      answer[1] = query[1];
    }
    return answer;
  }

  Handler handler_;
  int udp_ = -1;
  int tcp_ = -1;
  int elsewhere_ = -1;
  std::uint16_t port_ = 0;
  std::vector<int> connections_;
  std::vector<Late> late_;
};

}  // namespace rgw::dns::test
