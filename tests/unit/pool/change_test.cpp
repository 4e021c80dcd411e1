// OPS-2: the realm changes the pool while it is in use. The random model of it is in pool_model_test.cpp.
//   - addresses that come, go, and come back; the first of a family
//   - who waits; blocked services; times; sharing; and what there is no room for
#include "pool_world.hpp"

namespace rgw::pool::test {
namespace {

class PoolChange : public PoolWorld {
 protected:
  PoolChange() { make(config); }

  void change_to(std::vector<std::string> addresses) {
    config.addresses = of(std::move(addresses)).addresses;
    change();
  }
  void change() {
    ASSERT_TRUE(pool->room_for(config));
    pool->change(config, now);
  }

  PoolConfig config = of({"198.51.100.10", "198.51.100.11"});
};

// ---- addresses

TEST_F(PoolChange, reservations_on_an_address_that_goes_end_and_the_others_stay) {
  const auto gone = get(hosta, whole), stays = get(hostb, whole);
  ASSERT_EQ(address(gone), "198.51.100.10");
  change_to({"198.51.100.11"});
  EXPECT_EQ(worker.ends, std::vector{End::removed});
  EXPECT_FALSE(claim(gone));
  EXPECT_TRUE(claim(stays));
  pass(2s);
  EXPECT_EQ(address(hostc, whole), "198.51.100.11");
  static_cast<void>(waits(ask(hosta, whole)));
  EXPECT_EQ(pool->use().families[0].all, 1u);
}

TEST_F(PoolChange, an_address_that_comes_is_given_out_before_those_that_were_used) {
  claim(get(hosta, whole));
  change_to({"198.51.100.11", "198.51.100.12", "198.51.100.10"});
  EXPECT_EQ(address(hostb, whole), "198.51.100.11");
  EXPECT_EQ(address(hostc, whole), "198.51.100.12");
  EXPECT_EQ(pool->use().families[0].all, 3u);
  EXPECT_EQ(pool->use().families[0].carrying, 2u);
}

// POOL-4: what was released on it rests, though the address was away meanwhile.
TEST_F(PoolChange, an_address_that_comes_back_rests_to_the_end) {
  change_to({"198.51.100.10"});
  claim(get(hosta, whole));
  change_to({"198.51.100.11"});
  change_to({"198.51.100.10", "198.51.100.11"});
  EXPECT_EQ(address(hostb, whole), "198.51.100.11");
  pass(1s);
  EXPECT_EQ(address(hostc, whole), "198.51.100.10");
}

// POOL-14: a late packet of a session that began before.
TEST_F(PoolChange, an_address_that_comes_back_has_its_live_sessions_still) {
  change_to({"198.51.100.10"});
  const auto first = get(hosta, udp(53));
  claim(first);
  pool->session_began(first.binding.external, udp(53), hosta);
  pass(2s);  // all has rested
  change_to({"198.51.100.11"});
  change_to({"198.51.100.10", "198.51.100.11"});
  EXPECT_EQ(address(hostb, udp(53)), "198.51.100.11");
  pool->session_ended(first.binding.external, udp(53), hosta, now);
}

TEST_F(PoolChange, a_session_that_ends_while_its_address_is_away_counts_no_more) {
  change_to({"198.51.100.10"});
  const auto first = get(hosta, udp(53));
  claim(first);
  pool->session_began(first.binding.external, udp(53), hosta);
  change_to({"198.51.100.11"});
  pool->session_ended(first.binding.external, udp(53), hosta, now);
  pass(2s);
  claim(get(hostc, whole));  // of the other, which rests
  change_to({"198.51.100.10", "198.51.100.11"});
  EXPECT_EQ(address(hostb, udp(53)), "198.51.100.10");
}

TEST_F(PoolChange, all_addresses_may_go_and_others_come) {
  static_cast<void>(get(hosta, whole));
  change_to({});
  EXPECT_EQ(pool->use().reservations, 0u);
  EXPECT_FALSE(pool->offers(Family::v4, whole));
  EXPECT_TRUE(exhausted(ask(hostb, whole)));
  change_to({"198.51.100.20"});
  EXPECT_TRUE(pool->offers(Family::v4, whole));
  EXPECT_EQ(address(hostb, whole), "198.51.100.20");
}

TEST_F(PoolChange, a_family_gets_its_first_address) {
  Request over_v6 = query(hosta, whole);
  over_v6.family = Family::v6;
  EXPECT_FALSE(pool->offers(Family::v6, whole));
  change_to({"198.51.100.10", "2001:db8:100::10"});
  EXPECT_TRUE(pool->offers(Family::v6, whole));
  EXPECT_EQ(address(get(over_v6)), "2001:db8:100::10");
  std::vector<Granted> many;
  for (std::uint16_t port = 1; port <= 100; ++port) {  // and room for as many as the other has
    Request more = query(hostb, tcp(port), "203.0.113." + std::to_string(port) + ":53");
    more.family = Family::v6;
    static_cast<void>(ask(more));
  }
  claim(get(over_v6));
  EXPECT_EQ(pool->use().families[1].all, 1u);
}

// ---- who waits: POOL-8

TEST_F(PoolChange, who_waits_gets_an_address_that_comes) {
  static_cast<void>(get(hosta, whole));
  static_cast<void>(get(hostb, whole));
  const auto ticket = waits(ask(hostc, whole));
  change_to({"198.51.100.10", "198.51.100.11", "198.51.100.12"});
  ASSERT_TRUE(worker.answered.contains(ticket));
  EXPECT_EQ(address(worker.answered.at(ticket)), "198.51.100.12");
  EXPECT_EQ(pool->use().waiting, 0u);
}

TEST_F(PoolChange, who_waits_gets_a_service_that_is_blocked_no_more) {
  config.blocked = {{ip("198.51.100.10"), tcp(80)}};
  make(config);
  static_cast<void>(get(hosta, tcp(80)));  // on the other
  const auto ticket = waits(ask(hostb, tcp(80)));
  config.blocked.clear();
  change();
  ASSERT_TRUE(worker.answered.contains(ticket));
  EXPECT_EQ(address(worker.answered.at(ticket)), "198.51.100.10");
}

TEST_F(PoolChange, who_waits_does_not_get_an_address_that_goes) {
  static_cast<void>(get(hosta, whole));
  static_cast<void>(get(hostb, whole));
  const auto ticket = waits(ask(hostc, whole));
  change_to({"198.51.100.11"});
  EXPECT_TRUE(worker.answered.empty());
  pass(400ms);
  EXPECT_EQ(worker.refused, std::vector{ticket});
}

TEST_F(PoolChange, who_waits_gives_up_after_the_new_time_at_the_latest) {
  static_cast<void>(get(hosta, whole));
  static_cast<void>(get(hostb, whole));
  const auto first = waits(ask(hostc, whole));
  config.wait = 100ms;
  change();
  const auto second = waits(ask(HostId{4}, whole));
  EXPECT_EQ(pool->next_deadline(), now + 100ms);
  pass(100ms);
  EXPECT_EQ(worker.refused, (std::vector{first, second}));
  config.wait = 0s;
  change();
  EXPECT_TRUE(exhausted(ask(hostc, whole)));
}

// ---- blocked services: POOL-11

TEST_F(PoolChange, a_service_that_becomes_blocked_is_reserved_there_no_more) {
  change_to({"198.51.100.10"});
  const auto before = get(hosta, tcp(80));
  config.blocked = {{ip("198.51.100.10"), tcp(80)}};
  change();
  EXPECT_TRUE(claim(before)) << "what there is stays";
  pass(2s);
  EXPECT_FALSE(pool->offers(Family::v4, tcp(80)));
  EXPECT_TRUE(exhausted(ask(hosta, tcp(80))));
  EXPECT_EQ(address(hosta, tcp(81)), "198.51.100.10");
  config.blocked = {{ip("198.51.100.10"), tcp(81)}};
  change();
  EXPECT_EQ(address(hosta, tcp(80)), "198.51.100.10");
}

TEST_F(PoolChange, blocked_services_may_change_any_number_of_times) {
  for (std::uint16_t n = 0; n < 300; ++n) {
    config.blocked.clear();
    for (std::uint16_t i = 0; i < 100; ++i)
      config.blocked.emplace_back(ip("198.51.100.10"), tcp(static_cast<std::uint16_t>(1 + 100 * n + i)));
    change();
  }
  EXPECT_EQ(address(hosta, tcp(1)), "198.51.100.10");
  EXPECT_NE(address(hosta, tcp(29'950)), "198.51.100.10");
}

// ---- times

// POOL-1: workers know the deadline of each claim from its binding.
TEST_F(PoolChange, claims_keep_their_deadline_and_end_in_its_order) {
  const auto long_one = get(hosta, tcp(1));
  config.hold = 500ms;
  change();
  const auto short_one = get(hostb, tcp(2));
  EXPECT_EQ(long_one.binding.deadline, now + 2s);
  EXPECT_EQ(pool->next_deadline(), std::min(long_one.binding.deadline, short_one.binding.deadline));
  for (int step = 0; step < 30; ++step) {
    pass(100ms);
    for (const auto& [id, entry] : worker.entries)
      EXPECT_GT(entry.claims.rbegin()->second, now) << "its deadline is over";
  }
  EXPECT_EQ(worker.entries.size(), 0u);
  EXPECT_EQ(get(hostb, tcp(2)).binding.deadline, now + 500ms) << "those that were longer are gone";
  config.hold = 10s;
  change();
  EXPECT_EQ(get(hosta, tcp(3)).binding.deadline, now + 10s);
}

TEST_F(PoolChange, a_shorter_rest_holds_for_what_rests_already) {  // POOL-4
  change_to({"198.51.100.10"});
  claim(get(hosta, tcp(1)));
  config.addresses = of({"198.51.100.10", "198.51.100.11"}).addresses;
  config.rest = 100ms;
  change();
  EXPECT_EQ(address(hostb, tcp(1)), "198.51.100.11");
  pass(100ms);
  EXPECT_EQ(address(hostc, tcp(1)), "198.51.100.10");
}

TEST_F(PoolChange, a_longer_rest_holds_for_what_is_released_from_now_on) {  // POOL-4
  config.rest = 0s;
  make(config);
  config.rest = 5s;
  change();
  claim(get(hosta, tcp(1)));
  pass(4s);
  EXPECT_EQ(address(hostb, tcp(1)), "198.51.100.11");
  pass(1s);
  EXPECT_EQ(address(hostc, tcp(1)), "198.51.100.10");
}

// ---- sharing: POOL-9

TEST_F(PoolChange, sharing_begins_and_ends_with_the_realm) {
  const auto first = get(query(hosta, tcp(22)));
  config.share = false;
  change();
  const auto second = get(query(hosta, tcp(22)));
  EXPECT_NE(second.binding.reservation, first.binding.reservation);
  config.share = true;
  change();
  EXPECT_EQ(get(query(hosta, tcp(22))).binding.reservation, second.binding.reservation);
}

// ---- room

TEST_F(PoolChange, there_is_room_for_as_many_addresses_as_a_pool_may_ever_have) {
  auto large = config;
  auto next = ip("10.0.0.0");
  while (large.addresses.size() < AddressRing::max_addresses) {
    large.addresses.push_back(next);
    next = net::successor(next);
  }
  EXPECT_TRUE(pool->room_for(large));
  large.addresses.push_back(next);
  EXPECT_FALSE(pool->room_for(large));
  large.addresses.erase(large.addresses.begin(), large.addresses.begin() + 2);  // the pool's present ones
  EXPECT_FALSE(pool->room_for(large)) << "these keep their places";
}

TEST_F(PoolChange, there_is_room_for_so_many_blocked_services) {
  auto large = config;
  for (std::size_t i = 0; i < AddressRing::max_blocked; ++i)
    large.blocked.emplace_back(large.addresses[0], tcp(static_cast<std::uint16_t>(i + 1)));
  ASSERT_TRUE(pool->room_for(large));
  pool->change(large, now);
  EXPECT_EQ(address(hosta, tcp(5)), "198.51.100.11");
  large.blocked.emplace_back(large.addresses[1], tcp(5));
  EXPECT_FALSE(pool->room_for(large));
}

}  // namespace
}  // namespace rgw::pool::test
