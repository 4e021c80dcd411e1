// What the gateway itself says about a packet: ICMP errors and TCP resets, made as whole IP packets.
#pragma once

#include "realmgw/net/packet.hpp"

#include <cstdint>
#include <span>

namespace rgw::nat {

/// The errors that the gateway sends (OUT-5, OUT-6).
enum class IcmpError : std::uint8_t {
  time_exceeded,   ///< in transit
  packet_too_big,  ///< Fragmentation Needed (RFC 1191), Packet Too Big (RFC 4443 section 3.2)
  port_unreachable,
  host_unreachable,     ///< address unreachable in IPv6
  network_unreachable,  ///< no route
  admin_prohibited,
  parameter_problem,  ///< of IPv6: an erroneous header field (RFC 4443 section 3.4)
  source_route,       ///< Source Route Failed; in IPv6 a parameter problem (RFC 8200 section 4.4)
};

/// A buffer of this size takes any answer: RFC 1812 section 4.3.2.3 quotes into 576 bytes, RFC 4443
/// section 2.4(c) into 1280.
inline constexpr std::size_t max_reply = 1280;

/// May an ICMP error be sent about this packet? Not about an ICMP error, a later fragment, or what was not
/// sent from one host to one host (RFC 1122 section 3.2.2, RFC 4443 section 2.4(e)).
[[nodiscard]] bool may_report(const net::Packet& packet);

/// Writes the ICMP error from `source` to the sender of `packet` into `out` (of `max_reply` bytes); returns
/// its length. `word` is the MTU of packet_too_big, and of parameter_problem and source_route the offset of
/// the field at fault. The packet must not have been translated yet: the sender wants to see its own.
[[nodiscard]] std::size_t make_icmp_error(const net::Packet& packet, IcmpError error,
                                          const net::IpAddress& source, std::uint32_t word,
                                          std::span<std::uint8_t> out);

/// Writes the reset that a closed port answers to a TCP segment (RFC 9293 section 3.10.7.1) into `out`;
/// returns its length, zero for a segment that is a reset itself.
[[nodiscard]] std::size_t make_tcp_reset(const net::Packet& packet, std::span<std::uint8_t> out);

/// Writes a SYN-ACK that acknowledges what the SYN `packet` did not send (RFC 9293 section 3.10.7.3: its
/// sender resets that) into `out`; returns its length, zero where the number is one that the sender might
/// accept.
[[nodiscard]] std::size_t make_syn_challenge(const net::Packet& packet, std::uint32_t acknowledgement,
                                             std::span<std::uint8_t> out);

}  // namespace rgw::nat
