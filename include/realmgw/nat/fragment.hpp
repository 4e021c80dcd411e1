// A fragment, and what the first of a datagram tells about the others (OUT-7).
#pragma once

#include "realmgw/base/endian.hpp"
#include "realmgw/base/hash.hpp"
#include "realmgw/net/packet.hpp"

#include <array>
#include <cstdint>
#include <optional>

namespace rgw::nat {

/// Which datagram a fragment belongs to. For IPv4 that is (source, destination, identification, protocol),
/// RFC 791; for IPv6 the protocol does not count (RFC 8200 section 4.5: of the next headers only the first
/// fragment's holds).
struct FragmentKey {
  std::array<std::uint8_t, 16> source{};  ///< an IPv4 address in the first four
  std::array<std::uint8_t, 16> destination{};
  be32 id{};
  std::uint8_t protocol = 0;  ///< IPv4 only
  net::Family family{};
  net::Side side{};  ///< where it came from: outside cannot meddle with what comes from inside
  std::uint8_t zero = 0;

  friend constexpr bool operator==(const FragmentKey&, const FragmentKey&) = default;
};
static_assert(sizeof(FragmentKey) == 40 && PlainKey<FragmentKey>);

/// What one fragment cannot know: the flow, which the first tells, and the length, which the last tells. For
/// ICMP queries the identifier is a port, as in net::FlowTail.
struct FragmentFlow {
  be16 near_port;
  be16 far_port;
  net::Protocol protocol;
  std::uint16_t l4_protocol;  ///< the IANA number on the wire
  /// Of a datagram whose fragments were held until it was known: net::Packet::datagram_length.
  std::uint16_t datagram_length = 0;

  /// Of a first fragment.
  [[nodiscard]] static FragmentFlow of(const net::Packet& first);
  /// Gives a fragment what it lacks; a later one the key of its flow. Its kind stays `later_fragment`: it has
  /// no transport header to rewrite.
  void give_to(net::Packet& fragment) const;

  friend constexpr bool operator==(const FragmentFlow&, const FragmentFlow&) = default;
};

struct Fragment {
  FragmentKey key;
  std::uint32_t offset = 0;          ///< bytes, a multiple of 8
  std::uint32_t length = 0;          ///< bytes of the fragmentable part
  bool more = false;                 ///< not the last
  std::optional<FragmentFlow> flow;  ///< of the first one, if it tells
  /// Must wait for the last one, too: of ICMP that may cross families the checksum depends on the length of
  /// the whole message (RFC 8200 section 8.1).
  bool needs_length = false;

  /// Of a packet that the parser calls a fragment. nullopt (count it as `fragment_lying`) where fragment
  /// headers contradict each other: one inside another.
  [[nodiscard]] static std::optional<Fragment> of(const net::Packet& packet);
};

}  // namespace rgw::nat
