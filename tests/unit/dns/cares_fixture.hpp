// Upstreams over real sockets of the loopback interface, turned by the test's own thread.
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/dns/cares_upstream.hpp"
#include "realmgw/dns/query.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "unit/dns/loopback_server.hpp"
#include "unit/dns/recursion_support.hpp"
#include <gtest/gtest.h>

namespace rgw::dns::test {

inline Bytes a_reply(unsigned records = 1) {
  Scripted scripted;
  for (unsigned i = 0; i < records; ++i)
    scripted.answer.push_back("a.example. 60 IN A 192.0.2." + std::to_string(i));
  return reply("a.example", RrType::a, scripted);
}

/// An answer without records: its header, and the question unless it is `bare`.
inline Bytes an_error(unsigned rcode, bool bare = false) {
  Bytes bytes = reply("a.example", RrType::a, {{}, {}, rcode});
  if (bare) {
    bytes.resize(header_size);
    bytes[5] = 0;
  }
  return bytes;
}
inline Bytes with_opt(Bytes bytes, unsigned upper_rcode = 0) {
  bytes[11] = 1;
  const Bytes opt{0, 0, 41, 4, 208, static_cast<std::uint8_t>(upper_rcode), 0, 0, 0, 0, 0};
  bytes.insert(bytes.end(), opt.begin(), opt.end());
  return bytes;
}
inline bool has_opt(std::span<const std::uint8_t> query) {
  return read_query(query).edns.present;
}

class CaresFixture : public testing::Test, public SocketWatcher {
 protected:
  void watch(int fd, bool readable, bool writable) override {
    if (readable || writable) {
      watched[fd] = static_cast<short>((readable ? POLLIN : 0) | (writable ? POLLOUT : 0));
    } else {
      watched.erase(fd);
    }
  }
  void use(std::vector<net::Endpoint> upstreams,
           std::chrono::milliseconds timeout = std::chrono::milliseconds{2000}) {
    upstream.emplace(CaresUpstream::Config{.upstreams = std::move(upstreams), .timeout = timeout}, *this);
  }
  /// Asks and waits.
  UpstreamReply::Status status_of(std::uint64_t id) {
    ask(id);
    return reply().status;
  }
  void ask(std::uint64_t id) {
    upstream->ask(FetchId{id}, query("a.example").flags(flag::rd).edns(1232).bytes());
  }
  /// Turns everything until a reply comes, for at most twenty seconds.
  UpstreamReply reply() {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{20};
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
    upstream->tick(MonotonicClock{}.now() + later);
  }

  /// Turns everything until no socket is left, for at most ten seconds: probes end, too.
  [[nodiscard]] bool comes_to_rest() {
    return turns_until([this] { return watched.empty(); });
  }
  template <class Condition>
  [[nodiscard]] bool turns_until(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    while (!condition() && std::chrono::steady_clock::now() < deadline) turn();
    return condition();
  }

  Duration later{};  ///< how far the clock has been put forward
  std::map<int, short> watched;
  std::vector<LoopbackServer*> servers;
  std::optional<CaresUpstream> upstream;
};

}  // namespace rgw::dns::test
