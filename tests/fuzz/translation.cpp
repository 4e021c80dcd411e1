// Any bytes as a packet that is translated, by every family pair, by a session or by a map. The first byte
// chooses: bit 0 the family, bit 1 the side, bit 2 whether a session of the same family or the other one, bit
// 3 that the rest of a fragmented datagram is known, bit 4 whether the router of an ICMP error is named in an
// extension (RFC 5837). What comes out is a packet whose lengths agree, inside the buffer, and whose checksum
// is right where the packet's was.
#include "realmgw/nat/icmp_extension.hpp"
#include "realmgw/nat/rewrite.hpp"
#include "realmgw/net/parse.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

namespace {

using namespace rgw::net;
using rgw::be16;
using rgw::Verdict;

constexpr std::size_t headroom = 96;  // crossing.hpp asks for 88

void require(bool holds) {
  if (!holds) __builtin_trap();
}

// Is the checksum of a whole packet right? Summed anew. Of nothing but zeros the sum is the other zero of
// ones' complement, which arithmetic by difference cannot tell from the right one (RFC 1624 section 3).
bool is_right(const Packet& packet) {
  const auto size = static_cast<std::uint32_t>(packet.length - packet.l4);
  const auto protocol = static_cast<std::uint8_t>(packet.l4_protocol);
  ChecksumSum sum;
  sum.add(packet.l3 + packet.l4, size);
  if (packet.family == Family::v6) {
    sum.add(pseudo_header(packet.ipv6().source, packet.ipv6().destination, protocol, size));
  } else if (protocol != 1) {
    sum.add(pseudo_header(packet.ipv4().source, packet.ipv4().destination, protocol, size));
  }
  return sum.fold() == 0xffff || sum.fold() == 0;
}

bool has_checksum(const Packet& packet) {
  switch (packet.l4_protocol) {
    case 1:
    case 6:
    case 58:
      return true;
    case 17: {  // one that is there, over all of the packet
      const auto& udp = packet.transport<UdpHeader>();
      return udp.checksum.raw() != 0 && udp.length.host() == packet.length - packet.l4;
    }
    default:
      return false;
  }
}

std::size_t told_length(const Packet& packet) {
  return packet.family == Family::v4 ? packet.ipv4().total_length.host()
                                     : sizeof(Ipv6Header) + packet.ipv6().payload_length.host();
}

// A session of which the packet is, with another near end on the other side.
rgw::nat::Session session_of(const Packet& packet, bool crosses) {
  rgw::nat::Session session{};
  const bool outward = packet.side() == Side::inside;
  const Ipv6Address mine{{0x20, 1, 0xd, 0xb8, 1}}, far{{0x20, 1, 0xd, 0xb8, 2}};
  const Ipv4Address mine4{198, 51, 100, 7}, far4{203, 0, 113, 9};
  FlowTail here = packet.tail(), there = here;
  there.side = other(here.side);
  if (crosses) there.family = packet.family == Family::v4 ? Family::v6 : Family::v4;
  there.near_port = be16{static_cast<std::uint16_t>(here.near_port.host() ^ 0x5555)};
  const bool v4 = packet.family == Family::v4;
  FlowKey4 key_here{v4 ? packet.key4.near : mine4, v4 ? packet.key4.far : far4, here};
  FlowKey4 key_there{mine4, key_here.far, there};
  session.inside = outward ? key_here : key_there;
  session.outside = outward ? key_there : key_here;
  session.host6 = session.external6 = mine;
  session.remote6 = far;
  if (!v4) {
    (outward ? session.host6 : session.external6) = packet.key6.near;
    session.remote6 = packet.key6.far;
  }
  rgw::nat::precompute_deltas(session);
  return session;
}

// Without a session, as a map does it: other addresses, the same ports.
template <class To, class From>
Verdict by_map(Packet& packet, const From& ip, bool name_router) {
  constexpr bool to_v6 = To::family == Family::v6;
  const bool icmp = packet.tail().protocol == Protocol::icmp;
  rgw::nat::Ends<To> ends;
  if constexpr (to_v6) {
    ends = {Ipv6Address{{0x20, 1, 0xd, 0xb8, 3}}, Ipv6Address{{0x20, 1, 0xd, 0xb8, 4}}};
  } else {
    ends = {Ipv4Address{192, 0, 2, 3}, Ipv4Address{192, 0, 2, 4}};
  }
  const bool error = packet.kind == PacketKind::icmp_error;
  const auto& tail = packet.tail();
  const rgw::nat::PortChange port{(packet.side() == Side::inside) != error, tail.near_port, tail.far_port};
  const From& told = error ? header<From>(packet.l3 + packet.inner) : ip;
  ChecksumSum before, after;
  if (!icmp || !to_v6) before.add(told.source).add(told.destination);
  if (!icmp || to_v6) after.add(ends.source).add(ends.destination);
  const auto delta = ChecksumDelta::between(before, after);
  [[maybe_unused]] const Ipv6Address named{{0x20, 1, 0xd, 0xb8, 5}};
  [[maybe_unused]] const Ipv6Address* router = name_router ? &named : nullptr;
  if constexpr (to_v6) {
    return error ? rgw::nat::cross_error(packet, ends, ends, port, delta, {1500, 1500})
                 : rgw::nat::cross(packet, ends, port, delta);
  } else {
    return error ? rgw::nat::cross_error(packet, ends, ends, port, delta, {1500, 1500}, 7, router)
                 : rgw::nat::cross(packet, ends, port, delta, 7);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2 || size > 4096) return 0;
  const std::uint8_t choice = data[0];
  const auto type = (choice & 1) == 0 ? EtherType::ipv4 : EtherType::ipv6;
  const Side side = (choice & 2) == 0 ? Side::inside : Side::outside;
  const bool crosses = (choice & 4) == 0;
  for (const bool map : {false, true}) {
    if (map && !crosses) continue;
    // Exactly as long as the packet, so that one byte beyond is found out.
    const auto buffer = std::make_unique<std::uint8_t[]>(headroom + size - 1);
    std::memcpy(buffer.get() + headroom, data + 1, size - 1);
    Packet packet;
    if (!parse(buffer.get() + headroom, size - 1, type, side, packet).passed()) return 0;
    if ((choice & 8) != 0 && packet.fragment)
      packet.datagram_length = static_cast<std::uint16_t>(packet.length * 2);
    const bool without_flow = packet.kind == PacketKind::other || packet.tail().protocol == Protocol::any;
    if (!map && without_flow) continue;
    const bool whole = !packet.fragment && has_checksum(packet) && packet.kind != PacketKind::later_fragment;
    const bool right = whole && is_right(packet);

    Verdict verdict = Verdict::pass();
    if (!map) {
      verdict = rgw::nat::translate(packet, session_of(packet, crosses), {nullptr, {1500, 1500}, 7});
    } else if (packet.family == Family::v4) {
      verdict = by_map<Ipv6Address>(packet, packet.ipv4(), false);
    } else {
      verdict = by_map<Ipv4Address>(packet, packet.ipv6(), (choice & 16) != 0);
    }
    if (!verdict.passed()) continue;
    require(packet.l3 >= buffer.get() && packet.l3 + packet.length <= buffer.get() + headroom + size - 1);
    require(told_length(packet) == packet.length && packet.l4 <= packet.length);
    if (packet.family == Family::v4) {
      require(ChecksumSum{}.add(packet.l3, packet.ipv4().header_length()).fold() == 0xffff);
    }
    Packet again;
    const auto type_now = packet.family == Family::v4 ? EtherType::ipv4 : EtherType::ipv6;
    const Verdict read = parse(packet.l3, packet.length, type_now, side, again);
    // A port may have become zero, and what was quoted beyond what the parser reads may be anything.
    if (!read.passed() || !whole) continue;
    require(again.kind == packet.kind);
    require(is_right(again) == right);
    if (again.kind != PacketKind::icmp_error || !crosses) continue;
    // RFC 1812 section 4.3.2.3 and RFC 4443 section 2.4(c).
    require(again.length <= (again.family == Family::v4 ? 576 : 1280));
    // What is told of the quote's length holds (RFC 4884 section 4).
    const auto& icmp = again.transport<IcmpHeader>();
    if (!rgw::nat::may_be_extended(again.family, icmp.type)) continue;
    const std::size_t told = again.family == Family::v4 ? (icmp.identifier.host() & 0xff) * 4U
                                                        : (icmp.identifier.host() >> 8) * 8U;
    const auto body = rgw::nat::split_error(again);
    require(told == 0 || (body.quote.size() == told && !body.extensions.empty()));
  }
  return 0;
}
