// What nothing claims (OUT-6), with 1, 2 and 4 workers:
// - drop: silence, counted
// - reject: a TCP reset that the sender accepts, ICMP port unreachable, nothing for pings, resets and errors
// - automatic: as drop, but as reject within 2 s after a known host's reservation ended, however it ended
// - no more answers than the rate allows
#include "scenario/support.hpp"
#include <gtest/gtest.h>

namespace rgw::test {
namespace {

using net::Protocol;
using net::TcpHeader;
using Policy = config::Outbound::Unmatched;

constexpr net::Service ssh{Protocol::tcp, 22};

config::Realm with(Policy policy) {
  return realm_with([&](config::Realm& realm) { realm.outbound.unmatched = policy; });
}
PacketBuilder syn(unsigned port = 4000) {
  return tcp(at("203.0.113.10", port), "198.51.100.10:22").syn();
}

class Refusal : public WithWorkers {};
RGW_WITH_WORKERS(Refusal);

TEST_P(Refusal, drop_is_silent_and_counted) {  // OUT-6
  Gateway gateway{with(Policy::drop), GetParam()};
  EXPECT_FALSE(gateway.in(syn()));
  EXPECT_FALSE(gateway.in(udp("203.0.113.10:4000", "198.51.100.10:22")));
  EXPECT_FALSE(gateway.take(Gateway::outside));
  EXPECT_EQ(gateway.count(Counter::unmatched), 2U);
  EXPECT_EQ(gateway.count(Counter::unmatched_rejected), 0U);
}

TEST_P(Refusal,
       reject_answers_a_syn_with_a_reset_that_its_sender_accepts) {  // OUT-6, RFC 9293 section 3.10.7.1
  Gateway gateway{with(Policy::reject), GetParam()};
  EXPECT_FALSE(gateway.in(syn().sequence(1000).payload(5)));
  const auto reset = gateway.take(Gateway::outside);
  ASSERT_EQ(text(reset), "tcp 198.51.100.10:22 > 203.0.113.10:4000");
  EXPECT_EQ(reset->tcp().flags, TcpHeader::rst | TcpHeader::ack);
  EXPECT_EQ(reset->tcp().acknowledgement.host(), 1006U);
  EXPECT_TRUE(reset->checksums_right());
  EXPECT_EQ(gateway.count(Counter::unmatched_rejected), 1U);
  EXPECT_EQ(gateway.count(Counter::tcp_reset_sent), 1U);
  EXPECT_EQ(gateway.sessions(), 0U);
}

TEST_P(Refusal, reject_answers_udp_with_port_unreachable) {  // OUT-6, RFC 1122 section 4.1.3.1
  Gateway gateway{with(Policy::reject), GetParam()};
  const Bytes sent = udp("203.0.113.10:4000", "198.51.100.10:22").payload(30).ip();
  gateway.put(Gateway::outside, sent);
  gateway.turn();
  const auto error = gateway.take(Gateway::outside);
  ASSERT_EQ(text(error), "icmp3 198.51.100.1 > 203.0.113.10");
  EXPECT_EQ(error->icmp().code, net::icmp4::code_port_unreachable);
  EXPECT_EQ(error->inner().bytes(), sent);
  EXPECT_TRUE(error->checksums_right());
}

TEST_P(Refusal, what_expects_no_refusal_gets_none) {  // OUT-6; RFC 9293: a reset is not answered; RFC 1122:
                                                      // nor is an error
  Gateway gateway{with(Policy::reject), GetParam()};
  EXPECT_FALSE(gateway.in(tcp("203.0.113.10:4000", "198.51.100.10:22").rst()));
  EXPECT_EQ(gateway.count(Counter::unmatched), 1U);
  EXPECT_FALSE(gateway.in(ping("203.0.113.10", "198.51.100.10", 7)));
  EXPECT_FALSE(gateway.in(
      icmp_error("203.0.113.10", "198.51.100.10", 3, 3, udp("198.51.100.10:1", "203.0.113.10:2").ip())));
  EXPECT_FALSE(gateway.take(Gateway::outside));
  EXPECT_EQ(gateway.count(Counter::unmatched_rejected), 0U);
}

TEST_P(Refusal, an_answer_goes_to_the_neighbour_that_sent_the_packet) {  // OUT-6: no resolution, no route
  Gateway gateway{with(Policy::reject), GetParam()};
  gateway.put(Gateway::outside, syn().ip());
  gateway.turn();
  const auto frame = gateway.take_frame(Gateway::outside);
  ASSERT_TRUE(frame);
  const auto& ethernet = net::header<net::EthernetHeader>(frame->data());
  EXPECT_EQ(ethernet.destination, Gateway::neighbour_mac);
  EXPECT_EQ(ethernet.source, gateway.mac(Gateway::outside));
}

TEST_P(Refusal, by_default_a_stranger_hears_nothing_and_a_late_client_is_told) {  // OUT-6
  for (const bool claimed : {true, false}) {  // the reservation ended by its claim, or by its deadline
    Gateway gateway{with(Policy::automatic), GetParam()};
    EXPECT_FALSE(gateway.in(syn(1)));
    EXPECT_FALSE(gateway.take(Gateway::outside)) << "no reservation was there yet";
    gateway.bind("198.51.100.10", ssh, "10.0.0.42");
    if (claimed) {
      ASSERT_TRUE(gateway.opens(syn(2)));
    } else {
      gateway.advance(2s);
    }
    gateway.unbind("198.51.100.10", ssh);  // as control does, either way
    gateway.turn();
    gateway.advance(1999ms);
    EXPECT_FALSE(gateway.in(syn(3)));
    EXPECT_EQ(text(gateway.take(Gateway::outside)), "tcp 198.51.100.10:22 > 203.0.113.10:3");
    gateway.advance(2ms);
    EXPECT_FALSE(gateway.in(syn(4)));
    EXPECT_FALSE(gateway.take(Gateway::outside)) << "more than 2 s later";
  }
}

TEST_P(Refusal, of_a_reservation_that_was_narrowed_nothing_is_said) {  // OUT-6, POOL-10
  Gateway gateway{with(Policy::automatic), GetParam()};
  gateway.bind("198.51.100.10", {}, "10.0.0.42");
  gateway.unbind("198.51.100.10", {}, 1, false);
  EXPECT_FALSE(gateway.in(syn()));
  EXPECT_FALSE(gateway.take(Gateway::outside));
  EXPECT_EQ(gateway.count(Counter::unmatched), 1U);
}

TEST(Refusal, there_are_no_more_answers_than_the_rate_allows) {  // OUT-6: no reflector
  Gateway gateway{with(Policy::reject)};
  unsigned answers = 0;
  const auto flood = [&](const PacketBuilder& packet) {
    answers = 0;
    for (int i = 0; i < 300; ++i) {
      EXPECT_FALSE(gateway.in(packet));
      answers += gateway.take(Gateway::outside).has_value() ? 1 : 0;
    }
    return answers;
  };
  EXPECT_EQ(flood(syn()), 100U);
  EXPECT_EQ(flood(udp("203.0.113.10:4000", "198.51.100.10:22")), 100U);
  EXPECT_EQ(gateway.count(Counter::icmp_rate_limited), 400U);
  EXPECT_EQ(gateway.count(Counter::unmatched), 600U);
  gateway.advance(10ms);
  EXPECT_EQ(flood(syn()), 10U) << "a thousand a second";
}

TEST(Refusal, an_address_that_is_not_the_gateways_gets_no_answer) {  // OUT-8
  Gateway gateway{with(Policy::reject)};
  EXPECT_FALSE(gateway.in(tcp("203.0.113.10:4000", "198.51.100.77:22").syn()));
  EXPECT_FALSE(gateway.take(Gateway::outside));
  EXPECT_EQ(gateway.count(Counter::not_own_destination), 1U);
}

}  // namespace
}  // namespace rgw::test
