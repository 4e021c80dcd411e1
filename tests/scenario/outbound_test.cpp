// Outbound NAT44 (OUT-1 .. OUT-5), and what it does to a packet beside addresses and ports:
// - a UDP packet leaves with E and its own port, and the answer comes back
// - a TCP connection opens, and only a SYN opens it
// - a ping leaves and its answer comes back
// - payload, class of service and identification stay; TTL goes down by one; link padding goes
// - the first packets of a flow may come in one burst
// - a missing UDP checksum stays missing; a wrong one stays wrong
// - SCTP keeps its port, or does not pass
// - a protocol without ports, a destination without route, a route back inside: counted
#include "scenario/support.hpp"
#include <gtest/gtest.h>

namespace rgw::test {
namespace {

TEST(Outbound, a_udp_packet_leaves_with_the_external_address_and_its_own_port) {  // OUT-2
  Gateway gateway;
  const auto out = gateway.out(udp("10.0.0.42:5000", "203.0.113.10:53").payload(30));
  ASSERT_TRUE(out);
  EXPECT_EQ(out->to_string(), "udp 198.51.100.1:5000 > 203.0.113.10:53");
  EXPECT_EQ(out->ttl(), 63);
  EXPECT_TRUE(out->checksums_right());

  const auto back = gateway.in(udp("203.0.113.10:53", "198.51.100.1:5000").payload(40));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->to_string(), "udp 203.0.113.10:53 > 10.0.0.42:5000");
  EXPECT_EQ(back->ttl(), 63);
  EXPECT_TRUE(back->checksums_right());
}

TEST(Outbound, a_tcp_connection_opens_with_a_syn_alone) {  // OUT-3
  Gateway gateway;
  EXPECT_FALSE(gateway.out(tcp("10.0.0.42:5000", "203.0.113.10:80").ack()));
  EXPECT_FALSE(gateway.out(tcp("10.0.0.42:5000", "203.0.113.10:80").syn_ack()));
  EXPECT_EQ(gateway.count(Counter::tcp_not_syn), 2U);
  EXPECT_EQ(gateway.sessions(), 0U);

  ASSERT_TRUE(gateway.out(tcp("10.0.0.42:5000", "203.0.113.10:80").syn()));
  const auto back = gateway.in(tcp("203.0.113.10:80", "198.51.100.1:5000").syn_ack());
  ASSERT_TRUE(back);
  EXPECT_EQ(back->to_string(), "tcp 203.0.113.10:80 > 10.0.0.42:5000");
  EXPECT_TRUE(back->checksums_right());
  EXPECT_EQ(gateway.sessions(), 1U);
}

TEST(Outbound, a_ping_leaves_and_its_answer_comes_back) {  // OUT-5
  Gateway gateway;
  const auto out = gateway.out(ping("10.0.0.42", "203.0.113.10", 77).payload(56));
  ASSERT_TRUE(out);
  EXPECT_EQ(out->to_string(), "icmp8 198.51.100.1 > 203.0.113.10");
  EXPECT_TRUE(out->checksums_right());
  const auto back =
      gateway.in(pong("203.0.113.10", "198.51.100.1", out->icmp().identifier.host()).payload(56));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->destination(), address("10.0.0.42"));
  EXPECT_EQ(back->icmp().identifier.host(), 77);
  EXPECT_TRUE(back->checksums_right());
}

TEST(Outbound, an_icmp_message_that_is_no_request_opens_no_session) {  // OUT-1, RFC 5508 REQ-1
  Gateway gateway;
  EXPECT_FALSE(gateway.out(pong("10.0.0.42", "203.0.113.10", 77)));
  EXPECT_EQ(gateway.count(Counter::icmp_not_query), 1U);
  EXPECT_EQ(gateway.sessions(), 0U);
}

TEST(Outbound, what_nat_has_nothing_to_do_with_stays_as_it_was) {  // OUT-1
  Gateway gateway;
  const Bytes sent =
      udp("10.0.0.42:5000", "203.0.113.10:5000").payload(333, 7).tos(0xb8).id(0x1234).df().ip();
  gateway.put(Gateway::inside, sent);
  gateway.turn();
  const auto out = gateway.take(Gateway::outside);
  ASSERT_TRUE(out);
  EXPECT_EQ(out->ipv4().tos, 0xb8);
  EXPECT_EQ(out->ipv4().identification.host(), 0x1234);
  EXPECT_TRUE(out->ipv4().df());
  ASSERT_EQ(out->bytes().size(), sent.size());
  EXPECT_TRUE(std::equal(sent.begin() + 28, sent.end(), out->bytes().begin() + 28));
}

TEST(Outbound, link_padding_does_not_travel_on) {
  Gateway gateway;
  Bytes frame = gateway.frame(Gateway::inside, udp("10.0.0.42:5000", "203.0.113.10:53").payload(2).ip());
  frame.resize(60, 0xaa);
  gateway.put_frame(Gateway::inside, frame);
  gateway.turn();
  const auto out = gateway.take(Gateway::outside);
  ASSERT_TRUE(out);
  EXPECT_EQ(out->bytes().size(), 30U);
  EXPECT_TRUE(out->checksums_right());
}

TEST(Outbound, a_missing_udp_checksum_stays_missing) {  // RFC 768, both ways
  Gateway gateway;
  const auto out = gateway.out(udp("10.0.0.42:5000", "203.0.113.10:53").payload(9).no_udp_checksum());
  ASSERT_TRUE(out);
  EXPECT_EQ(out->transport<net::UdpHeader>().checksum.host(), 0);
  const auto in = gateway.in(udp("203.0.113.10:53", "198.51.100.1:5000").payload(9).no_udp_checksum());
  ASSERT_TRUE(in);
  EXPECT_EQ(in->transport<net::UdpHeader>().checksum.host(), 0);
}

TEST(Outbound,
     a_wrong_checksum_is_not_laundered_into_a_right_one) {  // OUT-8; the receiver is to see the damage
  Gateway gateway;
  ASSERT_TRUE(gateway.out(tcp("10.0.0.42:5000", "203.0.113.10:80").syn()));
  for (const auto& builder :
       {tcp("10.0.0.42:5000", "203.0.113.10:80").payload(100).corrupt_transport_checksum(),
        udp("10.0.0.42:5000", "203.0.113.10:53").payload(100).corrupt_transport_checksum(),
        ping("10.0.0.42", "203.0.113.10", 3).payload(100).corrupt_transport_checksum()}) {
    const auto out = gateway.out(builder);
    ASSERT_TRUE(out);
    EXPECT_FALSE(out->checksums_right()) << out->to_string();
  }
}

TEST(Outbound,
     every_port_pair_leaves_with_a_right_checksum) {  // RFC 1624: the corner cases of one's complement
  Gateway gateway;
  for (unsigned port = 1; port < 65536; port += 257) {
    for (const auto& builder :
         {udp(at("10.0.0.42", port), "203.0.113.10:53").payload(port % 5, static_cast<std::uint8_t>(port)),
          tcp(at("10.0.0.43", port), "203.0.113.10:80").syn()}) {
      const auto out = gateway.out(builder);
      ASSERT_TRUE(out);
      EXPECT_TRUE(out->checksums_right()) << out->to_string();
    }
  }
}

TEST(Outbound, the_first_packets_of_a_flow_may_come_in_one_burst) {  // OUT-1
  Gateway gateway;
  for (int i = 0; i < 5; ++i) gateway.put(Gateway::inside, udp("10.0.0.42:5000", "203.0.113.10:53").ip());
  gateway.put(Gateway::inside, tcp("10.0.0.42:5000", "203.0.113.10:80").syn().ip());
  gateway.put(Gateway::inside, tcp("10.0.0.42:5000", "203.0.113.10:80").ack().payload(10).ip());
  gateway.turn();
  EXPECT_EQ(take_all(gateway, Gateway::outside).size(), 7U);
  EXPECT_EQ(gateway.sessions(), 2U);
  EXPECT_EQ(gateway.occupied_ports(), 2U + 2U);
}

TEST(Outbound, sctp_keeps_its_port_or_does_not_pass) {  // OUT-2: its checksum covers the ports
  Gateway gateway;
  const auto out = gateway.out(sctp("10.0.0.42:5000", "203.0.113.10:3868").payload(20));
  EXPECT_EQ(text(out), "sctp 198.51.100.1:5000 > 203.0.113.10:3868");
  const auto in = gateway.in(sctp("203.0.113.10:3868", "198.51.100.1:5000").payload(20));
  EXPECT_EQ(text(in), "sctp 203.0.113.10:3868 > 10.0.0.42:5000");

  EXPECT_FALSE(gateway.out(sctp("10.0.0.43:5000", "203.0.113.10:3868").payload(20)));
  EXPECT_EQ(gateway.count(Counter::sctp_port_taken), 1U);
  EXPECT_TRUE(gateway.out(sctp("10.0.0.43:5000", "203.0.113.11:3868").payload(20)));
}

TEST(Outbound, a_protocol_without_ports_is_not_translated) {
  Gateway gateway;
  EXPECT_FALSE(
      gateway.out(PacketBuilder{static_cast<net::Protocol>(47), "10.0.0.42", "203.0.113.10"}.payload(20)));
  EXPECT_EQ(gateway.count(Counter::parse_protocol), 1U);
}

TEST(Outbound, a_destination_without_route_is_reported) {  // RFC 1812 section 5.2.7.1
  Gateway gateway{realm_with([](auto& realm) { realm.routes.clear(); })};
  EXPECT_FALSE(gateway.out(udp("10.0.0.42:5000", "203.0.113.10:53")));
  EXPECT_EQ(gateway.count(Counter::no_route), 1U);
  const auto error = gateway.take(Gateway::inside);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->to_string(), "icmp3 10.0.0.1 > 10.0.0.42");
  EXPECT_EQ(error->icmp().code, net::icmp4::code_network_unreachable);
  EXPECT_EQ(gateway.sessions(), 0U);
}

TEST(Outbound, what_is_routed_back_inside_is_not_translated) {
  Gateway gateway;
  EXPECT_FALSE(gateway.out(udp("10.0.0.42:5000", "10.0.0.43:53")));
  EXPECT_EQ(gateway.count(Counter::route_same_side), 1U);
}

TEST(Outbound, without_an_external_address_nothing_leaves) {
  Gateway gateway{realm_with([](auto& realm) { realm.outbound.addresses.clear(); })};
  EXPECT_FALSE(gateway.out(udp("10.0.0.42:5000", "203.0.113.10:53")));
  EXPECT_EQ(gateway.count(Counter::no_external_address), 1U);
}

}  // namespace
}  // namespace rgw::test
