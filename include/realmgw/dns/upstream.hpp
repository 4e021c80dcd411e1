// The seam between the recursor and what carries its queries to the upstreams.
#pragma once

#include "realmgw/base/strong_id.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace rgw::dns {

/// One query on its way. Used again at most after its reply has been taken.
using FetchId = StrongId<struct FetchTag, std::uint64_t>;

/// What came of it.
struct UpstreamReply {
  enum class Status : std::uint8_t {
    answered,     ///< `message` is the reply; its ID and question are those of the query
    no_answer,    ///< no upstream answered in time, or each refused or failed
    unreachable,  ///< no upstream could be reached at all
  };
  FetchId id;
  Status status = Status::no_answer;
  std::vector<std::uint8_t> message;
};

/// Asks upstreams one after the other, again over TCP where UDP was too short. Replies wait until they are
/// taken, so that nothing is called back in the middle of a call.
class Upstream {
 public:
  virtual ~Upstream() = default;
  /// Sends a whole query; its ID is the upstream's to choose. Exactly one reply comes, unless it is
  /// cancelled.
  virtual void ask(FetchId id, std::span<const std::uint8_t> query) = 0;
  /// Gives up on one that has had no reply yet.
  virtual void cancel(FetchId id) = 0;
  [[nodiscard]] virtual std::optional<UpstreamReply> take() = 0;
  /// Is it known that none answers at the moment?
  [[nodiscard]] virtual bool dead() const = 0;
};

}  // namespace rgw::dns
