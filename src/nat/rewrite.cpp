#include "realmgw/nat/rewrite.hpp"

namespace rgw::nat {
namespace {

using net::ChecksumDelta;
using net::ChecksumSum;
using net::header;
using net::IcmpHeader;
using net::Ipv4Header;
using net::Packet;
using net::PacketKind;
using net::Protocol;
using net::TcpHeader;
using net::UdpHeader;

template <class Address>
using IpHeaderOf = std::conditional_t<Address::family == Family::v4, Ipv4Header, net::Ipv6Header>;

// The ports of a packet as the side calls them whose flow has `to`.
PortChange ports_towards(const net::FlowTail& to, bool near_is_source) {
  return {near_is_source, to.near_port, to.far_port};
}

// Where the checksum lies in a transport header; null where addresses and ports do not count in it (SCTP, RFC
// 9260 section 6.8: its CRC32c, which no difference moves, is why those ports never change).
be16* checksum_field(std::uint8_t* l4, Protocol protocol) {
  switch (protocol) {
    case Protocol::icmp:
      return &header<IcmpHeader>(l4).checksum;
    case Protocol::udp:
      return &header<UdpHeader>(l4).checksum;
    case Protocol::tcp:
      return &header<TcpHeader>(l4).checksum;
    default:
      return nullptr;
  }
}

// Moves that checksum by what has changed in addresses and ports.
void move_checksum(be16* checksum, Protocol protocol, ChecksumDelta delta) {
  if (protocol == Protocol::udp) {
    delta.apply_udp(*checksum);
  } else if (checksum != nullptr) {
    delta.apply(*checksum);
  }
}

template <class Address>
void write_address(Packet& packet, bool near_is_source, const Address& address, ChecksumDelta header_delta) {
  auto& ip = header<IpHeaderOf<Address>>(packet.l3);
  (near_is_source ? ip.source : ip.destination) = address;
  if constexpr (Address::family == Family::v4) header_delta.apply(ip.checksum);
}

// A packet of the flow itself.
template <class Address>
void translate_flow(Packet& packet, const Session& session, Side from) {
  const bool outward = from == Side::inside;
  const auto to = session.key<Address>(other(from));
  const auto header_delta = outward ? session.header_outward : session.header_outward.reversed();
  const auto transport_delta = outward ? session.transport_outward : session.transport_outward.reversed();

  write_address(packet, outward, to.near, header_delta);
  if (packet.kind == PacketKind::later_fragment) return;
  std::uint8_t* const l4 = packet.l3 + packet.l4;
  write_ports(l4, session.protocol(), ports_towards(to.tail, outward));
  move_checksum(checksum_field(l4, session.protocol()), session.protocol(), transport_delta);
}

// The packet inside an ICMP error went the other way, so its near end is at the other place. Returns by how
// much the sum over the rewritten bytes changed, which is what the ICMP checksum has to follow.
template <class Address>
ChecksumDelta translate_inner(Packet& packet, const Session& session, Side from) {
  const bool outward = from == Side::inside;  // of the error
  const bool near_is_source = !outward;       // of the packet inside
  const auto to = session.key<Address>(other(from));
  const auto transport_delta = outward ? session.transport_outward : session.transport_outward.reversed();
  auto& ip = header<IpHeaderOf<Address>>(packet.l3 + packet.inner);
  auto& address = near_is_source ? ip.source : ip.destination;

  ChecksumSum before, after;
  before.add(address);
  after.add(to.near);
  if constexpr (Address::family == Family::v4) {
    const ChecksumDelta header_delta = outward ? session.header_outward : session.header_outward.reversed();
    before.add(ip.checksum);
    header_delta.apply(ip.checksum);
    after.add(ip.checksum);
  }
  address = to.near;

  // Ports, or an ICMP query's words, both of which lie in the first 8 bytes.
  std::uint8_t* const l4 = packet.l3 + packet.inner_l4;
  const std::size_t ports = session.protocol() == Protocol::icmp ? offsetof(IcmpHeader, identifier) : 0;
  before.add(l4 + ports, 4);
  write_ports(l4, session.protocol(), ports_towards(to.tail, near_is_source));
  after.add(l4 + ports, 4);
  // Of the transport header only 8 bytes are sure to be there; TCP's checksum lies behind them (RFC 792).
  const auto* end = packet.l3 + packet.length;
  be16* const checksum = checksum_field(l4, session.protocol());
  if (checksum != nullptr && reinterpret_cast<std::uint8_t*>(checksum) + sizeof(be16) <= end) {
    before.add(*checksum);
    move_checksum(checksum, session.protocol(), transport_delta);
    after.add(*checksum);
  }
  return ChecksumDelta::between(before, after);
}

// RFC 5508 section 4.2: inner packet first, then the outer addresses. An error from inside leaves with E as
// its source, whichever inside router sent it: no inside address is shown outside.
template <class Address>
void translate_error(Packet& packet, const Session& session, Side from) {
  const bool outward = from == Side::inside;
  auto& icmp = packet.transport<IcmpHeader>();
  translate_inner<Address>(packet, session, from).apply(icmp.checksum);

  auto& ip = header<IpHeaderOf<Address>>(packet.l3);
  const Address to = session.key<Address>(other(from)).near;
  const auto delta =
      ChecksumDelta::between(ChecksumSum{}.add(outward ? ip.source : ip.destination), ChecksumSum{}.add(to));
  write_address(packet, outward, to, delta);
  if constexpr (Address::family == Family::v6) delta.apply(icmp.checksum);  // its pseudo-header
}

template <class Address>
void translate_same_family(Packet& packet, const Session& session) {
  const Side from = packet.side();
  if (packet.kind == PacketKind::icmp_error) {
    translate_error<Address>(packet, session, from);
  } else {
    translate_flow<Address>(packet, session, from);
  }
}

// What counts in the transport checksum of one side: its addresses, but not in ICMPv4, which has no
// pseudo-header (RFC 792), and its ports.
ChecksumSum transport_sum(const Session& session, Side side) {
  ChecksumSum sum;
  const net::FlowTail& tail = side == Side::inside ? session.inside.tail : session.outside.tail;
  if (tail.family == Family::v6) {
    const auto key = session.key<net::Ipv6Address>(side);
    sum.add(key.near).add(key.far);
  } else if (tail.protocol != Protocol::icmp) {
    const auto key = session.key<net::Ipv4Address>(side);
    sum.add(key.near).add(key.far);
  }
  return sum.add(tail.near_port).add(tail.far_port);
}

// ---- from one family to the other

template <class To>
Ends<To> ends_of(const net::FlowKey<To>& key, bool near_is_source) {
  return near_is_source ? Ends<To>{key.near, key.far} : Ends<To>{key.far, key.near};
}

// Who is said to have sent an error. Towards the outside it is E. Towards the inside it is the remote that
// the host was talking to, if it was that one; else the router itself where it has an address in the other
// family, and else who stands in.
net::Ipv6Address error_source(const Packet& packet, const Session& session, const net::FlowKey6& key,
                              const Crossing& crossing) {
  if (key.tail.side == Side::outside) return key.near;
  const net::Ipv4Address router = packet.ipv4().source;
  if (router == session.outside.far) return key.far;
  if (crossing.pref64 != nullptr && crossing.pref64->may_show(router)) return crossing.pref64->embed(router);
  return crossing.stand_in ? crossing.stand_in->v6() : key.far;
}
net::Ipv4Address error_source(const Packet& packet, const Session& session, const net::FlowKey4& key,
                              const Crossing& crossing) {
  if (key.tail.side == Side::outside) return key.near;
  if (packet.ipv6().source == session.remote6 || !crossing.stand_in) return key.far;
  return crossing.stand_in->v4();
}

template <class To>
Verdict translate_across(Packet& packet, const Session& session, const Crossing& crossing) {
  const Side from = packet.side();
  const bool outward = from == Side::inside;
  const auto key = session.key<To>(other(from));
  const auto delta = outward ? session.transport_outward : session.transport_outward.reversed();
  if (packet.kind != PacketKind::icmp_error) {
    const PortChange port = ports_towards(key.tail, outward);
    if constexpr (To::family == Family::v6) {
      return cross(packet, ends_of(key, outward), port, delta);
    } else {
      return cross(packet, ends_of(key, outward), port, delta, crossing.identification);
    }
  }
  // The quoted packet went the other way.
  const PortChange port = ports_towards(key.tail, !outward);
  const Ends<To> inner = ends_of(key, !outward);
  const Ends<To> outer{error_source(packet, session, key, crossing), outward ? key.far : key.near};
  if constexpr (To::family == Family::v6) {
    return cross_error(packet, outer, inner, port, delta, crossing.mtus);
  } else {
    // Who is shown neither by his own address nor by a proxy's is named beside (RFC 6791 section 4).
    const auto router = packet.ipv6().source;
    const bool named = !outward && crossing.stand_in && router != session.remote6;
    return cross_error(packet, outer, inner, port, delta, crossing.mtus, crossing.identification,
                       named ? &router : nullptr);
  }
}

}  // namespace

void precompute_deltas(Session& session) {
  const bool inside4 = session.inside_family() == Family::v4,
             outside4 = session.outside_family() == Family::v4;
  if (inside4 && outside4) {
    // Within IPv4 the remote's address is the same on both sides.
    session.header_outward = ChecksumDelta::between(ChecksumSum{}.add(session.inside.near),
                                                    ChecksumSum{}.add(session.outside.near));
    const auto ports = [](const net::FlowTail& tail) {
      return ChecksumSum{}.add(tail.near_port).add(tail.far_port);
    };
    const auto port = ChecksumDelta::between(ports(session.inside.tail), ports(session.outside.tail));
    // ICMPv4 has no pseudo-header (RFC 792).
    session.transport_outward =
        session.protocol() == Protocol::icmp ? port : session.header_outward.plus(port);
  } else {
    session.transport_outward =
        ChecksumDelta::between(transport_sum(session, Side::inside), transport_sum(session, Side::outside));
  }
  const bool ports = session.protocol() == Protocol::tcp || session.protocol() == Protocol::udp;
  if (!ports || session.signpost || session.local || session.hairpin || session.renames_remote()) return;
  session.plain = inside4    ? outside4 ? PlainPair::v4_v4 : PlainPair::v4_v6
                  : outside4 ? PlainPair::v6_v4
                             : PlainPair::v6_v6;
}

Verdict translate(Packet& packet, const Session& session, const Crossing& crossing) {
  const Family to = packet.side() == Side::inside ? session.outside_family() : session.inside_family();
  if (packet.family != to) [[unlikely]] {
    return to == Family::v6 ? translate_across<net::Ipv6Address>(packet, session, crossing)
                            : translate_across<net::Ipv4Address>(packet, session, crossing);
  }
  if (packet.family == Family::v4) {
    translate_same_family<net::Ipv4Address>(packet, session);
  } else {
    translate_same_family<net::Ipv6Address>(packet, session);
  }
  return Verdict::pass();
}

void respell(Packet& packet, const Session& session) {
  auto& destination = packet.ipv6().destination;
  const auto delta =
      ChecksumDelta::between(ChecksumSum{}.add(destination), ChecksumSum{}.add(session.remote6));
  packet.key6.far = destination = session.remote6;
  if (packet.kind == PacketKind::later_fragment) return;
  move_checksum(checksum_field(packet.l3 + packet.l4, session.protocol()), session.protocol(), delta);
}

bool clamp_mss(Packet& packet, std::uint16_t limit) {
  constexpr std::uint8_t end = 0, nop = 1, mss = 2, mss_length = 4;
  auto& tcp = packet.transport<TcpHeader>();
  std::uint8_t* options = packet.l3 + packet.l4 + sizeof(TcpHeader);
  const std::size_t size = tcp.header_length() - sizeof(TcpHeader);
  for (std::size_t at = 0; at < size;) {
    if (options[at] == end) break;
    if (options[at] == nop) {
      ++at;
      continue;
    }
    if (at + 1 >= size || options[at + 1] < 2 || at + options[at + 1] > size) break;
    if (options[at] == mss && options[at + 1] == mss_length) {
      auto& value = header<be16>(options + at + 2);
      if (value.host() <= limit) return false;
      // The option may begin at an odd offset, so its two bytes count each in another half of a word: sum the
      // option with what surrounds it, from an even offset on.
      const std::size_t from = (at + 2) & ~std::size_t{1};
      const std::size_t span = at + mss_length - from;
      ChecksumSum before, after;
      before.add(options + from, span);
      value = be16{limit};
      after.add(options + from, span);
      ChecksumDelta::between(before, after).apply(tcp.checksum);
      return true;
    }
    at += options[at + 1];
  }
  return false;
}

}  // namespace rgw::nat
