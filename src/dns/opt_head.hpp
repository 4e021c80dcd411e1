// The part of an OPT record that each has: of our answers, and of our queries to an upstream.
#pragma once

#include "realmgw/dns/types.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace rgw::dns {

inline constexpr std::size_t opt_head_size = 11;

/// CLASS is our UDP size; TTL holds the upper bits of the RCODE, version 0 and DO (RFC 6891 section 6.1.3).
/// `options`: how many bytes of them follow.
constexpr std::array<std::uint8_t, opt_head_size> opt_head(Rcode rcode, bool dnssec_ok, std::size_t options) {
  const auto upper = [](std::size_t value) { return static_cast<std::uint8_t>(value >> 8); };
  const auto lower = [](std::size_t value) { return static_cast<std::uint8_t>(value); };
  const auto type = static_cast<std::size_t>(RrType::opt);
  return {0,  // the root
          upper(type),
          lower(type),
          upper(edns_udp_size),
          lower(edns_udp_size),
          static_cast<std::uint8_t>(static_cast<unsigned>(rcode) >> 4),
          0,
          static_cast<std::uint8_t>(dnssec_ok ? 0x80 : 0),
          0,
          upper(options),
          lower(options)};
}

}  // namespace rgw::dns
