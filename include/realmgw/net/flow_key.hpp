// The 5-tuple of a packet, seen from the gateway's side of the conversation. Hot path.
#pragma once

#include "realmgw/base/endian.hpp"
#include "realmgw/base/hash.hpp"
#include "realmgw/net/address.hpp"
#include "realmgw/net/side.hpp"
#include "realmgw/net/transport.hpp"

#include <array>
#include <bit>
#include <cstdint>
#include <type_traits>

namespace rgw::net {

/// Ports, protocol, side and family: what the keys of both families share. 8 bytes, no padding.
struct FlowTail {
  be16 near_port;  ///< an ICMP query's identifier stands here
  be16 far_port;   ///< zero for ICMP
  Protocol protocol = Protocol::any;
  Side side = Side::inside;  ///< on which side the packet was seen
  Family family = Family::v4;
  std::uint8_t zero = 0;

  friend constexpr bool operator==(const FlowTail&, const FlowTail&) = default;
};
static_assert(sizeof(FlowTail) == 8 && std::has_unique_object_representations_v<FlowTail>);

/// A flow as one side sees it. `near` is the realm's end: on the inside the host, on the outside E; `far` is
/// the remote. A session so has two keys, one a side: packets from inside carry the one, packets from outside
/// the other.
template <class Address>
struct FlowKey {
  Address near;
  Address far;
  FlowTail tail;

  /// A word at a time: this is what a lookup spends on a hit.
  friend constexpr bool operator==(const FlowKey& a, const FlowKey& b) {
    using Words = std::array<std::uint64_t, sizeof(FlowKey) / sizeof(std::uint64_t)>;
    return std::bit_cast<Words>(a) == std::bit_cast<Words>(b);
  }
};
using FlowKey4 = FlowKey<Ipv4Address>;
using FlowKey6 = FlowKey<Ipv6Address>;
static_assert(sizeof(FlowKey4) == 16 && std::has_unique_object_representations_v<FlowKey4>);
static_assert(sizeof(FlowKey6) == 40 && std::has_unique_object_representations_v<FlowKey6>);

/// Two addresses in one word, for a search to hash and to compare. Of IPv4 they are the word.
[[nodiscard, gnu::always_inline]] inline std::uint64_t ends_of(const Ipv4Address& near,
                                                               const Ipv4Address& far, const HashSalt&) {
  return std::bit_cast<std::uint64_t>(std::array{near, far});
}
/// Of IPv6 it is a salted digest of them: other addresses have another word, but for one in 2^64, so who
/// finds by it has to compare the addresses too.
[[nodiscard, gnu::always_inline]] inline std::uint64_t ends_of(const Ipv6Address& near,
                                                               const Ipv6Address& far, const HashSalt& salt) {
  using Words = std::array<std::uint64_t, 2>;
  const auto n = std::bit_cast<Words>(near), f = std::bit_cast<Words>(far);
  return multiply_fold(f[0] ^ salt[0], f[1] ^ salt[1] ^ multiply_fold(n[0] ^ salt[0], n[1] ^ salt[1]));
}

}  // namespace rgw::net
