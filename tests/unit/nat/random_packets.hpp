// Random flows, and random packets of them as they are on a wire; and the sum over a packet, byte by byte,
// which knows nothing of differences.
#pragma once

#include "realmgw/base/random.hpp"
#include "realmgw/nat/rewrite.hpp"
#include "realmgw/net/parse.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <utility>

namespace rgw::nat {

using net::Family;
using net::header;
using net::Ipv4Address;
using net::Ipv6Address;
using net::Protocol;

inline constexpr std::uint16_t identification =
    0x1234;  // what translation gives, so that it comes back the same
inline constexpr std::uint8_t icmp4 = 1, icmp6 = 58;

// ---- the independent sum: RFC 1071 as it reads, byte by byte

inline std::uint16_t ones_sum(const std::uint8_t* bytes, std::size_t size, std::uint32_t sum = 0) {
  for (std::size_t i = 0; i < size; ++i) sum += i % 2 == 0 ? std::uint32_t{bytes[i]} << 8 : bytes[i];
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}

// A packet with room before it, as in an mbuf.
struct Wire {
  static constexpr std::size_t headroom = 256;
  std::array<std::uint8_t, 2048> buffer{};
  std::uint8_t* l3 = buffer.data() + headroom;
  std::size_t size = 0;
};

struct Shape {
  std::uint8_t protocol;  // on the wire
  std::size_t l4;         // where the transport header is
  bool fragment = false;
  bool later = false;          // no transport header at all
  std::uint32_t datagram = 0;  // bytes of all fragments together
};

// Where the transport header is, found by itself.
inline Shape shape_of(const std::uint8_t* l3) {
  if (l3[0] >> 4 == 4) {
    const unsigned flags = l3[6] << 8 | l3[7];
    return {l3[9], (l3[0] & 15U) * 4U, (flags & 0x3fff) != 0, (flags & 0x1fff) != 0, 0};
  }
  Shape shape{l3[6], 40, false, false, 0};
  while (shape.protocol == 0 || shape.protocol == 43 || shape.protocol == 60 || shape.protocol == 44) {
    const std::uint8_t* at = l3 + shape.l4;
    if (shape.protocol == 44) {
      shape.fragment = true;
      shape.later = ((at[2] << 8 | at[3]) >> 3) != 0;
    }
    shape.l4 += shape.protocol == 44 ? 8 : 8 + 8 * at[1];
    shape.protocol = at[0];
    if (shape.later) break;
  }
  return shape;
}

inline std::size_t length_of(const std::uint8_t* l3) {
  return l3[0] >> 4 == 4 ? static_cast<std::size_t>(l3[2] << 8 | l3[3])
                         : 40U + static_cast<std::size_t>(l3[4] << 8 | l3[5]);
}

// The sum over the transport and its pseudo-header, which a right checksum makes 0xffff. `told`: what the
// pseudo-header says of the length.
inline std::uint16_t transport_sum(const std::uint8_t* l3, const Shape& shape, std::size_t size,
                                   std::uint32_t told) {
  std::uint32_t sum = 0;
  const bool v4 = l3[0] >> 4 == 4;
  if (!(v4 && shape.protocol == icmp4)) {
    sum += v4 ? ones_sum(l3 + 12, 8) : ones_sum(l3 + 8, 32);
    sum += shape.protocol + (told >> 16) + (told & 0xffff);
  }
  return ones_sum(l3 + shape.l4, size - shape.l4, sum);
}

inline std::size_t checksum_place(std::uint8_t protocol) {
  return protocol == 6 ? 16 : protocol == 17 ? 6 : 2;
}

// ---- random flows and packets

struct Flow {
  bool inside6, outside6;
  Ipv4Address near4[2], far4;
  Ipv6Address near6[2], far6;
  std::uint16_t near_port[2], far_port;  // inside, outside
  Protocol protocol;
};

template <class T>
T random_of(Random& random) {
  std::array<std::uint8_t, sizeof(T)> bytes;
  for (auto& byte : bytes)
    byte = static_cast<std::uint8_t>(random.below(3) == 0 ? 0 - random.below(2) : random.below(256));
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}
inline std::uint16_t random_port(Random& random) {
  return static_cast<std::uint16_t>(random.below(8) == 0 ? 0xffff - random.below(2)
                                                         : 1 + random.below(65535));
}

inline Flow random_flow(Random& random, bool inside6, bool outside6, Protocol protocol) {
  Flow flow{};
  flow.inside6 = inside6;
  flow.outside6 = outside6;
  flow.protocol = protocol;
  flow.far4 = random_of<Ipv4Address>(random);
  flow.far6 = random_of<Ipv6Address>(random);
  flow.far_port = random_port(random);
  for (int side = 0; side < 2; ++side) {
    flow.near4[side] = random_of<Ipv4Address>(random);
    flow.near6[side] = random_of<Ipv6Address>(random);
    flow.near_port[side] = random_port(random);
  }
  return flow;
}

// `turned`: inside and outside have changed places, so that translating once more leads back.
inline Session session_of(const Flow& flow, bool turned) {
  Session session{};
  const int in = turned ? 1 : 0, out = 1 - in;
  const auto tail = [&](int place, Side side, bool v6) {
    const bool query = flow.protocol == Protocol::icmp;
    return net::FlowTail{be16{flow.near_port[place]},
                         be16{query ? std::uint16_t{0} : flow.far_port},
                         flow.protocol,
                         side,
                         v6 ? Family::v6 : Family::v4,
                         0};
  };
  session.inside = {flow.near4[in], flow.far4, tail(in, Side::inside, turned ? flow.outside6 : flow.inside6)};
  session.outside = {flow.near4[out], flow.far4,
                     tail(out, Side::outside, turned ? flow.inside6 : flow.outside6)};
  session.host6 = flow.near6[in];
  session.external6 = flow.near6[out];
  session.remote6 = flow.far6;
  precompute_deltas(session);
  return session;
}

enum class Kind { udp, tcp, query, error, fragment, extended };
inline Protocol protocol_for(Kind kind, Random& random) {
  constexpr Protocol all[] = {Protocol::udp, Protocol::tcp, Protocol::icmp};
  switch (kind) {
    case Kind::udp:
      return Protocol::udp;
    case Kind::tcp:
      return Protocol::tcp;
    case Kind::query:
      return Protocol::icmp;
    default:
      return all[random.below(3)];
  }
}

struct Ends46 {
  bool v6;
  Ipv4Address source4, destination4;
  Ipv6Address source6, destination6;
};

// Writes an IP header of `wire.size` bytes of transport behind it.
inline void write_ip(Random& random, Wire& wire, const Ends46& ends, std::uint8_t protocol, Kind kind,
                     Shape& shape) {
  std::uint8_t* l4 = wire.l3;
  const auto hop = static_cast<std::uint8_t>(2 + random.below(253)),
             tos = static_cast<std::uint8_t>(random.below(256));
  const bool part = kind == Kind::fragment;
  const unsigned offset = part && random.below(2) != 0 ? 1 + random.below(100) : 0;
  const bool more = part && (offset == 0 || random.below(2) != 0);
  const auto id = static_cast<std::uint16_t>(part ? random.below(65536) : identification);
  if (more) wire.size = std::max<std::size_t>(wire.size & ~std::size_t{7}, 24);  // with all of a TCP header
  shape.fragment = part;
  shape.later = offset != 0;
  shape.protocol = protocol;
  if (ends.v6) {
    Ipv6Address addresses[2] = {ends.source6, ends.destination6};
    std::uint8_t head[80] = {};
    std::size_t at = 40;
    std::uint8_t next = protocol;
    if (part) {
      head[40] = protocol;
      head[42] = static_cast<std::uint8_t>(offset >> 5);
      head[43] = static_cast<std::uint8_t>(offset << 3 | more);
      head[46] = static_cast<std::uint8_t>(id >> 8);
      head[47] = static_cast<std::uint8_t>(id);
      next = 44;
      at = 48;
    } else if (kind == Kind::extended) {
      constexpr std::uint8_t types[] = {0, 43, 60};
      next = types[random.below(3)];
      head[40] = protocol;
      head[41] = static_cast<std::uint8_t>(random.below(3));
      at = 48 + 8 * std::size_t{head[41]};
      if (next != 43) head[42] = 1, head[43] = static_cast<std::uint8_t>(at - 44);  // one PadN option
    }
    const auto payload = wire.size + at - 40;
    head[0] = static_cast<std::uint8_t>(0x60 | tos >> 4);
    head[1] = static_cast<std::uint8_t>(tos << 4);
    head[4] = static_cast<std::uint8_t>(payload >> 8);
    head[5] = static_cast<std::uint8_t>(payload);
    head[6] = next;
    head[7] = hop;
    std::memcpy(head + 8, addresses, 32);
    wire.l3 = l4 - at;
    std::memcpy(wire.l3, head, at);
    shape.l4 = at;
  } else {
    const std::size_t options = kind == Kind::extended ? 4 * (1 + random.below(10)) : 0;
    const std::size_t at = 20 + options, total = at + wire.size;
    wire.l3 = l4 - at;
    std::memset(wire.l3, 1, at);  // options: no operation
    Ipv4Address addresses[2] = {ends.source4, ends.destination4};
    std::uint8_t head[20] = {static_cast<std::uint8_t>(0x40 | at / 4),
                             tos,
                             static_cast<std::uint8_t>(total >> 8),
                             static_cast<std::uint8_t>(total),
                             static_cast<std::uint8_t>(id >> 8),
                             static_cast<std::uint8_t>(id),
                             static_cast<std::uint8_t>((more ? 0x20 : 0) | offset >> 8),
                             static_cast<std::uint8_t>(offset),
                             hop,
                             protocol};
    std::memcpy(head + 12, addresses, 8);
    std::memcpy(wire.l3, head, 20);
    const auto sum = static_cast<std::uint16_t>(~ones_sum(wire.l3, at));
    wire.l3[10] = static_cast<std::uint8_t>(sum >> 8);
    wire.l3[11] = static_cast<std::uint8_t>(sum);
    shape.l4 = at;
  }
  wire.size += shape.l4;
}

inline void set_checksum(Wire& wire, const Shape& shape, std::uint32_t told) {
  std::uint8_t* place = wire.l3 + shape.l4 + checksum_place(shape.protocol);
  place[0] = place[1] = 0;
  auto sum = static_cast<std::uint16_t>(~transport_sum(wire.l3, shape, wire.size, told));
  if (sum == 0 && shape.protocol == 17) sum = 0xffff;
  place[0] = static_cast<std::uint8_t>(sum >> 8);
  place[1] = static_cast<std::uint8_t>(sum);
}

// A transport message of random contents at `wire.l3`, which the IP header is put before.
inline void write_transport(Random& random, Wire& wire, Protocol protocol, bool v6, std::uint16_t source,
                            std::uint16_t destination, std::uint16_t query_id) {
  const std::size_t head = protocol == Protocol::tcp ? 20 : 8;
  wire.size = head + random.below(random.below(4) == 0 ? 200 : 33);
  for (std::size_t i = 0; i < wire.size; i += 8) {
    const std::uint64_t word = random.next();
    std::memcpy(wire.l3 + i, &word, 8);
  }
  auto& udp = header<net::UdpHeader>(wire.l3);
  udp.source_port = be16{source};
  udp.destination_port = be16{destination};
  switch (protocol) {
    case Protocol::tcp:
      header<net::TcpHeader>(wire.l3).offset_reserved = 0x50;
      header<net::TcpHeader>(wire.l3).flags = net::TcpHeader::ack;
      break;
    case Protocol::udp:
      udp.length = be16{static_cast<std::uint16_t>(wire.size)};
      break;
    default: {
      auto& icmp = header<net::IcmpHeader>(wire.l3);
      const bool reply = random.below(2) != 0;
      icmp.type = static_cast<std::uint8_t>(v6 ? 128 + reply : reply ? 0 : 8);
      icmp.code = 0;
      icmp.identifier = be16{query_id};
    }
  }
}

inline std::uint8_t wire_protocol(Protocol protocol, bool v6) {
  return protocol == Protocol::icmp ? (v6 ? icmp6 : icmp4) : static_cast<std::uint8_t>(protocol);
}

// A packet of the flow as it is seen on one side, coming from there.
inline void write_packet(Random& random, Wire& wire, const Flow& flow, Side side, Kind kind, Shape& shape) {
  wire.l3 = wire.buffer.data() + Wire::headroom;
  const int place = side == Side::inside ? 0 : 1;
  const bool v6 = place == 0 ? flow.inside6 : flow.outside6;
  const bool error = kind == Kind::error;
  // What an error quotes went the other way.
  const bool from_near = (side == Side::inside) != error;
  const std::uint16_t near = flow.near_port[place], far = flow.far_port;
  write_transport(random, wire, flow.protocol, v6, from_near ? near : far, from_near ? far : near, near);
  Ends46 ends{v6, flow.near4[place], flow.far4, flow.near6[place], flow.far6};
  Ends46 back{v6, flow.far4, flow.near4[place], flow.far6, flow.near6[place]};
  if (!from_near) std::swap(ends, back);
  const std::size_t message = wire.size;
  write_ip(random, wire, ends, wire_protocol(flow.protocol, v6), error ? Kind::udp : kind, shape);
  if (!shape.later) {
    shape.datagram =
        shape.fragment ? static_cast<std::uint32_t>(wire.size - shape.l4 + 8 * random.below(1000)) : 0;
    set_checksum(wire, shape, shape.fragment ? shape.datagram : static_cast<std::uint32_t>(message));
  }
  if (!error) return;
  if (random.below(3) == 0) wire.size = std::min(wire.size, shape.l4 + 8 + random.below(12));  // cut short
  wire.l3 -= 8;
  wire.size += 8;
  // An address out of reach, a port, a time exceeded: what comes back as itself.
  constexpr std::uint8_t codes[2][3][2] = {{{3, 1}, {3, 3}, {11, 0}}, {{1, 0}, {1, 4}, {3, 0}}};
  const auto& code = codes[v6 ? 1 : 0][random.below(3)];
  header<net::IcmpHeader>(wire.l3) = {code[0], code[1], {}, {}, {}};
  write_ip(random, wire, back, v6 ? icmp6 : icmp4, Kind::udp, shape);
  set_checksum(wire, shape, static_cast<std::uint32_t>(wire.size - shape.l4));
}

}  // namespace rgw::nat
