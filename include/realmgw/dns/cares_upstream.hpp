// Upstreams through c-ares: sockets, retries, and TCP where UDP was too short.
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/dns/upstream.hpp"
#include "realmgw/net/transport.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <unordered_map>
#include <vector>

namespace rgw::dns {

/// Watches sockets for c-ares; `CaresUpstream::ready` is told what became ready.
class SocketWatcher {
 public:
  virtual ~SocketWatcher() = default;
  /// What to wait for from now on; neither: the socket is about to be closed.
  virtual void watch(int fd, bool readable, bool writable) = 0;
};

/// Each question in flight has a c-ares channel, and so a UDP socket and a random source port, of its own
/// (RFC 5452 section 9.2); c-ares would otherwise send all of them from one port. Channels are kept for the
/// next questions, but one that saw a failure is not: c-ares 1.18 gives up EDNS on it for good. One thread.
class CaresUpstream final : public Upstream {
 public:
  struct Config {
    std::vector<net::Endpoint> upstreams;     ///< in order of preference, at least one
    std::chrono::milliseconds timeout{1000};  ///< for one try; c-ares doubles it with each round of tries
    int tries = 2;                            ///< of each upstream
  };
  static constexpr std::size_t max_idle = 64;  ///< channels that are kept

  /// Throws std::runtime_error where c-ares cannot be set up, std::invalid_argument without upstreams.
  CaresUpstream(Config config, SocketWatcher& watcher);
  CaresUpstream(const CaresUpstream&) = delete;
  CaresUpstream& operator=(const CaresUpstream&) = delete;
  ~CaresUpstream() override;

  void ask(FetchId id, std::span<const std::uint8_t> query) override;
  void cancel(FetchId id) override;
  [[nodiscard]] std::optional<UpstreamReply> take() override;

  /// A watched socket became ready.
  void ready(int fd, bool readable, bool writable);
  /// Lets time pass: to be called every few milliseconds. Looks at each channel in flight once an interval.
  void tick(Instant now);
  static constexpr std::chrono::milliseconds tick_interval{20};

 private:
  struct Channel;

  [[nodiscard]] Channel* open();
  void configure(Channel& channel) const;
  void socket_state(Channel& channel, int fd, bool readable, bool writable);
  void settle(Channel& channel);

  Config config_;
  SocketWatcher& watcher_;
  std::size_t preferred_ = 0;  ///< the upstream that is asked first: the last one that answered
  Instant next_tick_{};
  std::unordered_map<int, Channel*> by_socket_;
  std::deque<UpstreamReply> replies_;
  // Last, so that they end first: a channel that ends closes its sockets, which stand above.
  std::unordered_map<FetchId, std::unique_ptr<Channel>> busy_;
  std::vector<std::unique_ptr<Channel>> idle_;
};

}  // namespace rgw::dns
