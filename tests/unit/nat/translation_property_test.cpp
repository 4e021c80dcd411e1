// Random packets of every family pair: translated, and translated back.
//   - a checksum is right after translation exactly where it was right before, by the sum of
//   random_packets.hpp
//   - what comes back is what was sent, but for what RFC 7915 lets no packet keep: options and extension
//   headers
//   - lengths, fields and payload say the same on both sides
// How many packets of each kind: REALMGW_PROPERTY_PACKETS, a million by default.
#include "realmgw/nat/address_map.hpp"

#include <cstdlib>

#include "unit/nat/random_packets.hpp"
#include <gtest/gtest.h>

namespace rgw::nat {
namespace {

unsigned packets_of_a_kind() {
  const char* told = std::getenv("REALMGW_PROPERTY_PACKETS");
  return told == nullptr ? 1'000'000U : static_cast<unsigned>(std::stoul(told));
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
