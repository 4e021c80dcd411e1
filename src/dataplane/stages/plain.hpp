// What the short ways of plain packets (net::PlainPacket) have in common: how one is read from its frame,
// what else must hold for it, and how it leaves. Hot path, inline.
#pragma once

#include "realmgw/dataplane/stages.hpp"
#include "realmgw/nat/crossing.hpp"
#include "realmgw/net/parse.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace rgw::dataplane::stages {

using net::EthernetHeader;
using net::EtherType;
using net::Family;
using net::Ipv4Address;
using net::Ipv6Address;
using net::PlainPacket;
using net::Side;

template <class Address>
inline constexpr be16 ether_type{
    static_cast<std::uint16_t>(Address::family == Family::v4 ? EtherType::ipv4 : EtherType::ipv6)};

inline std::uint8_t* l3_of(const rte_mbuf* mbuf) {
  return rte_pktmbuf_mtod_offset(mbuf, std::uint8_t*, sizeof(EthernetHeader));
}

/// The frame's EtherType; there are at least 14 bytes.
inline be16 type_of(const rte_mbuf* mbuf) {
  return net::header<EthernetHeader>(rte_pktmbuf_mtod(mbuf, std::uint8_t*)).type;
}

/// A MAC address as it stands in the upper six bytes of a word: one comparison instead of six.
inline std::uint64_t word_of(const net::MacAddress& mac) {
  std::uint64_t word = 0;
  std::memcpy(&word, &mac, sizeof mac);
  return word << 16;
}

/// The plain packet that a frame to our own MAC address (`word_of`) holds; none where it holds something
/// else.
template <Side from>
[[gnu::always_inline]] inline PlainPacket read_plain(const rte_mbuf* mbuf, std::uint64_t own_mac,
                                                     const HashSalt& salt) {
  constexpr PlainPacket none{0, 0, 0, 0};
  const auto* frame = rte_pktmbuf_mtod(mbuf, const std::uint8_t*);
  const std::size_t size = rte_pktmbuf_data_len(mbuf);
  if (size < sizeof(EthernetHeader)) return none;
  std::uint64_t destination;
  std::memcpy(&destination, frame, sizeof destination);
  if (destination << 16 != own_mac) return none;
  const std::uint8_t* l3 = l3_of(mbuf);
  const std::size_t available = size - sizeof(EthernetHeader);
  const be16 type = type_of(mbuf);
  if (type == ether_type<Ipv4Address>) return net::parse_plain<Ipv4Address>(l3, available, from, salt);
  if (type == ether_type<Ipv6Address>) return net::parse_plain<Ipv6Address>(l3, available, from, salt);
  return none;
}

/// May later packets of its flow have to wait for a packet that is not plain? Of a TCP or UDP one, yes: for a
/// fragment, a FIN.
inline bool holds_up(const rte_mbuf* mbuf) {
  const std::size_t size = rte_pktmbuf_data_len(mbuf);
  if (size < sizeof(EthernetHeader) + sizeof(net::Ipv4Header)) return false;
  const be16 type = type_of(mbuf);
  if (type == ether_type<Ipv4Address>) return net::header<net::Ipv4Header>(l3_of(mbuf)).protocol != 1;
  if (type != ether_type<Ipv6Address> || size < sizeof(EthernetHeader) + sizeof(net::Ipv6Header))
    return false;
  return net::header<net::Ipv6Header>(l3_of(mbuf)).next_header != 58;
}

inline std::uint8_t hop_limit(const net::Ipv4Header& ip) {
  return ip.ttl;
}
inline std::uint8_t hop_limit(const net::Ipv6Header& ip) {
  return ip.hop_limit;
}

/// How long a plain packet of the family `In` is as one of `Out`.
template <class In, class Out>
std::size_t plain_length_as(std::uint16_t length) {
  return length - sizeof(net::PlainHeader<In>) + sizeof(net::PlainHeader<Out>);
}

/// May a plain packet go by this neighbour as one of `Out`, whole and with nobody told? `length`: as it came.
template <class In, class Out>
[[gnu::always_inline]] inline bool goes_plainly(const Context& context, const net::PlainHeader<In>& ip,
                                                std::uint16_t length, const Neighbour& neighbour) {
  const std::size_t to_be = plain_length_as<In, Out>(length);
  if (to_be > neighbour.mtu || hop_limit(ip) <= 1) return false;
  if constexpr (In::family != Out::family) {
    // IPv6 wants a checksum (RFC 7915 section 4.5).
    if (net::protocol_of(ip) == net::Protocol::udp &&
        net::header<net::UdpHeader>(reinterpret_cast<const std::uint8_t*>(&ip + 1)).checksum.raw() == 0)
      return false;
  }
  if constexpr (In::family == Family::v4 && Out::family == Family::v6) {
    // Without DF it is cut for its receiver's sake (egress.cpp).
    if (!ip.df() && to_be > context.snapshot().policy.lowest_ipv6_mtu) return false;
  }
  return true;
}

/// Sends a plain packet whose header begins at `l3` as one of `Out` by now. `length`: as it came.
template <class In, class Out>
[[gnu::always_inline]] inline void send_plain(Context& context, rte_mbuf* mbuf, std::uint8_t* l3,
                                              std::uint16_t length, const Neighbour& neighbour) {
  if constexpr (In::family != Out::family) {
    mbuf->data_off = static_cast<std::uint16_t>(mbuf->data_off + sizeof(net::PlainHeader<In>) -
                                                sizeof(net::PlainHeader<Out>));
    net::header<EthernetHeader>(l3 - sizeof(EthernetHeader)).type = ether_type<Out>;
  }
  std::memcpy(l3 - sizeof(EthernetHeader), &neighbour.link, offsetof(EthernetHeader, type));
  // The frame ends with the packet: link padding goes.
  mbuf->data_len = static_cast<std::uint16_t>(plain_length_as<In, Out>(length) + sizeof(EthernetHeader));
  mbuf->pkt_len = mbuf->data_len;
  context.outlets.transmit(neighbour.port, mbuf);
}

}  // namespace rgw::dataplane::stages
