// ICMP types and codes across families: the tables of RFC 7915 sections 4.2 and 5.2, as data.
#pragma once

#include "realmgw/net/headers.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

namespace rgw::nat {

/// What the second word of an ICMP header becomes.
enum class IcmpWord : std::uint8_t {
  query,     ///< identifier and sequence number stay
  unused,    ///< zero
  mtu,       ///< an MTU, moved by the difference of the headers
  pointer,   ///< a place in the header, which has another place in the other header
  protocol,  ///< of "protocol unreachable": a pointer to the next header field (6)
};

struct IcmpMeaning {
  std::uint8_t type;
  std::uint8_t code;
  IcmpWord word;
};

namespace icmp_map {

inline constexpr std::uint8_t any_code = 0xff, same_code = 0xff;

struct Row {
  std::uint8_t type, code;
  IcmpMeaning to;
};

// clang-format off
/// RFC 7915 section 4.2. What is not here is dropped: timestamps, addresses masks, source quench, redirects, "host
/// precedence violation", a parameter problem with a missing option.
inline constexpr auto v4_to_v6 = std::to_array<Row>({
    { 8, any_code, {128, 0, IcmpWord::query}},
    { 0, any_code, {129, 0, IcmpWord::query}},
    { 3,  0, {1, 0, IcmpWord::unused}},    // net unreachable: no route
    { 3,  1, {1, 0, IcmpWord::unused}},
    { 3,  2, {4, 1, IcmpWord::protocol}},  // protocol unreachable: unrecognised next header
    { 3,  3, {1, 4, IcmpWord::unused}},
    { 3,  4, {2, 0, IcmpWord::mtu}},
    { 3,  5, {1, 0, IcmpWord::unused}},
    { 3,  6, {1, 0, IcmpWord::unused}},
    { 3,  7, {1, 0, IcmpWord::unused}},
    { 3,  8, {1, 0, IcmpWord::unused}},
    { 3,  9, {1, 1, IcmpWord::unused}},    // prohibited
    { 3, 10, {1, 1, IcmpWord::unused}},
    { 3, 11, {1, 0, IcmpWord::unused}},
    { 3, 12, {1, 0, IcmpWord::unused}},
    { 3, 13, {1, 1, IcmpWord::unused}},
    { 3, 15, {1, 1, IcmpWord::unused}},
    {11, any_code, {3, same_code, IcmpWord::unused}},
    {12,  0, {4, 0, IcmpWord::pointer}},
    {12,  2, {4, 0, IcmpWord::pointer}},
});

/// RFC 7915 section 5.2. What is not here is dropped: listener and neighbour discovery, unrecognised options.
inline constexpr auto v6_to_v4 = std::to_array<Row>({
    {128, any_code, {8, 0, IcmpWord::query}},
    {129, any_code, {0, 0, IcmpWord::query}},
    {  1, 0, {3,  1, IcmpWord::unused}},
    {  1, 1, {3, 10, IcmpWord::unused}},
    {  1, 2, {3,  1, IcmpWord::unused}},
    {  1, 3, {3,  1, IcmpWord::unused}},
    {  1, 4, {3,  3, IcmpWord::unused}},
    {  2, any_code, {3, 4, IcmpWord::mtu}},
    {  3, any_code, {11, same_code, IcmpWord::unused}},
    {  4, 0, {12, 0, IcmpWord::pointer}},
    {  4, 1, {3, 2, IcmpWord::unused}},
});
// clang-format on

template <std::size_t N>
[[nodiscard]] constexpr std::optional<IcmpMeaning> find(const std::array<Row, N>& rows, std::uint8_t type,
                                                        std::uint8_t code) {
  for (const Row& row : rows) {
    if (row.type != type || (row.code != any_code && row.code != code)) continue;
    IcmpMeaning to = row.to;
    if (to.code == same_code) to.code = code;
    return to;
  }
  return std::nullopt;
}

}  // namespace icmp_map

[[nodiscard]] constexpr std::optional<IcmpMeaning> icmp4_to_icmp6(std::uint8_t type, std::uint8_t code) {
  return icmp_map::find(icmp_map::v4_to_v6, type, code);
}
[[nodiscard]] constexpr std::optional<IcmpMeaning> icmp6_to_icmp4(std::uint8_t type, std::uint8_t code) {
  return icmp_map::find(icmp_map::v6_to_v4, type, code);
}

/// Where a field of one header stands in the other (RFC 7915 figures 3 and 6); nothing for a field that has
/// no counterpart.
[[nodiscard]] constexpr std::optional<std::uint8_t> pointer4_to_6(std::uint8_t pointer) {
  if (pointer >= 12 && pointer <= 15) return 8;   // source address
  if (pointer >= 16 && pointer <= 19) return 24;  // destination address
  switch (pointer) {
    case 0:
      return 0;  // version, header length
    case 1:
      return 1;  // type of service
    case 2:
    case 3:
      return 4;  // total length
    case 8:
      return 7;  // time to live
    case 9:
      return 6;  // protocol
    default:
      return std::nullopt;
  }
}
[[nodiscard]] constexpr std::optional<std::uint8_t> pointer6_to_4(std::uint32_t pointer) {
  if (pointer >= 8 && pointer <= 23) return 12;
  if (pointer >= 24 && pointer <= 39) return 16;
  switch (pointer) {
    case 0:
      return 0;
    case 1:
      return 1;
    case 4:
    case 5:
      return 2;
    case 6:
      return 9;
    case 7:
      return 8;
    default:
      return std::nullopt;
  }
}

/// RFC 1191 section 7: what an old router that does not tell the MTU may have meant, from the length of the
/// packet that was too big.
[[nodiscard]] constexpr std::uint16_t mtu_plateau_below(std::uint16_t length) {
  constexpr std::array<std::uint16_t, 11> plateaus{65535, 32000, 17914, 8166, 4352, 2002,
                                                   1492,  1006,  508,   296,  68};
  for (const std::uint16_t plateau : plateaus) {
    if (plateau < length) return plateau;
  }
  return plateaus.back();
}

}  // namespace rgw::nat
