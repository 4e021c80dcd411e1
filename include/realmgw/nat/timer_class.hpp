// The timers of OUT-3: which there are, what they are by default, and what says so.
#pragma once

#include "realmgw/base/clock.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace rgw::nat {

/// Which timer runs on a session (or on a fragmented datagram). Small enough for a session record.
enum class TimerClass : std::uint8_t {
  udp,               ///< UDP, and every protocol without a timer of its own
  tcp_incoming_syn,  ///< an outside SYN that waits, not forwarded, for a simultaneous open
  tcp_transitory,    ///< TCP while it opens, after both FIN, after a RST
  tcp_established,   ///< TCP in between
  icmp,              ///< ICMP queries
  fragment,          ///< a datagram whose fragments have not all been seen
};
inline constexpr std::size_t timer_class_count = 6;

struct TimerDefault {
  TimerClass timer;
  std::string_view name;  ///< the key in the realm file
  Duration timeout;
  std::string_view source;
};

// clang-format off
inline constexpr std::array<TimerDefault, timer_class_count> timer_defaults{{
    {TimerClass::udp,              "udp",              std::chrono::minutes{5},    "RFC 4787 REQ-5c"},
    {TimerClass::tcp_incoming_syn, "tcp_incoming_syn", std::chrono::seconds{6},    "RFC 5382 REQ-4, RFC 6146 section 4"},
    {TimerClass::tcp_transitory,   "tcp_transitory",   std::chrono::minutes{4},    "RFC 5382 REQ-5, RFC 7857 section 2.1"},
    {TimerClass::tcp_established,  "tcp_established",  std::chrono::minutes{124},  "RFC 5382 REQ-5"},
    {TimerClass::icmp,             "icmp",             std::chrono::seconds{60},   "RFC 5508 REQ-2"},
    {TimerClass::fragment,         "fragment",         std::chrono::seconds{2},    "RFC 6146 section 4, FRAGMENT_MIN"},
}};
// clang-format on

/// How long each timer runs. Begins with the defaults; the realm file changes it.
class Timeouts {
 public:
  constexpr Timeouts() {
    for (const auto& row : timer_defaults) set(row.timer, row.timeout);
  }
  constexpr void set(TimerClass timer, Duration timeout) {
    timeouts_[static_cast<std::size_t>(timer)] = timeout;
  }
  [[nodiscard]] constexpr Duration operator[](TimerClass timer) const {
    return timeouts_[static_cast<std::size_t>(timer)];
  }

 private:
  std::array<Duration, timer_class_count> timeouts_{};
};

}  // namespace rgw::nat
