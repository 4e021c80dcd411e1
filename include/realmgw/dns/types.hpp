// Numbers of the DNS protocol that the gateway names (IANA "Domain Name System (DNS) Parameters").
#pragma once

#include <cstddef>
#include <cstdint>

namespace rgw::dns {

/// A type of record, or of question. Any other number is a type too.
enum class RrType : std::uint16_t {
  a = 1,
  ns = 2,
  cname = 5,
  soa = 6,
  ptr = 12,
  hinfo = 13,
  mx = 15,
  txt = 16,
  aaaa = 28,
  srv = 33,
  naptr = 35,
  dname = 39,
  opt = 41,
  ds = 43,
  rrsig = 46,
  nsec = 47,
  dnskey = 48,
  dhcid = 49,
  nsec3 = 50,
  nsec3param = 51,
  cds = 59,
  cdnskey = 60,
  tsig = 250,
  ixfr = 251,
  axfr = 252,
  any = 255,
};

/// Types 128 to 255 and OPT are about messages, not data (RFC 6895 section 3.1).
[[nodiscard]] constexpr bool is_meta(RrType type) {
  const auto number = static_cast<std::uint16_t>(type);
  return type == RrType::opt || number == 0 || (number >= 128 && number <= 255);
}

inline constexpr std::uint16_t class_in = 1;
inline constexpr std::uint16_t class_none = 254;  ///< RFC 2136 section 2.4
inline constexpr std::uint16_t class_any = 255;

enum class Opcode : std::uint8_t { query = 0, iquery = 1, status = 2, notify = 4, update = 5 };

/// Response codes; those above 15 need an OPT record for their upper bits.
enum class Rcode : std::uint16_t {
  noerror = 0,
  formerr = 1,
  servfail = 2,
  nxdomain = 3,
  notimp = 4,
  refused = 5,
  yxdomain = 6,  ///< RFC 2136 section 2.2
  yxrrset = 7,
  nxrrset = 8,
  notauth = 9,  ///< RFC 2136 section 2.2, RFC 5936 section 2.2.1: no zone of ours
  notzone = 10,
  badvers = 16,
  badcookie = 23,  ///< RFC 7873 section 8
};

/// Extended DNS errors that the gateway uses (RFC 8914 section 4).
enum class ExtendedError : std::uint16_t {
  other = 0,
  stale_answer = 3,             ///< its time is over, and no upstream answers (RFC 8767)
  not_ready = 14,               ///< the pool is empty: the server's own state, and it passes (POOL-8)
  stale_nxdomain = 19,          ///< the same of a name that did not exist
  not_authoritative = 20,       ///< the name lies outside the zones
  no_reachable_authority = 22,  ///< no upstream gave an answer of any use
  network_error = 23,           ///< no upstream could be reached
};

/// EDNS options that the gateway knows.
enum class EdnsOption : std::uint16_t { nsid = 3, client_subnet = 8, cookie = 10, extended_error = 15 };

inline constexpr std::size_t header_size = 12;
/// Without EDNS a UDP answer has at most this many bytes (RFC 1035 section 4.2.1).
inline constexpr std::size_t classic_udp_size = 512;
/// The UDP size that the gateway offers and never exceeds (DNS-1; the DNS flag day 2020 value).
inline constexpr std::size_t edns_udp_size = 1232;
inline constexpr std::size_t tcp_size = 65535;

/// Bits of the header's second 16-bit word.
namespace flag {
inline constexpr std::uint16_t qr = 0x8000;
inline constexpr std::uint16_t aa = 0x0400;
inline constexpr std::uint16_t tc = 0x0200;
inline constexpr std::uint16_t rd = 0x0100;
inline constexpr std::uint16_t ra = 0x0080;
inline constexpr std::uint16_t ad = 0x0020;  // RFC 4035 section 3.2.3
inline constexpr std::uint16_t cd = 0x0010;  // RFC 4035 section 3.2.2
}  // namespace flag

}  // namespace rgw::dns
