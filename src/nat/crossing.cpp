#include "realmgw/nat/crossing.hpp"

#include "realmgw/nat/icmp_extension.hpp"
#include "realmgw/nat/icmp_map.hpp"
#include "realmgw/net/parse.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

namespace rgw::nat {
namespace {

using net::ChecksumDelta;
using net::ChecksumSum;
using net::Family;
using net::header;
using net::IcmpHeader;
using net::Ipv4Address;
using net::Ipv4Header;
using net::Ipv6Address;
using net::Ipv6FragmentHeader;
using net::Ipv6Header;
using net::Packet;
using net::PacketKind;
using net::Protocol;

constexpr std::uint8_t icmp4_number = 1, icmp6_number = 58, fragment_number = 44;
// RFC 7915 sections 5 and 5.1: a packet that is no longer than this after translation may be cut on its way,
// since no IPv6 host makes it shorter (1280 - 20).
constexpr std::uint16_t always_fits = 1260;
// RFC 4443 section 2.4(c) and RFC 1812 section 4.3.2.3 bound what an error may quote, so that it passes
// everywhere.
constexpr std::uint16_t longest_error(Family family) {
  return family == Family::v6 ? 1280 : 576;
}

// ---- what two IP headers have in common

struct FragmentFields {
  std::uint32_t identification;
  std::uint16_t offset;  // in units of 8 bytes
  bool more;
};

struct IpFields {
  std::uint8_t traffic_class;
  std::uint8_t hop_limit;
  std::uint8_t protocol;  // on the wire of the family it was read from
  std::uint32_t payload;  // bytes after the headers, as the header says (an ICMP error quotes less)
  bool dont_fragment;     // IPv4
  std::optional<FragmentFields> fragment;
  bool options_in_fragment =
      false;  // IPv6: extension headers behind the fragment header, cut up with the payload
};

// How much of `length` bytes lies behind headers of `l4` bytes.
std::uint32_t behind(std::size_t l4, std::size_t length) {
  return static_cast<std::uint32_t>(length > l4 ? length - l4 : 0);
}

// `l4`: how many bytes of headers stand before the transport header.
IpFields read_fields(const Ipv4Header& ip, std::size_t l4) {
  const std::uint16_t flags = ip.flags_offset.host();
  IpFields fields{.traffic_class = ip.tos,
                  .hop_limit = ip.ttl,
                  .protocol = ip.protocol,
                  .payload = behind(l4, ip.total_length.host()),
                  .dont_fragment = ip.df(),
                  .fragment = std::nullopt};
  if (ip.is_fragment()) {
    fields.fragment =
        FragmentFields{ip.identification.host(), static_cast<std::uint16_t>(flags & Ipv4Header::offset_mask),
                       (flags & Ipv4Header::more_fragments) != 0};
  }
  return fields;
}

// What RFC 7915 section 5.1.1 counts as such in a fragment header; not ESP.
bool is_extension_header(std::uint8_t next) {
  constexpr std::uint8_t hop_by_hop = 0, routing = 43, authentication = 51, destination_options = 60,
                         mobility = 135;
  return next == hop_by_hop || next == routing || next == fragment_number || next == authentication ||
         next == destination_options || next == mobility;
}

// The parser has walked this chain up to `l4`, so every step stays inside.
IpFields read_fields(const Ipv6Header& ip, std::size_t l4) {
  IpFields fields{.traffic_class = static_cast<std::uint8_t>(ip.version_class_flow.host() >> 20),
                  .hop_limit = ip.hop_limit,
                  .protocol = 0,
                  .payload = behind(l4, sizeof(Ipv6Header) + ip.payload_length.host()),
                  .dont_fragment = true,
                  .fragment = std::nullopt};
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(&ip);
  std::uint8_t next = ip.next_header;
  for (std::size_t at = sizeof(Ipv6Header); at < l4;) {
    if (next == fragment_number) {
      const auto& fragment = header<Ipv6FragmentHeader>(bytes + at);
      const std::uint16_t offset_flags = fragment.offset_flags.host();
      fields.fragment =
          FragmentFields{fragment.identification.host(), static_cast<std::uint16_t>(offset_flags >> 3),
                         (offset_flags & 1) != 0};
      fields.options_in_fragment |= is_extension_header(bytes[at]);
      next = bytes[at];
      at += sizeof(Ipv6FragmentHeader);
    } else {
      next = bytes[at];
      at += 8 + 8 * std::size_t{bytes[at + 1]};
    }
  }
  fields.protocol = next;
  return fields;
}

// May a packet with this protocol number cross, or one that quotes it? What IPv4 carries under the number of
// an extension header would be one in IPv6, and nobody has looked at its bytes: a routing header, a fragment
// header, options. RFC 7915 section 4.1 says to copy the number; nothing in use loses by it that these four
// are not. ICMP of the other family is none here.
template <class ToAddress>
Verdict check_protocol(std::uint8_t protocol) {
  constexpr bool to_v6 = ToAddress::family == Family::v6;
  constexpr std::uint8_t hop_by_hop = 0, routing = 43, destination_options = 60;
  if (protocol == (to_v6 ? icmp6_number : icmp4_number)) return Verdict::drop(Counter::translate_icmp_type);
  const bool extension = protocol == hop_by_hop || protocol == routing || protocol == fragment_number ||
                         protocol == destination_options;
  return to_v6 && extension ? Verdict::drop(Counter::translate_protocol) : Verdict::pass();
}

// Both write the header so that it ends where the transport header begins, and return where it begins.

// RFC 7915 section 4.1. A fragment header stands only where the IPv4 packet is a fragment: no atomic ones
// (RFC 8021).
std::uint8_t* write_header(std::uint8_t* l4, const IpFields& fields, const Ends<Ipv6Address>& ends,
                           std::uint16_t) {
  const std::uint8_t next = fields.protocol == icmp4_number ? icmp6_number : fields.protocol;
  std::uint32_t payload = fields.payload;
  if (fields.fragment) {
    l4 -= sizeof(Ipv6FragmentHeader);
    payload += sizeof(Ipv6FragmentHeader);
    header<Ipv6FragmentHeader>(l4) = {
        next, 0, be16{static_cast<std::uint16_t>(fields.fragment->offset << 3 | fields.fragment->more)},
        be32{fields.fragment->identification}};
  }
  std::uint8_t* l3 = l4 - sizeof(Ipv6Header);
  auto& ip = header<Ipv6Header>(l3);
  ip.version_class_flow = be32{6U << 28 | std::uint32_t{fields.traffic_class} << 20};
  ip.payload_length = be16{static_cast<std::uint16_t>(payload)};
  ip.next_header = fields.fragment ? fragment_number : next;
  ip.hop_limit = fields.hop_limit;
  ip.source = ends.source;
  ip.destination = ends.destination;
  return l3;
}

// RFC 7915 section 5.1.
std::uint8_t* write_header(std::uint8_t* l4, const IpFields& fields, const Ends<Ipv4Address>& ends,
                           std::uint16_t identification) {
  std::uint8_t* l3 = l4 - sizeof(Ipv4Header);
  auto& ip = header<Ipv4Header>(l3);
  ip = {};
  ip.version_ihl = 0x45;
  ip.tos = fields.traffic_class;
  const auto total = static_cast<std::uint16_t>(sizeof(Ipv4Header) + fields.payload);
  ip.total_length = be16{total};
  if (fields.fragment) {
    ip.identification = be16{static_cast<std::uint16_t>(fields.fragment->identification)};
    ip.flags_offset = be16{static_cast<std::uint16_t>(
        fields.fragment->offset | (fields.fragment->more ? Ipv4Header::more_fragments : 0))};
  } else if (total > always_fits) {
    ip.flags_offset = be16{Ipv4Header::dont_fragment};
  } else {
    ip.identification = be16{identification};
  }
  ip.ttl = fields.hop_limit;
  ip.protocol = fields.protocol == icmp6_number ? icmp4_number : fields.protocol;
  ip.source = ends.source;
  ip.destination = ends.destination;
  ip.checksum = ChecksumSum{}.add(l3, sizeof(Ipv4Header)).checksum();
  return l3;
}

// ---- transport

// A query's type and code become the other family's, and its checksum gains or loses the pseudo-header's
// length and protocol, which ICMPv4 does not have. `size`: of the whole ICMP message.
Verdict cross_query(IcmpHeader& icmp, Family to, std::uint32_t size, ChecksumDelta transport) {
  const auto meaning =
      to == Family::v6 ? icmp4_to_icmp6(icmp.type, icmp.code) : icmp6_to_icmp4(icmp.type, icmp.code);
  if (!meaning || meaning->word != IcmpWord::query) return Verdict::drop(Counter::translate_icmp_type);
  ChecksumSum pseudo, before, after;
  pseudo.add(be32{size}).add(be16{icmp6_number});
  const auto* words = reinterpret_cast<const std::uint8_t*>(&icmp);
  before.add(words, 2);
  icmp.type = meaning->type;
  icmp.code = meaning->code;
  after.add(words, 2);
  (to == Family::v6 ? after : before).add(pseudo);
  ChecksumDelta::between(before, after).apply(icmp.checksum);
  transport.apply(icmp.checksum);
  return Verdict::pass();
}

// What NAT does not know goes its way with its protocol number (RFC 7915 sections 4.1 and 5.1), without a
// session; where addresses count in its checksum that moves (sections 4.5 and 5.5). ICMP without a
// counterpart and IGMP end here.
Verdict cross_other(std::uint8_t* l4, const IpFields& fields, ChecksumDelta transport) {
  constexpr std::uint8_t igmp = 2, dccp = 33, udp_lite = 136;
  switch (fields.protocol) {
    case icmp4_number:
    case icmp6_number:
    case igmp:
      return Verdict::drop(Counter::translate_icmp_type);
    case dccp:
    case udp_lite:  // RFC 4340 section 5.1, RFC 3828 section 3.1: both have it in the place of UDP's
      if (fields.payload < sizeof(net::UdpHeader)) return Verdict::drop(Counter::parse_l4_truncated);
      transport.apply(header<net::UdpHeader>(l4).checksum);
      return Verdict::pass();
    default:
      return Verdict::pass();
  }
}

template <class ToAddress>
Verdict cross_transport(Packet& packet, std::uint8_t* l4, const IpFields& fields, const Ends<ToAddress>& ends,
                        const PortChange& port, ChecksumDelta transport) {
  if (packet.kind == PacketKind::later_fragment) return Verdict::pass();
  const Protocol protocol = packet.tail().protocol;
  switch (protocol) {
    case Protocol::icmp: {
      // The pseudo-header's length is that of the whole message. Of a fragment that is known where its
      // datagram has been waited for.
      const bool part = fields.fragment && fields.fragment->more;
      const std::uint32_t size = part ? packet.datagram_length : fields.payload;
      if (size == 0) return Verdict::drop(Counter::translate_icmp_fragment);
      write_ports(l4, protocol, port);
      return cross_query(header<IcmpHeader>(l4), ToAddress::family, size, transport);
    }
    case Protocol::udp: {
      auto& udp = header<net::UdpHeader>(l4);
      const bool summed = udp.checksum.raw() != 0;
      // IPv6 wants a checksum, and only a whole packet can be summed (RFC 7915 section 4.5). Its sender may
      // be told, so it is as he sent it.
      if (!summed && ToAddress::family == Family::v6 && fields.fragment)
        return Verdict::drop(Counter::translate_udp_checksum);
      write_ports(l4, protocol, port);
      if (summed) {
        transport.apply_udp(udp.checksum);
      } else if constexpr (ToAddress::family == Family::v6) {
        const std::uint16_t size = udp.length.host();
        udp.checksum = net::pseudo_header(ends.source, ends.destination, 17, size).add(l4, size).checksum();
        if (udp.checksum.raw() == 0) udp.checksum = be16{0xffff};
      }
      return Verdict::pass();
    }
    case Protocol::tcp:
      write_ports(l4, protocol, port);
      transport.apply(header<net::TcpHeader>(l4).checksum);
      return Verdict::pass();
    case Protocol::sctp:  // its CRC32c covers no addresses, and its ports never change
      return Verdict::pass();
    default:
      return cross_other(l4, fields, transport);
  }
}

template <class ToAddress>
Verdict cross_packet(Packet& packet, const Ends<ToAddress>& ends, const PortChange& port,
                     ChecksumDelta transport, std::uint16_t identification) {
  std::uint8_t* const l4 = packet.l3 + packet.l4;
  const IpFields fields = ToAddress::family == Family::v6 ? read_fields(packet.ipv4(), packet.l4)
                                                          : read_fields(packet.ipv6(), packet.l4);
  if (fields.options_in_fragment) return Verdict::drop(Counter::translate_fragment_options);
  if (const Verdict allowed = check_protocol<ToAddress>(fields.protocol); !allowed.passed()) return allowed;
  const Verdict crossed = cross_transport(packet, l4, fields, ends, port, transport);
  if (!crossed.passed()) return crossed;
  packet.l3 = write_header(l4, fields, ends, identification);
  packet.l4 = static_cast<std::uint16_t>(l4 - packet.l3);
  packet.length = static_cast<std::uint16_t>(packet.l4 + fields.payload);
  packet.family = ToAddress::family;
  return Verdict::pass();
}

// ---- ICMP errors

// What the second word of the error becomes; false where it has no counterpart.
template <class ToAddress>
bool cross_word(IcmpHeader& icmp, IcmpWord word, const LinkMtus& mtus, std::uint16_t quoted_length) {
  constexpr bool to_v6 = ToAddress::family == Family::v6;
  constexpr std::uint16_t difference = sizeof(Ipv6Header) - sizeof(Ipv4Header);
  switch (word) {
    case IcmpWord::mtu: {
      std::uint32_t mtu;
      if constexpr (to_v6) {
        std::uint16_t told = icmp.sequence.host();
        if (told == 0) told = mtu_plateau_below(quoted_length);
        // No node may ask for less than 1280 (RFC 8200 section 5); the sender then sends fragments.
        mtu =
            std::max<std::uint32_t>(1280, std::min({std::uint32_t{told} + difference, std::uint32_t{mtus.to},
                                                    std::uint32_t{mtus.from} + difference}));
        icmp.identifier = be16{};
      } else {
        const std::uint32_t told = std::uint32_t{icmp.identifier.host()} << 16 | icmp.sequence.host();
        mtu = std::min({told - std::min<std::uint32_t>(told, difference), std::uint32_t{mtus.to},
                        std::uint32_t{mtus.from} - difference});
        icmp.identifier = be16{};
      }
      icmp.sequence = be16{static_cast<std::uint16_t>(mtu)};
      return true;
    }
    case IcmpWord::pointer: {
      if constexpr (to_v6) {
        const auto pointer = pointer4_to_6(static_cast<std::uint8_t>(icmp.identifier.host() >> 8));
        if (!pointer) return false;
        icmp.identifier = be16{};
        icmp.sequence = be16{*pointer};
      } else {
        const auto pointer =
            pointer6_to_4(std::uint32_t{icmp.identifier.host()} << 16 | icmp.sequence.host());
        if (!pointer) return false;
        icmp.identifier = be16{static_cast<std::uint16_t>(*pointer << 8)};
        icmp.sequence = be16{};
      }
      return true;
    }
    case IcmpWord::protocol:
      icmp.identifier = be16{};
      icmp.sequence = be16{to_v6 ? std::uint16_t{6} : std::uint16_t{0}};
      return true;
    case IcmpWord::unused:
      icmp.identifier = be16{};
      icmp.sequence = be16{};
      return true;
    case IcmpWord::query:
      break;
  }
  return false;
}

// The quoted packet's ports and checksum. Of its transport header only 8 bytes are sure to be there.
template <class ToAddress>
bool cross_quoted_transport(std::uint8_t* l4, const std::uint8_t* end, Protocol protocol,
                            const IpFields& fields, const PortChange& port, ChecksumDelta transport) {
  if (protocol == Protocol::any) return true;
  write_ports(l4, protocol, port);
  switch (protocol) {
    case Protocol::icmp:
      return cross_query(header<IcmpHeader>(l4), ToAddress::family, fields.payload, transport).passed();
    case Protocol::udp:
      transport.apply_udp(header<net::UdpHeader>(l4).checksum);
      return true;
    case Protocol::tcp:
      if (auto& checksum = header<net::TcpHeader>(l4).checksum;
          reinterpret_cast<const std::uint8_t*>(&checksum + 1) <= end) {
        transport.apply(checksum);
      }
      return true;
    default:
      return true;
  }
}

template <class ToAddress>
Verdict cross_error_packet(Packet& packet, const Ends<ToAddress>& outer, const Ends<ToAddress>& inner,
                           const PortChange& port, ChecksumDelta transport, const LinkMtus& mtus,
                           std::uint16_t identification, const Ipv6Address* router) {
  constexpr bool to_v6 = ToAddress::family == Family::v6;
  IcmpHeader icmp = packet.transport<IcmpHeader>();
  const auto meaning = to_v6 ? icmp4_to_icmp6(icmp.type, icmp.code) : icmp6_to_icmp4(icmp.type, icmp.code);
  if (!meaning) return Verdict::drop(Counter::translate_icmp_type);
  const ErrorBody body = split_error(packet);
  const std::uint8_t* const end = body.quote.data() + body.quote.size();
  const std::uint8_t* const packet_end = packet.l3 + packet.length;
  std::uint8_t* const inner_l3 = packet.l3 + packet.inner;
  std::uint8_t* const inner_l4 = packet.l3 + packet.inner_l4;
  const std::size_t inner_headers = static_cast<std::size_t>(inner_l4 - inner_l3);
  // `any`: a packet without ports, or a later fragment, of which nothing but the IP header changes.
  const Protocol protocol = packet.tail().protocol;
  // The parser has seen as much, but of all that the error carries.
  if (inner_l4 + (protocol == Protocol::any ? 0 : 8) > end) return Verdict::drop(Counter::parse_icmp_inner);
  IpFields quoted, fields;
  std::uint16_t quoted_length = 0;
  if constexpr (to_v6) {
    quoted = read_fields(header<Ipv4Header>(inner_l3), inner_headers);
    quoted_length = header<Ipv4Header>(inner_l3).total_length.host();
    fields = read_fields(packet.ipv4(), packet.l4);
  } else {
    quoted = read_fields(header<Ipv6Header>(inner_l3), inner_headers);
    fields = read_fields(packet.ipv6(), packet.l4);
    if (fields.options_in_fragment) return Verdict::drop(Counter::translate_fragment_options);
  }

  if (const Verdict allowed = check_protocol<ToAddress>(quoted.protocol); !allowed.passed()) return allowed;
  if (!cross_word<ToAddress>(icmp, meaning->word, mtus, quoted_length))
    return Verdict::drop(Counter::translate_icmp_type);
  icmp.type = meaning->type;
  icmp.code = meaning->code;
  if (!cross_quoted_transport<ToAddress>(inner_l4, end, protocol, quoted, port, transport)) {
    return Verdict::drop(Counter::translate_icmp_type);
  }

  // From the inside out, each header right before the last.
  std::uint8_t* const new_inner = write_header(inner_l4, quoted, inner, identification);
  std::uint8_t* new_l4 = new_inner - sizeof(IcmpHeader);
  const std::size_t bound =
      longest_error(ToAddress::family) - (to_v6 ? sizeof(Ipv6Header) : sizeof(Ipv4Header));
  std::size_t size = std::min(bound, static_cast<std::size_t>(end - new_l4));
  if ((!body.extensions.empty() || router != nullptr) && may_be_extended(ToAddress::family, icmp.type)) {
    std::array<std::uint8_t, 1280> written;
    const std::size_t behind = write_error_body(icmp, ToAddress::family, {{new_inner, end}, body.extensions},
                                                router, written.data(), bound - sizeof(IcmpHeader));
    size = sizeof(IcmpHeader) + behind;
    // Padded, it may be longer than it was; behind the packet there is no room.
    if (size > static_cast<std::size_t>(packet_end - new_l4)) new_l4 = packet.l3 + packet.length - size;
    std::memcpy(new_l4 + sizeof(IcmpHeader), written.data(), behind);
  }
  IpFields outer_fields = fields;
  outer_fields.payload = static_cast<std::uint32_t>(size);
  outer_fields.fragment.reset();
  icmp.checksum = be16{};
  header<IcmpHeader>(new_l4) = icmp;
  std::uint8_t* const new_l3 = write_header(new_l4, outer_fields, outer, identification);

  // The error was right when it came (the parser has summed it), and nearly all of it is new: it is summed
  // once more.
  ChecksumSum sum;
  sum.add(new_l4, size);
  if constexpr (to_v6) {
    sum.add(
        net::pseudo_header(outer.source, outer.destination, icmp6_number, static_cast<std::uint32_t>(size)));
  }
  header<IcmpHeader>(new_l4).checksum = sum.checksum();

  packet.l3 = new_l3;
  packet.l4 = static_cast<std::uint16_t>(new_l4 - new_l3);
  packet.length = static_cast<std::uint16_t>(packet.l4 + size);
  packet.family = ToAddress::family;
  return Verdict::pass();
}

}  // namespace

Crossed after_crossing(const Packet& packet) {
  const auto payload = static_cast<std::uint16_t>(packet.length - packet.l4);
  const bool to_v6 = packet.family == Family::v4;
  const bool fragment = to_v6 ? packet.fragment : net::has_fragment_header(packet);
  const std::size_t headers =
      to_v6 ? sizeof(Ipv6Header) + (fragment ? sizeof(Ipv6FragmentHeader) : 0) : sizeof(Ipv4Header);
  auto length = static_cast<std::uint16_t>(headers + payload);
  if (packet.kind == PacketKind::icmp_error)
    length = std::min(length, longest_error(to_v6 ? Family::v6 : Family::v4));
  // RFC 7915 section 5.1.1: whatever has a fragment header may be cut further, an atomic fragment too.
  return {length, to_v6 ? !packet.ipv4().df() : fragment || length <= always_fits};
}

Verdict cross(Packet& packet, const Ends<Ipv6Address>& ends, const PortChange& port,
              ChecksumDelta transport) {
  return cross_packet(packet, ends, port, transport, 0);
}

Verdict cross(Packet& packet, const Ends<Ipv4Address>& ends, const PortChange& port, ChecksumDelta transport,
              std::uint16_t identification) {
  return cross_packet(packet, ends, port, transport, identification);
}

Verdict cross_error(Packet& packet, const Ends<Ipv6Address>& outer, const Ends<Ipv6Address>& inner,
                    const PortChange& port, ChecksumDelta transport, const LinkMtus& mtus) {
  return cross_error_packet(packet, outer, inner, port, transport, mtus, 0, nullptr);
}

Verdict cross_error(Packet& packet, const Ends<Ipv4Address>& outer, const Ends<Ipv4Address>& inner,
                    const PortChange& port, ChecksumDelta transport, const LinkMtus& mtus,
                    std::uint16_t identification, const Ipv6Address* router) {
  return cross_error_packet(packet, outer, inner, port, transport, mtus, identification, router);
}

}  // namespace rgw::nat
