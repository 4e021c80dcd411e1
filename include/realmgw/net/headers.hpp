// Wire headers as they lie in memory. Every field is of alignment 1 and says its byte order, so a header can
// be laid over any byte of a packet; `header<T>()` is the one place that does so.
#pragma once

#include "realmgw/base/endian.hpp"
#include "realmgw/net/address.hpp"

#include <cstddef>
#include <cstdint>

namespace rgw::net {

/// EtherTypes that the gateway speaks.
enum class EtherType : std::uint16_t { ipv4 = 0x0800, arp = 0x0806, ipv6 = 0x86dd };

struct EthernetHeader {
  MacAddress destination;
  MacAddress source;
  be16 type;
};
static_assert(sizeof(EthernetHeader) == 14 && alignof(EthernetHeader) == 1);

/// RFC 826, for IPv4 over Ethernet.
struct ArpPacket {
  be16 hardware_type;  ///< 1
  be16 protocol_type;  ///< 0x0800
  std::uint8_t hardware_length;
  std::uint8_t protocol_length;
  be16 operation;  ///< 1 request, 2 reply
  MacAddress sender_mac;
  Ipv4Address sender;
  MacAddress target_mac;
  Ipv4Address target;

  static constexpr std::uint16_t request = 1;
  static constexpr std::uint16_t reply = 2;
};
static_assert(sizeof(ArpPacket) == 28 && alignof(ArpPacket) == 1);

/// RFC 791.
struct Ipv4Header {
  std::uint8_t version_ihl;
  std::uint8_t tos;
  be16 total_length;
  be16 identification;
  be16 flags_offset;
  std::uint8_t ttl;
  std::uint8_t protocol;
  be16 checksum;
  Ipv4Address source;
  Ipv4Address destination;

  static constexpr std::uint16_t dont_fragment = 0x4000;
  static constexpr std::uint16_t more_fragments = 0x2000;
  static constexpr std::uint16_t offset_mask = 0x1fff;

  [[nodiscard]] constexpr unsigned version() const { return version_ihl >> 4; }
  /// Bytes, options included.
  [[nodiscard]] constexpr std::uint16_t header_length() const {
    return static_cast<std::uint16_t>((version_ihl & 0xf) * 4);
  }
  [[nodiscard]] constexpr bool df() const { return (flags_offset.host() & dont_fragment) != 0; }
  [[nodiscard]] constexpr bool is_fragment() const {
    return (flags_offset.host() & (more_fragments | offset_mask)) != 0;
  }
};
static_assert(sizeof(Ipv4Header) == 20 && alignof(Ipv4Header) == 1);

/// RFC 8200.
struct Ipv6Header {
  be32 version_class_flow;
  be16 payload_length;
  std::uint8_t next_header;
  std::uint8_t hop_limit;
  Ipv6Address source;
  Ipv6Address destination;

  [[nodiscard]] constexpr unsigned version() const { return version_class_flow.host() >> 28; }
};
static_assert(sizeof(Ipv6Header) == 40 && alignof(Ipv6Header) == 1);

/// RFC 8200 section 4.5.
struct Ipv6FragmentHeader {
  std::uint8_t next_header;
  std::uint8_t reserved;
  be16 offset_flags;  ///< offset in 8-byte units << 3, the last bit: more fragments
  be32 identification;
};
static_assert(sizeof(Ipv6FragmentHeader) == 8);

struct UdpHeader {
  be16 source_port;
  be16 destination_port;
  be16 length;
  be16 checksum;
};
static_assert(sizeof(UdpHeader) == 8);

struct TcpHeader {
  be16 source_port;
  be16 destination_port;
  be32 sequence;
  be32 acknowledgement;
  std::uint8_t offset_reserved;
  std::uint8_t flags;
  be16 window;
  be16 checksum;
  be16 urgent;

  static constexpr std::uint8_t fin = 0x01;
  static constexpr std::uint8_t syn = 0x02;
  static constexpr std::uint8_t rst = 0x04;
  static constexpr std::uint8_t psh = 0x08;
  static constexpr std::uint8_t ack = 0x10;

  [[nodiscard]] constexpr std::uint16_t header_length() const {
    return static_cast<std::uint16_t>((offset_reserved >> 4) * 4);
  }
};
static_assert(sizeof(TcpHeader) == 20 && alignof(TcpHeader) == 1);

/// RFC 9260. Its CRC32c does not cover addresses.
struct SctpHeader {
  be16 source_port;
  be16 destination_port;
  be32 verification_tag;
  be32 checksum;
};
static_assert(sizeof(SctpHeader) == 12);

/// RFC 792, RFC 4443: what both have in common, and the second word as queries and errors use it.
struct IcmpHeader {
  std::uint8_t type;
  std::uint8_t code;
  be16 checksum;
  be16 identifier;  ///< of a query; unused or a length in errors
  be16 sequence;    ///< of a query; the MTU in ICMPv4 Fragmentation Needed (RFC 1191)
};
static_assert(sizeof(IcmpHeader) == 8);

/// ICMPv4 types (RFC 792).
namespace icmp4 {
inline constexpr std::uint8_t echo_reply = 0, unreachable = 3, source_quench = 4, redirect = 5,
                              echo_request = 8, time_exceeded = 11, parameter_problem = 12,
                              timestamp_request = 13, timestamp_reply = 14;
inline constexpr std::uint8_t code_port_unreachable = 3, code_fragmentation_needed = 4,
                              code_host_unreachable = 1, code_network_unreachable = 0,
                              code_admin_prohibited = 13;
}  // namespace icmp4
/// ICMPv6 types (RFC 4443, RFC 4861).
namespace icmp6 {
inline constexpr std::uint8_t unreachable = 1, packet_too_big = 2, time_exceeded = 3, parameter_problem = 4,
                              echo_request = 128, echo_reply = 129, router_solicitation = 133,
                              router_advertisement = 134, neighbour_solicitation = 135,
                              neighbour_advertisement = 136, redirect = 137;
inline constexpr std::uint8_t code_port_unreachable = 4, code_no_route = 0, code_address_unreachable = 3;
}  // namespace icmp6

/// The header `T` that begins at `bytes`. The caller has checked that sizeof(T) bytes are there.
template <class T>
[[nodiscard]] T& header(std::uint8_t* bytes) {
  static_assert(alignof(T) == 1);
  return *reinterpret_cast<T*>(bytes);
}
template <class T>
[[nodiscard]] const T& header(const std::uint8_t* bytes) {
  static_assert(alignof(T) == 1);
  return *reinterpret_cast<const T*>(bytes);
}

}  // namespace rgw::net
