// The packets of the model: few fields, and a serial number by which a packet is known again.
#pragma once

#include <cstring>
#include <optional>

#include "support/whole_gateway.hpp"

namespace rgw::test {

using net::Family;
using net::IpAddress;
using net::Protocol;

struct Packet {
  Protocol protocol;
  net::Endpoint source, destination;  ///< the identifier of a ping is both ports
  std::uint8_t flags = 0;             ///< of TCP
  bool reply = false;                 ///< of a ping
  std::uint32_t serial = 0;
  std::uint32_t acknowledges = 0;  ///< of TCP
};

inline Bytes bytes_of(const Packet& packet) {
  const bool v4 = packet.source.address.is_v4();
  const std::size_t header = v4 ? sizeof(net::Ipv4Header) : sizeof(net::Ipv6Header);
  const bool tcp = packet.protocol == Protocol::tcp, ping = packet.protocol == Protocol::icmp;
  const std::size_t l4_size = tcp ? sizeof(net::TcpHeader) : 8 + sizeof packet.serial;
  Bytes all(header + l4_size);
  std::uint8_t* l4 = all.data() + header;
  be16* checksum = nullptr;
  const std::uint8_t number = ping ? (v4 ? 1 : 58) : static_cast<std::uint8_t>(packet.protocol);
  if (tcp) {
    auto& at = net::header<net::TcpHeader>(l4);
    at.source_port = be16{packet.source.port};
    at.destination_port = be16{packet.destination.port};
    at.sequence = be32{packet.serial};
    at.acknowledgement = be32{packet.acknowledges};
    at.offset_reserved = sizeof(net::TcpHeader) / 4 << 4;
    at.flags = packet.flags;
    at.window = be16{65535};
    checksum = &at.checksum;
  } else if (ping) {
    const auto type = static_cast<std::uint8_t>(v4 ? (packet.reply ? 0 : 8) : (packet.reply ? 129 : 128));
    net::header<net::IcmpHeader>(l4) = {type, 0, {}, be16{packet.source.port}, be16{1}};
    checksum = &net::header<net::IcmpHeader>(l4).checksum;
  } else {
    net::header<net::UdpHeader>(l4) = {be16{packet.source.port},
                                       be16{packet.destination.port},
                                       be16{static_cast<std::uint16_t>(l4_size)},
                                       {}};
    checksum = &net::header<net::UdpHeader>(l4).checksum;
  }
  if (!tcp) std::memcpy(l4 + 8, &packet.serial, sizeof packet.serial);
  const auto length = static_cast<std::uint32_t>(l4_size);
  net::ChecksumSum sum;
  sum.add(l4, l4_size);
  const auto &source = packet.source.address, &destination = packet.destination.address;
  if (!v4) {
    sum.add(net::pseudo_header(source.v6(), destination.v6(), number, length));
  } else if (!ping) {
    sum.add(net::pseudo_header(source.v4(), destination.v4(), number, length));
  }
  *checksum = sum.checksum();
  if (packet.protocol == Protocol::udp && checksum->raw() == 0) *checksum = be16{0xffff};
  if (v4) {
    auto& ip = net::header<net::Ipv4Header>(all.data());
    ip.version_ihl = 0x45;
    ip.total_length = be16{static_cast<std::uint16_t>(all.size())};
    ip.ttl = 64;
    ip.protocol = number;
    ip.source = source.v4();
    ip.destination = destination.v4();
    ip.checksum = net::ChecksumSum{}.add(all.data(), header).checksum();
  } else {
    auto& ip = net::header<net::Ipv6Header>(all.data());
    ip.version_class_flow = be32{6U << 28};
    ip.payload_length = be16{static_cast<std::uint16_t>(l4_size)};
    ip.next_header = number;
    ip.hop_limit = 64;
    ip.source = source.v6();
    ip.destination = destination.v6();
  }
  return all;
}

/// Nothing for what is none of ours: a refusal.
inline std::optional<Packet> read(const Bytes& bytes) {
  const Seen seen{bytes};
  Packet packet{};
  const std::uint8_t* l4 = bytes.data() + seen.l4();
  packet.source.address = seen.source();
  packet.destination.address = seen.destination();
  switch (seen.protocol()) {
    case 6:
      packet.protocol = Protocol::tcp;
      packet.serial = seen.tcp().sequence.host();
      packet.flags = seen.tcp().flags;
      break;
    case 17:
      packet.protocol = Protocol::udp;
      break;
    default:
      packet.protocol = Protocol::icmp;
      if (const auto type = seen.icmp().type; type != 8 && type != 0 && type != 128 && type != 129)
        return std::nullopt;
      packet.source.port = packet.destination.port = seen.icmp().identifier.host();
      break;
  }
  if (packet.protocol != Protocol::icmp) {
    packet.source.port = seen.source_port();
    packet.destination.port = seen.destination_port();
  }
  if (packet.protocol != Protocol::tcp) std::memcpy(&packet.serial, l4 + 8, sizeof packet.serial);
  return packet;
}

}  // namespace rgw::test
