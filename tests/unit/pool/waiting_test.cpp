// Queries that find no address, POOL-8:
//   - waiting, being served in order, giving up
//   - the bound of the queue, retransmission, cancelling
//   - what else frees an address: expiry, narrowing, sharing
#include "pool_world.hpp"

namespace rgw::pool::test {
namespace {

using How = Granted::How;

class WaitingTest : public PoolWorld {
 protected:
  WaitingTest() { make(of({"198.51.100.10"})); }
};

TEST_F(WaitingTest, a_query_that_finds_no_address_gets_the_first_that_comes_free) {  // POOL-8
  const auto first = get(hosta, whole);
  const auto ticket = waits(ask(hostb, whole));
  pass(30ms);
  EXPECT_TRUE(worker.answered.empty());
  claim(first);
  ASSERT_TRUE(worker.answered.contains(ticket));
  const auto& answer = worker.answered.at(ticket);
  EXPECT_EQ(address(answer), "198.51.100.10");
  EXPECT_EQ(answer.binding.host, hostb);
  EXPECT_EQ(answer.binding.deadline, now + 2s) << "from the moment of the answer, not of the question";
  EXPECT_EQ(pool->use().waiting, 0u);
}

TEST_F(WaitingTest, a_query_gives_up_when_its_wait_is_over) {  // POOL-8
  get(hosta, whole);
  const auto ticket = waits(ask(hostb, whole));
  pass(400ms - 1ns);
  EXPECT_TRUE(worker.refused.empty());
  EXPECT_EQ(pool->next_deadline(), now + 1ns);
  pass(1ns);
  EXPECT_EQ(worker.refused, std::vector{ticket});
  EXPECT_EQ(counters.get(Counter::pool_exhausted), 1u);
}

TEST_F(WaitingTest, a_freed_address_goes_to_the_query_that_waits_longest) {  // POOL-8
  const auto first = get(hosta, whole);
  const auto b = waits(ask(hostb, whole));
  pass(10ms);
  const auto c = waits(ask(hostc, whole));
  claim(first);
  EXPECT_EQ(worker.order, std::vector{b});
  claim(worker.answered.at(b));
  EXPECT_EQ(worker.order, (std::vector{b, c}));
}

TEST_F(WaitingTest,
       a_freed_address_serves_the_first_that_it_fits_and_all_that_fit_beside) {  // POOL-3, POOL-8
  get(hosta, any_tcp);
  const auto held = get(hosta, udp(53));
  const auto wide = waits(ask(hostb, whole));
  const auto udp53 = waits(ask(hostb, udp(53)));
  const auto tcp22 = waits(ask(hostc, tcp(22)));
  const auto also53 = waits(ask(hostc, udp(53)));
  claim(held);
  EXPECT_EQ(worker.order, std::vector{udp53}) << "TCP is still taken, and so is a part of the whole";
  pass(300ms);
  EXPECT_EQ(worker.refused.size(), 0u);
  pass(100ms);
  EXPECT_EQ(worker.refused, (std::vector{wide, tcp22, also53}));
}

TEST_F(WaitingTest, one_release_serves_several_services) {  // POOL-3, POOL-8
  const auto first = get(hosta, whole);
  const auto a = waits(ask(hostb, tcp(22)));
  const auto b = waits(ask(hostc, whole));
  const auto c = waits(ask(hostc, tcp(80)));
  const auto d = waits(ask(hostc, tcp(22)));
  claim(first);
  EXPECT_EQ(worker.order, (std::vector{a, c}));
  EXPECT_EQ(pool->use().waiting, 2u);
  claim(worker.answered.at(a));
  EXPECT_EQ(worker.order, (std::vector{a, c, d}));
  claim(worker.answered.at(c));
  claim(worker.answered.at(d));
  EXPECT_EQ(worker.order, (std::vector{a, c, d, b}));
}

TEST_F(WaitingTest, waiting_queries_for_one_host_share_the_address_that_comes_free) {  // POOL-8, POOL-9
  const auto first = get(hosta, whole);
  const auto a = waits(ask(hostb, whole));
  const auto other = waits(ask(hostc, whole));
  const auto b = waits(ask(hostb, whole));
  claim(first);
  EXPECT_EQ(worker.order, (std::vector{a, b}));
  EXPECT_EQ(worker.answered.at(b).how, How::shared);
  EXPECT_EQ(pool->use().waiting, 1u);
  EXPECT_FALSE(worker.answered.contains(other));
}

TEST_F(WaitingTest, an_expired_reservation_serves_those_who_wait) {  // POOL-7, POOL-8
  get(hosta, whole);
  pass(1900ms);
  const auto ticket = waits(ask(hostb, whole));
  pass(100ms);
  EXPECT_EQ(worker.order, std::vector{ticket});
}

TEST_F(WaitingTest, an_address_that_comes_free_at_the_last_moment_is_not_too_late) {  // POOL-8
  get(hosta, whole);
  pass(1600ms);
  const auto ticket = waits(ask(hostb, whole));
  pass(400ms);
  EXPECT_EQ(worker.order, std::vector{ticket});
}

TEST_F(WaitingTest,
       ends_are_taken_in_the_order_of_their_times_however_late_the_clock_is_turned) {  // POOL-7, POOL-8
  get(hosta, whole);
  pass(1500ms);
  const auto early = waits(ask(hostb, whole));
  pass(200ms);
  const auto late = waits(ask(hostc, whole));
  pass(10s);
  EXPECT_EQ(worker.refused, std::vector{early}) << "its wait was over at 1900 ms, the address free at 2000";
  EXPECT_EQ(worker.order, std::vector{late});
  EXPECT_EQ(worker.answered.at(late).binding.deadline, now + 2s);
}

TEST_F(WaitingTest, a_narrowed_reservation_makes_room_for_those_who_wait) {  // POOL-8, POOL-10
  show_walks();
  get(query(hosta, whole));
  const auto ticket = waits(ask(hostb, tcp(80)));
  get(query(hosta, tcp(22)));
  EXPECT_EQ(worker.order, std::vector{ticket});
  EXPECT_EQ(worker.answered.at(ticket).how, How::overloaded);
}

TEST_F(WaitingTest, a_walk_need_not_wait_for_others_who_ask_for_its_host) {  // POOL-3, POOL-10
  show_walks();
  const auto other = get(query(hosta, whole, "203.0.113.53:1"));
  const auto walk = get(query(hosta, whole));
  EXPECT_EQ(get(query(hosta, tcp(22))).how, How::narrowed);
  EXPECT_FALSE(claim(walk));
  EXPECT_TRUE(claim(other));
  EXPECT_EQ(pool->use().claims, 1u);
}

TEST_F(WaitingTest, a_question_for_the_host_after_the_one_for_its_service_is_no_walk) {  // POOL-8, POOL-10
  show_walks();
  const auto former = get(hostb, whole);
  const auto narrow = waits(ask(query(hosta, tcp(22))));
  pass(1ms);
  const auto wide = waits(ask(query(hosta, whole)));
  EXPECT_TRUE(claim(former));
  ASSERT_EQ(worker.order, std::vector{narrow});
  EXPECT_EQ(worker.answered.at(narrow).how, How::fresh);
  EXPECT_TRUE(claim(worker.answered.at(narrow)));
  EXPECT_EQ(worker.order, (std::vector{narrow, wide}));
}

TEST_F(WaitingTest, room_in_a_full_shared_reservation_goes_to_those_who_wait) {  // POOL-8, POOL-9
  std::vector<Granted> sharers;
  for (std::size_t i = 0; i < CircularPool::max_shared; ++i) sharers.push_back(get(query(hosta, whole)));
  const auto ticket = waits(ask(query(hosta, whole)));
  claim(sharers[5]);
  EXPECT_EQ(worker.order, std::vector{ticket});
  EXPECT_EQ(worker.answered.at(ticket).how, How::shared);
}

TEST_F(WaitingTest, a_retransmitted_query_waits_once) {  // POOL-8, POOL-9
  const auto first = get(hosta, whole);
  const auto request = query(hostb, whole);
  const auto ticket = waits(ask(request));
  const auto again = ask(request);
  EXPECT_EQ(waits(again), ticket);
  EXPECT_TRUE(std::get<Waiting>(again).repeated);
  EXPECT_EQ(pool->use().waiting, 1u);
  claim(first);
  EXPECT_EQ(worker.order, std::vector{ticket});
  EXPECT_EQ(get(request).how, How::retransmitted) << "the answer may have been lost";
}

TEST_F(WaitingTest, the_queue_is_bounded) {  // POOL-8
  auto config = of({"198.51.100.10"});
  config.wait_queue = 3;
  make(config);
  get(hosta, whole);
  for (int i = 0; i < 3; ++i) waits(ask(hostb, whole));
  EXPECT_TRUE(exhausted(ask(hostb, whole)));
  EXPECT_EQ(counters.get(Counter::pool_exhausted), 1u);
  pass(400ms);
  waits(ask(hostb, whole));
}

TEST_F(WaitingTest, without_a_wait_or_a_queue_the_pool_is_a_loss_system) {  // POOL-8
  for (const bool no_wait : {true, false}) {
    auto config = of({"198.51.100.10"});
    (no_wait ? void(config.wait = 0s) : void(config.wait_queue = 0));
    make(config);
    get(hosta, whole);
    EXPECT_TRUE(exhausted(ask(hostb, whole)));
  }
}

TEST_F(WaitingTest, what_came_free_while_there_was_no_room_for_claims_goes_to_who_waits) {  // POOL-8, OPS-2
  auto config = of({"198.51.100.10"});
  config.max_claims = 2;
  make(config);
  get(hosta, tcp(1));
  const auto b = waits(ask(hostb, whole));
  const auto second = get(hosta, tcp(2));  // now there is no room for claims
  config.addresses.push_back(ip("198.51.100.11"));
  pool->change(config, now);
  EXPECT_TRUE(worker.order.empty());
  claim(second);  // makes room for a claim, and none on its own address for all of hostb
  EXPECT_EQ(worker.order, std::vector{b});
}

TEST_F(WaitingTest, the_queries_for_a_removed_host_give_up_and_its_addresses_serve_the_others) {  // DNS-6
  get(hosta, tcp(22));
  const auto a = waits(ask(hosta, any_tcp));
  const auto b = waits(ask(hostb, tcp(22)));
  pool->remove_host(hosta, now);
  EXPECT_EQ(worker.refused, std::vector{a});
  EXPECT_EQ(worker.order, std::vector{b});
}

TEST_F(WaitingTest, exhaustion_passes_and_the_pool_is_as_before) {  // POOL-8
  make(of({"198.51.100.10", "198.51.100.11", "198.51.100.12"}));
  for (std::uint32_t host = 1; host <= 200; ++host) (void)ask(HostId{host}, host % 2 == 0 ? whole : tcp(22));
  EXPECT_GT(pool->use().waiting, 100u);
  pass(10s);
  EXPECT_EQ(pool->use().reservations + pool->use().claims + pool->use().families[0].carrying, 0u);
  EXPECT_TRUE(worker.entries.empty());
  EXPECT_EQ(pool->next_deadline(), std::nullopt);
}

}  // namespace
}  // namespace rgw::pool::test
