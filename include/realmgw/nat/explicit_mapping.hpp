// Mappings that a host has asked for itself (RFC 6887 section 3: explicit dynamic mappings), as control
// and the host's home worker speak of them.
#pragma once

#include "realmgw/net/transport.hpp"

#include <cstdint>
#include <optional>

namespace rgw::nat {

/// What an endpoint-independent mapping owes to its host's asking, beyond the sessions that it has.
enum class Hold : std::uint8_t {
  none,     ///< nothing: it lives as long as a session of it does
  resting,  ///< its port stays its own, so that no late packet reaches another host (RFC 6888 REQ-8)
  open      ///< the same, and any remote may open a session
};

/// Which mapping: a host's endpoint may have one to each family.
struct MappingName {
  net::Endpoint inside;
  net::Protocol protocol = net::Protocol::udp;
  net::Family outside = net::Family::v4;
  friend auto operator<=>(const MappingName&, const MappingName&) = default;
};

struct MapWish {
  MappingName name;
  std::optional<net::IpAddress> address;  ///< which of the external ones; none: any
  std::uint16_t port = 0;                 ///< which port outside; 0: any
  bool exact = false;                     ///< that one or none
  bool low_ports = false;                 ///< may it be below 1024?
};

struct MapGrant {
  enum class Why : std::uint8_t {
    granted,
    host_limit,   ///< the host has as many external ports as it may
    no_room,      ///< no port is free, or the table is full
    not_that_one  ///< `exact`, and it is another's, or another is the host's already
  };
  Why why = Why::no_room;
  net::Endpoint external{};  ///< where granted
};

}  // namespace rgw::nat
