// ICMP errors in stateless translation (SIIT-1), in both directions:
// - an IPv6 router without an IPv4 address borrows one (RFC 6791); an IPv4 router is shown inside the prefix
// - about packets without ports, with 8 bytes of a quote, or without payload
// - beside NAT64 an error goes the way of the packet that it quotes
#include <set>

#include "scenario/siit.hpp"
#include <gtest/gtest.h>

namespace rgw::test {
namespace {

TEST_F(Siit, a_router_without_an_ipv4_address_borrows_the_gateways) {  // RFC 6791
  const auto in = gateway.in(udp("10.0.0.42:2345", "10.0.1.42:5000").payload(11));
  ASSERT_TRUE(in);
  gateway.put(Gateway::inside,
              icmp_error("2001:db8:42::fe", "2001:db8:23::10.0.0.42", 1, 4, in->bytes()).ip());
  gateway.turn();
  const auto error = gateway.take(Gateway::outside);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->to_string(), "icmp3 10.0.0.77 > 10.0.0.42");
  EXPECT_EQ(error->icmp().code, 3);
  EXPECT_TRUE(error->checksums_right());
  EXPECT_EQ(error->inner().to_string(), "udp 10.0.0.42:2345 > 10.0.1.42:5000");
  EXPECT_TRUE(error->inner().checksums_right());
}

TEST_F(Siit, an_ipv4_routers_error_comes_from_inside_the_prefix) {
  const auto out = gateway.out(udp("[2001:db8:42::42]:5000", "[2001:db8:23::10.0.0.42]:53").payload(40));
  ASSERT_TRUE(out);
  gateway.put(Gateway::outside, icmp_error("192.0.2.1", "10.0.1.42", 11, 0, out->bytes()).ip());
  gateway.turn();
  const auto error = gateway.take(Gateway::inside);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->to_string(), "icmp3 2001:db8:23::c000:201 > 2001:db8:42::42");
  EXPECT_TRUE(error->checksums_right());
  EXPECT_EQ(error->inner().to_string(), "udp [2001:db8:42::42]:5000 > [2001:db8:23::a00:2a]:53");
}

TEST_F(Siit, errors_about_packets_without_ports_cross) {  // RFC 7915 section 4.3
  const Bytes esp = PacketBuilder{net::Protocol{50}, "10.0.1.42", "10.0.0.42"}.payload(8).ip();
  const Bytes later = udp("10.0.1.42:5", "10.0.0.42:6").id(9).payload(1600).fragments(800)[1];
  for (const Bytes& quoted : {esp, later}) {
    gateway.put(Gateway::outside, icmp_error("192.0.2.1", "10.0.1.42", 11, 0, quoted).ip());
    gateway.turn();
    const auto error = gateway.take(Gateway::inside);
    ASSERT_TRUE(error);
    EXPECT_TRUE(error->checksums_right());
    const Seen inner = error->inner();
    EXPECT_EQ(inner.source(), address("2001:db8:42::42"));
    EXPECT_EQ(inner.destination(), address("2001:db8:23::a00:2a"));
    EXPECT_EQ(inner.protocol(), quoted == esp ? 50 : 44);
  }
}

TEST_F(Siit, an_error_that_quotes_no_more_than_8_bytes_crosses) {  // RFC 792
  const Bytes quoted = cut(tcp("10.0.1.42:5", "10.0.0.42:6").payload(100).ip(), 28);
  gateway.put(Gateway::outside, icmp_error("192.0.2.1", "10.0.1.42", 3, 1, quoted).ip());
  gateway.turn();
  const auto error = gateway.take(Gateway::inside);
  ASSERT_TRUE(error);
  EXPECT_TRUE(error->checksums_right());
  EXPECT_EQ(error->bytes().size(), 40U + 8 + 40 + 8);
  EXPECT_EQ(error->inner().to_string(), "tcp [2001:db8:42::42]:5 > [2001:db8:23::a00:2a]:6");
}

TEST_F(Siit, an_error_about_a_packet_without_payload_crosses) {  // RFC 7915 sections 4.3 and 5.3
  gateway.put(Gateway::outside, icmp_error("192.0.2.1", "10.0.1.42", 3, 1,
                                           PacketBuilder{net::Protocol{59}, "10.0.1.42", "10.0.0.42"}.ip())
                                    .ip());
  gateway.turn();
  const auto in = gateway.take(Gateway::inside);
  ASSERT_TRUE(in);
  EXPECT_TRUE(in->checksums_right());
  EXPECT_EQ(in->inner().bytes(),
            PacketBuilder(net::Protocol{59}, "2001:db8:42::42", "2001:db8:23::a00:2a").ip());
  gateway.put(Gateway::inside,
              icmp_error("2001:db8:42::42", "2001:db8:23::a00:2a", 1, 3,
                         PacketBuilder{net::Protocol{59}, "2001:db8:23::a00:2a", "2001:db8:42::42"}.ip())
                  .ip());
  gateway.turn();
  const auto out = gateway.take(Gateway::outside);
  ASSERT_TRUE(out);
  EXPECT_TRUE(out->checksums_right());
  EXPECT_EQ(out->bytes().size(), 20U + 8 + 20);
  EXPECT_EQ(out->inner().source(), address("10.0.0.42"));
  EXPECT_EQ(out->inner().destination(), address("10.0.1.42"));
}

TEST(SiitChoice, routers_without_an_address_share_a_pool_each_always_the_same) {  // RFC 6791
  config::Realm realm = siit_realm();
  realm.siit.icmp_source = {*net::Prefix::parse("192.0.2.9"), *net::Prefix::parse("192.0.2.16/28")};
  Gateway gateway{realm};
  gateway.learn(Gateway::outside, "10.0.0.42");
  gateway.learn(Gateway::inside, "2001:db8:42::42");
  const auto in = gateway.in(udp("10.0.0.42:2345", "10.0.1.42:5000").payload(11));
  ASSERT_TRUE(in);
  std::set<net::IpAddress> seen;
  for (unsigned n = 0; n < 200; ++n) {
    const std::string router = "2001:db8:ffff::" + std::to_string(n % 100 + 1);
    gateway.put(Gateway::inside, icmp_error(router, "2001:db8:23::a00:2a", 1, 4, in->bytes()).ip());
    gateway.turn();
    const auto error = gateway.take(Gateway::outside);
    ASSERT_TRUE(error);
    seen.insert(error->source());
    if (n == 99) {
      EXPECT_GT(seen.size(), 10U);
    }
    const bool ours = error->source() == address("192.0.2.9") ||
                      net::Prefix::parse("192.0.2.16/28")->contains(error->source());
    EXPECT_TRUE(ours) << error->source().to_string();
  }
  EXPECT_LE(seen.size(), 17U);
}

// One prefix serves maps and NAT64: whose packet an error quotes decides by which of them it goes.
TEST(SiitBesideNat64, an_error_goes_the_way_of_the_packet_that_it_is_about) {  // RFC 7915 section 5.3, X64-1
  config::Realm realm = lab_realm();
  realm.nat64.prefix = realm.siit.prefix = net::Prefix::parse("fd64::/96");
  realm.siit.maps = {{*net::Prefix::parse("198.51.100.20"), *net::Prefix::parse("fd00:10::6")}};
  Gateway gateway{std::move(realm)};
  for (const char* host : {"fd00:10::5", "fd00:10::6"}) gateway.learn(Gateway::inside, host);
  // The host that no map knows has a session.
  const auto out = gateway.out(udp("[fd00:10::5]:4000", "[fd64::203.0.113.7]:53"));
  ASSERT_TRUE(out);
  EXPECT_EQ(out->to_string(), "udp 198.51.100.1:4000 > 203.0.113.7:53");
  const auto in = gateway.in(udp("203.0.113.7:53", "198.51.100.1:4000"));
  ASSERT_TRUE(in);
  const auto error = gateway.out(icmp_error("fd00:10::5", "fd64::203.0.113.7", 1, 4, in->bytes()));
  ASSERT_TRUE(error);
  EXPECT_EQ(error->to_string(), "icmp3 198.51.100.1 > 203.0.113.7");
  EXPECT_TRUE(error->checksums_right());
  EXPECT_EQ(gateway.count(Counter::map_translated), 0U);
  // The other one needs none, and a router before it speaks for it.
  const auto mapped = gateway.in(udp("203.0.113.7:53", "198.51.100.20:4000"));
  ASSERT_TRUE(mapped);
  ASSERT_TRUE(gateway.out(icmp_error("fd00:10::fe", "fd64::203.0.113.7", 1, 4, mapped->bytes())));
  EXPECT_EQ(gateway.count(Counter::map_translated), 2U);
}

}  // namespace
}  // namespace rgw::test
