// The one bounds-checked way from bytes to a packet. Hot path: no allocation, no log, every length read and checked.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "realmgw/base/verdict.hpp"
#include "realmgw/net/checksum.hpp"
#include "realmgw/net/packet.hpp"

namespace rgw::net {

/// Reads the IP packet that begins at `l3`, of which `available` bytes are in the buffer (link padding may follow
/// it). `ether_type` is the frame's; `side` is where it came from, which tells the near end from the far one. On `pass()` all of `packet`
/// is filled in; otherwise the counter tells what was wrong, and `packet.fragment` whether it is a first fragment, of which then
/// all but the ports is filled in.
[[nodiscard]] Verdict parse(std::uint8_t* l3, std::size_t available, EtherType ether_type, Side side,
                            Packet& packet);

/// A packet of the kind that nearly every one is: IPv4 without options, whole, with a right header checksum; UDP, or TCP that neither
/// opens nor ends a connection.
struct PlainPacket {
  /// The flow's key in two words, since that is how it is hashed and compared. Zeros, which are no flow's key: it is something else, or
  /// it is wrong, and `parse` has to judge.
  std::uint64_t ends;      ///< near and far address
  std::uint64_t tail;      ///< FlowTail
  std::uint16_t length;    ///< of the IP packet
  std::uint8_t tcp_flags;  ///< of TCP

  [[nodiscard]] bool is_plain() const { return tail != 0; }
  [[nodiscard]] FlowKey4 key() const { return std::bit_cast<FlowKey4>(std::array{ends, tail}); }
};

/// Reads a plain packet as `parse` would, inline and without a detour; of any other it says only that it is none.
[[nodiscard, gnu::always_inline]] inline PlainPacket parse_plain(const std::uint8_t* l3, std::size_t available, Side side) {
  constexpr PlainPacket none{0, 0, 0, 0};
  constexpr std::size_t least = sizeof(Ipv4Header) + sizeof(UdpHeader);
  if (available < least) return none;
  const auto& ip = header<Ipv4Header>(l3);
  const std::uint16_t length = ip.total_length.host();
  const auto protocol = static_cast<Protocol>(ip.protocol);
  constexpr std::uint16_t of_fragments = Ipv4Header::more_fragments | Ipv4Header::offset_mask;
  if (ip.version_ihl != 0x45 || length < least || length > available ||
      (ip.flags_offset.raw() & be16{of_fragments}.raw()) != 0 ||
      ChecksumSum{}.add(l3, sizeof(Ipv4Header)).fold() != 0xffff) {
    return none;
  }
  const std::uint8_t* l4 = l3 + sizeof(Ipv4Header);
  const std::size_t room = length - sizeof(Ipv4Header);
  std::uint8_t tcp_flags = 0;
  if (protocol == Protocol::udp) {
    const std::uint16_t udp_length = header<UdpHeader>(l4).length.host();
    if (udp_length < sizeof(UdpHeader) || udp_length > room) return none;
  } else {
    if (protocol != Protocol::tcp || room < sizeof(TcpHeader)) return none;
    const auto& tcp = header<TcpHeader>(l4);
    constexpr std::uint8_t plain = TcpHeader::ack, control = plain | TcpHeader::syn | TcpHeader::fin | TcpHeader::rst;
    if ((tcp.flags & control) != plain || tcp.header_length() < sizeof(TcpHeader) || tcp.header_length() > room) return none;
    tcp_flags = tcp.flags;
  }
  // The two addresses lie side by side, and so do the ports: as the source's side sees them, or with their places changed.
  std::uint64_t addresses;
  std::uint32_t ports;
  std::memcpy(&addresses, &ip.source, sizeof addresses);
  std::memcpy(&ports, l4, sizeof ports);
  if ((ports & 0xffff) == 0 || ports >> 16 == 0) return none;
  if (side == Side::outside) {
    addresses = std::rotl(addresses, 32);
    ports = std::rotl(ports, 16);
  }
  const std::uint64_t rest = std::bit_cast<std::uint32_t>(
      std::array{static_cast<std::uint8_t>(protocol), static_cast<std::uint8_t>(side), static_cast<std::uint8_t>(Family::v4), std::uint8_t{0}});
  return {addresses, rest << 32 | ports, length, tcp_flags};
}

}  // namespace rgw::net
