// What is known of each upstream: which is asked first, and how; which of them are dead (DNS-7). No sockets
// and no clock of its own.
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/net/transport.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace rgw::dns {

/// The better one comes first.
enum class UpstreamState : std::uint8_t {
  good,
  slow,     ///< it answers, but others are asked before the answer is there
  suspect,  ///< a question has waited for it in vain; a probe is to find out why
  dead,     ///< a probe had no answer at all
};

/// Which upstream is asked first, by what came of the questions before. An upstream that lets one question
/// wait, or whose host refuses it, stands behind the others at once, and a *probe* is due: a query of the
/// gateway's own, so that no client waits for an upstream only to find out whether it is back. A dead one is
/// probed again and again. One thread.
class UpstreamStandings {
 public:
  struct Times {
    std::chrono::milliseconds slow_after{400};  ///< an answer later than that is slow
    std::chrono::seconds slow_for{60};          ///< so long it stands behind others
    std::chrono::seconds between_probes{5};     ///< of a dead one
  };
  /// What came of the questions that were put to an upstream; probes are not counted.
  struct Health {
    net::Endpoint upstream;
    bool preferred = false;  ///< it is asked first
    UpstreamState state = UpstreamState::good;
    std::uint64_t answered = 0;
    std::uint64_t failed = 0;  ///< it answered what is of no use: an error, or no EDNS
    std::uint64_t silent = 0;  ///< nothing before the next one was asked, or over UDP from another address
    std::uint64_t unreachable = 0;  ///< its host, or the way there, says so
  };
  struct Standing {
    Health health{};
    Instant plain_until{};  ///< it does not know EDNS
    Instant tcp_until{};    ///< it does not answer over UDP
    Instant slow_until{};
    Instant probe_at{};   ///< of a suspect or dead one
    bool probed = false;  ///< a probe is under way
  };

  UpstreamStandings(const std::vector<net::Endpoint>& upstreams, Times times);

  [[nodiscard]] std::size_t size() const { return all_.size(); }
  [[nodiscard]] Standing& operator[](std::size_t upstream) { return all_[upstream]; }

  /// All upstreams in the order in which a question goes to them: by state, then by the configuration.
  [[nodiscard]] std::vector<std::size_t> order() const;
  /// Is there none that is not dead?
  [[nodiscard]] bool all_dead() const;
  /// In the order of the configuration.
  [[nodiscard]] std::vector<Health> health() const;

  /// It let a question wait, or its host refused it.
  void doubt(std::size_t upstream);
  /// It said something, whatever, before anybody else was asked.
  void trust(std::size_t upstream);
  /// The upstreams that are to be probed now; each counts as probed from here on.
  [[nodiscard]] std::vector<std::size_t> take_probes(Instant now);
  /// A probe was answered after `took`.
  void alive(std::size_t upstream, Duration took, Instant now);
  /// A probe was not answered.
  void dead(std::size_t upstream, Instant now);

 private:
  std::vector<Standing> all_;
  Times times_;
};

}  // namespace rgw::dns
