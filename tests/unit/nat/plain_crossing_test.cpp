// The short way from one family to the other against the long one:
//   the_short_way_writes_what_the_long_one_does, both ways (RFC 7915 sections 4.1 and 5.1)
//   what_the_short_way_does_not_do: no checksum (section 4.5), options, extension headers, fragments, other
//   protocols
#include "realmgw/nat/plain_crossing.hpp"

#include "realmgw/base/random.hpp"
#include "realmgw/nat/rewrite.hpp"

#include "unit/nat/parsed.hpp"

namespace rgw::nat {
namespace {

using net::Protocol;
using test::Bytes;
using test::FromInside;
using test::FromOutside;
using test::PacketBuilder;
using test::Parsed;

constexpr const char* host = "[fd00:10::5]:5000";
constexpr const char* remote6 = "[fd64::203.0.113.10]:443";
constexpr const char* external = "198.51.100.1:2000";
constexpr const char* remote4 = "203.0.113.10:443";

/// A host with IPv6 inside, a remote with IPv4 outside; `inside_out`: the other way about.
Session session_of(Protocol protocol, bool inside_out) {
  const auto tail = [&](std::uint16_t near, Side side, Family family) {
    return net::FlowTail{be16{near}, be16{443}, protocol, side, family, 0};
  };
  const Side six = inside_out ? Side::outside : Side::inside, four = other(six);
  Session session{};
  net::FlowKey4& v4 = four == Side::inside ? session.inside : session.outside;
  v4 = {test::address("198.51.100.1").v4(), test::address("203.0.113.10").v4(), tail(2000, four, Family::v4)};
  (six == Side::inside ? session.inside : session.outside).tail = tail(5000, six, Family::v6);
  (six == Side::inside ? session.host6 : session.external6) = test::address("fd00:10::5").v6();
  session.remote6 = test::address("fd64::203.0.113.10").v6();
  precompute_deltas(session);
  return session;
}

/// A packet in a buffer with room for a longer header before it.
struct Buffer {
  Buffer(const Bytes& ip, Side side) : bytes(64) {
    bytes.insert(bytes.end(), ip.begin(), ip.end());
    const auto type = ip[0] >> 4 == 6 ? net::EtherType::ipv6 : net::EtherType::ipv4;
    EXPECT_TRUE(net::parse(bytes.data() + 64, ip.size(), type, side, packet).passed());
  }
  [[nodiscard]] Bytes ip() const { return {packet.l3, packet.l3 + packet.length}; }

  Bytes bytes;
  net::Packet packet;
};

TEST(PlainCrossing, the_short_way_writes_what_the_long_one_does) {
  Random random{1};
  for (int round = 0; round < 20'000; ++round) {
    const Protocol protocol = (round & 1) != 0 ? Protocol::udp : Protocol::tcp;
    const bool from6 = (round & 2) != 0, inside_out = (round & 4) != 0;
    const Side side = from6 != inside_out ? Side::inside : Side::outside;
    const Session session = session_of(protocol, inside_out);
    // The near end sends what comes from inside, and receives what comes from outside.
    const char* near = from6 ? host : external;
    const char* far = from6 ? remote6 : remote4;
    const Bytes original =
        PacketBuilder{protocol, side == Side::inside ? near : far, side == Side::inside ? far : near}
            .payload(random.below(8) == 0 ? 1200 + random.below(200) : random.below(20),
                     static_cast<std::uint8_t>(random.below(256)))
            .ttl(static_cast<std::uint8_t>(2 + random.below(254)))
            .tos(static_cast<std::uint8_t>(random.below(256)))
            .id(static_cast<std::uint16_t>(random.below(65536)))
            .ip();
    Buffer quick{original, side}, slow{original, side};
    ASSERT_TRUE(crosses_plainly(quick.packet));
    const auto identification = static_cast<std::uint16_t>(random.below(65536));
    from6 ? cross_plain<net::Ipv4Address>(quick.packet, session, identification)
          : cross_plain<net::Ipv6Address>(quick.packet, session, 0);
    ASSERT_TRUE(translate(slow.packet, session, {nullptr, {1500, 1500}, identification}).passed());
    decrement_hop_limit(slow.packet);
    ASSERT_EQ(quick.packet.family, slow.packet.family);
    ASSERT_EQ(quick.packet.l4, slow.packet.l4);
    ASSERT_TRUE(test::Seen{quick.ip()}.checksums_right());
    ASSERT_EQ(quick.ip(), slow.ip());
  }
}

TEST(PlainCrossing, does_not_take_what_needs_more_than_a_header) {
  const auto plain = [](const Bytes& ip) { return crosses_plainly(Parsed{ip, Side::outside}.packet); };
  EXPECT_TRUE(plain(test::udp(remote4, external).payload(8).ip()));
  EXPECT_FALSE(plain(test::udp(remote4, external).no_udp_checksum().payload(8).ip()))
      << "RFC 7915 section 4.5";
  EXPECT_FALSE(plain(test::udp(remote4, external).ip_options({1, 1, 1, 1}).payload(8).ip()));
  EXPECT_FALSE(plain(PacketBuilder(Protocol::sctp, remote4, external).payload(8).ip()));
  EXPECT_FALSE(plain(test::ping("203.0.113.10", "198.51.100.1", 7).payload(8).ip()));
  for (const Bytes& fragment : test::udp(remote4, external).payload(32).fragments(16))
    EXPECT_FALSE(plain(fragment));
}

}  // namespace
}  // namespace rgw::nat
