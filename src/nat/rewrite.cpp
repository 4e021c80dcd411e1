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

// What a translation writes at the near end: the address and port of one side in the place of the other's.
template <class Address>
struct NearEnd {
  Address address;
  be16 port;
};

template <class Address>
NearEnd<Address> near_end(const Session& session, Side side) {
  const auto key = session.key<Address>(side);
  return {key.near, key.tail.near_port};
}

// Where the port of the near end and the checksum lie in a transport header.
struct TransportFields {
  be16* port;
  be16* checksum;  // null where addresses and ports do not count in it (SCTP, RFC 9260 section 6.8)
};

TransportFields transport_fields(std::uint8_t* l4, Protocol protocol, bool near_is_source) {
  switch (protocol) {
    case Protocol::icmp: {
      auto& icmp = header<IcmpHeader>(l4);
      return {&icmp.identifier, &icmp.checksum};
    }
    case Protocol::udp: {
      auto& udp = header<UdpHeader>(l4);
      return {near_is_source ? &udp.source_port : &udp.destination_port, &udp.checksum};
    }
    case Protocol::tcp: {
      auto& tcp = header<TcpHeader>(l4);
      return {near_is_source ? &tcp.source_port : &tcp.destination_port, &tcp.checksum};
    }
    default: {
      auto& sctp = header<net::SctpHeader>(l4);
      return {near_is_source ? &sctp.source_port : &sctp.destination_port, nullptr};
    }
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
  const auto to = near_end<Address>(session, other(from));
  const auto header_delta = outward ? session.header_outward : session.header_outward.reversed();
  const auto transport_delta = outward ? session.transport_outward : session.transport_outward.reversed();

  write_address(packet, outward, to.address, header_delta);
  if (packet.kind == PacketKind::later_fragment) return;
  const TransportFields fields = transport_fields(packet.l3 + packet.l4, session.protocol(), outward);
  *fields.port = to.port;
  if (session.protocol() == Protocol::udp) {
    transport_delta.apply_udp(*fields.checksum);
  } else if (fields.checksum != nullptr) {
    transport_delta.apply(*fields.checksum);
  }
}

// The packet inside an ICMP error went the other way, so its near end is at the other place. Returns by how much the sum
// over the rewritten bytes changed, which is what the ICMP checksum has to follow.
template <class Address>
ChecksumDelta translate_inner(Packet& packet, const Session& session, Side from) {
  const bool outward = from == Side::inside;  // of the error
  const bool near_is_source = !outward;       // of the packet inside
  const auto to = near_end<Address>(session, other(from));
  const auto transport_delta = outward ? session.transport_outward : session.transport_outward.reversed();
  auto& ip = header<IpHeaderOf<Address>>(packet.l3 + packet.inner);
  auto& address = near_is_source ? ip.source : ip.destination;

  ChecksumSum before, after;
  before.add(address);
  after.add(to.address);
  if constexpr (Address::family == Family::v4) {
    const ChecksumDelta header_delta = outward ? session.header_outward : session.header_outward.reversed();
    before.add(ip.checksum);
    header_delta.apply(ip.checksum);
    after.add(ip.checksum);
  }
  address = to.address;

  const TransportFields fields = transport_fields(packet.l3 + packet.inner_l4, session.protocol(), near_is_source);
  before.add(*fields.port);
  *fields.port = to.port;
  after.add(*fields.port);
  // Of the transport header only 8 bytes are sure to be there; TCP's checksum lies behind them (RFC 792).
  const auto* end = packet.l3 + packet.length;
  if (fields.checksum != nullptr && reinterpret_cast<std::uint8_t*>(fields.checksum) + sizeof(be16) <= end) {
    before.add(*fields.checksum);
    if (session.protocol() == Protocol::udp) {
      transport_delta.apply_udp(*fields.checksum);
    } else {
      transport_delta.apply(*fields.checksum);
    }
    after.add(*fields.checksum);
  }
  return ChecksumDelta::between(before, after);
}

// RFC 5508 section 4.2: inner packet first, then the outer addresses. An error from inside leaves with E as its
// source, whichever inside router sent it: no inside address is shown outside.
template <class Address>
void translate_error(Packet& packet, const Session& session, Side from) {
  const bool outward = from == Side::inside;
  auto& icmp = packet.transport<IcmpHeader>();
  translate_inner<Address>(packet, session, from).apply(icmp.checksum);

  auto& ip = header<IpHeaderOf<Address>>(packet.l3);
  const auto to = near_end<Address>(session, other(from));
  const auto delta = ChecksumDelta::between(ChecksumSum{}.add(outward ? ip.source : ip.destination),
                                            ChecksumSum{}.add(to.address));
  write_address(packet, outward, to.address, delta);
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

template <class Address>
void precompute_same_family(Session& session) {
  const auto inside = near_end<Address>(session, Side::inside);
  const auto outside = near_end<Address>(session, Side::outside);
  ChecksumSum address_before, address_after, before, after;
  address_before.add(inside.address);
  address_after.add(outside.address);
  before.add(inside.port);
  after.add(outside.port);
  // ICMPv4 has no pseudo-header (RFC 792), ICMPv6 has one (RFC 4443 section 2.3).
  if (!(session.protocol() == Protocol::icmp && Address::family == Family::v4)) {
    before.add(address_before);
    after.add(address_after);
  }
  session.header_outward = ChecksumDelta::between(address_before, address_after);
  session.transport_outward = ChecksumDelta::between(before, after);
}

}  // namespace

void precompute_deltas(Session& session) {
  if (session.inside_family() == Family::v4) {
    precompute_same_family<net::Ipv4Address>(session);
  } else {
    precompute_same_family<net::Ipv6Address>(session);
  }
}

void translate(Packet& packet, const Session& session) {
  if (packet.family == Family::v4) {
    translate_same_family<net::Ipv4Address>(packet, session);
  } else {
    translate_same_family<net::Ipv6Address>(packet, session);
  }
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
      // The option may begin at an odd offset, so its two bytes count each in another half of a word: sum the option
      // with what surrounds it, from an even offset on.
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
