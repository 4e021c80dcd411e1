// Who comes to a realm, honestly or not: Poisson arrivals of five classes, the same again for the same seed.
#pragma once

#include "realmgw/base/clock.hpp"
#include "realmgw/base/strong_id.hpp"
#include "realmgw/net/transport.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace rgw::policies {

enum class Kind : std::uint8_t {
  honest,         ///< asks, and connects to what it is answered
  query_only,     ///< asks from an address of its own, and never connects
  data_only,      ///< sends SYNs to the pool from an address of its own, without asking
  spoofed_query,  ///< asks with forged sources
  spoofed_data,   ///< sends SYNs to the pool with forged sources
};
inline constexpr std::size_t kinds = 5;
[[nodiscard]] std::string_view name(Kind kind);

/// How an honest resolver proves its address, when it must.
enum class Proof : std::uint8_t { cookie, tcp, none };

struct Arrival {
  Instant at;
  Kind kind = Kind::honest;
  Proof proof = Proof::none;  ///< of an honest one
  net::IpAddress source;
  std::uint32_t host = 0;  ///< which host it asks for
  /// What it asks for (of a SYN: its port), or any of the host.
  net::Service service;
  std::uint32_t address = 0;  ///< of a SYN without a question: which address of the pool
};

/// Arrivals a second.
struct Mix {
  std::array<double, kinds> rates{};
  double plain = 0.5;           ///< the share of honest questions that are for the host's own name
  bool attacks_plain = true;    ///< forged and idle questions are for the host's own name
  std::uint32_t hosts = 20;     ///< those that honest ones ask for; an attacker asks for the first
  std::uint32_t addresses = 3;  ///< of the pool
};

/// All of them within `length`, in order.
[[nodiscard]] std::vector<Arrival> arrivals(const Mix& mix, Duration length, std::uint64_t seed);

}  // namespace rgw::policies
