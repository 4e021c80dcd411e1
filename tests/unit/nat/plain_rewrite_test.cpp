// The short way through translation against the long one:
//   the_short_way_writes_what_the_long_one_does
//   a_udp_checksum_of_zero_stays_zero (RFC 768)
//   only_tcp_and_udp_between_ipv4_and_ipv4_is_plain
#include "realmgw/nat/plain_rewrite.hpp"

#include "realmgw/base/random.hpp"
#include "realmgw/nat/rewrite.hpp"
#include "realmgw/net/parse.hpp"

#include "support/packet_builder.hpp"
#include <gtest/gtest.h>

namespace rgw::nat {
namespace {

using net::Ipv4Address;
using net::Protocol;
using test::Bytes;
using test::PacketBuilder;

net::FlowKey4 key(Side side, Ipv4Address near, std::uint16_t near_port, Ipv4Address far,
                  std::uint16_t far_port, Protocol protocol) {
  return {near, far, {be16{near_port}, be16{far_port}, protocol, side, Family::v4, 0}};
}

Session session_of(Ipv4Address host, std::uint16_t host_port, Ipv4Address external,
                   std::uint16_t external_port, Ipv4Address remote, std::uint16_t remote_port,
                   Protocol protocol) {
  Session session{};
  session.inside = key(Side::inside, host, host_port, remote, remote_port, protocol);
  session.outside = key(Side::outside, external, external_port, remote, remote_port, protocol);
  precompute_deltas(session);
  return session;
}

net::Packet parsed(Bytes& bytes, Side side) {
  net::Packet packet;
  EXPECT_TRUE(net::parse(bytes.data(), bytes.size(), net::EtherType::ipv4, side, packet).passed());
  return packet;
}

Ipv4Address address(Random& random) {
  return Ipv4Address{be32{static_cast<std::uint32_t>(random.next())}};
}
std::uint16_t port(Random& random) {
  return static_cast<std::uint16_t>(1 + random.below(65535));
}

TEST(PlainRewrite, the_short_way_writes_what_the_long_one_does) {
  Random random{1};
  for (int round = 0; round < 20'000; ++round) {
    const Protocol protocol = round % 2 == 0 ? Protocol::udp : Protocol::tcp;
    const net::Endpoint host{address(random), port(random)}, remote{address(random), port(random)},
        external{address(random), port(random)};
    const Session session = session_of(host.address.v4(), host.port, external.address.v4(), external.port,
                                       remote.address.v4(), remote.port, protocol);
    ASSERT_TRUE(session.plain);
    const Side side = round % 4 < 2 ? Side::inside : Side::outside;
    const PacketBuilder builder = side == Side::inside
                                      ? PacketBuilder{protocol, host.to_string(), remote.to_string()}
                                      : PacketBuilder{protocol, remote.to_string(), external.to_string()};
    const Bytes original = PacketBuilder{builder}
                               .payload(random.below(20), static_cast<std::uint8_t>(random.below(256)))
                               .ttl(static_cast<std::uint8_t>(2 + random.below(254)))
                               .id(port(random))
                               .ip();
    Bytes quick = original, slow = original;
    translate_plain(quick.data(), session, side);
    net::Packet packet = parsed(slow, side);
    ASSERT_TRUE(translate(packet, session, {}).passed());
    decrement_hop_limit(packet);
    ASSERT_TRUE(test::Seen{quick}.checksums_right());
    // A checksum may stand in either of its two forms of zero.
    ASSERT_EQ(test::Seen{quick}.to_string(), test::Seen{slow}.to_string());
    ASSERT_EQ(test::Seen{quick}.ttl(), test::Seen{slow}.ttl());
  }
}

TEST(PlainRewrite, a_udp_checksum_of_zero_stays_zero) {
  const Session session =
      session_of({10, 0, 0, 42}, 1000, {198, 51, 100, 1}, 2000, {203, 0, 113, 7}, 53, Protocol::udp);
  Bytes bytes = test::udp("10.0.0.42:1000", "203.0.113.7:53").payload(8).ip();
  auto& udp = net::header<net::UdpHeader>(bytes.data() + sizeof(net::Ipv4Header));
  udp.checksum = be16{};
  translate_plain(bytes.data(), session, Side::inside);
  EXPECT_EQ(udp.checksum.raw(), 0);
  EXPECT_EQ(test::Seen{bytes}.to_string(), "udp 198.51.100.1:2000 > 203.0.113.7:53");
}

TEST(PlainRewrite, only_tcp_and_udp_between_ipv4_and_ipv4_is_plain) {
  const Ipv4Address host{10, 0, 0, 42}, external{198, 51, 100, 1}, remote{203, 0, 113, 7};
  EXPECT_TRUE(session_of(host, 1, external, 2, remote, 3, Protocol::tcp).plain);
  EXPECT_FALSE(session_of(host, 1, external, 2, remote, 0, Protocol::icmp).plain);
  EXPECT_FALSE(session_of(host, 1, external, 2, remote, 3, Protocol::sctp).plain);
  for (const int flag : {0, 1, 2}) {
    Session session{};
    session.inside = key(Side::inside, host, 1, remote, 3, Protocol::udp);
    session.outside = key(Side::outside, external, 2, remote, 3, Protocol::udp);
    session.local = flag == 0;
    session.hairpin = flag == 1;
    session.outside.tail.family = flag == 2 ? Family::v6 : Family::v4;
    precompute_deltas(session);
    EXPECT_FALSE(session.plain) << flag;
  }
}

}  // namespace
}  // namespace rgw::nat
