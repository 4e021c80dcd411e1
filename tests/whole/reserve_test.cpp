// From a DNS query to a reservation at every worker (POOL-1 .. POOL-4):
// - the binding lies with every worker before the answer leaves, and the answer says TTL 0 and AA
// - a packet that follows the answer at once is let in, however much else lies in the workers' rings
// - a binding that a full ring cannot take keeps its answer back, and asked again it is there
// - a service name reserves its service alone; a bare protocol all its ports; icmp a ping
// - the SRV form names the service name and reserves nothing
// - a host's list of services shuts the others out
// - two services share one address; the same service of two hosts never does, in either order, wildcards
// counted
// - fresh addresses go out least recently used first; a released service rests before its address serves it
// again
#include "support/whole_gateway.hpp"
#include "whole/workers.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rgw::test {
namespace {

using namespace std::chrono_literals;
using net::Protocol;

class Reserve : public WithWorkers {};
RGW_WITH_WORKERS(Reserve);

TEST_P(Reserve, the_binding_lies_with_every_worker_before_the_answer_leaves) {  // POOL-1
  WholeGateway gateway{whole_realm(), GetParam()};
  Resolver resolver{gateway};
  bool left = false;
  resolver.on_answer([&] {
    left = true;
    for (unsigned i = 0; i < gateway.workers(); ++i) {
      gateway.worker(i).step();  // reads its ring, and no other has moved
      EXPECT_TRUE(gateway.knows(i, "198.51.100.10", Protocol::tcp, 22)) << "worker " << i;
    }
  });
  const auto answer = resolver.ask("tcp22.hosta.foo");
  ASSERT_TRUE(left);
  EXPECT_EQ(answer->rcode, 0U);
  EXPECT_TRUE(answer->aa);
  EXPECT_THAT(answer->answer, testing::ElementsAre("tcp22.hosta.foo. 0 A 198.51.100.10"));
}

TEST_P(Reserve, a_packet_that_follows_the_answer_at_once_reaches_the_host) {  // POOL-1
  WholeGateway gateway{whole_realm(), GetParam()};
  Resolver resolver{gateway};
  ASSERT_EQ(resolver.look_up("hosta.foo"), "198.51.100.10");
  EXPECT_EQ(gateway.opens(tcp("203.0.113.10:4000", "198.51.100.10:22").syn()),
            "tcp 203.0.113.10:4000 > 10.0.0.42:22");
}

TEST_P(Reserve, a_worker_reads_all_its_events_before_it_calls_a_packet_a_miss) {  // POOL-1
  WholeGateway gateway{whole_realm(), GetParam()};
  Resolver resolver{gateway};
  // More than a worker takes in one turn lies before the binding.
  for (int i = 0; i < 1000; ++i) gateway.tell(ring::LinkState{PortId{Gateway::inside}, true});
  ASSERT_EQ(resolver.look_up("tcp22.hosta.foo"), "198.51.100.10");
  EXPECT_EQ(gateway.opens(tcp("203.0.113.10:4000", "198.51.100.10:22").syn()),
            "tcp 203.0.113.10:4000 > 10.0.0.42:22");
}

TEST_P(Reserve, no_answer_leaves_while_a_workers_ring_is_full) {  // POOL-1
  WholeGateway gateway{whole_realm(), GetParam()};
  Resolver resolver{gateway};
  auto& last = gateway.rings(gateway.workers() - 1).events_to_worker;
  while (last.push(ring::LinkState{PortId{Gateway::inside}, true})) {
  }
  EXPECT_EQ(resolver.look_up("tcp22.hosta.foo"), "no answer");
  gateway.turn_all();
  ASSERT_EQ(resolver.look_up("tcp22.hosta.foo"), "198.51.100.10");
  EXPECT_NE(gateway.opens(tcp("203.0.113.10:4000", "198.51.100.10:22").syn()), "");
}

TEST_P(Reserve, the_end_of_a_wait_is_not_told_while_a_workers_ring_is_full) {  // POOL-1, POOL-8
  WholeGateway gateway{whole_realm({"198.51.100.10"}), GetParam()};
  Resolver resolver{gateway};
  ASSERT_EQ(resolver.look_up("hosta.foo"), "198.51.100.10");
  ASSERT_EQ(resolver.look_up("hostb.foo"), "no answer");
  ASSERT_NE(gateway.arrives(udp("203.0.113.10:4000", "198.51.100.10:9")), "");
  auto& last = gateway.rings(gateway.workers() - 1).events_to_worker;
  while (last.push(ring::LinkState{PortId{Gateway::inside}, true})) {
  }
  gateway.controller().step();  // hears of the claim, and has no room to pass the binding on
  EXPECT_FALSE(resolver.answer());
  resolver.on_answer([&] {
    for (unsigned i = 0; i < gateway.workers(); ++i) {
      gateway.worker(i).step();
      EXPECT_TRUE(gateway.knows(i, "198.51.100.10", Protocol::udp, 9)) << "worker " << i;
    }
  });
  for (int turn = 0; turn < 64; ++turn) {  // until the worker has read the ring
    gateway.worker(gateway.workers() - 1).step();
  }
  gateway.controller().step();
  EXPECT_EQ(resolver.answered_address(), "198.51.100.10");
}

TEST_P(Reserve, a_service_name_reserves_its_service_alone) {  // POOL-2
  WholeGateway gateway{whole_realm(), GetParam()};
  Resolver resolver{gateway};
  ASSERT_EQ(resolver.look_up("tcp22.hosta.foo"), "198.51.100.10");
  EXPECT_EQ(gateway.opens(tcp("203.0.113.10:4000", "198.51.100.10:23").syn()), "");
  EXPECT_EQ(gateway.arrives(udp("203.0.113.10:4000", "198.51.100.10:22")), "");
  EXPECT_EQ(gateway.arrives(ping("203.0.113.10", "198.51.100.10", 22)), "");
  EXPECT_EQ(gateway.count(Counter::unmatched), 3U);
  EXPECT_EQ(gateway.opens(tcp("203.0.113.10:4000", "198.51.100.10:22").syn()),
            "tcp 203.0.113.10:4000 > 10.0.0.42:22");
}

TEST_P(Reserve, a_bare_protocol_reserves_all_its_ports_and_icmp_a_ping) {  // POOL-2, POOL-5
  WholeGateway gateway{whole_realm({"198.51.100.10"}), GetParam()};
  Resolver resolver{gateway};
  ASSERT_EQ(resolver.look_up("tcp.hosta.foo"), "198.51.100.10");
  ASSERT_EQ(resolver.look_up("udp.hostb.foo"), "198.51.100.10");
  ASSERT_EQ(resolver.look_up("icmp.hostc.foo"), "198.51.100.10");
  ASSERT_EQ(resolver.look_up("sctp5000.hostd.foo"), "198.51.100.10");
  EXPECT_EQ(gateway.arrives(udp("203.0.113.10:4000", "198.51.100.10:8080")),
            "udp 203.0.113.10:4000 > 10.0.0.43:8080");
  EXPECT_EQ(gateway.opens(tcp("203.0.113.10:4000", "198.51.100.10:8080").syn()),
            "tcp 203.0.113.10:4000 > 10.0.0.42:8080");
  EXPECT_EQ(gateway.arrives(ping("203.0.113.10", "198.51.100.10", 77)), "icmp8 203.0.113.10 > 10.0.0.44");
  EXPECT_EQ(gateway.arrives(sctp("203.0.113.10:4000", "198.51.100.10:5000")),
            "sctp 203.0.113.10:4000 > 10.0.0.45:5000");
  gateway.turn_all();
  EXPECT_EQ(gateway.reservations(), 0U);
}

TEST_P(Reserve, the_srv_form_names_the_service_name_and_reserves_nothing) {  // POOL-2
  WholeGateway gateway{whole_realm(), GetParam()};
  Resolver resolver{gateway};
  const auto srv = resolver.ask("_ssh._tcp.hosta.foo", dns::RrType::srv);
  ASSERT_TRUE(srv);
  ASSERT_EQ(srv->answer.size(), 1U);
  EXPECT_THAT(srv->answer[0], testing::EndsWith("SRV 0 0 22 tcp22.hosta.foo."));
  EXPECT_EQ(gateway.reservations(), 0U);
  EXPECT_EQ(resolver.look_up("tcp22.hosta.foo"), "198.51.100.10");
  EXPECT_EQ(gateway.reservations(), 1U);
}

TEST_P(Reserve, a_service_that_the_host_does_not_list_does_not_exist) {  // POOL-2
  auto realm = whole_realm();
  realm.hosts[1].services = {{Protocol::tcp, 22}};  // hostb
  WholeGateway gateway{std::move(realm), GetParam()};
  Resolver resolver{gateway};
  EXPECT_EQ(resolver.look_up("tcp80.hostb.foo"), "rcode 3");
  EXPECT_EQ(resolver.look_up("tcp.hostb.foo"), "rcode 3");
  EXPECT_EQ(resolver.look_up("hostb.foo"),
            "0 records");  // it exists, and reserving all of E would let all in
  EXPECT_EQ(gateway.reservations(), 0U);
  EXPECT_EQ(resolver.look_up("tcp22.hostb.foo"), "198.51.100.10");
}

TEST_P(Reserve, two_services_share_an_address_and_one_service_of_two_hosts_never) {  // POOL-3
  WholeGateway gateway{whole_realm(), GetParam()};
  Resolver resolver{gateway};
  EXPECT_EQ(resolver.look_up("tcp22.hosta.foo"), "198.51.100.10");
  EXPECT_EQ(resolver.look_up("tcp80.hostb.foo"), "198.51.100.10");
  EXPECT_EQ(resolver.look_up("tcp22.hostc.foo"), "198.51.100.11");
  EXPECT_EQ(resolver.look_up("udp22.hostd.foo"), "198.51.100.10");
  EXPECT_EQ(gateway.opens(tcp("203.0.113.10:1", "198.51.100.11:22").syn()),
            "tcp 203.0.113.10:1 > 10.0.0.44:22");
  EXPECT_EQ(gateway.opens(tcp("203.0.113.10:2", "198.51.100.10:80").syn()),
            "tcp 203.0.113.10:2 > 10.0.0.43:80");
  EXPECT_EQ(gateway.opens(tcp("203.0.113.10:3", "198.51.100.10:22").syn()),
            "tcp 203.0.113.10:3 > 10.0.0.42:22");
  EXPECT_EQ(gateway.arrives(udp("203.0.113.10:4", "198.51.100.10:22")), "udp 203.0.113.10:4 > 10.0.0.45:22");
}

TEST_P(Reserve, a_wide_reservation_shares_its_address_with_nobody_in_either_order) {  // POOL-3
  for (const bool wide_first : {true, false}) {
    WholeGateway gateway{whole_realm(), GetParam()};
    Resolver resolver{gateway};
    const std::string first = resolver.look_up(wide_first ? "hosta.foo" : "tcp22.hosta.foo");
    const std::string second = resolver.look_up(wide_first ? "tcp22.hostb.foo" : "hostb.foo");
    EXPECT_EQ(first, "198.51.100.10");
    EXPECT_EQ(second, "198.51.100.11");
    EXPECT_EQ(gateway.opens(tcp("203.0.113.10:4000", first + ":22").syn()),
              "tcp 203.0.113.10:4000 > 10.0.0.42:22");
    EXPECT_EQ(gateway.opens(tcp("203.0.113.10:4000", second + ":22").syn()),
              "tcp 203.0.113.10:4000 > 10.0.0.43:22");
  }
}

TEST_P(Reserve, fresh_addresses_go_out_least_recently_used_first) {  // POOL-4
  WholeGateway gateway{whole_realm(), GetParam()};
  Resolver resolver{gateway};
  ASSERT_EQ(resolver.look_up("hosta.foo"), "198.51.100.10");
  ASSERT_EQ(resolver.look_up("hostb.foo"), "198.51.100.11");
  // Released in the other order: .11 before .10, and .12 has never been used.
  ASSERT_NE(gateway.arrives(udp("203.0.113.10:1", "198.51.100.11:9")), "");
  gateway.pass(10ms);
  ASSERT_NE(gateway.arrives(udp("203.0.113.10:1", "198.51.100.10:9")), "");
  gateway.pass(1s);
  ASSERT_EQ(gateway.reservations(), 0U);
  EXPECT_EQ(resolver.look_up("hosta.foo"), "198.51.100.12");
  EXPECT_EQ(resolver.look_up("hostb.foo"), "198.51.100.11");
  EXPECT_EQ(resolver.look_up("hostc.foo"), "198.51.100.10");
}

TEST_P(Reserve, a_released_service_rests_before_its_address_serves_it_again) {  // POOL-4
  WholeGateway gateway{whole_realm({"198.51.100.10", "198.51.100.11"}), GetParam()};
  Resolver resolver{gateway};
  ASSERT_EQ(resolver.look_up("udp53.hostb.foo"),
            "198.51.100.10");  // so .10 goes on carrying, and is preferred
  ASSERT_EQ(resolver.look_up("tcp22.hosta.foo"), "198.51.100.10");
  ASSERT_NE(gateway.opens(tcp("203.0.113.10:4000", "198.51.100.10:22").syn()), "");
  gateway.pass(999ms);
  EXPECT_EQ(resolver.look_up("tcp22.hostc.foo"), "198.51.100.11");
  // A late packet of hosta's client finds nobody.
  EXPECT_EQ(gateway.opens(tcp("203.0.113.10:4001", "198.51.100.10:22").syn()), "");
  gateway.pass(1ms);
  EXPECT_EQ(resolver.look_up("tcp22.hostd.foo"), "198.51.100.10");
}

TEST_P(Reserve, the_rest_is_skipped_only_when_nothing_else_is_free) {  // POOL-4
  WholeGateway gateway{whole_realm({"198.51.100.10"}), GetParam()};
  Resolver resolver{gateway};
  ASSERT_EQ(resolver.look_up("tcp22.hosta.foo"), "198.51.100.10");
  ASSERT_NE(gateway.opens(tcp("203.0.113.10:4000", "198.51.100.10:22").syn()), "");
  gateway.turn_all();
  EXPECT_EQ(resolver.look_up("tcp22.hostb.foo"), "198.51.100.10");
}

}  // namespace
}  // namespace rgw::test
