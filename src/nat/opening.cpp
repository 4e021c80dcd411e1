#include "realmgw/nat/opening.hpp"

namespace rgw::nat {
namespace {

bool opens_query(const net::Packet& packet) {
  const std::uint8_t type = packet.transport<net::IcmpHeader>().type;
  return packet.family == net::Family::v4
             ? type == net::icmp4::echo_request || type == net::icmp4::timestamp_request
             : type == net::icmp6::echo_request;
}

bool is_syn(const net::Packet& packet) {
  return (packet.tcp_flags & (net::TcpHeader::syn | net::TcpHeader::ack)) == net::TcpHeader::syn;
}

}  // namespace

std::optional<Counter> cannot_open(const net::Packet& packet) {
  switch (packet.kind) {
    case net::PacketKind::flow:
      if (packet.tail().protocol == net::Protocol::tcp && !is_syn(packet)) return Counter::tcp_not_syn;
      return std::nullopt;
    case net::PacketKind::icmp_query:
      if (!opens_query(packet)) return Counter::icmp_not_query;
      return std::nullopt;
    case net::PacketKind::icmp_error:
      return Counter::icmp_no_session;
    case net::PacketKind::later_fragment:
      return Counter::fragment_orphan;
    case net::PacketKind::other:
      if (packet.l4_protocol == (packet.family == net::Family::v4 ? 1 : 58)) return Counter::parse_icmp_type;
      break;
  }
  return Counter::parse_protocol;
}

}  // namespace rgw::nat
