#include "realmgw/nat/replies.hpp"

#include "realmgw/net/checksum.hpp"
#include "realmgw/net/special_addresses.hpp"

#include <algorithm>
#include <cstring>

namespace rgw::nat {
namespace {

using net::ChecksumSum;
using net::Family;
using net::header;
using net::IcmpHeader;
using net::Ipv4Header;
using net::Ipv6Header;
using net::TcpHeader;

constexpr std::uint8_t reply_hop_limit = 64;

struct TypeCode {
  std::uint8_t type, code;
};

// Rows: IcmpError. RFC 792, RFC 1812 section 5.2.7; RFC 4443 section 3.
constexpr struct {
  TypeCode v4, v6;
} types[] = {
    {{net::icmp4::time_exceeded, 0}, {net::icmp6::time_exceeded, 0}},
    {{net::icmp4::unreachable, net::icmp4::code_fragmentation_needed}, {net::icmp6::packet_too_big, 0}},
    {{net::icmp4::unreachable, net::icmp4::code_port_unreachable},
     {net::icmp6::unreachable, net::icmp6::code_port_unreachable}},
    {{net::icmp4::unreachable, net::icmp4::code_host_unreachable},
     {net::icmp6::unreachable, net::icmp6::code_address_unreachable}},
    {{net::icmp4::unreachable, net::icmp4::code_network_unreachable},
     {net::icmp6::unreachable, net::icmp6::code_no_route}},
    {{net::icmp4::unreachable, net::icmp4::code_admin_prohibited}, {net::icmp6::unreachable, 1}},
    {{net::icmp4::parameter_problem, 0}, {net::icmp6::parameter_problem, 0}},
    {{net::icmp4::unreachable, 5}, {net::icmp6::parameter_problem, 0}},
};

std::size_t write_ip(std::span<std::uint8_t> out, net::Ipv4Address source, net::Ipv4Address destination,
                     std::uint8_t protocol, std::size_t payload) {
  auto& ip = header<Ipv4Header>(out.data());
  ip = {};
  ip.version_ihl = 0x45;
  ip.total_length = be16{static_cast<std::uint16_t>(sizeof(Ipv4Header) + payload)};
  ip.ttl = reply_hop_limit;
  ip.protocol = protocol;
  ip.source = source;
  ip.destination = destination;
  ip.checksum = ChecksumSum{}.add(out.data(), sizeof(Ipv4Header)).checksum();
  return sizeof(Ipv4Header);
}

std::size_t write_ip(std::span<std::uint8_t> out, const net::Ipv6Address& source,
                     const net::Ipv6Address& destination, std::uint8_t protocol, std::size_t payload) {
  auto& ip = header<Ipv6Header>(out.data());
  ip.version_class_flow = be32{6U << 28};
  ip.payload_length = be16{static_cast<std::uint16_t>(payload)};
  ip.next_header = protocol;
  ip.hop_limit = reply_hop_limit;
  ip.source = source;
  ip.destination = destination;
  return sizeof(Ipv6Header);
}

// A segment without text or options back to a segment's sender; its ports and length are filled in.
std::size_t write_back(const net::Packet& packet, TcpHeader segment, std::span<std::uint8_t> out) {
  const std::size_t header_size = packet.family == Family::v4 ? sizeof(Ipv4Header) : sizeof(Ipv6Header);
  const auto& cause = packet.transport<TcpHeader>();
  auto& back = header<TcpHeader>(out.data() + header_size);
  back = segment;
  back.source_port = cause.destination_port;
  back.destination_port = cause.source_port;
  back.offset_reserved = sizeof(TcpHeader) / 4 << 4;

  ChecksumSum sum;
  sum.add(out.data() + header_size, sizeof(TcpHeader));
  if (packet.family == Family::v4) {
    const auto& ip = packet.ipv4();
    write_ip(out, ip.destination, ip.source, 6, sizeof(TcpHeader));
    sum.add(net::pseudo_header(ip.destination, ip.source, 6, sizeof(TcpHeader)));
  } else {
    const auto& ip = packet.ipv6();
    write_ip(out, ip.destination, ip.source, 6, sizeof(TcpHeader));
    sum.add(net::pseudo_header(ip.destination, ip.source, 6, sizeof(TcpHeader)));
  }
  back.checksum = sum.checksum();
  return header_size + sizeof(TcpHeader);
}

}  // namespace

bool may_report(const net::Packet& packet) {
  if (packet.kind == net::PacketKind::icmp_error || packet.kind == net::PacketKind::later_fragment)
    return false;
  return net::is_host(packet.source()) && net::is_host(packet.destination());
}

std::size_t make_icmp_error(const net::Packet& packet, IcmpError error, const net::IpAddress& source,
                            std::uint32_t word, std::span<std::uint8_t> out) {
  const bool v4 = packet.family == Family::v4;
  const std::size_t header_size = v4 ? sizeof(Ipv4Header) : sizeof(Ipv6Header);
  const std::size_t limit = v4 ? 576 : 1280;
  const std::size_t quoted = std::min<std::size_t>(packet.length, limit - header_size - sizeof(IcmpHeader));
  const std::size_t icmp_size = sizeof(IcmpHeader) + quoted;

  std::uint8_t* const icmp_bytes = out.data() + header_size;
  auto& icmp = header<IcmpHeader>(icmp_bytes);
  icmp = {};
  const auto& row = types[static_cast<std::size_t>(error)];
  icmp.type = v4 ? row.v4.type : row.v6.type;
  icmp.code = v4 ? row.v4.code : row.v6.code;
  const bool points = error == IcmpError::packet_too_big || error == IcmpError::parameter_problem ||
                      (error == IcmpError::source_route && !v4);
  if (points) {
    if (!v4) icmp.identifier = be16{static_cast<std::uint16_t>(word >> 16)};
    icmp.sequence = be16{static_cast<std::uint16_t>(word)};
  }
  std::memcpy(icmp_bytes + sizeof(IcmpHeader), packet.l3, quoted);

  ChecksumSum sum;
  sum.add(icmp_bytes, icmp_size);
  if (v4) {
    write_ip(out, source.v4(), packet.ipv4().source, 1, icmp_size);
  } else {
    write_ip(out, source.v6(), packet.ipv6().source, 58, icmp_size);
    sum.add(net::pseudo_header(source.v6(), packet.ipv6().source, 58, static_cast<std::uint32_t>(icmp_size)));
  }
  icmp.checksum = sum.checksum();
  return header_size + icmp_size;
}

std::size_t make_tcp_reset(const net::Packet& packet, std::span<std::uint8_t> out) {
  const auto& segment = packet.transport<TcpHeader>();
  if ((segment.flags & TcpHeader::rst) != 0) return 0;
  TcpHeader reset{};
  if ((segment.flags & TcpHeader::ack) != 0) {
    reset.sequence = segment.acknowledgement;
    reset.flags = TcpHeader::rst;
  } else {
    // SYN and FIN count as one each in the sequence space.
    std::uint32_t length = static_cast<std::uint32_t>(packet.length - packet.l4 - segment.header_length());
    length += (segment.flags & TcpHeader::syn) != 0;
    length += (segment.flags & TcpHeader::fin) != 0;
    reset.acknowledgement = be32{segment.sequence.host() + length};
    reset.flags = TcpHeader::rst | TcpHeader::ack;
  }
  return write_back(packet, reset, out);
}

std::size_t make_syn_challenge(const net::Packet& packet, std::uint32_t acknowledgement,
                               std::span<std::uint8_t> out) {
  // One that the sender would take for an answer, by chance, is not sent: the SYN may have brought text.
  if (acknowledgement - packet.transport<TcpHeader>().sequence.host() - 1 <= 0xffff) return 0;
  TcpHeader question{};
  question.acknowledgement = be32{acknowledgement};
  question.flags = TcpHeader::syn | TcpHeader::ack;
  return write_back(packet, question, out);
}

}  // namespace rgw::nat
