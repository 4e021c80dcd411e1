// How a NAT may behave: the words of the RFCs, which the realm file and the packet path share.
#pragma once

#include <cstdint>

namespace rgw::net {

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

/// What a TCP segment of no connection that is known gets, where it opens none: of one that an earlier run
/// had, for instance.
enum class UnknownTcp : std::uint8_t {
  reset,  ///< a reset, so that its sender does not wait for hours (RFC 9293 section 3.10.7.1)
  drop
};

/// RFC 7757 section 4: what is done for an IPv6 host that speaks to another one by its IPv4 address.
enum class MapHairpin : std::uint8_t {
  off,
  simple,  ///< a router of the IPv4 network sends the packet back; its source then is shown inside the prefix
  intrinsic  ///< the packet is translated twice here and never leaves as IPv4
};

}  // namespace rgw::net
