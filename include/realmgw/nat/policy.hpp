// What the operator has decided about translation: OUT-1, OUT-2, OUT-3, OUT-6. Plain values, the same on all workers.
#pragma once

#include <cstdint>
#include <vector>

#include "realmgw/nat/timer_class.hpp"
#include "realmgw/net/address.hpp"
#include "realmgw/net/transport.hpp"

namespace rgw::nat {

/// RFC 4787 section 4.1, the two that the gateway offers.
enum class Mapping : std::uint8_t { endpoint_independent, address_and_port_dependent };
/// RFC 4787 section 5.
enum class Filtering : std::uint8_t { endpoint_independent, address_dependent, address_and_port_dependent };
/// OUT-6: what an outside packet gets that nothing claims.
enum class Unmatched : std::uint8_t {
  automatic,  ///< silence, but a refusal within 2 s after a known host's reservation ended
  reject,
  drop
};

/// A port forward. Both ways: what the host sends from there leaves with the outside endpoint.
struct StaticMapping {
  net::Protocol protocol;
  net::Endpoint outside;
  net::Endpoint inside;
};

struct Policy {
  std::vector<net::IpAddress> external;  ///< addresses that outbound sessions may leave with, of both families
  /// Service addresses that are shared with NAT or pool: the gateway's own connections from them are sessions (OUT-9).
  std::vector<net::IpAddress> shared_service;
  Mapping mapping = Mapping::address_and_port_dependent;
  Filtering filtering = Filtering::address_and_port_dependent;
  Unmatched unmatched = Unmatched::automatic;
  bool hairpin = true;
  std::uint32_t max_sessions = 65536;           ///< of all workers together
  std::uint32_t max_sessions_per_host = 16384;  ///< RFC 6888 REQ-4
  std::uint16_t mss_clamp = 0;                  ///< 0: untouched
  std::uint32_t max_bindings = 65536;           ///< pending reservations that a worker remembers
  Timeouts timeouts;
  std::vector<StaticMapping> static_mappings;
  /// What the gateway itself serves on addresses that it shares: no session may take such a port.
  std::vector<net::Service> local_services;
};

}  // namespace rgw::nat
