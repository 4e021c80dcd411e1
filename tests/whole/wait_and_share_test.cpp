// Queries that find no address, and queries that need none of their own (POOL-8 .. POOL-10):
// - a query that finds none waits, and has its answer, binding first, as soon as a claim frees one
// - the hold begins with the answer, not with the question
// - a wait in vain ends in silence, SERVFAIL or REFUSED with an extended error, as configured
// - without a wait the answer comes at once; the queue of those that wait is bounded
// - an exhausted pool recovers when reservations run out
// - a second client of a host shares its pending address, with a claim and a deadline of its own
// - without sharing every query takes an address
// - a retransmitted query adds no claim, whether it was answered or waits
// - a resolver that walks names ends with the narrow reservation alone
#include "support/whole_gateway.hpp"
#include "whole/workers.hpp"
#include <gtest/gtest.h>

namespace rgw::test {
namespace {

using namespace std::chrono_literals;
using net::Protocol;

constexpr unsigned extended_error = 15, not_ready = 14;

class Wait : public WithWorkers {};
RGW_WITH_WORKERS(Wait);
class Share : public WithWorkers {};
RGW_WITH_WORKERS(Share);

config::Realm one_address() {
  return whole_realm({"198.51.100.10"});
}

TEST_P(Wait, a_query_waits_for_the_next_claim_and_its_binding_comes_first) {  // POOL-8, POOL-1
  WholeGateway gateway{one_address(), GetParam()};
  Resolver first{gateway}, second{gateway, "203.0.113.54:40000"};
  ASSERT_EQ(first.look_up("hosta.foo"), "198.51.100.10");
  ASSERT_EQ(second.look_up("hostb.foo"), "no answer");
  gateway.pass(399ms);
  ASSERT_FALSE(second.answer());
  second.on_answer([&] {
    for (unsigned i = 0; i < gateway.workers(); ++i) {
      gateway.worker(i).step();
      EXPECT_TRUE(gateway.knows(i, "198.51.100.10", Protocol::tcp, 22)) << "worker " << i;
    }
  });
  ASSERT_NE(gateway.opens(tcp("203.0.113.10:4000", "198.51.100.10:22").syn()), "");
  gateway.turn_all();
  ASSERT_EQ(second.answered_address(), "198.51.100.10");
  EXPECT_EQ(gateway.opens(tcp("203.0.113.20:4000", "198.51.100.10:22").syn()),
            "tcp 203.0.113.20:4000 > 10.0.0.43:22");
  EXPECT_EQ(gateway.control_count(Counter::dns_waiting), 1U);
}

TEST_P(Wait, the_hold_begins_with_the_answer) {  // POOL-1, POOL-8
  WholeGateway gateway{one_address(), GetParam()};
  Resolver resolver{gateway};
  ASSERT_EQ(resolver.look_up("hosta.foo"), "198.51.100.10");
  ASSERT_EQ(resolver.look_up("hostb.foo"), "no answer");
  gateway.pass(300ms);
  ASSERT_NE(gateway.arrives(udp("203.0.113.10:4000", "198.51.100.10:9")), "");
  gateway.turn_all();
  ASSERT_EQ(resolver.answered_address(), "198.51.100.10");
  gateway.pass(1900ms);  // 2.2 s after the question
  EXPECT_EQ(gateway.arrives(udp("203.0.113.20:4000", "198.51.100.10:9")),
            "udp 203.0.113.20:4000 > 10.0.0.43:9");
}

TEST_P(Wait, a_wait_in_vain_ends_in_silence) {  // POOL-8
  WholeGateway gateway{one_address(), GetParam()};
  Resolver resolver{gateway};
  ASSERT_EQ(resolver.look_up("hosta.foo"), "198.51.100.10");
  ASSERT_EQ(resolver.look_up("hostb.foo"), "no answer");
  gateway.pass(1s);
  EXPECT_FALSE(resolver.answer());
  EXPECT_EQ(gateway.control_count(Counter::dns_silent), 1U);
  EXPECT_EQ(gateway.control_count(Counter::pool_exhausted), 1U);
  EXPECT_EQ(gateway.pool().use().waiting, 0U);
}

TEST_P(Wait, a_wait_in_vain_may_end_in_an_error_that_says_why) {  // POOL-8, RFC 8914
  for (const auto& [on_exhaustion, rcode] :
       {std::pair{config::Pool::Exhaustion::servfail, 2U}, std::pair{config::Pool::Exhaustion::refuse, 5U}}) {
    auto realm = one_address();
    realm.pool.on_exhaustion = on_exhaustion;
    WholeGateway gateway{std::move(realm), GetParam()};
    Resolver resolver{gateway};
    ASSERT_EQ(resolver.look_up("hosta.foo"), "198.51.100.10");
    ASSERT_EQ(resolver.look_up("hostb.foo"), "no answer");
    gateway.pass(400ms);
    const auto answer = resolver.answer();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->rcode, rcode);
    EXPECT_TRUE(answer->answer.empty());
    ASSERT_TRUE(answer->options.contains(extended_error));
    EXPECT_EQ(static_cast<unsigned char>(answer->options.at(extended_error).at(1)), not_ready);
  }
}

TEST_P(Wait, without_a_wait_the_pool_is_a_loss_system) {  // POOL-8
  auto realm = one_address();
  realm.pool.wait = 0ms;
  realm.pool.on_exhaustion = config::Pool::Exhaustion::servfail;
  WholeGateway gateway{std::move(realm), GetParam()};
  Resolver resolver{gateway};
  ASSERT_EQ(resolver.look_up("hosta.foo"), "198.51.100.10");
  EXPECT_EQ(resolver.look_up("hostb.foo"), "rcode 2");
}

TEST_P(Wait, only_so_many_queries_wait) {  // POOL-8
  auto realm = one_address();
  realm.pool.wait_queue = 2;
  realm.pool.on_exhaustion = config::Pool::Exhaustion::servfail;
  WholeGateway gateway{std::move(realm), GetParam()};
  Resolver resolver{gateway};
  ASSERT_EQ(resolver.look_up("hosta.foo"), "198.51.100.10");
  EXPECT_EQ(resolver.look_up("hostb.foo"), "no answer");
  EXPECT_EQ(resolver.look_up("hostc.foo"), "no answer");
  EXPECT_EQ(resolver.look_up("hostd.foo"), "rcode 2");
  EXPECT_EQ(gateway.pool().use().waiting, 2U);
  EXPECT_EQ(gateway.controller().dns().waiting(), 2U);
}

TEST_P(Wait, the_first_to_wait_is_the_first_to_be_served) {  // POOL-8
  WholeGateway gateway{one_address(), GetParam()};
  Resolver first{gateway}, second{gateway, "203.0.113.54:40000"};
  ASSERT_EQ(first.look_up("hosta.foo"), "198.51.100.10");
  ASSERT_EQ(first.look_up("hostb.foo"), "no answer");
  ASSERT_EQ(second.look_up("hostc.foo"), "no answer");
  ASSERT_NE(gateway.arrives(udp("203.0.113.10:4000", "198.51.100.10:9")), "");
  gateway.turn_all();
  EXPECT_EQ(first.answered_address(), "198.51.100.10");
  EXPECT_FALSE(second.answer());
  EXPECT_EQ(gateway.arrives(udp("203.0.113.20:4000", "198.51.100.10:9")),
            "udp 203.0.113.20:4000 > 10.0.0.43:9");
  gateway.turn_all();
  EXPECT_EQ(second.answered_address(), "198.51.100.10");
}

TEST_P(Wait, an_exhausted_pool_recovers_when_reservations_run_out) {  // POOL-7, POOL-8
  WholeGateway gateway{one_address(), GetParam()};
  Resolver resolver{gateway};
  ASSERT_EQ(resolver.look_up("hosta.foo"), "198.51.100.10");
  gateway.pass(1700ms);
  ASSERT_EQ(resolver.look_up("hostb.foo"), "no answer");
  gateway.pass(300ms);
  EXPECT_EQ(resolver.answered_address(), "198.51.100.10");
  EXPECT_EQ(gateway.arrives(udp("203.0.113.20:4000", "198.51.100.10:9")),
            "udp 203.0.113.20:4000 > 10.0.0.43:9");
}

TEST_P(Share, a_second_client_shares_the_pending_address_with_a_claim_of_its_own) {  // POOL-9
  WholeGateway gateway{whole_realm(), GetParam()};
  Resolver first{gateway}, second{gateway, "203.0.113.54:40000"};
  ASSERT_EQ(first.look_up("tcp22.hosta.foo"), "198.51.100.10");
  ASSERT_EQ(second.look_up("tcp22.hosta.foo"), "198.51.100.10");
  EXPECT_EQ(gateway.reservations(), 1U);
  EXPECT_EQ(gateway.pool().use().claims, 2U);
  EXPECT_EQ(gateway.opens(tcp("203.0.113.10:1", "198.51.100.10:22").syn()),
            "tcp 203.0.113.10:1 > 10.0.0.42:22");
  gateway.turn_all();
  EXPECT_EQ(gateway.reservations(), 1U);
  EXPECT_EQ(gateway.opens(tcp("203.0.113.20:2", "198.51.100.10:22").syn()),
            "tcp 203.0.113.20:2 > 10.0.0.42:22");
  EXPECT_EQ(gateway.opens(tcp("203.0.113.20:3", "198.51.100.10:22").syn()), "");
  gateway.turn_all();
  EXPECT_EQ(gateway.reservations(), 0U);
}

TEST_P(Share, each_claim_has_a_deadline_of_its_own) {  // POOL-9, POOL-7
  WholeGateway gateway{whole_realm(), GetParam()};
  Resolver first{gateway}, second{gateway, "203.0.113.54:40000"};
  ASSERT_EQ(first.look_up("tcp22.hosta.foo"), "198.51.100.10");
  gateway.pass(1500ms);
  ASSERT_EQ(second.look_up("tcp22.hosta.foo"), "198.51.100.10");
  gateway.pass(1s);  // the first claim is over
  EXPECT_EQ(gateway.pool().use().claims, 1U);
  EXPECT_EQ(gateway.opens(tcp("203.0.113.20:2", "198.51.100.10:22").syn()),
            "tcp 203.0.113.20:2 > 10.0.0.42:22");
  EXPECT_EQ(gateway.opens(tcp("203.0.113.10:1", "198.51.100.10:22").syn()), "");
}

TEST_P(Share, without_sharing_every_query_takes_an_address) {  // POOL-9
  auto realm = whole_realm();
  realm.pool.share = false;
  WholeGateway gateway{std::move(realm), GetParam()};
  Resolver first{gateway}, second{gateway, "203.0.113.54:40000"};
  EXPECT_EQ(first.look_up("tcp22.hosta.foo"), "198.51.100.10");
  EXPECT_EQ(second.look_up("tcp22.hosta.foo"), "198.51.100.11");
  EXPECT_EQ(gateway.reservations(), 2U);
}

TEST_P(Share, a_retransmitted_query_adds_no_claim) {  // POOL-9
  WholeGateway gateway{whole_realm(), GetParam()};
  Resolver resolver{gateway};
  for (int times = 0; times < 3; ++times) {
    resolver.send("tcp22.hosta.foo", dns::RrType::a, 99);
    ASSERT_EQ(resolver.answered_address(), "198.51.100.10");
  }
  EXPECT_EQ(gateway.pool().use().claims, 1U);
  EXPECT_EQ(gateway.control_count(Counter::dns_retransmitted), 2U);
  EXPECT_NE(gateway.opens(tcp("203.0.113.10:1", "198.51.100.10:22").syn()), "");
  EXPECT_EQ(gateway.opens(tcp("203.0.113.10:2", "198.51.100.10:22").syn()), "");
}

TEST_P(Share, a_retransmitted_query_that_waits_is_answered_once) {  // POOL-8, POOL-9
  WholeGateway gateway{one_address(), GetParam()};
  Resolver resolver{gateway};
  ASSERT_EQ(resolver.look_up("hosta.foo"), "198.51.100.10");
  resolver.send("hostb.foo", dns::RrType::a, 99);
  gateway.pass(100ms);
  resolver.send("hostb.foo", dns::RrType::a, 99);
  ASSERT_NE(gateway.arrives(udp("203.0.113.10:4000", "198.51.100.10:9")), "");
  gateway.turn_all();
  EXPECT_EQ(resolver.answered_address(), "198.51.100.10");
  EXPECT_FALSE(resolver.answer());
  EXPECT_EQ(gateway.pool().use().claims, 1U);
}

/// The resolver shows that it walks names each time (POOL-10).
void show_walks(WholeGateway& gateway, Resolver& resolver) {
  for (int walk = 0; walk < 3; ++walk) {
    ASSERT_TRUE(resolver.look_up("hostd.foo").starts_with("198.51.100.1"));
    ASSERT_TRUE(resolver.look_up("tcp9.hostd.foo").starts_with("198.51.100.1"));
    gateway.pass(3s);
  }
}

TEST_P(Share, a_resolver_that_walks_names_ends_with_the_narrow_reservation_alone) {  // POOL-10
  WholeGateway gateway{whole_realm(), GetParam()};
  Resolver resolver{gateway};
  show_walks(gateway, resolver);
  const auto narrowed = gateway.control_count(Counter::pool_narrowed);
  const std::string external = resolver.look_up("hosta.foo");
  gateway.pass(20ms);
  ASSERT_EQ(resolver.look_up("tcp22.hosta.foo"), external);
  EXPECT_EQ(gateway.reservations(), 1U);
  EXPECT_EQ(gateway.control_count(Counter::pool_narrowed), narrowed + 1);
  gateway.pass(1s);                                          // what was wide rests
  EXPECT_EQ(resolver.look_up("tcp80.hostb.foo"), external);  // there is room beside it
  EXPECT_EQ(gateway.arrives(udp("203.0.113.10:1", external + ":9")), "");
  EXPECT_EQ(gateway.opens(tcp("203.0.113.10:1", external + ":23").syn()), "");
  EXPECT_EQ(gateway.opens(tcp("203.0.113.10:1", external + ":22").syn()),
            "tcp 203.0.113.10:1 > 10.0.0.42:22");
  EXPECT_EQ(gateway.opens(tcp("203.0.113.10:2", external + ":80").syn()),
            "tcp 203.0.113.10:2 > 10.0.0.43:80");
}

TEST_P(Share, what_may_be_two_clients_of_one_resolver_stands_side_by_side) {  // POOL-10, POOL-14
  WholeGateway gateway{one_address(), GetParam()};
  Resolver resolver{gateway};
  ASSERT_EQ(resolver.look_up("hosta.foo"), "198.51.100.10");
  ASSERT_EQ(resolver.look_up("tcp22.hosta.foo"), "198.51.100.10");
  ASSERT_EQ(resolver.look_up("tcp80.hosta.foo"), "198.51.100.10");
  EXPECT_EQ(gateway.reservations(), 3U);
  for (const std::string port : {"22", "443", "80"}) {
    EXPECT_EQ(gateway.opens(tcp("203.0.113.10:1" + port, "198.51.100.10:" + port).syn()),
              "tcp 203.0.113.10:1" + port + " > 10.0.0.42:" + port);
  }
  EXPECT_EQ(gateway.opens(tcp("203.0.113.10:2", "198.51.100.10:444").syn()), "") << "all are spent";
}

TEST_P(Share, a_walk_takes_one_address_of_a_pool_of_one) {  // POOL-10
  WholeGateway gateway{one_address(), GetParam()};
  Resolver resolver{gateway};
  show_walks(gateway, resolver);
  ASSERT_EQ(resolver.look_up("hosta.foo"), "198.51.100.10");
  EXPECT_EQ(resolver.look_up("tcp22.hosta.foo"), "198.51.100.10");
  EXPECT_EQ(gateway.reservations(), 1U);
}

}  // namespace
}  // namespace rgw::test
