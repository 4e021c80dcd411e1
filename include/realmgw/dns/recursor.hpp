// The recursive service for inside clients (DNS-2, DNS-3): cache, upstreams, DNS64 and DNS46. No sockets and
// no clock of its own.
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/base/counter.hpp"
#include "realmgw/base/hash.hpp"
#include "realmgw/base/strong_id.hpp"
#include "realmgw/dns/answer.hpp"
#include "realmgw/dns/answer_cache.hpp"
#include "realmgw/dns/dns46.hpp"
#include "realmgw/dns/dns64.hpp"
#include "realmgw/dns/fetches.hpp"
#include "realmgw/dns/query.hpp"
#include "realmgw/dns/responder.hpp"
#include "realmgw/dns/upstream.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace rgw::dns {

struct RecursorConfig {
  std::string nsid;
  std::optional<net::Pref64> dns64;  ///< absent: no DNS64
  /// AAAA records with these addresses count as none (RFC 6147 section 5.1.4).
  std::vector<net::Prefix> dns64_exclude = Dns64::default_exclusions();
  bool ces = false;  ///< ask for a peer edge node, too (DNS-3)
  /// After this a question fails, whatever its upstreams may still say: no client waits longer.
  std::chrono::milliseconds patience{5000};
  /// So long beyond its time an answer may be used while no upstream answers (RFC 8767); the cache's limit.
  /// 0: never.
  std::chrono::seconds serve_stale{0};
  std::size_t max_fetches = 1024;            ///< queries to upstreams at once
  std::size_t max_waiting = 4096;            ///< queries of clients that wait at once
  std::size_t max_waiting_per_client = 128;  ///< of one address
};

/// A client's query that waits for an upstream.
using RecursionTicket = StrongId<struct RecursionTag, std::uint64_t>;

/// The answer comes later, under this ticket.
struct Deferred {
  RecursionTicket ticket;
};
using RecursionOutcome = std::variant<Answered, Silent, Deferred>;

/// Gets the answers that were deferred.
class AnswerSink {
 public:
  virtual ~AnswerSink() = default;
  /// `answer` is good until this returns.
  virtual void deliver(RecursionTicket ticket, std::span<const std::uint8_t> answer) = 0;
};

/// Answers what lies outside the zones. One thread.
///
/// A question becomes a *job*; a job needs one or more *fetches* of records as upstreams have them, all of
/// them sent at once, so that synthesis adds no round trip. Equal jobs and equal fetches are one. The order
/// of DNS-3 is an order of preference, not of time: a peer edge node (reported only), the native type, the
/// other type and out of it a synthesised answer.
class Recursor {
 public:
  /// `binder` may be null: no DNS46. Everything referred to outlives the recursor.
  Recursor(RecursorConfig config, AnswerCache& cache, Upstream& upstream, ProxyBinder* binder,
           CounterBlock& counters);

  /// Answers one readable query of class IN that asks for recursion, into `room` (at least
  /// `Responder::min_room` bytes), or later.
  [[nodiscard]] RecursionOutcome ask(const Query& query, const Client& client, Instant now,
                                     std::span<std::uint8_t> room);
  /// Takes what upstreams answered, gives up what took too long, and delivers what that settles.
  void step(Instant now, AnswerSink& sink);

  [[nodiscard]] std::size_t waiting() const { return waiting_; }
  [[nodiscard]] std::size_t fetches() const { return fetches_.size(); }

  /// The names for which a peer edge node was found last (DNS-3), the latest at the end.
  [[nodiscard]] const std::deque<Name>& peers() const { return peers_; }

 private:
  using Text = std::string;  // the bytes of an AnswerKey
  using Form = AnswerKey::Form;
  static constexpr std::size_t max_peers = 32;

  enum class Manner : std::uint8_t {
    forward,  ///< as the upstream answers
    dns64,
    dns46,
    reverse,  ///< through an alias to the name of what a synthesised address stands for
  };
  /// How a question is answered.
  struct Plan {
    Manner manner;
    AnswerKey served;  ///< what the answer is kept under
    AnswerKey native;  ///< what the upstream is asked first
  };
  /// A client that waits.
  struct Waiter {
    RecursionTicket ticket;
    Client client;
    Query query;
  };
  struct Job {
    Plan plan;
    std::optional<Response> native, other;
    std::vector<Waiter> waiters;
    Instant begun{};
  };

  [[nodiscard]] bool may_synthesise(const AnswerKey& key) const;
  [[nodiscard]] Plan plan_for(const AnswerKey& key) const;
  [[nodiscard]] std::optional<AnswerView> find_cached(const Plan& plan, Instant now);
  [[nodiscard]] std::optional<AnswerView> find_stale(const Plan& plan, Instant now);
  /// Is it known that asking an upstream is in vain, and what was known before may do?
  [[nodiscard]] bool in_vain(const AnswerKey& key, Instant now);
  [[nodiscard]] static bool is_waiting(const Job& job, const Query& query, const Client& client);
  [[nodiscard]] std::optional<RecursionOutcome> refuse(const Query& query, const Client& client,
                                                       std::span<std::uint8_t> room);
  [[nodiscard]] Deferred enlist(Job& job, const Query& query, const Client& client);
  [[nodiscard]] std::span<const std::uint8_t> write(const AnswerView& answer, const Query& query,
                                                    const Client& client, std::span<std::uint8_t> room);

  /// What is known under `key`, or will be told to `job`.
  [[nodiscard]] std::optional<Response> need(const AnswerKey& key, const Text& job, Instant now);
  void ask_for_peer(const AnswerKey& key, Instant now);
  /// What upstreams answered or failed to answer, kept, and replaced by what was known before where that may
  /// do.
  void remember(const AnswerKey& key, Response& response, Instant now);
  void answer_the_impatient(Instant now, AnswerSink& sink);
  void receive(Fetches::Done& done, Instant now, AnswerSink& sink);
  /// The answer, as soon as what has come decides it.
  [[nodiscard]] std::optional<Response> settle(const Job& job, Instant now);
  [[nodiscard]] Response aliased(const Job& job) const;
  [[nodiscard]] Response synthesise(const Job& job, Instant now);
  [[nodiscard]] EncodedAnswer keep(const Job& job, const Response& response, Instant now);
  void finish(const Job& job, const EncodedAnswer& answer, AnswerSink& sink);
  void report_peer(const Response& response);

  RecursorConfig config_;
  std::optional<Dns64> dns64_;
  std::optional<Dns46> dns46_;
  AnswerCache& cache_;
  const Upstream& upstream_;
  CounterBlock& counters_;
  Fetches fetches_;
  std::unordered_map<Text, Job> jobs_;
  std::deque<std::pair<Instant, Text>> impatient_;  ///< jobs that may take a stale answer, by when they began
  std::unordered_map<net::IpAddress, std::size_t> waiting_by_client_;
  std::size_t waiting_ = 0;
  std::uint64_t next_ticket_ = 1;
  std::deque<Name> peers_;
  std::vector<std::uint8_t> room_;
};

}  // namespace rgw::dns
