// The Circular Pool, one query and one address at a time:
//   - POOL-1 reserving, POOL-5 claiming, POOL-6 and POOL-7 what ends a claim
//   - POOL-3 overload, POOL-4 the circle and the rest, POOL-11 blocked services, POOL-12 families
//   - the bounds and the errors of the configuration
// Sharing and walks stand in sharing_test.cpp, waiting in waiting_test.cpp.
#include "pool_world.hpp"

namespace rgw::pool::test {
namespace {

using How = Granted::How;

class CircularPoolTest : public PoolWorld {};

// ---- POOL-1, POOL-5, POOL-7

TEST_F(CircularPoolTest, a_query_reserves_an_address_and_the_worker_knows_before_the_answer) {  // POOL-1
  make(of({"198.51.100.10"}));
  const auto answer = get(hosta, whole);
  EXPECT_EQ(address(answer), "198.51.100.10");
  EXPECT_EQ(answer.how, How::fresh);
  EXPECT_EQ(answer.binding.deadline, now + 2s);
  ASSERT_EQ(worker.entries.size(), 1u);
  EXPECT_EQ(worker.entries.begin()->second.host, hosta);
  EXPECT_EQ(counters.get(Counter::pool_reserved), 1u);
}

TEST_F(CircularPoolTest, a_claim_releases_the_address_at_once) {  // POOL-5
  make(of({"198.51.100.10"}));
  const auto answer = get(hosta, whole);
  EXPECT_TRUE(claim(answer));
  EXPECT_TRUE(worker.entries.empty());
  EXPECT_EQ(worker.ends, std::vector{End::claimed});
  EXPECT_EQ(counters.get(Counter::pool_claimed), 1u);
  EXPECT_EQ(address(hostb, whole), "198.51.100.10");
}

TEST_F(CircularPoolTest, a_claim_counts_once) {  // POOL-6
  make(of({"198.51.100.10"}));
  const auto first = get(hosta, whole);
  EXPECT_TRUE(claim(first));
  EXPECT_FALSE(claim(first));
  const auto second = get(hostb, whole);
  EXPECT_FALSE(claim(first)) << "the old reservation's id must not name the new one";
  EXPECT_EQ(worker.entries.count(second.binding.reservation), 1u);
}

TEST_F(CircularPoolTest, a_time_of_service_runs_from_the_query_to_its_claim) {  // OPS-4
  make(of({"198.51.100.10"}));
  const auto& times = pool->service_times();
  const auto first = get(hosta, whole);
  pass(300ms);
  EXPECT_TRUE(claim(first));
  EXPECT_FALSE(claim(first));
  EXPECT_EQ(times.sum(), 300ms);
  static_cast<void>(get(hosta, whole));
  pass(3s);
  EXPECT_EQ(times.sum(), 300ms) << "what expired is no time of service";
}

TEST_F(CircularPoolTest, an_address_that_carries_does_not_rest_and_one_that_was_released_does) {  // POOL-4
  make(of({"198.51.100.10", "198.51.100.11", "2001:db8::1"}));
  EXPECT_EQ(pool->resting(Family::v4, now), 0U);
  const auto answer = get(hosta, whole);
  EXPECT_EQ(pool->resting(Family::v4, now), 0U);
  EXPECT_TRUE(claim(answer));
  EXPECT_EQ(pool->resting(Family::v4, now), 1U);
  EXPECT_EQ(pool->resting(Family::v6, now), 0U);
  pass(1s - 1ns);
  EXPECT_EQ(pool->resting(Family::v4, now), 1U);
  pass(1ns);
  EXPECT_EQ(pool->resting(Family::v4, now), 0U);
}

TEST_F(CircularPoolTest, an_unclaimed_reservation_ends_at_its_deadline) {  // POOL-7
  make(of({"198.51.100.10"}));
  const auto answer = get(hosta, whole);
  pass(2s - 1ns);
  EXPECT_EQ(worker.entries.size(), 1u);
  pass(1ns);
  EXPECT_TRUE(worker.entries.empty());
  EXPECT_EQ(worker.ends, std::vector{End::expired});
  EXPECT_FALSE(claim(answer));
  EXPECT_EQ(counters.get(Counter::pool_expired), 1u);
}

TEST_F(CircularPoolTest, a_query_ends_what_is_over_even_if_nobody_turned_the_clock) {  // POOL-7
  auto config = of({"198.51.100.10"});
  config.wait = 0s;
  make(config);
  get(hosta, whole);
  now += 2s;
  EXPECT_EQ(address(hostb, whole), "198.51.100.10");
}

TEST_F(CircularPoolTest, the_next_deadline_is_that_of_the_oldest_claim) {
  make(of({"198.51.100.10", "198.51.100.11"}));
  EXPECT_EQ(pool->next_deadline(), std::nullopt);
  const auto first = get(hosta, whole);
  pass(500ms);
  const auto second = get(hostb, whole);
  EXPECT_EQ(pool->next_deadline(), first.binding.deadline);
  claim(first);
  EXPECT_EQ(pool->next_deadline(), second.binding.deadline);
}

TEST_F(CircularPoolTest, time_that_goes_back_stands_still) {
  make(of({"198.51.100.10", "198.51.100.11"}));
  const auto first = get(hosta, whole);
  now -= 1s;
  EXPECT_EQ(get(hostb, whole).binding.deadline, first.binding.deadline);
}

// ---- POOL-3

TEST_F(CircularPoolTest, one_address_serves_many_services_at_once) {  // POOL-2, POOL-3, POOL-11
  make(of({"198.51.100.1"}));
  EXPECT_EQ(address(hosta, tcp(22)), "198.51.100.1");
  EXPECT_EQ(address(hostb, tcp(80)), "198.51.100.1");
  EXPECT_EQ(address(hostb, udp(22)), "198.51.100.1");
  EXPECT_EQ(address(hosta, icmp), "198.51.100.1");
  EXPECT_EQ(worker.entries.size(), 4u);
  EXPECT_EQ(worker.match(ip("198.51.100.1"), tcp(22), now)->host, hosta);
  EXPECT_EQ(worker.match(ip("198.51.100.1"), tcp(80), now)->host, hostb);
  EXPECT_EQ(worker.match(ip("198.51.100.1"), tcp(443), now), nullptr);
}

TEST_F(CircularPoolTest, reservations_that_overlap_never_share_an_address_in_either_order) {  // POOL-3
  const std::vector<std::pair<Service, Service>> overlapping{
      {whole, whole},     {whole, tcp(22)},   {whole, any_tcp},   {whole, icmp},
      {any_tcp, any_tcp}, {any_tcp, tcp(22)}, {tcp(22), tcp(22)}, {icmp, icmp},
  };
  for (const auto& [one, other] : overlapping) {
    for (const auto& [first, second] : {std::pair{one, other}, std::pair{other, one}}) {
      make(of({"198.51.100.10", "198.51.100.11"}));
      EXPECT_EQ(address(hosta, first), "198.51.100.10");
      EXPECT_EQ(address(hostb, second), "198.51.100.11");
    }
  }
}

TEST_F(CircularPoolTest,
       a_carrying_address_is_preferred_and_a_fresh_one_taken_only_when_none_fits) {  // POOL-3
  make(of({"198.51.100.10", "198.51.100.11", "198.51.100.12"}));
  EXPECT_EQ(address(hosta, tcp(22)), "198.51.100.10");
  EXPECT_EQ(get(hostb, udp(53)).how, How::overloaded);
  const auto fresh = get(hostb, tcp(22));
  EXPECT_EQ(fresh.how, How::fresh);
  EXPECT_EQ(address(fresh), "198.51.100.11");
  EXPECT_EQ(address(hostc, udp(53)), "198.51.100.11") << "fits beside tcp22 there";
  EXPECT_EQ(address(hostc, any_tcp), "198.51.100.12");
  EXPECT_EQ(address(hostc, tcp(80)), "198.51.100.10");
}

TEST_F(CircularPoolTest, overload_finds_the_one_address_that_fits_in_a_large_pool) {  // POOL-3
  auto config = of({});
  for (auto address = ip("198.51.0.0"); config.addresses.size() < 1000; address = net::successor(address)) {
    config.addresses.push_back(address);
  }
  make(config);
  std::vector<Granted> all;
  for (std::uint32_t host = 0; host < 1000; ++host) all.push_back(get(HostId{host}, tcp(22)));
  EXPECT_EQ(pool->use().families[0].carrying, 1000u);
  for (std::uint32_t host = 0; host < 1000; ++host) {
    if (host != 777) get(HostId{host}, tcp(80));
  }
  EXPECT_EQ(pool->use().families[0].carrying, 1000u);
  EXPECT_EQ(address(HostId{777}, tcp(80)), "198.51.3.231") << "the last, number 999";
  EXPECT_TRUE(claim(all[700]));
  pass(100ms);
  EXPECT_EQ(address(HostId{5000}, tcp(22)), address(all[700]));
}

// ---- POOL-4

TEST_F(CircularPoolTest, fresh_addresses_go_out_least_recently_used_first) {  // POOL-4
  make(of({"198.51.100.10", "198.51.100.11", "198.51.100.12"}));
  const auto a = get(hosta, whole);
  const auto b = get(hostb, whole);
  const auto c = get(hostc, whole);
  EXPECT_EQ(address(a) + address(b) + address(c), "198.51.100.10198.51.100.11198.51.100.12")
      << "first as in the file";
  claim(b);
  pass(10ms);
  claim(c);
  pass(10ms);
  claim(a);
  pass(1s);
  EXPECT_EQ(address(hosta, whole), address(b));
  EXPECT_EQ(address(hostc, tcp(1)), address(c)) << "another host's or service's use counts alike";
  EXPECT_EQ(address(hostb, whole), address(a));
}

TEST_F(CircularPoolTest, an_address_goes_round_the_whole_circle_before_it_serves_again) {  // POOL-4
  auto config = of({"198.51.100.10", "198.51.100.11", "198.51.100.12", "198.51.100.13"});
  config.rest = 0s;
  make(config);
  for (int round = 0; round < 40; ++round) {
    const auto answer = get(HostId{static_cast<std::uint32_t>(round)}, whole);
    EXPECT_EQ(answer.binding.external, config.addresses[static_cast<std::size_t>(round % 4)]);
    claim(answer);
  }
}

TEST_F(CircularPoolTest, a_released_service_rests_while_another_address_is_free) {  // POOL-4
  make(of({"198.51.100.10", "198.51.100.11"}));
  get(hosta, tcp(22));  // keeps .10 carrying
  const auto released = get(hostb, tcp(80));
  EXPECT_EQ(address(released), "198.51.100.10");
  claim(released);
  EXPECT_EQ(address(hostc, udp(80)), "198.51.100.10") << "what does not overlap need not rest";
  const auto elsewhere = get(hostc, tcp(80));
  EXPECT_EQ(address(elsewhere), "198.51.100.11")
      << "a late packet to .10 tcp 80 must not reach the next host";
  pass(100ms);
  EXPECT_EQ(address(hosta, tcp(80)), "198.51.100.10");
}

TEST_F(CircularPoolTest, a_wide_reservation_that_ended_keeps_all_services_at_rest) {  // POOL-4
  make(of({"198.51.100.10", "198.51.100.11"}));
  const auto first = get(hosta, whole);
  const auto second = get(hostb, whole);
  claim(second);
  pass(50ms);
  claim(first);
  EXPECT_EQ(address(hosta, tcp(22)), "198.51.100.11") << "nothing else is free";
  EXPECT_EQ(address(hostb, tcp(22)), "198.51.100.10");
  pass(50ms);
  EXPECT_EQ(address(hostc, udp(7)), "198.51.100.11")
      << ".10 comes first, but udp 7 rests there with all the others";
  pass(50ms);
  EXPECT_EQ(address(hostc, udp(8)), "198.51.100.10");
}

TEST_F(CircularPoolTest, the_rest_is_skipped_when_nothing_else_is_free) {  // POOL-4
  auto config = of({"198.51.100.10"});
  config.wait = 0s;
  make(config);
  claim(get(hosta, whole));
  const auto wide = get(hostb, whole);
  EXPECT_EQ(address(wide), "198.51.100.10");
  claim(wide);
  get(hosta, tcp(22));
  claim(get(hosta, tcp(80)));
  EXPECT_EQ(address(hostb, tcp(80)), "198.51.100.10");
}

TEST_F(CircularPoolTest, of_resting_addresses_the_one_that_rests_longest_goes_first) {  // POOL-4
  make(of({"198.51.100.10", "198.51.100.11"}));
  const auto a = get(hosta, whole);
  const auto b = get(hostb, whole);
  claim(b);
  pass(10ms);
  claim(a);
  pass(10ms);
  EXPECT_EQ(address(hostc, whole), address(b));
}

TEST_F(CircularPoolTest,
       a_late_packet_never_reaches_the_next_host_in_a_thousand_rounds) {  // POOL-4, POOL-5, POOL-6
  make(of({"198.51.100.10", "198.51.100.11", "198.51.100.12"}));
  for (std::uint32_t round = 0; round < 1000; ++round) {
    const auto service = round % 3 == 0 ? whole : tcp(static_cast<std::uint16_t>(1 + round % 5));
    const auto probe = service.is_any() ? tcp(80) : service;
    const auto answer = get(HostId{round}, service);
    ASSERT_EQ(worker.match(answer.binding.external, probe, now)->host, HostId{round});
    ASSERT_TRUE(claim(answer));
    ASSERT_EQ(worker.match(answer.binding.external, probe, now), nullptr) << "a late packet finds nothing";
    const auto next = get(HostId{100000 + round}, service);
    ASSERT_EQ(worker.match(answer.binding.external, probe, now), nullptr) << "nor does it find the next host";
    claim(next);
    pass(100ms);  // so that the addresses have rested when their turn comes
  }
}

TEST_F(CircularPoolTest, a_late_packet_may_come_a_second_after_the_release) {  // POOL-4, POOL-14
  make(of({"198.51.100.10", "198.51.100.11"}));
  get(hostc, tcp(443));  // keeps .10 carrying
  claim(get(hosta, tcp(22)));
  pass(1s - 1ns);
  EXPECT_EQ(address(hostb, tcp(22)), "198.51.100.11");
  pass(1ns);
  EXPECT_EQ(address(hostc, tcp(22)), "198.51.100.10");
}

TEST_F(CircularPoolTest, where_all_rest_a_service_goes_round_the_carrying_addresses) {  // POOL-4
  make(of({"198.51.100.10", "198.51.100.11", "198.51.100.12"}));
  for (std::uint32_t host = 10; host < 13; ++host) get(HostId{host}, tcp(443));
  std::string order;
  for (std::uint32_t round = 0; round < 6; ++round) {
    const auto answer = get(HostId{round}, tcp(22));
    order += address(answer).substr(11);
    claim(answer);
  }
  EXPECT_EQ(order, "101112101112");
}

// ---- POOL-14

TEST_F(CircularPoolTest,
       an_address_where_another_host_has_a_session_at_the_service_is_lent_last) {  // POOL-14
  for (const auto& service : {udp(5001), whole, Service{Protocol::udp, 0}}) {
    make(of({"198.51.100.10", "198.51.100.11", "198.51.100.12"}));
    const auto first = get(hosta, udp(5001));
    claim(first);
    pool->session_began(first.binding.external, udp(5001), hosta);
    for (std::uint32_t round = 0; round < 4; ++round) {
      pass(2s);
      const auto answer = get(hostb, service);
      EXPECT_NE(address(answer), address(first)) << service.port;
      claim(answer);
    }
    pass(2s);
    get(hostb, whole);
    get(hostc, whole);
    EXPECT_EQ(address(HostId{7}, service), address(first)) << "nothing else is left";
  }
}

TEST_F(CircularPoolTest, another_service_or_the_hosts_own_sessions_are_in_nobodys_way) {  // POOL-14
  make(of({"198.51.100.10", "198.51.100.11"}));
  pool->session_began(ip("198.51.100.10"), udp(5001), hosta);
  EXPECT_EQ(address(hosta, udp(5001)), "198.51.100.10");
  EXPECT_EQ(address(hostb, udp(5002)), "198.51.100.10");
  EXPECT_EQ(address(hostc, tcp(5001)), "198.51.100.10");
}

TEST_F(CircularPoolTest,
       a_session_that_has_ended_is_in_the_way_for_as_long_as_what_rests) {  // POOL-4, POOL-14
  make(of({"198.51.100.10", "198.51.100.11"}));
  for (const auto host : {hosta, hosta, hostb}) pool->session_began(ip("198.51.100.10"), icmp, host);
  pool->session_began(ip("203.0.113.1"), icmp, hosta);  // no address of the pool
  pool->session_ended(ip("203.0.113.1"), icmp, hosta, now);
  pool->session_ended(ip("198.51.100.10"), icmp, hosta, now);
  pool->session_ended(ip("198.51.100.10"), icmp, hostb, now);
  pass(3s);
  EXPECT_EQ(address(hostc, icmp), "198.51.100.11") << "one session is left";
  pass(5s);
  pool->session_ended(ip("198.51.100.10"), icmp, hosta, now);
  pass(1s - 1ns);
  EXPECT_EQ(address(hostc, icmp), "198.51.100.11");
  pass(5s);
  EXPECT_EQ(address(hostc, icmp), "198.51.100.10");
}

TEST_F(CircularPoolTest,
       a_carrying_address_with_a_session_in_the_way_comes_after_a_fresh_one) {  // POOL-3, POOL-14
  make(of({"198.51.100.10", "198.51.100.11"}));
  get(hostc, tcp(443));
  pool->session_began(ip("198.51.100.10"), udp(5001), hosta);
  EXPECT_EQ(address(hostb, udp(5001)), "198.51.100.11");
  EXPECT_EQ(address(hostc, udp(5001)), "198.51.100.10") << "and before a wait";
}

TEST_F(CircularPoolTest, one_that_rests_comes_after_one_where_a_session_lives) {  // POOL-4, POOL-14
  make(of({"198.51.100.10", "198.51.100.11"}));
  pool->session_began(ip("198.51.100.10"), tcp(22), hosta);
  const auto released = get(hostb, tcp(22));
  EXPECT_EQ(address(released), "198.51.100.11");
  claim(released);
  EXPECT_EQ(address(hostc, tcp(22)), "198.51.100.10") << "a late packet to .11 must not reach the next host";
}

// ---- POOL-11, POOL-12

TEST_F(CircularPoolTest, a_blocked_service_is_reserved_elsewhere_or_not_at_all) {  // POOL-11
  auto config = of({"198.51.100.1", "198.51.100.2"});
  config.blocked = {
      {ip("198.51.100.1"), udp(53)}, {ip("198.51.100.1"), any_tcp}, {ip("203.0.113.1"), tcp(1)}};
  make(config);
  EXPECT_EQ(address(hosta, udp(53)), "198.51.100.2");
  EXPECT_EQ(address(hosta, tcp(22)), "198.51.100.2") << "all of TCP is blocked on the other";
  config.addresses.pop_back();
  make(config);
  EXPECT_FALSE(pool->offers(Family::v4, udp(53)));
  EXPECT_FALSE(pool->offers(Family::v4, tcp(22)));
  EXPECT_TRUE(pool->offers(Family::v4, udp(54)));
  EXPECT_TRUE(exhausted(ask(hosta, udp(53)))) << "no wait would help";
}

TEST_F(CircularPoolTest, a_wider_reservation_stands_beside_a_blocked_service) {  // POOL-11
  auto config = of({"198.51.100.1"});
  config.blocked = {{ip("198.51.100.1"), udp(53)}, {ip("198.51.100.1"), icmp}};
  make(config);
  EXPECT_EQ(address(hosta, whole), "198.51.100.1");
  make(config);
  EXPECT_EQ(address(hosta, {Protocol::udp, 0}), "198.51.100.1");
}

TEST_F(CircularPoolTest, each_family_has_its_own_addresses) {  // POOL-12
  make(of({"198.51.100.10", "2001:db8:100::10", "2001:db8:100::11"}));
  EXPECT_EQ(address(hosta, whole), "198.51.100.10");
  auto request = query(hosta, whole);
  request.family = Family::v6;
  EXPECT_EQ(address(get(request)), "2001:db8:100::10");
  EXPECT_EQ(pool->use().families[0].all, 1u);
  EXPECT_EQ(pool->use().families[1].all, 2u);
  EXPECT_EQ(pool->use().families[1].carrying, 1u);
}

TEST_F(CircularPoolTest, a_pool_without_addresses_of_a_family_offers_nothing_there) {  // POOL-12
  make(of({"198.51.100.10"}));
  EXPECT_FALSE(pool->offers(Family::v6, whole));
  auto request = query(hosta, whole);
  request.family = Family::v6;
  EXPECT_TRUE(exhausted(ask(request)));
  EXPECT_FALSE(pool->offers(Family::v4, {static_cast<Protocol>(47), 0})) << "GRE is not served";
  EXPECT_TRUE(exhausted(ask(hosta, {static_cast<Protocol>(47), 0})));
}

// ---- the rest

TEST_F(CircularPoolTest, a_removed_host_has_no_reservations) {  // DNS-6
  make(of({"198.51.100.10", "198.51.100.11"}));
  get(hosta, whole);
  get(hostb, tcp(22));
  get(hosta, tcp(80));
  pool->remove_host(hosta, now);
  ASSERT_EQ(worker.entries.size(), 1u);
  EXPECT_EQ(worker.entries.begin()->second.host, hostb);
  EXPECT_EQ(worker.ends, (std::vector{End::removed, End::removed}));
  EXPECT_EQ(pool->use().reservations, 1u);
  EXPECT_EQ(pool->use().claims, 1u);
}

TEST_F(CircularPoolTest, the_pool_can_be_looked_at) {
  make(of({"198.51.100.10"}));
  get(hosta, tcp(22));
  std::vector<CircularPool::View> views;
  pool->for_each([&](const CircularPool::View& view) { views.push_back(view); });
  ASSERT_EQ(views.size(), 1u);
  EXPECT_EQ(views[0].external, ip("198.51.100.10"));
  EXPECT_EQ(views[0].service, tcp(22));
  EXPECT_EQ(views[0].host, hosta);
  EXPECT_EQ(views[0].claims, 1u);
  EXPECT_EQ(views[0].deadline, now + 2s);
}

TEST_F(CircularPoolTest, the_claims_that_strangers_cause_are_bounded) {
  auto config = of({"198.51.100.10"});
  config.max_claims = 10;
  make(config);
  for (std::uint16_t port = 1; port <= 10; ++port) get(hosta, tcp(port));
  EXPECT_TRUE(exhausted(ask(hosta, tcp(11))));
  EXPECT_TRUE(exhausted(ask(hosta, tcp(1)))) << "nor may it be shared";
  EXPECT_EQ(counters.get(Counter::pool_exhausted), 2u);
  pass(2s);
  get(hosta, tcp(11));
}

TEST_F(CircularPoolTest, a_configuration_that_makes_no_sense_is_refused) {
  EXPECT_THROW(make(of({"198.51.100.10", "198.51.100.10"})), std::invalid_argument);
  auto config = of({"198.51.100.10"});
  config.hold = 0s;
  EXPECT_THROW(make(config), std::invalid_argument);
  config = of({"198.51.100.10"});
  config.rest = -1s;
  EXPECT_THROW(make(config), std::invalid_argument);
  config = of({"198.51.100.10"});
  config.max_claims = 0;
  EXPECT_THROW(make(config), std::invalid_argument);
}

}  // namespace
}  // namespace rgw::pool::test
