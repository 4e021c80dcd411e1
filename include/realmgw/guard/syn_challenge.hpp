// Is the sender of a SYN there? He is asked without any state, by an answer that only a host which has sent
// the SYN sends back (GUARD-5).
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/base/random.hpp"
#include "realmgw/base/siphash.hpp"
#include "realmgw/net/address.hpp"
#include "realmgw/net/transport.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <vector>

namespace rgw::guard {

/// The question is a SYN-ACK that acknowledges a number which the SYN did not have. A host that has sent the
/// SYN resets that with this very number (RFC 9293 section 3.10.7.3), and sends its SYN once more: Linux some
/// milliseconds later, others with their next retransmission. The number is a MAC over the ends and the time,
/// so nothing is kept until it comes back. Fixed in size; one worker's, but all that share a seed have the
/// same numbers.
class SynChallenge {
 public:
  struct Ends {
    net::Endpoint client, external;
  };

  explicit SynChallenge(std::uint64_t shared_seed);

  /// What the question acknowledges.
  [[nodiscard]] std::uint32_t number(const Ends& ends, Instant now) const { return number(ends, slot(now)); }
  /// Has the gateway asked for this number lately?
  [[nodiscard]] bool is_answer(const Ends& ends, std::uint32_t number, Instant now) const;

  /// The client has answered: he is known for a while.
  void note(const net::IpAddress& client, Instant now);
  [[nodiscard]] bool knows(const net::IpAddress& client, Instant now) const;

  static constexpr Duration remembered = std::chrono::seconds{60};
  /// A number is good for this long, and for as long again.
  static constexpr Duration period = std::chrono::seconds{16};

 private:
  static constexpr std::size_t places = 16384;
  struct Known {
    std::uint64_t client = 0;  ///< its MAC
    Instant until{};
  };

  static std::uint64_t slot(Instant now) {
    return static_cast<std::uint64_t>(now.time_since_epoch() / period);
  }
  [[nodiscard]] std::uint32_t number(const Ends& ends, std::uint64_t slot) const;
  [[nodiscard]] std::uint64_t mac(const net::IpAddress& client) const;

  SipKey key_;
  std::vector<Known> known_{places};
  Instant last_{};  ///< nobody is known any more from here on
};

}  // namespace rgw::guard
