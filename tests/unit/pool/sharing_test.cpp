// Queries that belong together:
//   - POOL-9 sharing a pending reservation, retransmission, and `share: false`
//   - POOL-10 resolvers that walk names
#include "pool_world.hpp"

namespace rgw::pool::test {
namespace {

using How = Granted::How;

class Sharing : public PoolWorld {
 protected:
  Sharing() { make(of({"198.51.100.10", "198.51.100.11"})); }
};

// ---- POOL-9

TEST_F(Sharing, two_clients_of_one_resolver_share_an_address_with_a_claim_each) {  // POOL-9
  const auto first = get(query(hosta, whole));
  const auto second = get(query(hosta, whole));
  EXPECT_EQ(second.how, How::shared);
  EXPECT_EQ(second.binding.external, first.binding.external);
  EXPECT_EQ(second.binding.reservation, first.binding.reservation);
  EXPECT_NE(second.binding.claim, first.binding.claim);
  EXPECT_EQ(pool->use().reservations, 1u);
  EXPECT_EQ(pool->use().claims, 2u);
  EXPECT_EQ(counters.get(Counter::pool_shared), 1u);
  EXPECT_EQ(counters.get(Counter::pool_reserved), 1u);
}

TEST_F(Sharing, a_shared_reservation_stays_until_its_last_claim_is_taken) {  // POOL-5, POOL-9
  const auto first = get(query(hosta, tcp(22)));
  const auto second = get(query(hosta, tcp(22)));
  EXPECT_TRUE(claim(first));
  EXPECT_EQ(worker.entries.size(), 1u);
  EXPECT_NE(address(hostb, tcp(22)), address(first)) << "it is still pending for hosta";
  EXPECT_TRUE(claim(second));
  EXPECT_EQ(worker.ends, std::vector{End::claimed});
}

// One client may take both claims. The other's packet, on its way, must not reach the next host: POOL-14.
TEST_F(Sharing, an_address_rests_from_the_latest_promise_on_it_whoever_took_the_claims) {  // POOL-4
  const auto first = get(query(hosta, whole));
  pass(200ms);
  const auto second = get(query(hosta, whole));  // promised until 2200 ms
  EXPECT_TRUE(claim(first));
  EXPECT_TRUE(claim(second));
  pass(1100ms);
  const auto next = get(query(hostb, whole));
  EXPECT_NE(address(next), address(first));
  EXPECT_TRUE(claim(next));
  pass(1s);  // a rest after that, and not after the promise to the second client
  const auto third = get(query(hostb, whole));
  EXPECT_EQ(address(third), address(next));
  EXPECT_TRUE(claim(third));
  pass(900ms);  // 3200 ms
  EXPECT_EQ(address(hostb, whole), address(first));
}

TEST_F(Sharing, each_claim_has_a_deadline_of_its_own) {  // POOL-7, POOL-9
  const auto first = get(query(hosta, whole));
  pass(1500ms);
  const auto second = get(query(hosta, whole));
  EXPECT_EQ(second.binding.deadline, first.binding.deadline + 1500ms);
  pass(500ms);
  EXPECT_FALSE(claim(first));
  EXPECT_EQ(pool->use().claims, 1u);
  pass(1s);
  EXPECT_TRUE(claim(second));
}

TEST_F(Sharing, another_service_or_another_host_or_family_is_not_shared) {  // POOL-9
  make(of({"198.51.100.10", "198.51.100.11", "198.51.100.12", "2001:db8:100::10"}));
  get(query(hosta, tcp(22)));
  EXPECT_NE(get(query(hosta, tcp(80))).how, How::shared);
  EXPECT_NE(get(query(hosta, any_tcp)).how, How::shared);
  EXPECT_NE(get(query(hostb, tcp(22))).how, How::shared);
  auto request = query(hosta, tcp(22));
  request.family = Family::v6;
  EXPECT_NE(get(request).how, How::shared);
  EXPECT_EQ(pool->use().reservations, 5u);
}

TEST_F(Sharing, a_retransmitted_query_adds_nothing_and_gets_the_same) {  // POOL-9
  const auto request = query(hosta, whole);
  const auto first = get(request);
  pass(1s);
  const auto again = get(request);
  EXPECT_EQ(again.how, How::retransmitted);
  EXPECT_EQ(again.binding.external, first.binding.external);
  EXPECT_EQ(again.binding.deadline, first.binding.deadline);
  EXPECT_EQ(pool->use().claims, 1u);
}

TEST_F(Sharing, what_differs_in_source_port_id_or_question_is_no_retransmission) {  // POOL-9
  const auto request = query(hosta, whole);
  get(request);
  auto other = request;
  other.query_id ^= 1;
  EXPECT_EQ(get(other).how, How::shared);
  other = request;
  other.source.port ^= 1;
  EXPECT_EQ(get(other).how, How::shared);
  other = request;
  other.source.address = ip("192.0.2.54");
  EXPECT_EQ(get(other).how, How::shared);
  other = request;
  other.host = hostb;
  EXPECT_EQ(get(other).how, How::fresh);
}

TEST_F(Sharing, a_query_after_the_claim_is_no_retransmission) {  // POOL-9
  const auto request = query(hosta, whole);
  claim(get(request));
  EXPECT_NE(get(request).how, How::retransmitted);
  pass(2s);
  EXPECT_NE(get(request).how, How::retransmitted) << "nor is one after the expiry";
}

TEST_F(Sharing, without_sharing_each_query_takes_an_address) {  // POOL-9
  auto config = of({"198.51.100.10", "198.51.100.11"});
  config.share = false;
  config.wait = 0s;
  make(config);
  const auto request = query(hosta, whole);
  const auto first = get(request);
  const auto second = get(query(hosta, whole));
  EXPECT_NE(address(first), address(second));
  EXPECT_EQ(get(request).how, How::retransmitted);
  EXPECT_TRUE(exhausted(ask(query(hosta, whole))));
}

TEST_F(Sharing, a_reservation_holds_so_many_claims_and_then_there_is_another) {  // POOL-9: bounded
  for (std::size_t i = 0; i < CircularPool::max_shared; ++i)
    EXPECT_EQ(address(get(query(hosta, whole))), "198.51.100.10");
  EXPECT_EQ(address(get(query(hosta, whole))), "198.51.100.11");
  EXPECT_EQ(get(query(hosta, whole)).how, How::shared);
}

// ---- POOL-10

TEST_F(Sharing, a_resolver_that_walks_names_ends_up_with_the_narrow_reservation_alone) {  // POOL-10
  show_walks();
  const auto wide = get(query(hosta, whole, "192.0.2.53:1111"));
  pass(30ms);
  const auto narrow = get(query(hosta, tcp(22), "192.0.2.53:2222"));
  EXPECT_EQ(narrow.how, How::narrowed);
  EXPECT_EQ(narrow.binding.external, wide.binding.external);
  EXPECT_EQ(narrow.binding.deadline, now + 2s);
  EXPECT_EQ(worker.ends, std::vector{End::narrowed});
  ASSERT_EQ(worker.entries.size(), 1u);
  EXPECT_EQ(worker.entries.begin()->second.service, tcp(22));
  EXPECT_EQ(worker.match(wide.binding.external, tcp(80), now), nullptr)
      << "the wide claim lets nobody in any more";
  EXPECT_FALSE(claim(wide));
  EXPECT_EQ(counters.get(Counter::pool_narrowed) - narrowed_before, 1u);
}

TEST_F(Sharing, a_claim_that_may_be_another_clients_stands_beside_the_narrow_one) {  // POOL-10, POOL-14
  make(of({"198.51.100.1"}));
  const auto wide = get(query(hosta, whole, "192.0.2.53:1111"));
  const auto narrow = get(query(hosta, tcp(22), "192.0.2.99:2222"));
  EXPECT_EQ(narrow.how, How::overloaded);
  EXPECT_EQ(address(narrow), address(wide));
  EXPECT_EQ(worker.match(ip("198.51.100.1"), tcp(80), now)->host, hosta) << "the first client may want this";
  EXPECT_TRUE(claim(narrow));
  EXPECT_TRUE(claim(wide));
  EXPECT_EQ(counters.get(Counter::pool_narrowed), 0u);
}

TEST_F(Sharing, a_farm_behind_one_prefix_is_not_taken_for_one_resolver) {  // POOL-10, POOL-14
  for (const auto& [one, other] : {std::pair{"192.0.2.53:1111", "192.0.2.99:2222"},
                                   {"[2001:db8:1:200::1]:1111", "[2001:db8:1:200::9]:2222"}}) {
    make(of({"198.51.100.10", "198.51.100.11"}));
    for (int walk = 0; walk < 5; ++walk) {
      get(query(hosta, whole, one));
      EXPECT_EQ(get(query(hosta, tcp(22), other)).how, How::overloaded);
      EXPECT_EQ(pool->use().reservations, 2u);
      pass(3s);
    }
  }
}

TEST_F(Sharing, a_resolver_is_known_to_walk_by_three_walks) {  // POOL-10
  for (int walk = 1; walk <= 4; ++walk) {
    get(query(hosta, whole));
    EXPECT_EQ(get(query(hosta, tcp(22))).how, walk < 3 ? How::overloaded : How::narrowed) << walk;
    pass(3s);
  }
}

TEST_F(Sharing, a_resolver_that_asks_for_a_service_alone_does_not_walk) {  // POOL-10, POOL-14
  show_walks();
  get(query(hostb, tcp(22)));
  pass(3s);
  for (int question = 0; question < 30; ++question) {
    get(query(hosta, whole));
    EXPECT_EQ(get(query(hosta, tcp(22))).how, How::overloaded) << question;
    pass(3s);
  }
  EXPECT_EQ(counters.get(Counter::pool_narrowed), narrowed_before);
}

TEST_F(Sharing, a_walk_to_a_aaaa_record_asks_for_the_a_record_of_the_host) {  // POOL-10, RFC 9156 section 2.1
  make(of({"198.51.100.10", "2001:db8:100::10"}));
  for (int walk = 0; walk < 3; ++walk) {
    get(query(hosta, whole));
    auto request = query(hosta, tcp(22));
    request.family = Family::v6;
    EXPECT_EQ(get(request).how, How::fresh);
    pass(3s);
  }
  get(query(hosta, whole));
  EXPECT_EQ(get(query(hosta, tcp(22))).how, How::narrowed);
}

TEST_F(Sharing, a_service_stands_beside_any_wider_reservation_of_its_host_and_of_no_other) {  // POOL-3
  make(of({"198.51.100.1"}));
  const auto tcp_all = get(query(hosta, any_tcp, "203.0.113.53:1"));
  EXPECT_EQ(get(query(hosta, tcp(22), "203.0.113.54:1")).how, How::overloaded);
  EXPECT_TRUE(std::holds_alternative<Waiting>(ask(query(hostb, tcp(80), "203.0.113.55:1"))));
  EXPECT_TRUE(claim(tcp_all));
  EXPECT_EQ(worker.order.size(), 1u) << "hostb's tcp 80 fits beside hosta's tcp 22 now";
}

TEST_F(Sharing, who_waits_gets_a_place_beside_a_wide_reservation_that_another_waited_for) {  // POOL-3, POOL-8
  make(of({"198.51.100.1"}));
  const auto former = get(query(hostb, whole, "203.0.113.53:1"));
  const auto wide = waits(ask(query(hosta, whole, "203.0.113.54:1")));
  const auto narrow = waits(ask(query(hosta, tcp(22), "203.0.113.55:1")));
  EXPECT_TRUE(claim(former));
  EXPECT_EQ(worker.order, (std::vector{wide, narrow}));
}

TEST_F(Sharing, the_wide_claim_of_another_resolver_is_let_alone) {  // POOL-10
  show_walks();
  get(query(hosta, whole, "192.0.2.53:1111"));
  EXPECT_EQ(get(query(hosta, tcp(22), "192.0.3.53:1111")).how, How::overloaded);
  EXPECT_EQ(pool->use().reservations, 2u);
}

TEST_F(Sharing, the_wide_claim_for_another_host_or_of_long_ago_is_let_alone) {  // POOL-10
  show_walks();
  get(query(hosta, whole));
  EXPECT_EQ(get(query(hostb, tcp(22))).how, How::fresh);
  pass(501ms);
  EXPECT_EQ(get(query(hosta, tcp(80))).how, How::overloaded);
  EXPECT_EQ(pool->use().reservations, 3u);
}

TEST_F(Sharing, the_order_is_from_wide_to_narrow) {  // POOL-10: `hosta` after `tcp22.hosta` is no walk
  get(query(hosta, tcp(22)));
  EXPECT_EQ(get(query(hosta, whole)).how, How::fresh);
  EXPECT_EQ(pool->use().reservations, 2u);
}

TEST_F(Sharing, a_walk_withdraws_its_own_claim_and_leaves_the_others_the_address) {  // POOL-9, POOL-10
  show_walks();
  const auto other = get(query(hosta, whole, "203.0.113.53:1111"));
  const auto walk = get(query(hosta, whole, "192.0.2.53:1111"));
  ASSERT_EQ(walk.how, How::shared);
  const auto narrow = get(query(hosta, tcp(22), "192.0.2.53:2222"));
  EXPECT_EQ(narrow.how, How::narrowed);
  EXPECT_EQ(address(narrow), address(other)) << "they lead to the same host";
  EXPECT_EQ(pool->use().claims, 2u);
  EXPECT_EQ(worker.entries.at(other.binding.reservation).claims.size(), 1u);
  EXPECT_FALSE(claim(walk));
  EXPECT_TRUE(claim(other));
}

TEST_F(Sharing, one_walk_withdraws_one_claim) {  // POOL-10
  show_walks();
  get(query(hosta, whole));
  get(query(hosta, whole));
  get(query(hosta, tcp(22)));
  EXPECT_EQ(pool->use().claims, 2u) << "the other client of that resolver may have meant all of the host";
}

TEST_F(Sharing, a_walk_to_a_pending_service_shares_it_and_gives_the_wide_address_back) {  // POOL-9, POOL-10
  show_walks();
  const auto pending = get(query(hosta, tcp(22), "203.0.113.53:1111"));
  get(query(hosta, whole, "192.0.2.53:1111"));
  const auto narrow = get(query(hosta, tcp(22), "192.0.2.53:2222"));
  EXPECT_EQ(narrow.how, How::shared);
  EXPECT_EQ(narrow.binding.reservation, pending.binding.reservation);
  EXPECT_EQ(pool->use().reservations, 1u);
}

TEST_F(Sharing, a_walk_prefers_a_carrying_address_and_gives_the_whole_one_back) {  // POOL-3, POOL-10
  show_walks();
  const auto other = get(query(hostb, tcp(80), "203.0.113.53:1111"));
  EXPECT_NE(address(get(query(hosta, whole))), address(other));
  EXPECT_EQ(address(get(query(hosta, tcp(22)))), address(other));
  EXPECT_EQ(pool->use().families[0].carrying, 1u);
}

TEST_F(Sharing, walks_fill_one_address_with_services) {  // POOL-10, POOL-11
  make(of({"198.51.100.1"}));
  show_walks();
  for (const auto& [host, service] : {std::pair{hosta, tcp(22)}, {hostb, tcp(80)}, {hostb, udp(22)}}) {
    static_cast<void>(ask(query(host, whole)));
    EXPECT_EQ(address(get(query(host, service))), "198.51.100.1");
    pass(400ms);  // who waits in vain gives up
  }
  EXPECT_EQ(worker.entries.size(), 3u);
}

TEST_F(Sharing, a_walk_to_a_service_blocked_on_its_address_goes_elsewhere) {  // POOL-10, POOL-11
  auto config = of({"198.51.100.10", "198.51.100.11"});
  config.blocked = {{ip("198.51.100.11"), tcp(22)}};
  make(config);
  show_walks();
  EXPECT_EQ(address(get(query(hosta, whole))), "198.51.100.11");
  EXPECT_EQ(address(get(query(hosta, tcp(22)))), "198.51.100.10");
  EXPECT_EQ(pool->use().reservations, 1u);
}

TEST_F(Sharing, the_last_claim_that_there_is_room_for_can_be_narrowed) {  // POOL-10
  auto config = of({"198.51.100.10", "198.51.100.11"});
  config.max_claims = 2;
  make(config);
  show_walks();
  get(query(hostb, tcp(80), "203.0.113.53:1"));
  get(query(hosta, whole));
  EXPECT_EQ(get(query(hosta, tcp(22))).how, How::narrowed);
}

TEST_F(Sharing, a_removed_host_takes_all_claims_of_a_shared_reservation_along) {  // POOL-9
  const auto request = query(hosta, whole);
  get(request);
  get(query(hosta, whole));
  pool->remove_host(hosta, now);
  EXPECT_EQ(pool->use().claims, 0u);
  EXPECT_EQ(pool->next_deadline(), std::nullopt);
  EXPECT_EQ(get(request).how, How::fresh) << "and is forgotten as a query";
}

}  // namespace
}  // namespace rgw::pool::test
