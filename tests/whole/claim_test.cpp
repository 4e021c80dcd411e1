// From the first packet to the release (POOL-5 .. POOL-7):
// - the handshake takes the reservation, not the SYN; it may outlast it
// - the first packet takes the reservation, and its address serves the next host while the session goes on
// - of TCP a SYN alone claims; of ICMP an echo request alone
// - a second new connection is refused, whoever sends it
// - a packet at the deadline is refused: the worker judges, and control need not have moved
// - an unclaimed reservation ends at its deadline for control too, and its address is free
// - the host is reached with the packet as it came: real source, its own port
// - in 1,000 rounds of reservation and claim no late packet reaches another host
#include "realmgw/base/random.hpp"

#include "support/whole_gateway.hpp"
#include "whole/workers.hpp"
#include <gtest/gtest.h>

namespace rgw::test {
namespace {

using namespace std::chrono_literals;

class Claim : public WithWorkers {};
RGW_WITH_WORKERS(Claim);

TEST_P(Claim, the_first_packet_takes_the_reservation_and_control_hears_of_it) {  // POOL-5
  WholeGateway gateway{whole_realm(), GetParam()};
  Resolver resolver{gateway};
  ASSERT_EQ(resolver.look_up("tcp22.hosta.foo"), "198.51.100.10");
  EXPECT_EQ(gateway.reservations(), 1U);
  EXPECT_EQ(gateway.opens(tcp("203.0.113.10:4000", "198.51.100.10:22").syn()),
            "tcp 203.0.113.10:4000 > 10.0.0.42:22");
  gateway.controller().step();
  EXPECT_EQ(gateway.reservations(), 0U);
  EXPECT_EQ(gateway.control_count(Counter::pool_claimed), 1U);
  EXPECT_EQ(gateway.leaves(tcp("10.0.0.42:22", "203.0.113.10:4000").syn_ack()),
            "tcp 198.51.100.10:22 > 203.0.113.10:4000");
}

TEST_P(Claim, a_syn_leaves_the_reservation_to_the_handshake) {  // GUARD-5
  WholeGateway gateway{whole_realm(), GetParam()};
  Resolver resolver{gateway};
  ASSERT_EQ(resolver.look_up("tcp22.hosta.foo"), "198.51.100.10");
  ASSERT_NE(gateway.arrives(tcp("203.0.113.10:4000", "198.51.100.10:22").syn()), "");
  ASSERT_NE(gateway.arrives(tcp("203.0.113.20:4000", "198.51.100.10:22").syn()), "");
  ASSERT_NE(gateway.leaves(tcp("10.0.0.42:22", "203.0.113.10:4000").syn_ack()), "");
  gateway.controller().step();
  EXPECT_EQ(gateway.reservations(), 1U);
  ASSERT_NE(gateway.arrives(tcp("203.0.113.10:4000", "198.51.100.10:22").ack()), "");
  gateway.turn_all();
  EXPECT_EQ(gateway.reservations(), 0U);
  EXPECT_EQ(gateway.control_count(Counter::pool_claimed), 1U);
  EXPECT_EQ(gateway.arrives(tcp("203.0.113.20:4000", "198.51.100.10:22").syn()), "");
}

TEST_P(Claim,
       a_handshake_outlasts_its_reservation_and_the_address_serves_the_next_host) {  // GUARD-5, POOL-14
  WholeGateway gateway{whole_realm({"198.51.100.10"}), GetParam()};
  Resolver resolver{gateway};
  ASSERT_EQ(resolver.look_up("tcp22.hosta.foo"), "198.51.100.10");
  ASSERT_NE(gateway.arrives(tcp("203.0.113.10:4000", "198.51.100.10:22").syn()), "");
  gateway.pass(2s);
  EXPECT_EQ(gateway.control_count(Counter::pool_expired), 1U);
  gateway.pass(1s);
  ASSERT_EQ(resolver.look_up("tcp22.hostb.foo"), "198.51.100.10");
  ASSERT_NE(gateway.leaves(tcp("10.0.0.42:22", "203.0.113.10:4000").syn_ack()), "");
  ASSERT_NE(gateway.arrives(tcp("203.0.113.10:4000", "198.51.100.10:22").ack()), "");
  gateway.turn_all();
  EXPECT_EQ(gateway.reservations(), 1U) << "the next host's";
  EXPECT_EQ(gateway.opens(tcp("203.0.113.20:4000", "198.51.100.10:22").syn()),
            "tcp 203.0.113.20:4000 > 10.0.0.43:22");
  EXPECT_EQ(gateway.arrives(tcp("203.0.113.10:4000", "198.51.100.10:22").ack().payload(5)),
            "tcp 203.0.113.10:4000 > 10.0.0.42:22");
  EXPECT_EQ(gateway.count(Counter::claim_made), 2U);
}

TEST_P(Claim, an_address_serves_the_next_host_while_the_session_goes_on) {  // POOL-5
  WholeGateway gateway{whole_realm({"198.51.100.10"}), GetParam()};
  Resolver resolver{gateway};
  ASSERT_EQ(resolver.look_up("hosta.foo"), "198.51.100.10");
  ASSERT_NE(gateway.opens(tcp("203.0.113.10:4000", "198.51.100.10:22").syn()), "");
  ASSERT_NE(gateway.leaves(tcp("10.0.0.42:22", "203.0.113.10:4000").syn_ack()), "");
  gateway.turn_all();
  ASSERT_EQ(resolver.look_up("hostb.foo"), "198.51.100.10");
  EXPECT_EQ(gateway.opens(tcp("203.0.113.10:4001", "198.51.100.10:22").syn()),
            "tcp 203.0.113.10:4001 > 10.0.0.43:22");
  EXPECT_EQ(gateway.arrives(tcp("203.0.113.10:4000", "198.51.100.10:22").ack().payload(5)),
            "tcp 203.0.113.10:4000 > 10.0.0.42:22");
  EXPECT_EQ(gateway.leaves(tcp("10.0.0.42:22", "203.0.113.10:4000").ack().payload(5)),
            "tcp 198.51.100.10:22 > 203.0.113.10:4000");
}

TEST_P(Claim, of_tcp_a_syn_alone_claims) {  // POOL-5
  WholeGateway gateway{whole_realm(), GetParam()};
  Resolver resolver{gateway};
  ASSERT_EQ(resolver.look_up("tcp22.hosta.foo"), "198.51.100.10");
  const auto segment = [] { return tcp("203.0.113.10:4000", "198.51.100.10:22"); };
  EXPECT_EQ(gateway.arrives(segment().ack()), "");
  EXPECT_EQ(gateway.arrives(segment().syn_ack()), "");
  EXPECT_EQ(gateway.arrives(segment().fin()), "");
  EXPECT_EQ(gateway.arrives(segment().rst()), "");
  EXPECT_EQ(gateway.count(Counter::claim_not_syn), 4U);
  EXPECT_EQ(gateway.opens(segment().syn()), "tcp 203.0.113.10:4000 > 10.0.0.42:22");
}

TEST_P(Claim, of_icmp_an_echo_request_alone_claims) {  // POOL-5
  WholeGateway gateway{whole_realm(), GetParam()};
  Resolver resolver{gateway};
  ASSERT_EQ(resolver.look_up("icmp.hosta.foo"), "198.51.100.10");
  EXPECT_EQ(gateway.arrives(pong("203.0.113.10", "198.51.100.10", 7)), "");
  const Bytes unknown = udp("198.51.100.10:5", "203.0.113.10:6").ip();
  EXPECT_EQ(gateway.arrives(icmp_error("203.0.113.10", "198.51.100.10", 3, 3, unknown)), "");
  EXPECT_EQ(gateway.arrives(ping("203.0.113.10", "198.51.100.10", 7)), "icmp8 203.0.113.10 > 10.0.0.42");
  EXPECT_EQ(gateway.leaves(pong("10.0.0.42", "203.0.113.10", 7)), "icmp0 198.51.100.10 > 203.0.113.10");
}

TEST_P(Claim, a_second_new_connection_is_refused_whoever_sends_it) {  // POOL-6
  WholeGateway gateway{whole_realm(), GetParam()};
  Resolver resolver{gateway};
  ASSERT_EQ(resolver.look_up("tcp22.hosta.foo"), "198.51.100.10");
  ASSERT_NE(gateway.opens(tcp("203.0.113.10:4000", "198.51.100.10:22").syn()), "");
  for (const bool control_has_heard : {false, true}) {
    if (control_has_heard) gateway.turn_all();
    EXPECT_EQ(gateway.opens(tcp("203.0.113.10:4001", "198.51.100.10:22").syn()), "");
    EXPECT_EQ(gateway.refusal(), "tcp 198.51.100.10:22 > 203.0.113.10:4001");
    EXPECT_EQ(gateway.opens(tcp("203.0.113.20:4000", "198.51.100.10:22").syn()), "");
    EXPECT_EQ(gateway.refusal(), "tcp 198.51.100.10:22 > 203.0.113.20:4000");
  }
  EXPECT_EQ(gateway.count(Counter::session_created_inbound), 1U);
  EXPECT_EQ(gateway.count(Counter::claim_spent), 4U);
}

TEST_P(Claim, a_repeated_syn_is_the_same_connection) {  // POOL-5: a lost SYN costs no second claim
  WholeGateway gateway{whole_realm(), GetParam()};
  Resolver resolver{gateway};
  ASSERT_EQ(resolver.look_up("tcp22.hosta.foo"), "198.51.100.10");
  const auto syn = tcp("203.0.113.10:4000", "198.51.100.10:22").syn();
  EXPECT_EQ(gateway.arrives(syn), "tcp 203.0.113.10:4000 > 10.0.0.42:22");
  gateway.pass(1s);
  EXPECT_EQ(gateway.arrives(syn), "tcp 203.0.113.10:4000 > 10.0.0.42:22");
  EXPECT_EQ(gateway.count(Counter::session_created_inbound), 1U);
}

TEST_P(Claim, the_worker_judges_the_deadline_by_its_own_clock) {  // POOL-7
  WholeGateway gateway{whole_realm(), GetParam()};
  Resolver resolver{gateway};
  ASSERT_EQ(resolver.look_up("tcp22.hosta.foo"), "198.51.100.10");
  ASSERT_EQ(resolver.look_up("tcp80.hosta.foo"), "198.51.100.10");
  gateway.clock().advance(2s - 1ns);  // and control's crank stands still
  EXPECT_NE(gateway.opens(tcp("203.0.113.10:4000", "198.51.100.10:22").syn()), "");
  gateway.clock().advance(1ns);
  EXPECT_EQ(gateway.opens(tcp("203.0.113.10:4000", "198.51.100.10:80").syn()), "");
  EXPECT_EQ(gateway.refusal(), "tcp 198.51.100.10:80 > 203.0.113.10:4000");
  EXPECT_EQ(gateway.count(Counter::claim_expired), 1U);
}

TEST_P(Claim,
       an_unclaimed_reservation_ends_and_a_packet_after_it_is_refused_for_two_seconds) {  // POOL-7, OUT-6
  WholeGateway gateway{whole_realm({"198.51.100.10"}), GetParam()};
  Resolver resolver{gateway};
  ASSERT_EQ(resolver.look_up("hosta.foo"), "198.51.100.10");
  gateway.pass(2s);
  EXPECT_EQ(gateway.reservations(), 0U);
  EXPECT_EQ(gateway.control_count(Counter::pool_expired), 1U);
  gateway.pass(1s);
  EXPECT_EQ(gateway.opens(tcp("203.0.113.10:4000", "198.51.100.10:22").syn()), "");
  EXPECT_EQ(gateway.refusal(), "tcp 198.51.100.10:22 > 203.0.113.10:4000");
  gateway.pass(1s);
  EXPECT_EQ(gateway.opens(tcp("203.0.113.10:4000", "198.51.100.10:22").syn()), "");
  EXPECT_EQ(gateway.refusal(), "");  // who was never expected hears nothing
  EXPECT_EQ(resolver.look_up("hostb.foo"), "198.51.100.10");
}

TEST_P(Claim, a_late_word_of_a_claim_does_not_end_the_next_hosts_reservation) {  // POOL-5: generations
  WholeGateway gateway{whole_realm({"198.51.100.10"}), GetParam()};
  Resolver resolver{gateway};
  ASSERT_EQ(resolver.look_up("tcp22.hosta.foo"), "198.51.100.10");
  gateway.clock().advance(2s - 1ns);
  ASSERT_NE(gateway.opens(tcp("203.0.113.10:4000", "198.51.100.10:22").syn()), "");
  gateway.clock().advance(1ns);
  // The query comes before control has read the worker's word; to control the reservation ran out.
  ASSERT_EQ(resolver.look_up("tcp22.hostb.foo"), "198.51.100.10");
  gateway.turn_all();
  EXPECT_EQ(gateway.reservations(), 1U);
  EXPECT_EQ(gateway.opens(tcp("203.0.113.20:4000", "198.51.100.10:22").syn()),
            "tcp 203.0.113.20:4000 > 10.0.0.43:22");
}

// Every round another host is reached through the pool. Then come the late ones: the former client's SYN once
// more from another port, a stray segment, an echo request. Whatever they hit, no host gets them.
TEST_P(Claim, in_a_thousand_rounds_no_late_packet_reaches_another_host) {  // POOL-4, POOL-5
  WholeGateway gateway{whole_realm(), GetParam()};
  Resolver resolver{gateway};
  Random random{7};
  const std::array hosts{"hosta", "hostb", "hostc", "hostd"};
  const std::array insides{"10.0.0.42", "10.0.0.43", "10.0.0.44", "10.0.0.45"};
  std::string former;  // where the last round's client went
  std::uint64_t delivered = 0;
  for (unsigned round = 0; round < 1000; ++round) {
    const unsigned host = random.below(4);
    const bool wide = random.below(2) == 0;
    const std::string name = std::string{wide ? "" : "tcp22."} + hosts[host] + ".foo";
    const std::string external = resolver.look_up(name);
    ASSERT_TRUE(external.starts_with("198.51.100.1")) << external << " in round " << round;
    const std::string port = std::to_string(1024 + round);
    if (!former.empty()) {
      EXPECT_EQ(gateway.opens(tcp("203.0.113.20:" + port, former + ":22").syn()), "") << "round " << round;
      EXPECT_EQ(gateway.arrives(tcp("203.0.113.20:" + port, former + ":22").ack().payload(9)), "");
      EXPECT_EQ(gateway.arrives(ping("203.0.113.20", former, static_cast<std::uint16_t>(round))), "");
    }
    EXPECT_EQ(gateway.opens(tcp("203.0.113.10:" + port, external + ":22").syn()),
              "tcp 203.0.113.10:" + port + " > " + insides[host] + ":22");
    ++delivered;
    former = external;
    gateway.pass(std::chrono::milliseconds{random.below(60)});
    while (gateway.take(Gateway::outside)) {  // the refusals
    }
  }
  EXPECT_EQ(gateway.count(Counter::session_created_inbound), delivered);
  EXPECT_EQ(gateway.count(Counter::claim_made), delivered);
  EXPECT_EQ(gateway.reservations(), 0U);
}

}  // namespace
}  // namespace rgw::test
