// An endpoint on one side as a table's key: 20 bytes, no padding.
#pragma once

#include "realmgw/nat/address_key.hpp"
#include "realmgw/net/transport.hpp"

#include <array>
#include <cstdint>

namespace rgw::nat {

/// Address, protocol and port; written and read in the same words, as an AddressKey is, for which families,
/// protocol and port share one.
struct EndpointKey {
  std::array<std::uint8_t, 16> address{};
  std::uint32_t rest = 0;  ///< from the lowest byte: the families, the protocol, the port (two bytes)

  EndpointKey() = default;
  EndpointKey(const AddressKey& a, net::Protocol protocol, std::uint16_t port)
      : address{a.bytes},
        rest{static_cast<std::uint32_t>(a.family) | std::uint32_t{static_cast<std::uint8_t>(protocol)} << 8 |
             std::uint32_t{port} << 16} {}
  EndpointKey(const net::Endpoint& endpoint, net::Protocol protocol)
      : EndpointKey{endpoint.address, protocol, endpoint.port} {}

  /// The same endpoint towards the addresses of a family, another key for each: a host may have a mapping to
  /// both.
  [[nodiscard]] EndpointKey towards(net::Family outside) const {
    EndpointKey key = *this;
    key.rest |= (static_cast<std::uint32_t>(outside) + 1) << 4;
    return key;
  }

  friend bool operator==(const EndpointKey& a, const EndpointKey& b) {
    std::uint64_t x[2], y[2];
    std::memcpy(x, a.address.data(), sizeof x);
    std::memcpy(y, b.address.data(), sizeof y);
    return ((x[0] ^ y[0]) | (x[1] ^ y[1]) | (a.rest ^ b.rest)) == 0;
  }
};
static_assert(PlainKey<EndpointKey>);
static_assert(static_cast<unsigned>(net::Family::v4) < 15 && static_cast<unsigned>(net::Family::v6) < 15,
              "both families fit into a byte");

}  // namespace rgw::nat
