#include "realmgw/net/parse.hpp"

#include "realmgw/net/checksum.hpp"

#include <algorithm>

namespace rgw::net {
namespace {

// An IPv6 chain longer than this is refused: RFC 8504 section 5.3 lets a node limit it.
constexpr unsigned max_extension_headers = 8;

enum class IcmpClass : std::uint8_t { query, error, other };

IcmpClass classify_icmp4(std::uint8_t type) {
  switch (type) {
    case icmp4::echo_request:
    case icmp4::echo_reply:
    case icmp4::timestamp_request:
    case icmp4::timestamp_reply:
      return IcmpClass::query;
    case icmp4::unreachable:
    case icmp4::time_exceeded:
    case icmp4::parameter_problem:
    case icmp4::source_quench:
      return IcmpClass::error;
    default:
      return IcmpClass::other;
  }
}

IcmpClass classify_icmp6(std::uint8_t type) {
  if (type == icmp6::echo_request || type == icmp6::echo_reply) return IcmpClass::query;
  // RFC 4443 section 2.1: error messages have the high bit clear; the gateway knows four of them.
  if (type >= icmp6::unreachable && type <= icmp6::parameter_problem) return IcmpClass::error;
  return IcmpClass::other;
}

constexpr bool possible_tcp_flags(std::uint8_t flags) {
  constexpr std::uint8_t syn_fin = TcpHeader::syn | TcpHeader::fin, syn_rst = TcpHeader::syn | TcpHeader::rst;
  const std::uint8_t control = flags & (TcpHeader::syn | TcpHeader::fin | TcpHeader::rst | TcpHeader::ack);
  return control != 0 && (flags & syn_fin) != syn_fin && (flags & syn_rst) != syn_rst;
}

// The near end is the source of a packet from inside and the destination of one from outside.
template <class Address>
void set_key(FlowKey<Address>& key, Side side, const Address& source, const Address& destination,
             be16 source_port, be16 destination_port, Protocol protocol) {
  if (side == Side::inside) {
    key = {source, destination, {source_port, destination_port, protocol, side, Address::family, 0}};
  } else {
    key = {destination, source, {destination_port, source_port, protocol, side, Address::family, 0}};
  }
}

// An ICMP identifier is the near port; the far one is zero.
template <class Address>
void set_query_key(FlowKey<Address>& key, Side side, const Address& source, const Address& destination,
                   be16 identifier) {
  set_key(key, side, source, destination, identifier, identifier, Protocol::icmp);
  key.tail.far_port = be16{};
}

// RFC 791 section 3.1: the walk always advances. A source route is refused (OUT-8), unless it has been
// followed to its end: then it is an option like any other (RFC 7915 section 4.1).
Verdict check_options(const std::uint8_t* options, std::size_t size) {
  constexpr std::uint8_t end = 0, nop = 1, loose_source_route = 0x83, strict_source_route = 0x89;
  for (std::size_t at = 0; at < size;) {
    const std::uint8_t type = options[at];
    if (type == end) break;
    if (type == nop) {
      ++at;
      continue;
    }
    if (at + 1 >= size || options[at + 1] < 2 || at + options[at + 1] > size) {
      return Verdict::drop(Counter::parse_ip_options);
    }
    if (type == loose_source_route || type == strict_source_route) {
      const std::uint8_t length = options[at + 1];
      if (length < 3 || options[at + 2] <= length) return Verdict::drop(Counter::parse_source_route);
    }
    at += options[at + 1];
  }
  return Verdict::pass();
}

struct Inner {
  std::uint16_t l4;
  std::uint8_t protocol;
  bool later_fragment;
};

// Of the packet inside an ICMP error 8 bytes behind its headers must be there (RFC 792), as far as it had as
// many. `told` is its length by its own header, `size` what the error carries of it.
bool quotes_enough(std::size_t l4, std::size_t told, std::size_t size) {
  constexpr std::size_t due = 8;
  const std::size_t had = told > l4 ? told - l4 : 0;
  return l4 + std::min(due, had) <= size;
}

// The transport header of the packet inside an ICMP error. `size` is what the error carries.
bool find_inner(const Ipv4Header& inner, std::size_t size, Inner& found) {
  const std::uint16_t header_length = inner.header_length();
  if (inner.version() != 4 || header_length < sizeof(Ipv4Header)) return false;
  found = {header_length, inner.protocol, (inner.flags_offset.host() & Ipv4Header::offset_mask) != 0};
  return quotes_enough(header_length, inner.total_length.host(), size);
}

constexpr std::uint8_t fragment_number = 44, icmp6_number = 58;

struct Chain {
  std::uint16_t l4;
  std::uint8_t protocol;
  // One of several: an atomic one is a whole packet (RFC 6946 section 4, RFC 8200 section 4.5).
  bool fragment;
  bool later_fragment;
  std::uint16_t fault_at;  // of a chain that is whole and yet refused: the field at fault
};

// Walks the extension headers of RFC 8200 section 4 that a translator may pass over. A chain that is refused
// is walked to its end all the same, so that `protocol` tells what is refused; without an end it may be an
// ICMP error, and counts as one.
Verdict walk_extension_headers(const std::uint8_t* l3, std::size_t length, Chain& chain) {
  constexpr std::uint8_t hop_by_hop = 0, routing = 43, destination_options = 60;
  constexpr std::uint16_t more_fragments = 1;
  std::uint8_t next = header<Ipv6Header>(l3).next_header;
  std::size_t at = sizeof(Ipv6Header);
  chain = {};
  Verdict verdict = Verdict::pass();
  const auto refuse = [&](Counter why, std::size_t fault_at) {
    if (!verdict.passed()) return;
    verdict = Verdict::drop(why);
    chain.fault_at = static_cast<std::uint16_t>(fault_at);
  };
  const auto endless = [&] {
    chain.protocol = icmp6_number;
    refuse(Counter::parse_extension_headers, 0);
    return verdict;
  };
  for (unsigned walked = 0;; ++walked) {
    if (next != hop_by_hop && next != routing && next != fragment_number && next != destination_options)
      break;
    if (walked == max_extension_headers || at + 8 > length) return endless();
    if (next == hop_by_hop && walked != 0) refuse(Counter::parse_extension_headers, at);
    const std::uint8_t* bytes = l3 + at;
    if (next == fragment_number) {
      const std::uint16_t offset_flags = header<Ipv6FragmentHeader>(bytes).offset_flags.host();
      chain.later_fragment = offset_flags >> 3 != 0;
      chain.fragment |= chain.later_fragment || (offset_flags & more_fragments) != 0;
      at += sizeof(Ipv6FragmentHeader);
    } else {
      // RFC 8200 section 4.4: segments left is the fourth byte.
      if (next == routing && bytes[3] != 0) refuse(Counter::parse_source_route, at + 3);
      const std::size_t size = 8 + 8 * std::size_t{bytes[1]};
      if (at + size > length) return endless();
      at += size;
    }
    next = bytes[0];
    if (chain.later_fragment) break;  // what follows is payload
  }
  chain.l4 = static_cast<std::uint16_t>(at);
  chain.protocol = next;
  return verdict;
}

bool find_inner(const Ipv6Header& inner, std::size_t size, Inner& found) {
  if (inner.version() != 6) return false;
  Chain chain;
  if (!walk_extension_headers(reinterpret_cast<const std::uint8_t*>(&inner), size, chain).passed())
    return false;
  found = {chain.l4, chain.protocol, chain.later_fragment};
  return quotes_enough(chain.l4, sizeof(Ipv6Header) + inner.payload_length.host(), size);
}

template <class Address>
using IpHeaderOf = std::conditional_t<Address::family == Family::v4, Ipv4Header, Ipv6Header>;
template <class Address>
constexpr std::uint8_t icmp_number = Address::family == Family::v4 ? 1 : icmp6_number;

// The flow of an ICMP error is that of the packet inside, turned round: the error goes to that packet's
// sender.
template <class Address>
Verdict parse_icmp_error(Packet& packet) {
  using IpHeader = IpHeaderOf<Address>;
  const std::size_t inner_at = packet.l4 + sizeof(IcmpHeader);
  if (inner_at + sizeof(IpHeader) > packet.length) return Verdict::drop(Counter::parse_icmp_inner);
  const auto& inner = header<IpHeader>(packet.l3 + inner_at);
  Inner found{};
  if (!find_inner(inner, packet.length - inner_at, found)) return Verdict::drop(Counter::parse_icmp_inner);

  // The message is rewritten in more than one place, so it must be right to begin with.
  const std::uint16_t icmp_length = static_cast<std::uint16_t>(packet.length - packet.l4);
  ChecksumSum sum;
  sum.add(packet.l3 + packet.l4, icmp_length);
  if constexpr (Address::family == Family::v6) {
    sum.add(
        pseudo_header(packet.ipv6().source, packet.ipv6().destination, icmp_number<Address>, icmp_length));
  }
  if (sum.fold() != 0xffff) return Verdict::drop(Counter::parse_icmp_checksum);

  packet.kind = PacketKind::icmp_error;
  packet.inner = static_cast<std::uint16_t>(inner_at);
  packet.inner_l4 = static_cast<std::uint16_t>(inner_at + found.l4);
  const std::uint8_t* inner_transport = packet.l3 + packet.inner_l4;
  auto& key = packet.key<Address>();
  const Side side = key.tail.side;
  const auto protocol = static_cast<Protocol>(found.protocol);
  const bool has_ports = protocol == Protocol::tcp || protocol == Protocol::udp || protocol == Protocol::sctp;
  if (found.later_fragment || (!has_ports && found.protocol != icmp_number<Address>)) {
    // It names no flow; only who needs none can translate it (RFC 7915 section 4.3).
    set_key(key, side, inner.destination, inner.source, be16{}, be16{}, Protocol::any);
    return Verdict::pass();
  }
  if (packet.inner_l4 + 8U > packet.length)
    return Verdict::drop(Counter::parse_icmp_inner);  // ports, or an identifier
  if (found.protocol == icmp_number<Address>) {
    const auto& query = header<IcmpHeader>(inner_transport);
    const auto inner_class =
        Address::family == Family::v4 ? classify_icmp4(query.type) : classify_icmp6(query.type);
    // RFC 1122 section 3.2.2: no error is sent about an error.
    if (inner_class != IcmpClass::query) return Verdict::drop(Counter::parse_icmp_inner);
    set_query_key(key, side, inner.destination, inner.source, query.identifier);
    return Verdict::pass();
  }
  const auto& ports = header<UdpHeader>(inner_transport);  // the ports lie alike in all three
  set_key(key, side, inner.destination, inner.source, ports.destination_port, ports.source_port, protocol);
  return Verdict::pass();
}

template <class Address>
Verdict parse_icmp(Packet& packet, const Address& source, const Address& destination) {
  if (packet.length < packet.l4 + sizeof(IcmpHeader)) return Verdict::drop(Counter::parse_l4_truncated);
  const auto& icmp = packet.transport<IcmpHeader>();
  switch (Address::family == Family::v4 ? classify_icmp4(icmp.type) : classify_icmp6(icmp.type)) {
    case IcmpClass::query: {
      packet.kind = PacketKind::icmp_query;
      auto& key = packet.key<Address>();
      set_query_key(key, key.tail.side, source, destination, icmp.identifier);
      return Verdict::pass();
    }
    case IcmpClass::error:
      if (packet.fragment) return Verdict::drop(Counter::fragment_reassembly);
      return parse_icmp_error<Address>(packet);
    case IcmpClass::other:
      return Verdict::pass();
  }
  return Verdict::drop(Counter::parse_icmp_type);
}

// A packet that is refused for its options or extension headers: as far as its sender may have to be told
// (RFC 7915 sections 4.1, 4.4, 5.1 and 5.4). About ICMP nothing is told, for it may be an error. `l4`: of
// IPv6 the field at fault, of IPv4 the transport header.
template <class Address>
void describe_refused(Packet& packet, std::uint8_t* l3, std::size_t length, std::size_t l4,
                      std::uint8_t protocol, bool later_fragment, Side side) {
  packet.l3 = l3;
  packet.length = static_cast<std::uint16_t>(length);
  packet.l4 = static_cast<std::uint16_t>(l4);
  packet.family = Address::family;
  packet.key<Address>().tail.side = side;
  packet.kind = later_fragment                     ? PacketKind::later_fragment
                : protocol == icmp_number<Address> ? PacketKind::icmp_error
                                                   : PacketKind::other;
}

// `packet.l4`, `.length`, `.fragment` and the key's side and addresses stand already.
template <class Address>
Verdict parse_transport(Packet& packet, std::uint8_t protocol, const Address& source,
                        const Address& destination) {
  const std::size_t room = static_cast<std::size_t>(packet.length - packet.l4);
  auto& key = packet.key<Address>();
  const Side side = key.tail.side;
  packet.l4_protocol = protocol;
  packet.kind = PacketKind::other;  // until more is known
  const std::uint8_t* l4 = packet.l3 + packet.l4;
  // RFC 1858: a first fragment that hides its transport header is an attack.
  const Verdict too_short =
      Verdict::drop(packet.fragment ? Counter::fragment_tiny_first : Counter::parse_l4_truncated);

  switch (static_cast<Protocol>(protocol)) {
    case Protocol::udp: {
      if (room < sizeof(UdpHeader)) return too_short;
      const auto& udp = header<UdpHeader>(l4);
      const std::uint16_t udp_length = udp.length.host();
      if (udp_length < sizeof(UdpHeader) || (!packet.fragment && udp_length > room)) {
        return Verdict::drop(Counter::parse_l4_length);
      }
      set_key(key, side, source, destination, udp.source_port, udp.destination_port, Protocol::udp);
      break;
    }
    case Protocol::tcp: {
      if (room < sizeof(TcpHeader)) return too_short;
      const auto& tcp = header<TcpHeader>(l4);
      if (tcp.header_length() < sizeof(TcpHeader) || tcp.header_length() > room) {
        return Verdict::drop(Counter::parse_l4_length);
      }
      if (!possible_tcp_flags(tcp.flags)) return Verdict::drop(Counter::parse_tcp_flags);
      packet.tcp_flags = tcp.flags;
      set_key(key, side, source, destination, tcp.source_port, tcp.destination_port, Protocol::tcp);
      break;
    }
    case Protocol::sctp: {
      if (room < sizeof(SctpHeader)) return too_short;
      const auto& sctp = header<SctpHeader>(l4);
      set_key(key, side, source, destination, sctp.source_port, sctp.destination_port, Protocol::sctp);
      break;
    }
    default:
      if (protocol == icmp_number<Address>) return parse_icmp<Address>(packet, source, destination);
      return Verdict::pass();
  }
  if (key.tail.near_port.raw() == 0 || key.tail.far_port.raw() == 0)
    return Verdict::drop(Counter::parse_l4_port_zero);
  packet.kind = PacketKind::flow;
  return Verdict::pass();
}

Verdict parse_ipv4(std::uint8_t* l3, std::size_t available, Side side, Packet& packet) {
  if (available < sizeof(Ipv4Header)) return Verdict::drop(Counter::parse_truncated);
  const auto& ip = header<Ipv4Header>(l3);
  if (ip.version() != 4) return Verdict::drop(Counter::parse_ip_version);
  const std::uint16_t header_length = ip.header_length();
  const std::uint16_t total_length = ip.total_length.host();
  if (header_length < sizeof(Ipv4Header) || header_length > available) {
    return Verdict::drop(Counter::parse_ip_header_length);
  }
  if (total_length < header_length || total_length > available)
    return Verdict::drop(Counter::parse_ip_total_length);
  if (ChecksumSum{}.add(l3, header_length).fold() != 0xffff) return Verdict::drop(Counter::parse_ip_checksum);
  if (header_length > sizeof(Ipv4Header)) {
    const Verdict options = check_options(l3 + sizeof(Ipv4Header), header_length - sizeof(Ipv4Header));
    if (!options.passed()) {
      const bool later_fragment = (ip.flags_offset.host() & Ipv4Header::offset_mask) != 0;
      describe_refused<Ipv4Address>(packet, l3, total_length, header_length, ip.protocol, later_fragment,
                                    side);
      return options;
    }
  }

  packet.l3 = l3;
  packet.length = total_length;
  packet.l4 = header_length;
  packet.family = Family::v4;
  packet.tcp_flags = 0;
  packet.fragment = ip.is_fragment();
  packet.key4.tail.side = side;
  if ((ip.flags_offset.host() & Ipv4Header::offset_mask) != 0) {
    packet.kind = PacketKind::later_fragment;
    packet.l4_protocol = ip.protocol;
    const auto protocol =
        ip.protocol == icmp_number<Ipv4Address> ? Protocol::icmp : static_cast<Protocol>(ip.protocol);
    set_key(packet.key4, side, ip.source, ip.destination, be16{}, be16{}, protocol);
    return Verdict::pass();
  }
  set_key(packet.key4, side, ip.source, ip.destination, be16{}, be16{}, Protocol::any);
  return parse_transport(packet, ip.protocol, ip.source, ip.destination);
}

Verdict parse_ipv6(std::uint8_t* l3, std::size_t available, Side side, Packet& packet) {
  if (available < sizeof(Ipv6Header)) return Verdict::drop(Counter::parse_truncated);
  const auto& ip = header<Ipv6Header>(l3);
  if (ip.version() != 6) return Verdict::drop(Counter::parse_ip_version);
  const std::size_t length = sizeof(Ipv6Header) + ip.payload_length.host();
  // RFC 2675: a payload length of zero with a hop-by-hop header announces a jumbogram.
  if (ip.payload_length.raw() == 0 && ip.next_header == 0) return Verdict::drop(Counter::parse_jumbogram);
  if (length > available || length > 0xffff) return Verdict::drop(Counter::parse_ip_total_length);
  Chain chain;
  const Verdict walked = walk_extension_headers(l3, length, chain);
  if (!walked.passed()) {
    describe_refused<Ipv6Address>(packet, l3, length, chain.fault_at, chain.protocol, chain.later_fragment,
                                  side);
    return walked;
  }

  packet.l3 = l3;
  packet.length = static_cast<std::uint16_t>(length);
  packet.l4 = chain.l4;
  packet.family = Family::v6;
  packet.tcp_flags = 0;
  packet.fragment = chain.fragment;
  packet.key6.tail.side = side;
  if (chain.later_fragment) {
    packet.kind = PacketKind::later_fragment;
    packet.l4_protocol = chain.protocol;
    const auto protocol =
        chain.protocol == icmp_number<Ipv6Address> ? Protocol::icmp : static_cast<Protocol>(chain.protocol);
    set_key(packet.key6, side, ip.source, ip.destination, be16{}, be16{}, protocol);
    return Verdict::pass();
  }
  set_key(packet.key6, side, ip.source, ip.destination, be16{}, be16{}, Protocol::any);
  return parse_transport(packet, chain.protocol, ip.source, ip.destination);
}

}  // namespace

bool has_fragment_header(const Packet& packet) {
  std::uint8_t next = packet.ipv6().next_header;
  // The parser has walked this chain up to `l4`, so every step stays inside.
  for (std::size_t at = sizeof(Ipv6Header); at < packet.l4;) {
    if (next == fragment_number) return true;
    next = packet.l3[at];
    at += 8 + 8 * std::size_t{packet.l3[at + 1]};
  }
  return false;
}

Verdict parse(std::uint8_t* l3, std::size_t available, EtherType ether_type, Side side, Packet& packet) {
  packet.fragment = false;
  packet.datagram_length = 0;
  return ether_type == EtherType::ipv4 ? parse_ipv4(l3, available, side, packet)
                                       : parse_ipv6(l3, available, side, packet);
}

}  // namespace rgw::net
