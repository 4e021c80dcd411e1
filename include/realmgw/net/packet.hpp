// A packet as parsed: where its headers lie and which flow it belongs to. Hot path: lives in the worker's own
// memory for the time of a burst, never beyond it.
#pragma once

#include "realmgw/net/address.hpp"
#include "realmgw/net/flow_key.hpp"
#include "realmgw/net/headers.hpp"
#include "realmgw/net/transport.hpp"

#include <cstdint>

namespace rgw::net {

/// What a packet is to the translator.
enum class PacketKind : std::uint8_t {
  flow,            ///< TCP, UDP or SCTP with its ports
  icmp_query,      ///< echo and its like: the identifier is the port
  icmp_error,      ///< carries a packet of ours; `key` is the flow of that packet, turned round
  later_fragment,  ///< its ports are in the first fragment
  other,           ///< no flow: another protocol, another ICMP type
};

struct Packet {
  std::uint8_t* l3;      ///< the IP header
  std::uint16_t length;  ///< of the IP packet, header included; the frame has at least this much
  std::uint16_t l4;      ///< offset of the transport header from `l3`
  Family family;
  PacketKind kind;
  std::uint8_t tcp_flags;
  /// First or later, one of several. An atomic fragment (RFC 6946) is none: it is a whole packet behind one
  /// more header.
  bool fragment;
  /// The flow, in the member that `family` names. Its side is where the packet came from; its protocol is
  /// `icmp` for ICMPv6 too.
  union {
    FlowKey4 key4;
    FlowKey6 key6;
  };
  std::uint16_t inner;  ///< of an ICMP error: offset of the inner IP header
  /// Of an ICMP error: offset of the inner transport header. Where the key has ports or an identifier 8 bytes
  /// are there, else as many of 8 as the inner packet had.
  std::uint16_t inner_l4;
  std::uint16_t l4_protocol;  ///< the IANA number on the wire; `key`'s protocol is normalised
  /// Of a fragment: how many bytes all fragments together carry, where that has been learnt; else 0.
  std::uint16_t datagram_length;

  Packet()
      : l3{},
        length{},
        l4{},
        family{},
        kind{},
        tcp_flags{},
        fragment{},
        key6{},
        inner{},
        inner_l4{},
        l4_protocol{},
        datagram_length{} {}

  template <class Address>
  [[nodiscard]] FlowKey<Address>& key() {
    if constexpr (Address::family == Family::v4) {
      return key4;
    } else {
      return key6;
    }
  }
  template <class Address>
  [[nodiscard]] const FlowKey<Address>& key() const {
    return const_cast<Packet*>(this)->key<Address>();
  }
  [[nodiscard]] FlowTail& tail() { return family == Family::v4 ? key4.tail : key6.tail; }
  [[nodiscard]] const FlowTail& tail() const { return family == Family::v4 ? key4.tail : key6.tail; }
  /// Where the packet came from.
  [[nodiscard]] Side side() const { return tail().side; }

  [[nodiscard]] Ipv4Header& ipv4() const { return header<Ipv4Header>(l3); }
  [[nodiscard]] Ipv6Header& ipv6() const { return header<Ipv6Header>(l3); }
  /// The transport header; the parser has checked that all of `T` is there.
  template <class T>
  [[nodiscard]] T& transport() const {
    return header<T>(l3 + l4);
  }
  /// Source and destination as they stand in the IP header, for slow paths and logs.
  [[nodiscard]] IpAddress source() const {
    return family == Family::v4 ? IpAddress{ipv4().source} : IpAddress{ipv6().source};
  }
  [[nodiscard]] IpAddress destination() const {
    return family == Family::v4 ? IpAddress{ipv4().destination} : IpAddress{ipv6().destination};
  }
  [[nodiscard]] std::uint8_t hop_limit() const {
    return family == Family::v4 ? ipv4().ttl : ipv6().hop_limit;
  }
};

}  // namespace rgw::net
