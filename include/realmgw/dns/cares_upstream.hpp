// Upstreams through c-ares: sockets, time-outs, and TCP where UDP was too short. Which upstream is asked,
// how, and what comes after a failure is decided here.
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/dns/upstream.hpp"
#include "realmgw/net/transport.hpp"

#include <array>
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

/// A question is a series of *attempts*: one upstream, with EDNS or without, over UDP or TCP. An attempt ends
/// with an answer, or it says what to try next:
/// - The upstream does not know EDNS (FORMERR, NOTIMP, BADVERS, or SERVFAIL without OPT; RFC 6891 sections
///   6.1.3 and 7): the same one without EDNS.
/// - It has no UDP, as its host says: the same one over TCP.
/// - It fails, refuses, is lame, or answers what cannot be read: the next one. This one is out for the
/// question.
/// - It is silent, or answers from another address, which its socket does not take: the next one, and this
///   one in the next round.
///
/// There are `tries` rounds over UDP and a last one over TCP. What was learnt of an upstream (no EDNS, no
/// UDP) holds for `memory`, so that later questions cost no more than they must.
///
/// Each attempt has a c-ares channel, and so a UDP socket and a random source port, of its own (RFC 5452
/// section 9.2); c-ares would otherwise send all of them from one port. Channels are kept for the next
/// questions. One thread.
class CaresUpstream final : public Upstream {
 public:
  struct Config {
    std::vector<net::Endpoint> upstreams;     ///< in order of preference, at least one
    std::chrono::milliseconds timeout{1000};  ///< for one attempt
    int tries = 2;                            ///< of each upstream over UDP
    std::chrono::minutes memory{10};          ///< for what is known of an upstream
  };
  static constexpr std::size_t max_idle = 64;  ///< channels of one kind that are kept

  /// Throws std::runtime_error where c-ares cannot be set up, std::invalid_argument without upstreams.
  CaresUpstream(Config config, SocketWatcher& watcher);
  CaresUpstream(const CaresUpstream&) = delete;
  CaresUpstream& operator=(const CaresUpstream&) = delete;
  ~CaresUpstream() override;

  /// The query ends with an OPT record of no options.
  void ask(FetchId id, std::span<const std::uint8_t> query) override;
  void cancel(FetchId id) override;
  [[nodiscard]] std::optional<UpstreamReply> take() override;

  /// A watched socket became ready.
  void ready(int fd, bool readable, bool writable);
  /// Lets time pass: to be called every few milliseconds. Looks at each channel in flight once an interval.
  void tick(Instant now);
  static constexpr std::chrono::milliseconds tick_interval{20};

  /// What came of the attempts with one upstream.
  struct Health {
    net::Endpoint upstream;
    bool preferred = false;  ///< it is asked first
    std::uint64_t answered = 0;
    std::uint64_t failed = 0;       ///< it answered what is of no use: an error, or no EDNS
    std::uint64_t silent = 0;       ///< nothing in time, or over UDP from another address
    std::uint64_t unreachable = 0;  ///< its host, or the way there, says so
  };
  /// In the order of the configuration.
  [[nodiscard]] std::vector<Health> health() const;

 private:
  struct Channel;
  struct Asked;
  /// How an upstream is asked.
  struct Manner {
    bool edns = true;
    bool tcp = false;
    [[nodiscard]] std::size_t index() const { return (edns ? 1U : 0U) | (tcp ? 2U : 0U); }
  };
  /// What is known of an upstream.
  struct Standing {
    Instant plain_until{};  ///< it does not know EDNS
    Instant tcp_until{};    ///< it does not answer over UDP
    Health health{};
  };

  [[nodiscard]] std::unique_ptr<Channel> open(Manner manner, std::size_t upstream);
  void put_away(std::unique_ptr<Channel> channel);
  /// Begins the next attempt; false where there is none left.
  bool attempt(Asked& asked);
  void send(Asked& asked, std::size_t upstream, Manner manner);
  /// Goes on while attempts end at once, and replies when the question is settled.
  void settle(FetchId id);
  /// Takes the end of an attempt. True where it was an answer.
  bool conclude(Asked& asked);
  void reply(FetchId id, UpstreamReply::Status status, std::vector<std::uint8_t> message);
  void prefer_after(const Asked& asked, std::size_t upstream);
  void socket_state(Channel& channel, int fd, bool readable, bool writable);

  Config config_;
  SocketWatcher& watcher_;
  std::size_t preferred_ = 0;  ///< the upstream that is asked first: the last one that answered
  std::vector<Standing> standings_;
  Instant now_{}, next_tick_{};
  std::unordered_map<int, Channel*> by_socket_;
  std::deque<UpstreamReply> replies_;
  // Last, so that they end first: a channel that ends closes its sockets, which stand above.
  std::unordered_map<FetchId, std::unique_ptr<Asked>> busy_;
  std::array<std::vector<std::unique_ptr<Channel>>, 4> idle_;  ///< by Manner
};

}  // namespace rgw::dns
