// The questions that are put to upstreams, each once however many ask it. No sockets and no clock of its own.
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/base/counter.hpp"
#include "realmgw/dns/answer.hpp"
#include "realmgw/dns/answer_cache.hpp"
#include "realmgw/dns/upstream.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace rgw::dns {

/// What upstreams are asked at the moment, and for whom. Where an upstream answers with an alias and not with
/// what that leads to, it is asked for that, too. One thread.
class Fetches {
 public:
  /// Who waits for a fetch; the caller's name for it.
  using Asker = std::string;
  /// A fetch that is over.
  struct Done {
    AnswerKey key;
    std::vector<Asker> askers;
    Response response;  ///< a failure where no upstream gave a readable answer in time
  };

  /// `patience`: after this a question fails, whatever its upstreams may still say. Everything referred to
  /// outlives the fetches.
  Fetches(Upstream& upstream, std::chrono::milliseconds patience, CounterBlock& counters);

  /// Asks for what `key` names, or joins those who have asked already. `asker` may be null: nobody waits.
  void ask(const AnswerKey& key, const Asker* asker, Instant now);
  /// The next fetch that an upstream has answered, or that took too long.
  [[nodiscard]] std::optional<Done> take(Instant now);

  [[nodiscard]] std::size_t size() const { return by_key_.size(); }

 private:
  struct Fetch {
    AnswerKey key;
    std::vector<Asker> askers;
    std::optional<Response> so_far{};  ///< aliases that the upstream has not followed to their end
  };

  void put(FetchId id, Fetch& fetch);
  [[nodiscard]] std::optional<Done> finish(const UpstreamReply& reply);

  Upstream& upstream_;
  const std::chrono::milliseconds patience_;
  CounterBlock& counters_;
  std::unordered_map<std::string, Fetch> by_key_;  // by the bytes of an AnswerKey
  std::unordered_map<FetchId, std::string> keys_;
  std::deque<std::pair<Instant, FetchId>> deadlines_;  // in order, since all have the same patience
  std::uint64_t next_ = 1;
};

}  // namespace rgw::dns
