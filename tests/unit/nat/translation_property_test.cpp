// Random packets of every family pair: translated, and translated back.
//   - a checksum is right after translation exactly where it was right before (computed over the whole packet
//   by
//     a sum of this file's own, which knows nothing of differences)
//   - what comes back is what was sent, but for what RFC 7915 lets no packet keep: options and extension
//   headers
//   - lengths, fields and payload say the same on both sides
// How many packets of each kind: REALMGW_PROPERTY_PACKETS, a million by default.
#include "realmgw/base/random.hpp"
#include "realmgw/nat/address_map.hpp"
#include "realmgw/nat/rewrite.hpp"
#include "realmgw/net/parse.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <string>

#include <gtest/gtest.h>

namespace rgw::nat {
namespace {

using net::Family;
using net::header;
using net::Ipv4Address;
using net::Ipv6Address;
using net::Protocol;

constexpr std::uint16_t identification = 0x1234;  // what translation gives, so that it comes back the same
constexpr std::uint8_t icmp4 = 1, icmp6 = 58;

unsigned packets_of_a_kind() {
  const char* told = std::getenv("REALMGW_PROPERTY_PACKETS");
  return told == nullptr ? 1'000'000U : static_cast<unsigned>(std::stoul(told));
}

// ---- the independent sum: RFC 1071 as it reads, byte by byte

std::uint16_t ones_sum(const std::uint8_t* bytes, std::size_t size, std::uint32_t sum = 0) {
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
Shape shape_of(const std::uint8_t* l3) {
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

std::size_t length_of(const std::uint8_t* l3) {
  return l3[0] >> 4 == 4 ? static_cast<std::size_t>(l3[2] << 8 | l3[3])
                         : 40U + static_cast<std::size_t>(l3[4] << 8 | l3[5]);
}

// The sum over the transport and its pseudo-header, which a right checksum makes 0xffff. `told`: what the
// pseudo-header says of the length.
std::uint16_t transport_sum(const std::uint8_t* l3, const Shape& shape, std::size_t size,
                            std::uint32_t told) {
  std::uint32_t sum = 0;
  const bool v4 = l3[0] >> 4 == 4;
  if (!(v4 && shape.protocol == icmp4)) {
    sum += v4 ? ones_sum(l3 + 12, 8) : ones_sum(l3 + 8, 32);
    sum += shape.protocol + (told >> 16) + (told & 0xffff);
  }
  return ones_sum(l3 + shape.l4, size - shape.l4, sum);
}

std::size_t checksum_place(std::uint8_t protocol) {
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
std::uint16_t random_port(Random& random) {
  return static_cast<std::uint16_t>(random.below(8) == 0 ? 0xffff - random.below(2)
                                                         : 1 + random.below(65535));
}

Flow random_flow(Random& random, bool inside6, bool outside6, Protocol protocol) {
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
Session session_of(const Flow& flow, bool turned) {
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
Protocol protocol_for(Kind kind, Random& random) {
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
void write_ip(Random& random, Wire& wire, const Ends46& ends, std::uint8_t protocol, Kind kind,
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

void set_checksum(Wire& wire, const Shape& shape, std::uint32_t told) {
  std::uint8_t* place = wire.l3 + shape.l4 + checksum_place(shape.protocol);
  place[0] = place[1] = 0;
  auto sum = static_cast<std::uint16_t>(~transport_sum(wire.l3, shape, wire.size, told));
  if (sum == 0 && shape.protocol == 17) sum = 0xffff;
  place[0] = static_cast<std::uint8_t>(sum >> 8);
  place[1] = static_cast<std::uint8_t>(sum);
}

// A transport message of random contents at `wire.l3`, which the IP header is put before.
void write_transport(Random& random, Wire& wire, Protocol protocol, bool v6, std::uint16_t source,
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

std::uint8_t wire_protocol(Protocol protocol, bool v6) {
  return protocol == Protocol::icmp ? (v6 ? icmp6 : icmp4) : static_cast<std::uint8_t>(protocol);
}

// A packet of the flow as it is seen on one side, coming from there.
void write_packet(Random& random, Wire& wire, const Flow& flow, Side side, Kind kind, Shape& shape) {
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

// ---- what must hold

net::Packet parse(const Wire& wire, Side side, const Shape& shape) {
  net::Packet packet;
  const auto type = wire.l3[0] >> 4 == 4 ? net::EtherType::ipv4 : net::EtherType::ipv6;
  const Verdict verdict = net::parse(wire.l3, wire.size, type, side, packet);
  EXPECT_TRUE(verdict.passed()) << info(verdict.counter()).name;
  packet.datagram_length = static_cast<std::uint16_t>(shape.datagram);
  if (packet.kind == net::PacketKind::later_fragment) packet.tail().protocol = Protocol::any;
  return packet;
}

std::uint16_t sum_of(const Wire& wire, std::uint32_t datagram) {
  const Shape shape = shape_of(wire.l3);
  const auto told = datagram != 0 ? datagram : static_cast<std::uint32_t>(wire.size - shape.l4);
  return transport_sum(wire.l3, shape, wire.size, told);
}

// The packet without what translation leaves behind, and a checksum of ones as zeros: they say the same.
std::string essence(const Wire& wire, bool crossed) {
  const Shape shape = shape_of(wire.l3);
  std::string text(reinterpret_cast<const char*>(wire.l3), wire.size);
  const bool v4 = wire.l3[0] >> 4 == 4;
  if (crossed && v4 && shape.l4 > 20) {  // options
    text.erase(20, shape.l4 - 20);
    text[0] = 0x45;
    text[2] = static_cast<char>(text.size() >> 8);
    text[3] = static_cast<char>(text.size());
  } else if (crossed && !v4 && !shape.fragment && shape.l4 > 40) {  // extension headers
    text.erase(40, shape.l4 - 40);
    text[4] = static_cast<char>((text.size() - 40) >> 8);
    text[5] = static_cast<char>(text.size() - 40);
    text[6] = static_cast<char>(shape.protocol);
  }
  if (v4) text[10] = text[11] = 0;  // looked at by itself
  if (!shape.later) {
    const std::size_t place = text.size() - (wire.size - shape.l4) + checksum_place(shape.protocol);
    if (text[place] == '\xff' && text[place + 1] == '\xff') text[place] = text[place + 1] = 0;
  }
  return text;
}

void expect_consistent(const Wire& wire, const net::Packet& packet) {
  ASSERT_EQ(packet.length, wire.size);
  ASSERT_EQ(length_of(wire.l3), wire.size);
  ASSERT_EQ(shape_of(wire.l3).l4, packet.l4);
  if (wire.l3[0] >> 4 == 4) {
    ASSERT_EQ(ones_sum(wire.l3, shape_of(wire.l3).l4), 0xffff);
  }
}

struct Pair {
  const char* name;
  bool inside6, outside6;
};
constexpr Pair pairs[] = {
    {"NAT44", false, false}, {"NAT46", false, true}, {"NAT64", true, false}, {"NAT66", true, true}};

class Translation : public testing::TestWithParam<Kind> {
 protected:
  Random random{42};
  Wire wire;
};
std::string name_of(const testing::TestParamInfo<Kind>& kind) {
  constexpr const char* names[] = {"udp",         "tcp",       "icmp_queries",
                                   "icmp_errors", "fragments", "options_and_extension_headers"};
  return names[static_cast<std::size_t>(kind.param)];
}
INSTANTIATE_TEST_SUITE_P(of, Translation,
                         testing::Values(Kind::udp, Kind::tcp, Kind::query, Kind::error, Kind::fragment,
                                         Kind::extended),
                         name_of);

// Corrupts the transport checksum now and then. Not that of an error, which the parser refuses, nor into
// UDP's zero, which means that there is none.
void maybe_corrupt(Random& random, Wire& wire, const Shape& shape, Kind kind) {
  if (kind == Kind::error || shape.later || random.below(4) != 0) return;
  std::uint8_t* place = wire.l3 + shape.l4 + checksum_place(shape.protocol);
  place[random.below(2)] ^= static_cast<std::uint8_t>(1 + random.below(255));
  if (place[0] == 0 && place[1] == 0) place[0] = 1;
}

TEST_P(Translation, by_a_session_keeps_right_right_and_wrong_wrong_and_leads_back) {  // X-1, OUT-1
  const unsigned count = packets_of_a_kind();
  const Crossing crossing{nullptr, {1500, 1500}, identification};
  unsigned wrong = 0;
  Flow flow{};
  Session there{}, back{};
  for (unsigned n = 0; n < count; ++n) {
    if (n % 16 == 0) {
      const Pair& pair = pairs[n / 16 % 4];
      flow = random_flow(random, pair.inside6, pair.outside6, protocol_for(GetParam(), random));
      there = session_of(flow, false);
      back = session_of(flow, true);
    }
    const Side side = random.below(2) == 0 ? Side::inside : Side::outside;
    Shape shape{};
    write_packet(random, wire, flow, side, GetParam(), shape);
    maybe_corrupt(random, wire, shape, GetParam());
    const bool crosses = flow.inside6 != flow.outside6;
    const std::string sent = essence(wire, crosses);
    const std::uint16_t sum = sum_of(wire, shape.datagram);
    wrong += !shape.later && sum != 0xffff;

    auto packet = parse(wire, side, shape);
    ASSERT_TRUE(translate(packet, there, crossing).passed());
    wire.l3 = packet.l3;
    wire.size = packet.length;
    ASSERT_NO_FATAL_FAILURE(expect_consistent(wire, packet)) << n;
    // Of a fragment the sum must stay what it was; its datagram is right if the whole was.
    if (!shape.later) {
      ASSERT_EQ(sum_of(wire, shape.datagram) == 0xffff, sum == 0xffff) << n;
    }
    if (!shape.later && sum != 0xffff) {
      ASSERT_NE(sum_of(wire, shape.datagram), 0xffff) << n;
    }

    auto again = parse(wire, side, shape);
    ASSERT_TRUE(translate(again, back, crossing).passed());
    wire.l3 = again.l3;
    wire.size = again.length;
    ASSERT_NO_FATAL_FAILURE(expect_consistent(wire, again)) << n;
    ASSERT_TRUE(essence(wire, false) == sent) << n;
  }
  if (GetParam() != Kind::error) {
    EXPECT_GT(wrong, count / 20);
  }
}

TEST_P(Translation, by_a_map_keeps_right_right_and_wrong_wrong_and_leads_back) {  // SIIT-1
  const unsigned count = packets_of_a_kind();
  const net::Prefix ipv4 = *net::Prefix::parse("10.0.2.0/24"),
                    ipv6 = *net::Prefix::parse("2001:db8:42::200/120");
  const AddressMap map{net::Pref64{*net::Prefix::parse("2001:db8:23::/96")}, {{ipv4, ipv6}}};
  for (unsigned n = 0; n < count; ++n) {
    // An IPv6 host with a map inside, an IPv4 host outside.
    Flow flow = random_flow(random, true, false, protocol_for(GetParam(), random));
    flow.near4[1] = Ipv4Address{10, 0, 2, static_cast<std::uint8_t>(random.below(256))};
    flow.near6[0] = *map.translate(flow.near4[1]);
    if (map.mapped(flow.far4)) continue;
    flow.far6 = *map.translate(flow.far4);
    flow.near_port[1] = flow.near_port[0];
    const Side side = random.below(2) == 0 ? Side::inside : Side::outside;
    Shape shape{};
    write_packet(random, wire, flow, side, GetParam(), shape);
    maybe_corrupt(random, wire, shape, GetParam());
    const std::string sent = essence(wire, true);
    const std::uint16_t sum = sum_of(wire, shape.datagram);

    const auto step = [&](bool to_v6) {
      auto packet = parse(wire, side, shape);
      const bool error = packet.kind == net::PacketKind::icmp_error;
      const auto& tail = packet.tail();
      const PortChange port{(side == Side::inside) != error, tail.near_port, tail.far_port};
      const auto run = [&](auto ends_of, auto& ip, auto& quoted) {
        const auto outer = ends_of(ip);
        net::ChecksumSum before, after;
        const auto inner = ends_of(error ? quoted : ip);
        const auto& from = error ? quoted : ip;
        const bool icmp = packet.tail().protocol == Protocol::icmp;
        constexpr bool from_v4 = std::is_same_v<std::remove_cvref_t<decltype(ip)>, net::Ipv4Header>;
        if (!icmp || !from_v4) before.add(from.source).add(from.destination);
        if (!icmp || from_v4) after.add(inner.source).add(inner.destination);
        const auto delta = net::ChecksumDelta::between(before, after);
        if constexpr (from_v4) {
          return error ? cross_error(packet, outer, inner, port, delta, {1500, 1500})
                       : cross(packet, outer, port, delta);
        } else {
          return error ? cross_error(packet, outer, inner, port, delta, {1500, 1500}, identification)
                       : cross(packet, outer, port, delta, identification);
        }
      };
      const auto ends_of = [&](const auto& ip) {
        const auto source = map.translate(ip.source);
        using To = std::remove_cvref_t<decltype(*source)>;
        return Ends<To>{*source, *map.translate(ip.destination)};
      };
      const Verdict crossed =
          to_v6
              ? run(ends_of, packet.ipv4(), header<net::Ipv4Header>(packet.l3 + (error ? packet.inner : 0)))
              : run(ends_of, packet.ipv6(), header<net::Ipv6Header>(packet.l3 + (error ? packet.inner : 0)));
      ASSERT_TRUE(crossed.passed()) << info(crossed.counter()).name;
      wire.l3 = packet.l3;
      wire.size = packet.length;
      expect_consistent(wire, packet);
      if (!shape.later) {
        ASSERT_EQ(sum_of(wire, shape.datagram) == 0xffff, sum == 0xffff) << n;
      }
    };
    ASSERT_NO_FATAL_FAILURE(step(side == Side::outside)) << n;
    ASSERT_NO_FATAL_FAILURE(step(side == Side::inside)) << n;
    ASSERT_TRUE(essence(wire, false) == sent) << n;
  }
}

}  // namespace
}  // namespace rgw::nat
