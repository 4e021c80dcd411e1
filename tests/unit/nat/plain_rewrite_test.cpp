// The short way through translation against the long one:
//   the_short_way_writes_what_the_long_one_does, in IPv4 and in IPv6
//   a_udp_checksum_of_zero_stays_zero (RFC 768)
//   only_tcp_and_udp_are_plain, of whichever families
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
    ASSERT_EQ(session.plain, PlainPair::v4_v4);
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
    translate_plain<Ipv4Address>(quick.data(), session, side);
    net::Packet packet = parsed(slow, side);
    ASSERT_TRUE(translate(packet, session, {}).passed());
    decrement_hop_limit(packet);
    ASSERT_TRUE(test::Seen{quick}.checksums_right());
    ASSERT_EQ(quick, slow);
  }
}

TEST(PlainRewrite, a_udp_checksum_of_zero_stays_zero) {
  const Session session =
      session_of({10, 0, 0, 42}, 1000, {198, 51, 100, 1}, 2000, {203, 0, 113, 7}, 53, Protocol::udp);
  Bytes bytes = test::udp("10.0.0.42:1000", "203.0.113.7:53").payload(8).ip();
  auto& udp = net::header<net::UdpHeader>(bytes.data() + sizeof(net::Ipv4Header));
  udp.checksum = be16{};
  translate_plain<Ipv4Address>(bytes.data(), session, Side::inside);
  EXPECT_EQ(udp.checksum.raw(), 0);
  EXPECT_EQ(test::Seen{bytes}.to_string(), "udp 198.51.100.1:2000 > 203.0.113.7:53");
}

TEST(PlainRewrite, the_short_way_writes_what_the_long_one_does_in_ipv6) {
  Random random{2};
  for (int round = 0; round < 20'000; ++round) {
    const Protocol protocol = round % 2 == 0 ? Protocol::udp : Protocol::tcp;
    const Side side = round % 4 < 2 ? Side::inside : Side::outside;
    const auto some = [&] {
      net::Ipv6Address any;
      for (auto& byte : any.bytes) byte = static_cast<std::uint8_t>(random.below(256));
      return net::Endpoint{any, port(random)};
    };
    const net::Endpoint host = some(), remote = some(), external = some();
    Session session{};
    session.inside.tail = {be16{host.port}, be16{remote.port}, protocol, Side::inside, Family::v6, 0};
    session.outside.tail = {be16{external.port}, be16{remote.port}, protocol, Side::outside, Family::v6, 0};
    session.host6 = host.address.v6();
    session.external6 = external.address.v6();
    session.remote6 = remote.address.v6();
    precompute_deltas(session);
    ASSERT_EQ(session.plain, PlainPair::v6_v6);
    PacketBuilder builder = side == Side::inside
                                ? PacketBuilder{protocol, host.to_string(), remote.to_string()}
                                : PacketBuilder{protocol, remote.to_string(), external.to_string()};
    Bytes quick = builder.payload(random.below(20), static_cast<std::uint8_t>(random.below(256)))
                      .ttl(static_cast<std::uint8_t>(2 + random.below(254)))
                      .tos(static_cast<std::uint8_t>(random.below(256)))
                      .ip();
    Bytes slow = quick;
    translate_plain<net::Ipv6Address>(quick.data(), session, side);
    net::Packet packet;
    ASSERT_TRUE(net::parse(slow.data(), slow.size(), net::EtherType::ipv6, side, packet).passed());
    ASSERT_TRUE(translate(packet, session, {}).passed());
    decrement_hop_limit(packet);
    ASSERT_TRUE(test::Seen{quick}.checksums_right());
    ASSERT_EQ(quick, slow);
  }
}

TEST(PlainRewrite, only_tcp_and_udp_are_plain) {
  const Ipv4Address host{10, 0, 0, 42}, external{198, 51, 100, 1}, remote{203, 0, 113, 7};
  EXPECT_EQ(session_of(host, 1, external, 2, remote, 3, Protocol::tcp).plain, PlainPair::v4_v4);
  EXPECT_EQ(session_of(host, 1, external, 2, remote, 0, Protocol::icmp).plain, PlainPair::none);
  EXPECT_EQ(session_of(host, 1, external, 2, remote, 3, Protocol::sctp).plain, PlainPair::none);
  const auto with = [&](auto&& change) {
    Session session{};
    session.inside = key(Side::inside, host, 1, remote, 3, Protocol::udp);
    session.outside = key(Side::outside, external, 2, remote, 3, Protocol::udp);
    change(session);
    precompute_deltas(session);
    return session.plain;
  };
  EXPECT_EQ(with([](Session& s) { s.local = true; }), PlainPair::none);
  EXPECT_EQ(with([](Session& s) { s.hairpin = true; }), PlainPair::none);
  EXPECT_EQ(with([](Session& s) { s.signpost = true; }), PlainPair::none);
  EXPECT_EQ(with([](Session& s) { s.outside.tail.family = Family::v6; }), PlainPair::v4_v6);
  EXPECT_EQ(with([](Session& s) { s.inside.tail.family = Family::v6; }), PlainPair::v6_v4);
}

}  // namespace
}  // namespace rgw::nat
