// A session as an operator sees it.
#pragma once

#include "realmgw/net/transport.hpp"

#include <cstdint>

namespace rgw::nat {

/// One row of `realmgwctl sessions`. Plain data; the name of each field is the field's name in JSON.
struct SessionInfo {
  enum class Origin : std::uint8_t { outbound, inbound, local };

  net::Protocol protocol;
  Origin origin;           ///< who opened it: a host inside, someone outside, the gateway itself
  std::uint8_t tcp_state;  ///< nat::TcpState, where the protocol is TCP
  std::uint8_t worker;
  net::Endpoint inside;         ///< the host
  net::Endpoint external;       ///< E
  net::Endpoint remote;         ///< R, as it is outside
  net::Endpoint remote_inside;  ///< R, as the host sees it
  std::uint32_t age_s;
  std::uint32_t idle_s;
  std::uint32_t expires_s;
};

}  // namespace rgw::nat
