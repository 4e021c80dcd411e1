// Inbound through the Circular Pool, as a worker sees it (POOL-5, POOL-6, POOL-7, POOL-9, POOL-11), with 1, 2
// and 4 workers:
// - the first packet claims, is delivered, and control hears of it: UDP, SCTP, ping; of TCP it is the
// handshake
//   (handshake_test.cpp has more of that)
// - only a SYN claims for TCP, only an echo request for ICMP; others leave the reservation as it is
// - the match order; two claims of one reservation; a second claim refused, whoever sends it
// - the deadline by the worker's own clock; after the end of a reservation
// - a session outlives the reservation, and E serves the next host
// - a remote that comes again from the same port, by another E, while its earlier session lives
// - the order of POOL-11 on one single address
// - a packet that cannot be delivered spends nothing
#include <functional>
#include <utility>

#include "scenario/support.hpp"
#include <gtest/gtest.h>
#include <rte_malloc.h>

namespace rgw::test {
namespace {

using net::Protocol;

constexpr net::Service ssh{Protocol::tcp, 22}, any{};
constexpr auto syn_from_r = [](unsigned port, std::string_view to) {
  return tcp(at("203.0.113.10", port), to).syn();
};

std::vector<ring::Claimed> claims(Gateway& gateway) {
  std::vector<ring::Claimed> all;
  for (const auto& event : gateway.events()) {
    if (const auto* claimed = std::get_if<ring::Claimed>(&event)) all.push_back(*claimed);
  }
  return all;
}

class Inbound : public WithWorkers {};
RGW_WITH_WORKERS(Inbound);

TEST_P(Inbound, the_first_packet_claims_and_is_delivered) {  // POOL-5
  Gateway gateway{lab_realm(), GetParam()};
  gateway.bind("198.51.100.10", ssh, "10.0.0.42", 17, 3);
  const auto in = gateway.opens(syn_from_r(4000, "198.51.100.10:22"));
  ASSERT_EQ(text(in), "tcp 203.0.113.10:4000 > 10.0.0.42:22");
  EXPECT_TRUE(in->checksums_right());
  const auto claimed = claims(gateway);
  ASSERT_EQ(claimed.size(), 1U);
  EXPECT_EQ(claimed[0].reservation, ReservationId{17});
  EXPECT_EQ(claimed[0].claim, 3U);
  EXPECT_EQ(claimed[0].at, gateway.clock().now());
  EXPECT_EQ(claimed[0].remote, endpoint("203.0.113.10:4000"));

  EXPECT_EQ(text(gateway.out(tcp("10.0.0.42:22", "203.0.113.10:4000").syn_ack())),
            "tcp 198.51.100.10:22 > 203.0.113.10:4000");
  EXPECT_EQ(text(gateway.in(tcp("203.0.113.10:4000", "198.51.100.10:22").ack())),
            "tcp 203.0.113.10:4000 > 10.0.0.42:22");
}

TEST_P(Inbound, every_protocol_claims) {  // POOL-5
  for (const auto& packet :
       {udp("203.0.113.10:4000", "198.51.100.10:5060"), sctp("203.0.113.10:4000", "198.51.100.10:5060"),
        tcp("203.0.113.10:4000", "198.51.100.10:5060").syn(), ping("203.0.113.10", "198.51.100.10", 5060)}) {
    Gateway gateway{lab_realm(), GetParam()};
    gateway.bind("198.51.100.10", any, "10.0.0.42");
    const auto in = gateway.opens(packet);
    ASSERT_TRUE(in);
    EXPECT_EQ(in->destination(), address("10.0.0.42"));
    EXPECT_EQ(in->source(), address("203.0.113.10"));
    EXPECT_TRUE(in->checksums_right());
    EXPECT_EQ(claims(gateway).size(), 1U);
  }
}

TEST_P(Inbound, a_ping_claims_and_its_answer_leaves_from_the_pool_address) {  // POOL-5
  Gateway gateway{lab_realm(), GetParam()};
  gateway.bind("198.51.100.10", {Protocol::icmp, 0}, "10.0.0.42");
  ASSERT_TRUE(gateway.in(ping("203.0.113.10", "198.51.100.10", 4711)));
  const auto back = gateway.out(pong("10.0.0.42", "203.0.113.10", 4711));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->source(), address("198.51.100.10"));
  EXPECT_EQ(back->icmp().identifier.host(), 4711);
}

TEST_P(Inbound,
       what_opens_no_session_leaves_the_reservation_as_it_is) {  // POOL-5: TCP by SYN, ICMP by echo request
  Gateway gateway{lab_realm(), GetParam()};
  gateway.bind("198.51.100.10", any, "10.0.0.42");
  EXPECT_FALSE(gateway.in(tcp("203.0.113.10:4000", "198.51.100.10:22").ack()));
  EXPECT_FALSE(gateway.in(tcp("203.0.113.10:4000", "198.51.100.10:22").syn_ack()));
  EXPECT_FALSE(gateway.in(tcp("203.0.113.10:4000", "198.51.100.10:22").rst()));
  EXPECT_EQ(gateway.count(Counter::claim_not_syn), 3U);
  EXPECT_FALSE(gateway.in(pong("203.0.113.10", "198.51.100.10", 22)));
  EXPECT_EQ(gateway.count(Counter::icmp_not_query), 1U);
  const Bytes inner = tcp("198.51.100.10:22", "203.0.113.10:4000").syn().ip();
  EXPECT_FALSE(gateway.in(icmp_error("203.0.113.10", "198.51.100.10", 3, 3, inner)));
  EXPECT_EQ(gateway.count(Counter::icmp_no_session), 1U);
  EXPECT_EQ(gateway.sessions(), 0U) << "and no signpost either";
  EXPECT_TRUE(claims(gateway).empty());

  EXPECT_TRUE(gateway.opens(syn_from_r(4000, "198.51.100.10:22")));
}

TEST_P(Inbound, the_narrowest_reservation_is_claimed_first) {  // POOL-5: (E,proto,port), (E,proto,*), (E,*,*)
  Gateway gateway{lab_realm(), GetParam()};
  gateway.bind("198.51.100.10", any, "10.0.0.41", 1);
  gateway.bind("198.51.100.10", {Protocol::tcp, 0}, "10.0.0.42", 2);
  gateway.bind("198.51.100.10", ssh, "10.0.0.43", 3);
  gateway.learn(Gateway::inside, "10.0.0.41");
  const auto claimed_by = [&](unsigned port) {
    const auto in = gateway.opens(syn_from_r(port, "198.51.100.10:22"));
    const net::Service services[] = {any, {Protocol::tcp, 0}, ssh};
    for (const auto& claimed : claims(gateway)) {  // as control does
      const std::uint64_t number = claimed.reservation.value();
      gateway.unbind("198.51.100.10", services[number - 1], number);
    }
    return text(in);
  };
  EXPECT_EQ(claimed_by(1), "tcp 203.0.113.10:1 > 10.0.0.43:22");
  EXPECT_EQ(claimed_by(2), "tcp 203.0.113.10:2 > 10.0.0.42:22");
  EXPECT_EQ(claimed_by(3), "tcp 203.0.113.10:3 > 10.0.0.41:22");
  EXPECT_EQ(claimed_by(4), "nothing");
}

TEST_P(Inbound, services_of_several_hosts_share_one_address) {  // POOL-3
  Gateway gateway{lab_realm(), GetParam()};
  gateway.bind("198.51.100.10", ssh, "10.0.0.42", 1);
  gateway.bind("198.51.100.10", {Protocol::tcp, 80}, "10.0.0.43", 2);
  gateway.bind("198.51.100.10", {Protocol::udp, 22}, "10.0.0.43", 3);
  EXPECT_EQ(text(gateway.in(udp("203.0.113.10:7", "198.51.100.10:22"))), "udp 203.0.113.10:7 > 10.0.0.43:22");
  EXPECT_EQ(text(gateway.opens(syn_from_r(7, "198.51.100.10:80"))), "tcp 203.0.113.10:7 > 10.0.0.43:80");
  EXPECT_EQ(text(gateway.opens(syn_from_r(7, "198.51.100.10:22"))), "tcp 203.0.113.10:7 > 10.0.0.42:22");
  EXPECT_FALSE(gateway.opens(syn_from_r(7, "198.51.100.10:443")));
}

TEST_P(Inbound, a_second_connection_after_the_claim_is_refused_whoever_sends_it) {  // POOL-6
  Gateway gateway{lab_realm(), GetParam()};
  gateway.bind("198.51.100.10", ssh, "10.0.0.42");
  ASSERT_TRUE(gateway.opens(syn_from_r(4000, "198.51.100.10:22")));
  EXPECT_FALSE(gateway.opens(syn_from_r(4001, "198.51.100.10:22")));
  EXPECT_FALSE(gateway.opens(tcp("198.51.100.50:4000", "198.51.100.10:22").syn()));
  EXPECT_EQ(gateway.count(Counter::claim_spent), 2U);
  EXPECT_EQ(gateway.count(Counter::session_created_inbound), 1U);
  EXPECT_TRUE(gateway.in(syn_from_r(4000, "198.51.100.10:22"))) << "a retransmission is no second connection";
}

TEST_P(
    Inbound,
    the_first_packets_of_a_claim_may_come_in_one_burst) {  // POOL-5: a second packet is no second connection
  Gateway gateway{lab_realm(), GetParam()};
  gateway.bind("198.51.100.10", any, "10.0.0.42");
  for (int i = 0; i < 5; ++i)
    gateway.put(Gateway::outside, udp("203.0.113.10:4000", "198.51.100.10:5060").ip());
  gateway.turn();
  EXPECT_EQ(take_all(gateway, Gateway::inside).size(), 5U);
  EXPECT_EQ(claims(gateway).size(), 1U);
  EXPECT_EQ(gateway.count(Counter::claim_spent), 0U);
}

TEST_P(Inbound, each_claim_of_a_shared_reservation_lets_one_connection_in) {  // POOL-9
  Gateway gateway{lab_realm(), GetParam()};
  gateway.bind("198.51.100.10", ssh, "10.0.0.42", 1, 1);
  gateway.bind("198.51.100.10", ssh, "10.0.0.42", 1, 2);
  EXPECT_TRUE(gateway.opens(syn_from_r(4000, "198.51.100.10:22")));
  EXPECT_TRUE(gateway.opens(tcp("198.51.100.50:9", "198.51.100.10:22").syn()));
  EXPECT_FALSE(gateway.opens(syn_from_r(4002, "198.51.100.10:22")));
  const auto claimed = claims(gateway);
  ASSERT_EQ(claimed.size(), 2U);
  EXPECT_EQ(claimed[0].claim + claimed[1].claim, 3U);
}

TEST_P(Inbound, the_worker_judges_the_deadline_by_its_own_clock) {  // POOL-7
  for (const Duration late : {-1ns, 0ns, 1ns}) {
    Gateway gateway{lab_realm(), GetParam()};
    gateway.bind("198.51.100.10", ssh, "10.0.0.42", 1, 1, 2s);
    gateway.turn();
    gateway.advance(2s + late);  // and control has not said anything yet
    const bool let_in = gateway.opens(syn_from_r(4000, "198.51.100.10:22")).has_value();
    EXPECT_EQ(let_in, late < 0ns);
    EXPECT_EQ(gateway.count(Counter::claim_expired), let_in ? 0U : 1U);
  }
}

TEST_P(Inbound, an_older_claim_that_expired_does_not_end_a_younger_one) {  // POOL-9
  Gateway gateway{lab_realm(), GetParam()};
  gateway.bind("198.51.100.10", ssh, "10.0.0.42", 1, 1, 1s);
  gateway.bind("198.51.100.10", ssh, "10.0.0.42", 1, 2, 2s);
  gateway.advance(1500ms);
  ASSERT_TRUE(gateway.opens(syn_from_r(4000, "198.51.100.10:22")));
  EXPECT_EQ(claims(gateway).at(0).claim, 2U);
  EXPECT_FALSE(gateway.opens(syn_from_r(4001, "198.51.100.10:22")));
}

TEST_P(Inbound, after_its_end_a_reservation_lets_nothing_in) {  // POOL-7
  Gateway gateway{lab_realm(), GetParam()};
  gateway.bind("198.51.100.10", ssh, "10.0.0.42");
  gateway.unbind("198.51.100.10", ssh);
  EXPECT_FALSE(gateway.opens(syn_from_r(4000, "198.51.100.10:22")));
  EXPECT_EQ(gateway.count(Counter::claim_expired), 1U);
}

TEST_P(Inbound, a_session_outlives_the_reservation_while_the_address_serves_the_next_host) {  // POOL-5
  Gateway gateway{lab_realm(), GetParam()};
  gateway.bind("198.51.100.10", any, "10.0.0.42", 1);
  ASSERT_TRUE(gateway.opens(syn_from_r(4000, "198.51.100.10:22")));
  gateway.unbind("198.51.100.10", any);
  gateway.advance(3s);
  gateway.bind("198.51.100.10", any, "10.0.0.43", 2);
  EXPECT_EQ(text(gateway.opens(syn_from_r(4001, "198.51.100.10:22"))),
            "tcp 203.0.113.10:4001 > 10.0.0.43:22");
  EXPECT_EQ(text(gateway.in(tcp("203.0.113.10:4000", "198.51.100.10:22").ack())),
            "tcp 203.0.113.10:4000 > 10.0.0.42:22");
  EXPECT_EQ(text(gateway.out(tcp("10.0.0.43:22", "203.0.113.10:4001").syn_ack())),
            "tcp 198.51.100.10:22 > 203.0.113.10:4001");
  EXPECT_EQ(text(gateway.out(tcp("10.0.0.42:22", "203.0.113.10:4000").syn_ack())),
            "tcp 198.51.100.10:22 > 203.0.113.10:4000");
}

// SIP over UDP is from 5060 to 5060: a telephone that calls a host by name twice meets its own first session.
TEST_P(Inbound, a_claim_goes_beside_the_session_that_its_remote_has_with_the_same_port) {  // POOL-5, POOL-14
  const auto first_of = [](Protocol protocol, std::string_view to) {
    return protocol == Protocol::udp ? udp("203.0.113.10:5060", to) : tcp("203.0.113.10:5060", to).syn();
  };
  for (const Protocol protocol : {Protocol::udp, Protocol::tcp}) {
    Gateway gateway{lab_realm(), GetParam()};
    gateway.bind("198.51.100.10", any, "10.0.0.42", 1);
    ASSERT_TRUE(gateway.opens(first_of(protocol, "198.51.100.10:5060")));
    gateway.bind("198.51.100.11", any, "10.0.0.42", 2);
    const auto in = gateway.opens(first_of(protocol, "198.51.100.11:5060"));
    ASSERT_TRUE(in);
    EXPECT_EQ(in->destination(), address("10.0.0.42"));
    EXPECT_TRUE(in->checksums_right());
    EXPECT_NE(in->source_port(), 5060);
    EXPECT_EQ(gateway.count(Counter::session_ended), 0U);
    EXPECT_EQ(claims(gateway).size(), 2U);
  }
  Gateway gateway{lab_realm(), GetParam()};
  gateway.bind("198.51.100.10", any, "10.0.0.42", 1);
  ASSERT_TRUE(gateway.in(udp("203.0.113.10:5060", "198.51.100.10:5060")));
  gateway.bind("198.51.100.11", any, "10.0.0.42", 2);
  const auto second = gateway.in(udp("203.0.113.10:5060", "198.51.100.11:5060"));
  ASSERT_TRUE(second);
  EXPECT_EQ(text(gateway.out(udp("10.0.0.42:5060", at("203.0.113.10", second->source_port())))),
            "udp 198.51.100.11:5060 > 203.0.113.10:5060");
  EXPECT_EQ(text(gateway.out(udp("10.0.0.42:5060", "203.0.113.10:5060"))),
            "udp 198.51.100.10:5060 > 203.0.113.10:5060");
  EXPECT_EQ(text(gateway.in(udp("203.0.113.10:5060", "198.51.100.10:5060"))),
            "udp 203.0.113.10:5060 > 10.0.0.42:5060")
      << "the running flow goes on";
}

TEST_P(Inbound, a_claim_ends_no_connection_that_stands) {  // POOL-5: a source is easily forged
  Gateway gateway{lab_realm(), GetParam()};
  gateway.bind("198.51.100.10", ssh, "10.0.0.42", 1);
  ASSERT_TRUE(gateway.opens(syn_from_r(4000, "198.51.100.10:22")));
  ASSERT_TRUE(gateway.out(tcp("10.0.0.42:22", "203.0.113.10:4000").syn_ack()));
  gateway.bind("198.51.100.11", ssh, "10.0.0.42", 2);
  const auto second = gateway.opens(syn_from_r(4000, "198.51.100.11:22"));
  ASSERT_TRUE(second);
  EXPECT_NE(second->source_port(), 4000);
  EXPECT_EQ(text(gateway.in(tcp("203.0.113.10:4000", "198.51.100.10:22").ack())),
            "tcp 203.0.113.10:4000 > 10.0.0.42:22");

  const auto own = gateway.out(udp("10.0.0.42:5000", "203.0.113.10:53"));
  ASSERT_TRUE(own);
  gateway.bind("198.51.100.12", any, "10.0.0.42", 3);
  ASSERT_TRUE(gateway.in(udp("203.0.113.10:53", "198.51.100.12:5000")));
  EXPECT_EQ(text(gateway.in(udp("203.0.113.10:53", at("198.51.100.1", own->source_port())))),
            "udp 203.0.113.10:53 > 10.0.0.42:5000")
      << "the host itself has opened that";
  EXPECT_EQ(gateway.count(Counter::session_conflict), 0U);
}

TEST_P(Inbound, a_claim_replaces_a_connection_that_has_ended) {  // POOL-5
  Gateway gateway{lab_realm(), GetParam()};
  gateway.bind("198.51.100.10", ssh, "10.0.0.42", 1);
  ASSERT_TRUE(gateway.opens(syn_from_r(4000, "198.51.100.10:22")));
  ASSERT_TRUE(gateway.out(tcp("10.0.0.42:22", "203.0.113.10:4000").syn_ack()));
  ASSERT_TRUE(gateway.in(tcp("203.0.113.10:4000", "198.51.100.10:22").fin()));
  ASSERT_TRUE(gateway.out(tcp("10.0.0.42:22", "203.0.113.10:4000").fin()));
  gateway.bind("198.51.100.11", ssh, "10.0.0.42", 2);
  EXPECT_EQ(text(gateway.opens(syn_from_r(4000, "198.51.100.11:22"))),
            "tcp 203.0.113.10:4000 > 10.0.0.42:22");
  EXPECT_EQ(text(gateway.out(tcp("10.0.0.42:22", "203.0.113.10:4000").syn_ack())),
            "tcp 198.51.100.11:22 > 203.0.113.10:4000");
}

TEST_P(Inbound,
       late_packets_never_reach_the_next_host) {  // POOL-5, POOL-6: reserve, claim, end, a thousand times
  Gateway gateway{lab_realm(), GetParam()};
  for (unsigned round = 0; round < 1000; ++round) {
    const std::string_view host = round % 2 == 0 ? "10.0.0.42" : "10.0.0.43";
    gateway.bind("198.51.100.10", ssh, host, round + 1);
    const auto in = gateway.opens(syn_from_r(1000 + round, "198.51.100.10:22"));
    ASSERT_TRUE(in);
    ASSERT_EQ(in->destination(), address(host));
    if (round > 0) {  // a retransmission for the host before
      const auto late = gateway.opens(syn_from_r(999 + round, "198.51.100.10:22"));
      ASSERT_TRUE(late);
      ASSERT_NE(late->destination(), address(host));
    }
    ASSERT_FALSE(gateway.opens(syn_from_r(60000, "198.51.100.10:22")));
    while (gateway.take(Gateway::outside)) {
    }
    ASSERT_EQ(gateway.events().size(), 1U);
    gateway.unbind("198.51.100.10", ssh, round + 1);
    gateway.advance(100ms);
  }
}

// POOL-11: one address is everything at once. Each step of the order is there to be overruled by the one
// before.
config::Realm single_address() {
  return realm_with([](config::Realm& realm) {
    realm.pool.addresses = {address("198.51.100.1")};
    realm.static_mappings = {{Protocol::tcp, endpoint("198.51.100.1:8080"), endpoint("10.0.0.43:80")}};
    realm.local_services.push_back({Protocol::tcp, 8080});
  });
}

TEST_P(Inbound, on_one_address_a_session_comes_before_all_else) {  // POOL-11
  Gateway gateway{single_address(), GetParam()};
  const auto out = gateway.out(udp("10.0.0.42:5000", "203.0.113.10:99"));
  ASSERT_TRUE(out);
  gateway.bind("198.51.100.1", any, "10.0.0.43");
  EXPECT_EQ(text(gateway.in(udp("203.0.113.10:99", at("198.51.100.1", out->source_port())))),
            "udp 203.0.113.10:99 > 10.0.0.42:5000");
  EXPECT_EQ(gateway.count(Counter::claim_made), 0U);
}

TEST_P(Inbound, on_one_address_a_static_mapping_comes_before_a_local_service_and_a_reservation) {  // POOL-11
  Gateway gateway{single_address(), GetParam()};
  gateway.bind("198.51.100.1", any, "10.0.0.42");
  EXPECT_EQ(text(gateway.opens(syn_from_r(1, "198.51.100.1:8080"))), "tcp 203.0.113.10:1 > 10.0.0.43:80");
  EXPECT_EQ(gateway.count(Counter::claim_made), 0U);
  EXPECT_EQ(gateway.count(Counter::to_kernel), 0U);
}

TEST_P(Inbound, on_one_address_a_local_service_comes_before_a_reservation) {  // POOL-11
  Gateway gateway{single_address(), GetParam()};
  gateway.bind("198.51.100.1", any, "10.0.0.42");
  EXPECT_FALSE(gateway.in(udp("203.0.113.10:99", "198.51.100.1:53")));
  EXPECT_FALSE(gateway.opens(syn_from_r(2, "198.51.100.1:53")));
  EXPECT_FALSE(gateway.in(ping("203.0.113.10", "198.51.100.1", 5)));
  EXPECT_EQ(gateway.count(Counter::to_kernel), 3U);
  EXPECT_EQ(gateway.count(Counter::claim_made), 0U);
}

TEST_P(Inbound, on_one_address_a_reservation_comes_before_refusal) {  // POOL-11
  Gateway gateway{single_address(), GetParam()};
  EXPECT_FALSE(gateway.opens(syn_from_r(3, "198.51.100.1:22")));
  EXPECT_EQ(gateway.count(Counter::unmatched), 1U);
  gateway.bind("198.51.100.1", any, "10.0.0.42");
  EXPECT_EQ(text(gateway.opens(syn_from_r(3, "198.51.100.1:22"))), "tcp 203.0.113.10:3 > 10.0.0.42:22");
}

TEST_P(Inbound, a_host_at_its_limit_does_not_spend_the_reservation) {  // OUT-2, POOL-5
  Gateway gateway{realm_with([](auto& realm) { realm.outbound.max_sessions_per_host = 1; }), GetParam()};
  gateway.bind("198.51.100.10", ssh, "10.0.0.42", 1, 1, 1h);
  ASSERT_TRUE(gateway.out(udp("10.0.0.42:5000", "203.0.113.10:53")));
  EXPECT_FALSE(gateway.opens(syn_from_r(4000, "198.51.100.10:22")));
  EXPECT_EQ(gateway.count(Counter::session_host_limit), 1U);
  pass(gateway, 301s);
  EXPECT_TRUE(gateway.opens(syn_from_r(4000, "198.51.100.10:22")));
}

TEST_P(
    Inbound,
    a_packet_whose_hops_end_at_the_gateway_does_not_spend_the_reservation) {  // POOL-5, OUT-5: a traceroute
  Gateway gateway{lab_realm(), GetParam()};
  gateway.bind("198.51.100.10", ssh, "10.0.0.42");
  EXPECT_FALSE(gateway.opens(syn_from_r(4000, "198.51.100.10:22").ttl(1)));
  EXPECT_EQ(text(gateway.take(Gateway::outside)), "icmp11 198.51.100.1 > 203.0.113.10");
  EXPECT_EQ(gateway.count(Counter::hop_limit_exceeded), 1U);
  EXPECT_EQ(gateway.sessions(), 0U);
  EXPECT_TRUE(gateway.opens(syn_from_r(4001, "198.51.100.10:22").ttl(2)));
}

// What a device does while it is polled: here, control reserves.
struct DuringReceive {
  DuringReceive(Gateway& gateway, unsigned port, std::function<void()> action) : action_{std::move(action)} {
    const std::string& device = gateway.snapshot().realm.ports[port].device;
    EXPECT_EQ(rte_eth_dev_get_port_by_name(device.c_str(), &device_), 0);
    callback_ = rte_eth_add_rx_callback(device_, 0, &received, this);
    EXPECT_NE(callback_, nullptr);
  }
  ~DuringReceive() {
    rte_eth_remove_rx_callback(device_, 0, callback_);
    rte_free(const_cast<rte_eth_rxtx_callback*>(callback_));
  }
  DuringReceive(const DuringReceive&) = delete;
  DuringReceive& operator=(const DuringReceive&) = delete;

 private:
  static std::uint16_t received(std::uint16_t, std::uint16_t, rte_mbuf**, std::uint16_t count, std::uint16_t,
                                void* self) {
    auto& action = static_cast<DuringReceive*>(self)->action_;
    if (count != 0 && action) std::exchange(action, nullptr)();
    return count;
  }
  std::function<void()> action_;
  std::uint16_t device_ = 0;
  const rte_eth_rxtx_callback* callback_ = nullptr;
};

TEST_P(Inbound, a_reservation_made_while_the_packet_is_received_lets_it_in) {  // POOL-1: the answer may be
                                                                               // faster than a turn
  Gateway gateway{lab_realm(), GetParam()};
  const DuringReceive meanwhile{gateway, Gateway::outside,
                                [&] { gateway.bind("198.51.100.10", ssh, "10.0.0.42"); }};
  gateway.put(Gateway::outside, syn_from_r(4000, "198.51.100.10:22").ip());
  gateway.turn();
  EXPECT_EQ(text(gateway.take(Gateway::inside)), "tcp 203.0.113.10:4000 > 10.0.0.42:22");
}

TEST_P(
    Inbound,
    a_reservation_that_waits_in_the_ring_lets_its_packet_in) {  // POOL-1: reserved before the answer leaves
  Gateway gateway{lab_realm(), GetParam()};
  for (int i = 0; i < 1000; ++i) gateway.learn(Gateway::inside, "10.0.0.42");  // more than a turn takes up
  gateway.bind("198.51.100.10", ssh, "10.0.0.42");
  gateway.put(Gateway::outside, syn_from_r(4000, "198.51.100.10:22").ip());
  gateway.turn();
  EXPECT_EQ(text(gateway.take(Gateway::inside)), "tcp 203.0.113.10:4000 > 10.0.0.42:22");
}

}  // namespace
}  // namespace rgw::test
