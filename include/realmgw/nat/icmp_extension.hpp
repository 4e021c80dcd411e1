// What may follow the packet that an ICMP error quotes: RFC 4884, and of its objects the one that names an
// interface's address, RFC 5837.
#pragma once

#include "realmgw/net/packet.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace rgw::nat {

/// RFC 4884 section 4: extensions begin no sooner.
inline constexpr std::size_t least_extended_quote = 128;

/// What an ICMP error carries behind its header.
struct ErrorBody {
  std::span<const std::uint8_t> quote;       ///< with its padding
  std::span<const std::uint8_t> extensions;  ///< header and objects, unread, of whatever version; empty: none
};

/// Splits an ICMP error by the length in its header (RFC 4884 section 4). Without one, or with one that lies,
/// all is the quote. What follows a quote shorter than 128 bytes is no extension.
[[nodiscard]] ErrorBody split_error(const net::Packet& packet);

/// Has an ICMP error of this type a place for the length of its quote, and so for extensions? (RFC 4884
/// section 3)
[[nodiscard]] bool may_be_extended(net::Family family, std::uint8_t type);

/// Writes quote and extensions behind each other to `out`, of `bound` bytes (128 at least), and the quote's
/// length to `icmp`, whose type may be extended: the quote padded with zeros to 128 bytes at least and to
/// whole units of its family, and shortened where the extensions would not fit otherwise; extensions that do
/// not fit even then are truncated, behind a whole object where that is possible. `router`, where there is
/// one and room, is named in an object of RFC 5837 at the end. Extensions pass as they are (RFC 7915
/// sections 4.2 and 5.2). Returns how many bytes were written.
[[nodiscard]] std::size_t write_error_body(net::IcmpHeader& icmp, net::Family family, const ErrorBody& body,
                                           const net::Ipv6Address* router, std::uint8_t* out,
                                           std::size_t bound);

}  // namespace rgw::nat
