// A pinhole as its host's home worker knows it.
#pragma once

#include "realmgw/net/side.hpp"
#include "realmgw/net/transport.hpp"

#include <cstdint>

namespace rgw::nat {

/// What a worker tells of a row of `realmgwctl pinholes`; who has asked for the pinhole control knows by its
/// id.
struct PinholeInfo {
  std::uint64_t id;
  net::Protocol protocol;
  net::Side arrival;  ///< where the first packet comes from
  std::uint8_t ports;
  std::uint8_t worker;
  bool one_remote;          ///< `remote` alone may use it
  bool used;                ///< a session has come through
  net::Endpoint inside;     ///< the first port; of an inside arrival the host, without a port
  net::Endpoint external;   ///< the first port
  net::Endpoint remote;     ///< without a port where any may be used
  std::uint32_t sessions;   ///< that have come through and live
  std::uint32_t expires_s;  ///< until when a first packet may come; 0: none may
};

}  // namespace rgw::nat
