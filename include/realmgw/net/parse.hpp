// The one bounds-checked way from bytes to a packet. Hot path: no allocation, no log, every length read and
// checked.
#pragma once

#include "realmgw/base/verdict.hpp"
#include "realmgw/net/checksum.hpp"
#include "realmgw/net/packet.hpp"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace rgw::net {

/// Reads the IP packet that begins at `l3`, of which `available` bytes are in the buffer (link padding may
/// follow it). `ether_type` is the frame's; `side` is where it came from, which tells the near end from the
/// far one. On `pass()` all of `packet` is filled in; otherwise the counter tells what was wrong, and
/// `packet.fragment` whether it is a first fragment, of which then all but the ports is filled in.
[[nodiscard]] Verdict parse(std::uint8_t* l3, std::size_t available, EtherType ether_type, Side side,
                            Packet& packet);

/// Does a fragment header stand in an IPv6 packet that the parser has read? Also in one that is whole:
/// `packet.fragment` tells of the others.
[[nodiscard]] bool has_fragment_header(const Packet& packet);

/// A packet of the kind that nearly every one is: IPv4 without options and with a right header checksum, or
/// IPv6 without extension headers; whole; UDP, or TCP that neither opens nor ends a connection.
struct PlainPacket {
  /// The flow's key in two words, since that is how it is hashed and compared. Zeros, which are no flow's
  /// key: it is something else, or it is wrong, and `parse` has to judge.
  std::uint64_t ends;      ///< `ends_of` the near and far address
  std::uint64_t tail;      ///< FlowTail
  std::uint16_t length;    ///< of the IP packet
  std::uint8_t tcp_flags;  ///< of TCP

  [[nodiscard]] bool is_plain() const { return tail != 0; }
};

/// What stands before the transport header of a plain packet.
template <class Address>
using PlainHeader = std::conditional_t<Address::family == Family::v4, Ipv4Header, Ipv6Header>;

/// The length of the IP packet that a header tells of, where nothing in that header makes it anything but
/// plain; else 0.
[[nodiscard, gnu::always_inline]] inline std::size_t plain_length(const Ipv4Header& ip) {
  constexpr std::uint16_t of_fragments = Ipv4Header::more_fragments | Ipv4Header::offset_mask;
  if (ip.version_ihl != 0x45 || (ip.flags_offset.raw() & be16{of_fragments}.raw()) != 0) return 0;
  // One's complement: the words of a right header add up to a multiple of 0xffff, and not to zero, since its
  // first is none.
  std::array<std::uint32_t, sizeof ip / 4> words;
  std::memcpy(words.data(), &ip, sizeof ip);
  std::uint64_t sum = 0;
  for (const std::uint32_t word : words) sum += word;
  return sum % 0xffff == 0 ? ip.total_length.host() : 0;
}
[[nodiscard, gnu::always_inline]] inline std::size_t plain_length(const Ipv6Header& ip) {
  return (ip.version_class_flow.raw() & be32{0xf0000000}.raw()) == be32{6U << 28}.raw()
             ? sizeof ip + ip.payload_length.host()
             : 0;
}
[[nodiscard]] inline Protocol protocol_of(const Ipv4Header& ip) {
  return static_cast<Protocol>(ip.protocol);
}
[[nodiscard]] inline Protocol protocol_of(const Ipv6Header& ip) {
  return static_cast<Protocol>(ip.next_header);
}

/// Reads a plain packet as `parse` would, inline and without a detour; of any other it says only that it is
/// none. `salt` is of the table in which its flow will be looked for.
template <class Address>
[[nodiscard, gnu::always_inline]] inline PlainPacket parse_plain(const std::uint8_t* l3,
                                                                 std::size_t available, Side side,
                                                                 const HashSalt& salt) {
  constexpr PlainPacket none{0, 0, 0, 0};
  using IpHeader = PlainHeader<Address>;
  constexpr std::size_t least = sizeof(IpHeader) + sizeof(UdpHeader);
  if (available < least) return none;
  const auto& ip = header<IpHeader>(l3);
  const std::size_t length = plain_length(ip);
  if (length < least || length > available) return none;
  const Protocol protocol = protocol_of(ip);
  const std::uint8_t* l4 = l3 + sizeof(IpHeader);
  const std::size_t room = length - sizeof(IpHeader);
  std::uint8_t tcp_flags = 0;
  if (protocol == Protocol::udp) {
    const std::uint16_t udp_length = header<UdpHeader>(l4).length.host();
    if (udp_length < sizeof(UdpHeader) || udp_length > room) return none;
  } else {
    if (protocol != Protocol::tcp || room < sizeof(TcpHeader)) return none;
    const auto& tcp = header<TcpHeader>(l4);
    constexpr std::uint8_t plain = TcpHeader::ack,
                           control = plain | TcpHeader::syn | TcpHeader::fin | TcpHeader::rst;
    if ((tcp.flags & control) != plain || tcp.header_length() < sizeof(TcpHeader) ||
        tcp.header_length() > room)
      return none;
    tcp_flags = tcp.flags;
  }
  // The two ports lie side by side: as the source's side sees them, or with their places changed.
  std::uint32_t ports;
  std::memcpy(&ports, l4, sizeof ports);
  if ((ports & 0xffff) == 0 || ports >> 16 == 0) return none;
  const bool outward = side == Side::inside;
  if (!outward) ports = std::rotl(ports, 16);
  const std::uint64_t ends =
      outward ? ends_of(ip.source, ip.destination, salt) : ends_of(ip.destination, ip.source, salt);
  const std::uint64_t rest = std::bit_cast<std::uint32_t>(
      std::array{static_cast<std::uint8_t>(protocol), static_cast<std::uint8_t>(side),
                 static_cast<std::uint8_t>(Address::family), std::uint8_t{0}});
  return {ends, rest << 32 | ports, static_cast<std::uint16_t>(length), tcp_flags};
}

}  // namespace rgw::net
