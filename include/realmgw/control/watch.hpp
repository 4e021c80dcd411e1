// What an operator must hear of once when it begins and once when it ends (OPS-10): resources that run out,
// links and routers that are gone, a kernel that forwards beside the gateway.
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/base/counter.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rgw::control {

enum class Trouble : std::uint8_t {
  link_down,           ///< of a port
  router_lost,         ///< the next hop of a route has answered, and does no more
  pool_exhausted,      ///< queries find no address
  ports_exhausted,     ///< sessions find no external port, or no proxy address
  sessions_full,       ///< a worker has no room for another session
  reservations_full,   ///< a worker has no room for a reservation
  upstreams_failing,   ///< recursive queries get no useful answer
  upstream_dead,       ///< one upstream says nothing
  control_overloaded,  ///< the rings to the control thread are full
  workers_overloaded,  ///< the rings to workers are full
  no_buffers,          ///< no packet buffer is free
  alg_full,            ///< ALGs have no room for a session, a pinhole or text
  updates_not_kept,    ///< DNS updates fail, for the state directory cannot be written
  kernel_forwards,     ///< packets pass beside the gateway
  www_not_written,     ///< the configuration of the www proxy is not in its file
  session_log_lost,    ///< records of the session log found no room in a worker's lane
  session_log_stuck,   ///< the session log's file cannot be written, or its collector is away
};
inline constexpr std::size_t trouble_count = 17;
/// As its label in the metrics has it.
[[nodiscard]] std::string_view name(Trouble trouble);

struct TroubleNews {
  Trouble what;
  std::string subject;  ///< the port, the router, the upstream or what the kernel does; empty where there is
                        ///< only one of its kind
  bool over;
  std::uint64_t count;  ///< of what was lost or refused so far; 0 of a state
  Duration lasted;      ///< since it began
};

/// One thread. Each trouble is told once when it begins and once when it is over, so at most twice in
/// `quiet`.
class Watch {
 public:
  /// What is counted is over when its counters have stood still for so long; a state, when it has been good
  /// for so long.
  static constexpr std::chrono::seconds quiet{10};
  static constexpr std::chrono::seconds interval{1};  ///< between looks

  using Hear = std::function<void(const TroubleNews&)>;
  /// `hear` may be empty.
  explicit Watch(Hear hear) : hear_{std::move(hear)} {}

  /// Looks at the sums of the threads' counters.
  void look(std::span<const CounterBlock* const> threads, Instant now);
  /// A state, looked at about as often.
  void state(Trouble what, const std::string& subject, bool bad, Instant now);
  /// All such states that are bad now: others are good.
  void states(Trouble what, const std::vector<std::string>& bad, Instant now);
  /// Nobody looks at such states any more: those that are bad are over.
  void end_states(Trouble what, Instant now);
  /// Has it been told of, and is it not over?
  [[nodiscard]] bool active(Trouble what, const std::string& subject) const;
  /// The same of any subject.
  [[nodiscard]] bool active(Trouble what) const;

 private:
  struct Told {
    bool on = false;
    std::uint64_t begun_at = 0, last = 0;  ///< sums of the counters
    Instant since{}, bad_at{};             ///< it began; it was last seen
  };
  void tell(Trouble what, const std::string& subject, const Told& told, Instant now);
  void note(Trouble what, const std::string& subject, Told& told, bool bad, Instant now);

  Hear hear_;
  std::array<Told, trouble_count> counted_{};
  bool looked_ = false;
  std::map<std::pair<Trouble, std::string>, Told> states_;
};

}  // namespace rgw::control
