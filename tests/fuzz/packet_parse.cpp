// Any bytes as a packet, from either side, in either family: what the parser lets pass keeps its promises,
// and everything that the packet path does with a packet on the strength of them (fragments, answers,
// translation) stays inside it. The first byte chooses family and side.
#include "realmgw/nat/fragment.hpp"
#include "realmgw/nat/replies.hpp"
#include "realmgw/nat/rewrite.hpp"
#include "realmgw/net/parse.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

namespace {

using rgw::be16;
using namespace rgw::net;

void require(bool holds) {
  if (!holds) __builtin_trap();
}

constexpr Side sides[] = {Side::inside, Side::outside};

std::size_t smallest_header(const Packet& packet) {
  if (packet.kind != PacketKind::flow) return sizeof(IcmpHeader);
  switch (packet.tail().protocol) {
    case Protocol::tcp:
      return packet.transport<TcpHeader>().header_length();
    case Protocol::sctp:
      return sizeof(SctpHeader);
    default:
      return sizeof(UdpHeader);
  }
}

template <class Address>
void check_key(const Packet& packet, const Address& source, const Address& destination) {
  const auto& key = packet.key<Address>();
  if (packet.kind == PacketKind::icmp_error) return;  // the flow of the packet inside
  require((packet.side() == Side::inside ? key.near : key.far) == source);
  require((packet.side() == Side::inside ? key.far : key.near) == destination);
}

void check(const Packet& packet, std::size_t available, Side side) {
  require(packet.length <= available && packet.l4 <= packet.length);
  require(packet.side() == side && packet.tail().family == packet.family && packet.tail().zero == 0);
  if (packet.family == Family::v4) {
    check_key(packet, packet.ipv4().source, packet.ipv4().destination);
  } else {
    check_key(packet, packet.ipv6().source, packet.ipv6().destination);
  }
  switch (packet.kind) {
    case PacketKind::flow:
      require(packet.tail().near_port.host() != 0 && packet.tail().far_port.host() != 0);
      require(packet.l4 + smallest_header(packet) <= packet.length);
      break;
    case PacketKind::icmp_error:
      require(!packet.fragment);
      require(packet.inner == packet.l4 + sizeof(IcmpHeader) && packet.inner < packet.inner_l4);
      require(packet.inner_l4 + (packet.tail().protocol == Protocol::any ? 0U : 8U) <= packet.length);
      break;
    case PacketKind::icmp_query:
      require(packet.tail().far_port.host() == 0 && packet.l4 + sizeof(IcmpHeader) <= packet.length);
      break;
    case PacketKind::later_fragment:
      require(packet.fragment);
      break;
    case PacketKind::other:
      break;
  }
}

/// A session that this packet is of, with another address and port at the near end.
template <class Address>
rgw::nat::Session session_of(const Packet& packet, const Address& elsewhere) {
  rgw::nat::Session session{};
  const auto& key = packet.key<Address>();
  auto other_key = key;
  other_key.near = elsewhere;
  other_key.tail.near_port = be16{static_cast<std::uint16_t>(key.tail.near_port.host() ^ 0x5555)};
  other_key.tail.side = other(packet.side());
  const auto& inside = packet.side() == Side::inside ? key : other_key;
  const auto& outside = packet.side() == Side::inside ? other_key : key;
  session.inside.tail = inside.tail;
  session.outside.tail = outside.tail;
  if constexpr (Address::family == Family::v4) {
    session.inside = inside;
    session.outside = outside;
  } else {
    session.host6 = inside.near;
    session.external6 = outside.near;
    session.remote6 = key.far;
  }
  rgw::nat::precompute_deltas(session);
  return session;
}

void answer(const Packet& packet) {
  if (!rgw::nat::may_report(packet)) return;
  std::uint8_t reply[rgw::nat::max_reply];
  const IpAddress own = packet.family == Family::v4 ? IpAddress{Ipv4Address{192, 0, 2, 1}}
                                                    : IpAddress{*Ipv6Address::parse("2001:db8::1")};
  const std::size_t size =
      rgw::nat::make_icmp_error(packet, rgw::nat::IcmpError::packet_too_big, own, 1280, reply);
  const auto type = packet.family == Family::v4 ? EtherType::ipv4 : EtherType::ipv6;
  Packet error;
  const auto verdict = parse(reply, size, type, other(packet.side()), error);
  // What has no flow of its own has none when it is quoted.
  require(verdict.passed() ? error.kind == PacketKind::icmp_error
                           : verdict.counter() == rgw::Counter::parse_icmp_inner);
  if (packet.kind == PacketKind::flow && packet.family == Family::v4) {
    require(verdict.passed() && error.tail().near_port == packet.tail().near_port &&
            error.tail().far_port == packet.tail().far_port);
  }
  if (packet.kind == PacketKind::flow && packet.tail().protocol == Protocol::tcp) {
    const std::size_t reset_size = rgw::nat::make_tcp_reset(packet, reply);
    Packet reset;
    require(reset_size == 0 || parse(reply, reset_size, type, other(packet.side()), reset).passed());
  }
}

void translate(Packet& packet, std::size_t available) {
  if (packet.kind == PacketKind::other || packet.kind == PacketKind::later_fragment) return;
  if (packet.tail().protocol == Protocol::any)
    return;  // an error about a packet without ports: of no session
  const auto kind = packet.kind;
  const Side side = packet.side();
  const auto session = packet.family == Family::v4 ? session_of(packet, Ipv4Address{192, 0, 2, 2})
                                                   : session_of(packet, *Ipv6Address::parse("2001:db8::2"));
  if ((packet.tcp_flags & TcpHeader::syn) != 0) rgw::nat::clamp_mss(packet, 536);
  require(rgw::nat::translate(packet, session, {}).passed());
  // It is as whole as before, and of the other side's flow unless a port of zero came out.
  Packet again;
  const auto type = packet.family == Family::v4 ? EtherType::ipv4 : EtherType::ipv6;
  const auto verdict = parse(packet.l3, available, type, side, again);
  if (!verdict.passed()) {
    require(verdict.counter() == rgw::Counter::parse_l4_port_zero);
    return;
  }
  require(again.kind == kind && again.length == packet.length);
  const auto& expected = side == Side::inside ? session.outside.tail : session.inside.tail;
  require(again.tail().near_port == expected.near_port && again.tail().far_port == expected.far_port);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto type = (data[0] & 1) == 0 ? EtherType::ipv4 : EtherType::ipv6;
  const Side side = sides[data[0] >> 1 & 1];
  const std::size_t available = size - 1;
  const std::unique_ptr<std::uint8_t[]> bytes{new std::uint8_t[available]};
  std::memcpy(bytes.get(), data + 1, available);
  Packet packet;
  const auto verdict = parse(bytes.get(), available, type, side, packet);
  if (!verdict.passed()) {
    // Of a refused first fragment the datagram is told.
    if (packet.fragment) static_cast<void>(rgw::nat::Fragment::of(packet));
    return 0;
  }
  check(packet, available, side);
  if (packet.fragment) static_cast<void>(rgw::nat::Fragment::of(packet));
  answer(packet);
  translate(packet, available);
  return 0;
}
