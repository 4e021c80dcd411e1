// Addresses with a special purpose: which of them a host may have, which a router passes on, which are
// global. One table for each family, and nobody else decides such a thing.
#pragma once

#include "realmgw/net/address.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace rgw::net {

/// A block of IANA's IPv4 or IPv6 Special-Purpose Address Registry (RFC 6890, RFC 8190), and its columns.
template <class Address>
struct SpecialBlock {
  Address address;
  std::uint8_t length;
  std::string_view name;
  std::string_view rfc;
  bool source;       ///< may a packet come from there?
  bool destination;  ///< may a packet go there?
  bool forwardable;  ///< may a router pass such a packet on to another link?
  bool global;       ///< may it go beyond an administrative domain?

  [[nodiscard]] constexpr bool contains(const Address& other) const {
    if constexpr (Address::family == Family::v4) {
      return length == 0 || (address.value.host() ^ other.value.host()) >> (32 - length) == 0;
    } else {
      const std::size_t whole = length / 8;
      for (std::size_t i = 0; i < whole; ++i) {
        if (address.bytes[i] != other.bytes[i]) return false;
      }
      return length % 8 == 0 || (address.bytes[whole] ^ other.bytes[whole]) >> (8 - length % 8) == 0;
    }
  }
};

/// The registries as of 2025-10, in the order of the addresses, a block before those inside it.
///
/// Where this table differs from them: the documentation blocks (RFC 5737, RFC 3849, RFC 9637) have "false"
/// in all columns there. Laboratories and examples are built with them, those of this gateway too, so they
/// may be used and routed here like private ones; global they are not. Multicast and site-local addresses are
/// in other registries: no rule for packets to one host forwards the former (RFC 7915 section 1.1), and no
/// router the latter (RFC 3879 section 4). Where a column is empty or "N/A" it is "false" here.
inline constexpr std::array special_ipv4 = [] {
  using A = Ipv4Address;
  constexpr bool yes = true, no = false;
  return std::to_array<SpecialBlock<Ipv4Address>>({
      {A{0, 0, 0, 0}, 8, "this network", "RFC 791 section 3.2", yes, no, no, no},
      {A{10, 0, 0, 0}, 8, "private use", "RFC 1918", yes, yes, yes, no},
      {A{100, 64, 0, 0}, 10, "shared address space", "RFC 6598", yes, yes, yes, no},
      {A{127, 0, 0, 0}, 8, "loopback", "RFC 1122 section 3.2.1.3", no, no, no, no},
      {A{169, 254, 0, 0}, 16, "link-local", "RFC 3927", yes, yes, no, no},
      {A{172, 16, 0, 0}, 12, "private use", "RFC 1918", yes, yes, yes, no},
      {A{192, 0, 0, 0}, 24, "IETF protocol assignments", "RFC 6890 section 2.1", no, no, no, no},
      {A{192, 0, 0, 0}, 29, "IPv4 service continuity", "RFC 7335", yes, yes, yes, no},
      {A{192, 0, 0, 8}, 32, "IPv4 dummy address", "RFC 7600", yes, no, no, no},
      {A{192, 0, 0, 9}, 32, "PCP anycast", "RFC 7723", yes, yes, yes, yes},
      {A{192, 0, 0, 10}, 32, "TURN anycast", "RFC 8155", yes, yes, yes, yes},
      {A{192, 0, 0, 170}, 31, "NAT64/DNS64 discovery", "RFC 8880", no, no, no, no},
      {A{192, 0, 2, 0}, 24, "documentation", "RFC 5737", yes, yes, yes, no},
      {A{192, 31, 196, 0}, 24, "AS112", "RFC 7535", yes, yes, yes, yes},
      {A{192, 52, 193, 0}, 24, "AMT", "RFC 7450", yes, yes, yes, yes},
      {A{192, 88, 99, 0}, 24, "6to4 relay anycast, deprecated", "RFC 7526", yes, yes, yes, no},
      {A{192, 168, 0, 0}, 16, "private use", "RFC 1918", yes, yes, yes, no},
      {A{192, 175, 48, 0}, 24, "AS112, direct delegation", "RFC 7534", yes, yes, yes, yes},
      {A{198, 18, 0, 0}, 15, "benchmarking", "RFC 2544", yes, yes, yes, no},
      {A{198, 51, 100, 0}, 24, "documentation", "RFC 5737", yes, yes, yes, no},
      {A{203, 0, 113, 0}, 24, "documentation", "RFC 5737", yes, yes, yes, no},
      {A{224, 0, 0, 0}, 4, "multicast", "RFC 5771", no, yes, no, no},
      {A{240, 0, 0, 0}, 4, "reserved", "RFC 1112 section 4", no, no, no, no},
      {A{255, 255, 255, 255}, 32, "limited broadcast", "RFC 919 section 7", no, yes, no, no},
  });
}();

inline constexpr std::array special_ipv6 = [] {
  constexpr bool yes = true, no = false;
  const auto at = [](std::array<std::uint16_t, 8> words) {
    Ipv6Address address;
    for (std::size_t i = 0; i < words.size(); ++i) {
      address.bytes[2 * i] = static_cast<std::uint8_t>(words[i] >> 8);
      address.bytes[2 * i + 1] = static_cast<std::uint8_t>(words[i]);
    }
    return address;
  };
  return std::to_array<SpecialBlock<Ipv6Address>>({
      {at({}), 128, "unspecified", "RFC 4291 section 2.5.2", yes, no, no, no},
      {at({0, 0, 0, 0, 0, 0, 0, 1}), 128, "loopback", "RFC 4291 section 2.5.3", no, no, no, no},
      {at({0, 0, 0, 0, 0, 0xffff}), 96, "IPv4-mapped", "RFC 4291 section 2.5.5.2", no, no, no, no},
      {at({0x64, 0xff9b}), 96, "IPv4-IPv6 translation", "RFC 6052", yes, yes, yes, yes},
      {at({0x64, 0xff9b, 1}), 48, "IPv4-IPv6 translation, local", "RFC 8215", yes, yes, yes, no},
      {at({0x100}), 64, "discard-only", "RFC 6666", yes, yes, yes, no},
      {at({0x100, 0, 0, 1}), 64, "IPv6 dummy prefix", "RFC 9780", yes, no, no, no},
      {at({0x2001}), 23, "IETF protocol assignments", "RFC 2928", no, no, no, no},
      {at({0x2001}), 32, "Teredo", "RFC 4380", yes, yes, yes, no},
      {at({0x2001, 1, 0, 0, 0, 0, 0, 1}), 128, "PCP anycast", "RFC 7723", yes, yes, yes, yes},
      {at({0x2001, 1, 0, 0, 0, 0, 0, 2}), 128, "TURN anycast", "RFC 8155", yes, yes, yes, yes},
      {at({0x2001, 1, 0, 0, 0, 0, 0, 3}), 128, "SRP anycast", "RFC 9665", yes, yes, yes, yes},
      {at({0x2001, 2}), 48, "benchmarking", "RFC 5180", yes, yes, yes, no},
      {at({0x2001, 3}), 32, "AMT", "RFC 7450", yes, yes, yes, yes},
      {at({0x2001, 4, 0x112}), 48, "AS112", "RFC 7535", yes, yes, yes, yes},
      {at({0x2001, 0x10}), 28, "ORCHID, deprecated", "RFC 4843", no, no, no, no},
      {at({0x2001, 0x20}), 28, "ORCHIDv2", "RFC 7343", yes, yes, yes, yes},
      {at({0x2001, 0x30}), 28, "drone identifiers", "RFC 9374", yes, yes, yes, yes},
      {at({0x2001, 0xdb8}), 32, "documentation", "RFC 3849", yes, yes, yes, no},
      {at({0x2002}), 16, "6to4", "RFC 3056", yes, yes, yes, no},
      {at({0x2620, 0x4f, 0x8000}), 48, "AS112, direct delegation", "RFC 7534", yes, yes, yes, yes},
      {at({0x3fff}), 20, "documentation", "RFC 9637", yes, yes, yes, no},
      {at({0x5f00}), 16, "segment identifiers", "RFC 9602", yes, yes, yes, no},
      {at({0xfc00}), 7, "unique local", "RFC 4193", yes, yes, yes, no},
      {at({0xfe80}), 10, "link-local", "RFC 4291 section 2.5.6", yes, yes, no, no},
      {at({0xfec0}), 10, "site-local, deprecated", "RFC 3879", yes, yes, no, no},
      {at({0xff00}), 8, "multicast", "RFC 4291 section 2.7", no, yes, no, no},
  });
}();

template <class Address>
[[nodiscard]] constexpr const auto& special_blocks() {
  if constexpr (Address::family == Family::v4) {
    return special_ipv4;
  } else {
    return special_ipv6;
  }
}

namespace detail {

/// By the first byte of an address: where the blocks begin and end among which it may be. Most are among
/// none.
struct SpecialRows {
  std::uint8_t begin = 0, end = 0;
};
template <class Address>
inline constexpr std::array<SpecialRows, 256> special_rows = [] {
  std::array<SpecialRows, 256> rows{};
  const auto& blocks = special_blocks<Address>();
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const auto bytes = std::bit_cast<std::array<std::uint8_t, sizeof(Address)>>(blocks[i].address);
    const unsigned span = blocks[i].length < 8 ? 1U << (8 - blocks[i].length) : 1;
    for (unsigned byte = bytes[0]; byte < bytes[0] + span; ++byte) {
      SpecialRows& row = rows[byte];
      if (row.end == 0) row.begin = static_cast<std::uint8_t>(i);
      row.end = static_cast<std::uint8_t>(i + 1);
    }
  }
  return rows;
}();

}  // namespace detail

/// The smallest block that an address is in; nullptr for one without a special purpose.
template <class Address>
[[nodiscard]] constexpr const SpecialBlock<Address>* special_block_of(const Address& address) {
  const auto& blocks = special_blocks<Address>();
  const auto rows =
      detail::special_rows<Address>[std::bit_cast<std::array<std::uint8_t, sizeof(Address)>>(address)[0]];
  for (std::size_t i = rows.end; i != rows.begin; --i) {
    if (blocks[i - 1].contains(address)) return &blocks[i - 1];
  }
  return nullptr;
}

/// May one host have it: send from there and receive? So is a link-local address, and neither is a group,
/// "this network" or loopback (RFC 1812 sections 5.2.3 and 5.3.7, RFC 4291 section 2.5).
template <class Address>
[[nodiscard]] constexpr bool is_host(const Address& address) {
  const auto* block = special_block_of(address);
  return block == nullptr || (block->source && block->destination);
}
/// May a packet that has it as source or destination go from one link to another? So neither may link-local
/// ones (RFC 3927 section 7, RFC 4291 section 2.5.6).
template <class Address>
[[nodiscard]] constexpr bool is_forwardable(const Address& address) {
  const auto* block = special_block_of(address);
  return block == nullptr || block->forwardable;
}
/// May it be used beyond an administrative domain?
template <class Address>
[[nodiscard]] constexpr bool is_global(const Address& address) {
  const auto* block = special_block_of(address);
  return block == nullptr || block->global;
}
[[nodiscard]] constexpr bool is_host(const IpAddress& address) {
  return address.is_v4() ? is_host(address.v4()) : is_host(address.v6());
}
[[nodiscard]] constexpr bool is_forwardable(const IpAddress& address) {
  return address.is_v4() ? is_forwardable(address.v4()) : is_forwardable(address.v6());
}

namespace detail {

/// A smaller block stands behind the one that it is in, and what may be forwarded may be an end of a packet.
template <class Address>
constexpr bool is_sound(const std::ranges::range auto& blocks) {
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    if (blocks[i].forwardable && !(blocks[i].source && blocks[i].destination)) return false;
    if (blocks[i].global && !blocks[i].forwardable) return false;
    if (i == 0) continue;
    const auto before = std::bit_cast<std::array<std::uint8_t, sizeof(Address)>>(blocks[i - 1].address);
    const auto here = std::bit_cast<std::array<std::uint8_t, sizeof(Address)>>(blocks[i].address);
    if (here < before || (here == before && blocks[i].length <= blocks[i - 1].length)) return false;
  }
  return true;
}
static_assert(is_sound<Ipv4Address>(special_ipv4) && is_sound<Ipv6Address>(special_ipv6));

}  // namespace detail

}  // namespace rgw::net
