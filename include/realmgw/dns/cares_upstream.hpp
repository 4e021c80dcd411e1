// Upstreams through c-ares: sockets, time-outs, and TCP where UDP was too short. Which upstream is asked,
// how, and what comes after a failure is decided here.
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/dns/upstream.hpp"
#include "realmgw/dns/upstream_standings.hpp"
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

struct CaresChannel;
struct Manner;

/// Hears of the sockets of channels.
class ChannelSockets {
 public:
  virtual ~ChannelSockets() = default;
  /// Neither: the socket is about to be closed.
  virtual void socket_state(CaresChannel& channel, int fd, bool readable, bool writable) = 0;
};

/// A question is a series of *attempts*: one upstream, with EDNS or without, over UDP or TCP. An attempt ends
/// with an answer, or it says what to try next:
/// - The upstream does not know EDNS (FORMERR, NOTIMP, BADVERS, or SERVFAIL without OPT; RFC 6891 sections
///   6.1.3 and 7): the same one without EDNS.
/// - It has no UDP, as its host says: the same one over TCP.
/// - It fails, refuses, is lame, or answers what cannot be read: the next one. This one is out for the
///   question.
/// - It is silent, or answers from another address, which its socket does not take: the next one after
///   `move_on`, and this one in the next round. The attempt goes on beside the others until `timeout`: an
///   answer that is slow is an answer.
///
/// There are `tries` rounds over UDP and a last one over TCP, each twice as patient as the one before. What
/// was learnt of an upstream (no EDNS, no UDP) holds for `memory`, so that later questions cost no more than
/// they must. Which upstream comes first is `UpstreamStandings`' to say; probes are questions, too.
///
/// Each attempt has a c-ares channel, and so a UDP socket and a random source port, of its own (RFC 5452
/// section 9.2); c-ares would otherwise send all of them from one port. Channels are kept for the next
/// questions. One thread.
class CaresUpstream final : public Upstream, ChannelSockets {
 public:
  struct Config {
    std::vector<net::Endpoint> upstreams;     ///< in order of preference, at least one
    std::chrono::milliseconds timeout{4000};  ///< for one attempt
    int tries = 2;                            ///< of each upstream over UDP
    std::chrono::minutes memory{10};          ///< for what is known of an upstream
    std::chrono::milliseconds move_on{400};   ///< without an answer; in the first round
  };
  static constexpr std::size_t max_idle = 64;  ///< channels of one kind that are kept
  static constexpr std::size_t max_late = 4;   ///< attempts of one question that go on beside the latest,
  static constexpr std::size_t max_busy_with_late = 128;  ///< while no more questions than that are asked

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

  using Health = UpstreamStandings::Health;
  /// In the order of the configuration.
  [[nodiscard]] std::vector<Health> health() const { return standings_.health(); }
  [[nodiscard]] bool dead() const override { return standings_.all_dead(); }

 private:
  struct Asked;

  [[nodiscard]] std::unique_ptr<CaresChannel> open(Manner manner, std::size_t upstream);
  void put_away(std::unique_ptr<CaresChannel> channel);
  void probe(std::size_t upstream);
  void begin(FetchId id, std::unique_ptr<Asked> asked);
  /// Begins the next attempt, if one is left.
  void attempt(Asked& asked);
  void send(Asked& asked, std::size_t upstream, Manner manner);
  void hurry(Asked& asked);
  void pass_over(Asked& asked, const CaresChannel& channel);
  [[nodiscard]] static bool may_answer_udp(const Asked& asked, std::size_t upstream);
  void give_up_tcp(Asked& asked, std::size_t upstream);
  [[nodiscard]] std::unique_ptr<CaresChannel> take_late(Asked& asked);
  /// Goes on while attempts end at once, and replies when the question is settled.
  void settle(FetchId id);
  /// Takes the end of an attempt. True where it settles the question.
  bool conclude(Asked& asked, const CaresChannel& channel, bool was_late);
  void reply(FetchId id, UpstreamReply::Status status, std::vector<std::uint8_t> message);
  void socket_state(CaresChannel& channel, int fd, bool readable, bool writable) override;

  Config config_;
  SocketWatcher& watcher_;
  UpstreamStandings standings_;
  std::uint64_t next_probe_ = 0;
  Instant now_{}, next_tick_{};
  std::unordered_map<int, CaresChannel*> by_socket_;
  std::deque<UpstreamReply> replies_;
  // Last, so that they end first: a channel that ends closes its sockets, which stand above.
  std::unordered_map<FetchId, std::unique_ptr<Asked>> busy_;
  std::array<std::vector<std::unique_ptr<CaresChannel>>, 4> idle_;  ///< by Manner
};

}  // namespace rgw::dns
