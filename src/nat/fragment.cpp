#include "realmgw/nat/fragment.hpp"

#include "realmgw/net/headers.hpp"

#include <cstring>

namespace rgw::nat {

using net::Packet;
using net::PacketKind;

namespace {

constexpr std::uint8_t fragment_header_number = 44;

Fragment read(const net::Ipv4Header& ip, const Packet& packet) {
  Fragment fragment;
  std::memcpy(fragment.key.source.data(), &ip.source, sizeof ip.source);
  std::memcpy(fragment.key.destination.data(), &ip.destination, sizeof ip.destination);
  fragment.key.id = be32{ip.identification.host()};
  fragment.key.protocol = ip.protocol;
  const std::uint16_t flags_offset = ip.flags_offset.host();
  fragment.offset = (flags_offset & net::Ipv4Header::offset_mask) * 8U;
  fragment.more = (flags_offset & net::Ipv4Header::more_fragments) != 0;
  fragment.length = packet.length - std::uint32_t{ip.header_length()};
  return fragment;
}

// The parser has walked this chain up to `packet.l4` and found a fragment header in it: each step stays
// inside.
std::optional<Fragment> read(const net::Ipv6Header& ip, const Packet& packet) {
  std::uint8_t next = ip.next_header;
  std::uint32_t at = sizeof(net::Ipv6Header);
  const auto step = [&] {
    const std::uint32_t size = next == fragment_header_number ? 8 : 8 + 8U * packet.l3[at + 1];
    next = packet.l3[at];
    at += size;
  };
  while (next != fragment_header_number && at < packet.l4) step();
  if (at >= packet.l4) return std::nullopt;

  const auto& header = net::header<net::Ipv6FragmentHeader>(packet.l3 + at);
  Fragment fragment;
  std::memcpy(fragment.key.source.data(), &ip.source, sizeof ip.source);
  std::memcpy(fragment.key.destination.data(), &ip.destination, sizeof ip.destination);
  fragment.key.id = header.identification;
  fragment.offset = header.offset_flags.host() & 0xfff8U;
  fragment.more = (header.offset_flags.host() & 1) != 0;
  fragment.length = packet.length - (at + std::uint32_t{sizeof header});

  for (step(); at < packet.l4; step()) {
    if (next == fragment_header_number) return std::nullopt;
  }
  return fragment;
}

}  // namespace

FragmentFlow FragmentFlow::of(const Packet& first) {
  const net::FlowTail& tail = first.tail();
  return {tail.near_port, tail.far_port, tail.protocol, first.l4_protocol, 0};
}

void FragmentFlow::give_to(Packet& fragment) const {
  fragment.datagram_length = datagram_length;
  if (fragment.kind != PacketKind::later_fragment) return;
  net::FlowTail& tail = fragment.tail();
  tail.near_port = near_port;
  tail.far_port = far_port;
  tail.protocol = protocol;
  fragment.l4_protocol = l4_protocol;
}

std::optional<Fragment> Fragment::of(const Packet& packet) {
  std::optional<Fragment> fragment =
      packet.family == net::Family::v4 ? read(packet.ipv4(), packet) : read(packet.ipv6(), packet);
  if (!fragment || (fragment->offset != 0) != (packet.kind == PacketKind::later_fragment))
    return std::nullopt;
  fragment->key.family = packet.family;
  fragment->key.side = packet.side();
  if (fragment->offset == 0) fragment->flow = FragmentFlow::of(packet);
  return fragment;
}

}  // namespace rgw::nat
