// Outbound NAT44 (OUT-1 .. OUT-5):
// - a UDP packet leaves with E and its own port, and the answer comes back
// - a TCP connection opens, and only a SYN opens it
// - a ping leaves and its answer comes back
#include <gtest/gtest.h>

#include "support/gateway.hpp"

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
  EXPECT_TRUE(back->checksums_right());
}

TEST(Outbound, a_tcp_connection_opens_with_a_syn_alone) {  // OUT-3
  Gateway gateway;
  EXPECT_FALSE(gateway.out(tcp("10.0.0.42:5000", "203.0.113.10:80").ack()));
  EXPECT_EQ(gateway.count(Counter::tcp_not_syn), 1U);

  ASSERT_TRUE(gateway.out(tcp("10.0.0.42:5000", "203.0.113.10:80").syn()));
  const auto back = gateway.in(tcp("203.0.113.10:80", "198.51.100.1:5000").syn_ack());
  ASSERT_TRUE(back);
  EXPECT_EQ(back->to_string(), "tcp 203.0.113.10:80 > 10.0.0.42:5000");
  EXPECT_TRUE(back->checksums_right());
  EXPECT_EQ(gateway.sessions(), 1U);
}

TEST(Outbound, a_ping_leaves_and_its_answer_comes_back) {
  Gateway gateway;
  const auto out = gateway.out(ping("10.0.0.42", "203.0.113.10", 77).payload(56));
  ASSERT_TRUE(out);
  EXPECT_EQ(out->to_string(), "icmp8 198.51.100.1 > 203.0.113.10");
  EXPECT_TRUE(out->checksums_right());
  const auto back = gateway.in(pong("203.0.113.10", "198.51.100.1", out->icmp().identifier.host()).payload(56));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->destination(), address("10.0.0.42"));
  EXPECT_EQ(back->icmp().identifier.host(), 77);
  EXPECT_TRUE(back->checksums_right());
}

TEST(Inbound, a_claim_opens_one_session_and_a_second_connection_is_refused) {  // POOL-5, POOL-6
  Gateway gateway;
  gateway.bind("198.51.100.10", {net::Protocol::tcp, 22}, "10.0.0.42");
  const auto in = gateway.in(tcp("203.0.113.10:4000", "198.51.100.10:22").syn());
  ASSERT_TRUE(in);
  EXPECT_EQ(in->to_string(), "tcp 203.0.113.10:4000 > 10.0.0.42:22");
  EXPECT_EQ(gateway.events().size(), 1U);
  const auto back = gateway.out(tcp("10.0.0.42:22", "203.0.113.10:4000").syn_ack());
  ASSERT_TRUE(back);
  EXPECT_EQ(back->to_string(), "tcp 198.51.100.10:22 > 203.0.113.10:4000");

  EXPECT_FALSE(gateway.in(tcp("203.0.113.10:4001", "198.51.100.10:22").syn()));
  EXPECT_EQ(gateway.count(Counter::claim_spent), 1U);
  const auto reset = gateway.take(Gateway::outside);
  ASSERT_TRUE(reset);
  EXPECT_EQ(reset->to_string(), "tcp 198.51.100.10:22 > 203.0.113.10:4001");
  EXPECT_TRUE(reset->tcp().flags & net::TcpHeader::rst);
  EXPECT_TRUE(reset->checksums_right());
}

}  // namespace
}  // namespace rgw::test
