// A mapping as an operator sees it.
#pragma once

#include "realmgw/net/transport.hpp"

#include <cstdint>

namespace rgw::nat {

/// One row of `realmgwctl bib`. Plain data; the name of each field is the field's name in JSON.
struct MappingInfo {
  enum class Kind : std::uint8_t {
    fixed,             ///< of the realm file
    dynamic,           ///< endpoint-independent; lives as long as a session of it
    explicit_dynamic,  ///< the same, but its host has asked for it (RFC 6887)
  };

  Kind kind;
  net::Protocol protocol;
  std::uint8_t worker;
  net::Endpoint inside;    ///< the host
  net::Endpoint external;  ///< E
  std::uint32_t sessions;
};

}  // namespace rgw::nat
