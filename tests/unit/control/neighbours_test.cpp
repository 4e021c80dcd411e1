// The neighbours' state machine, in frames and seconds in, and frames, updates and packets out.
//   resolving: the question, the answer, what waits meanwhile, in order; three questions in vain
//   bounds: packets for one neighbour, packets in all, entries of a port and which of them goes
//   learning: from who asks for us, not from who asks for others; what is off the link, and who claims to be
//   us keeping: asked again after 30 s, alone; three silences end it; a neighbour that moves (RFC 4861
//   section 7.2.5)
#include "realmgw/control/neighbours.hpp"

#include "unit/control/support.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rgw::control {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

struct Recorder final : NeighbourActions {
  struct Resumed {
    std::uint8_t payload;
    net::MacAddress mac;
  };
  std::vector<Frame> frames;
  std::vector<ring::NeighbourUpdate> updates;
  std::vector<Resumed> resumed;

  void send_frame(PortId, std::span<const std::uint8_t> frame) override {
    frames.emplace_back(frame.begin(), frame.end());
  }
  void update(const ring::NeighbourUpdate& update) override { updates.push_back(update); }
  void resume(ring::PacketBuffer packet, const net::MacAddress& mac) override {
    resumed.push_back({packet.bytes()[33], mac});
  }
};

class NeighboursTest : public testing::Test {
 protected:
  void resolve(const char* next_hop, std::uint8_t payload = 0) {
    neighbours.resolve(packets.to_resolve(next_hop, inside_port, payload), clock.now());
  }
  void hear(const Frame& frame, PortId port = inside_port) { neighbours.heard(port, frame, clock.now()); }
  void answer(const char* address, const net::MacAddress& mac = peer_mac) {
    hear(arp(2, mac, address, "10.0.0.1", own_inside_mac));
  }
  void wait(Duration time) {
    clock.advance(time);
    neighbours.tick(clock.now());
  }
  static bool is_broadcast(const Frame& frame) { return frame[0] == 0xff; }

  Packets packets;
  ManualClock clock;
  RealmInForce realm{test::snapshot()};
  CounterBlock counters;
  Recorder world;
  Neighbours neighbours{realm, world, counters, {.held_per_neighbour = 3, .held = 5, .entries_per_port = 4}};
};

TEST_F(NeighboursTest, an_unknown_next_hop_is_asked_for_and_its_packets_follow_in_order) {
  resolve("10.0.0.42", 1);
  resolve("10.0.0.42", 2);
  ASSERT_THAT(world.frames, SizeIs(1));
  EXPECT_TRUE(is_broadcast(world.frames[0]));
  EXPECT_THAT(world.resumed, IsEmpty());

  answer("10.0.0.42");
  ASSERT_THAT(world.updates, SizeIs(1));
  EXPECT_TRUE(world.updates[0].reachable);
  EXPECT_EQ(world.updates[0].mac, peer_mac);
  EXPECT_EQ(world.updates[0].address, ip("10.0.0.42"));
  EXPECT_EQ(world.updates[0].port, inside_port);
  ASSERT_THAT(world.resumed, SizeIs(2));
  EXPECT_EQ(world.resumed[0].payload, 1);
  EXPECT_EQ(world.resumed[1].payload, 2);
  EXPECT_EQ(world.resumed[0].mac, peer_mac);
}

TEST_F(NeighboursTest, the_same_goes_for_ipv6) {
  resolve("fd00:10::42", 7);
  ASSERT_THAT(world.frames, SizeIs(1));
  hear(nd({.options = link_layer_option(2, peer_mac)}));
  ASSERT_THAT(world.resumed, SizeIs(1));
  EXPECT_EQ(world.resumed[0].mac, peer_mac);
}

// What was on its way up while the update went down.
TEST_F(NeighboursTest, a_packet_for_a_known_neighbour_goes_on_at_once) {
  resolve("10.0.0.42", 1);
  answer("10.0.0.42");
  resolve("10.0.0.42", 2);
  EXPECT_THAT(world.resumed, SizeIs(2));
  EXPECT_THAT(world.frames, SizeIs(1));
}

TEST_F(NeighboursTest, three_questions_a_second_apart_in_vain_end_it) {
  resolve("10.0.0.42");
  wait(999ms);
  EXPECT_THAT(world.frames, SizeIs(1));
  wait(1ms);
  EXPECT_THAT(world.frames, SizeIs(2));
  wait(1s);
  EXPECT_THAT(world.frames, SizeIs(3));
  EXPECT_EQ(counters.get(Counter::neighbour_unreachable), 0U);
  wait(1s);
  EXPECT_THAT(world.frames, SizeIs(3));
  EXPECT_EQ(counters.get(Counter::neighbour_unreachable), 1U);
  EXPECT_EQ(neighbours.size(), 0U);
  EXPECT_EQ(neighbours.held(), 0U);
  EXPECT_THAT(world.updates, IsEmpty()) << "the workers never knew it";
}

TEST_F(NeighboursTest, the_packets_that_wait_are_bounded_for_one_neighbour_and_in_all) {
  for (std::uint8_t i = 0; i < 4; ++i) resolve("10.0.0.42", i);
  EXPECT_EQ(neighbours.held(), 3U);
  EXPECT_EQ(counters.get(Counter::neighbour_hold_full), 1U);
  for (std::uint8_t i = 0; i < 3; ++i) resolve("10.0.0.43", i);
  EXPECT_EQ(neighbours.held(), 5U);
  EXPECT_EQ(counters.get(Counter::neighbour_hold_full), 2U);
}

TEST_F(NeighboursTest, a_full_table_gives_up_the_oldest_that_never_answered) {
  for (const char* address : {"10.0.0.40", "10.0.0.41"}) {
    resolve(address);
    answer(address);
  }
  resolve("10.0.0.50");
  resolve("10.0.0.51");
  resolve("10.0.0.52");
  EXPECT_EQ(neighbours.size(), 4U);
  EXPECT_EQ(counters.get(Counter::neighbour_hold_full), 1U) << "the packet for 10.0.0.50";
  answer("10.0.0.50");
  EXPECT_THAT(world.updates, SizeIs(2)) << "10.0.0.50 is not asked for any more";
  resolve("10.0.0.40");
  EXPECT_THAT(world.resumed, SizeIs(3)) << "10.0.0.40 is still known";
}

TEST_F(NeighboursTest, a_table_full_of_answers_gives_up_the_one_heard_of_longest_ago) {
  for (const char* address : {"10.0.0.40", "10.0.0.41", "10.0.0.42", "10.0.0.43"}) {
    resolve(address);
    answer(address);
  }
  world.updates.clear();
  resolve("10.0.0.44");
  ASSERT_THAT(world.updates, SizeIs(1));
  EXPECT_FALSE(world.updates[0].reachable);
  EXPECT_EQ(world.updates[0].address, ip("10.0.0.40"));
}

TEST_F(NeighboursTest, a_next_hop_off_the_link_is_unreachable) {
  resolve("192.0.2.1");
  EXPECT_THAT(world.frames, IsEmpty());
  EXPECT_EQ(counters.get(Counter::neighbour_unreachable), 1U);
}

// RFC 826, RFC 4861 section 7.2.3.
TEST_F(NeighboursTest, who_asks_for_us_is_learnt_and_asked_back) {
  hear(arp(1, peer_mac, "10.0.0.42", "10.0.0.1"));
  ASSERT_THAT(world.updates, SizeIs(1));
  EXPECT_EQ(world.updates[0].mac, peer_mac);
  ASSERT_THAT(world.frames, SizeIs(1));
  EXPECT_FALSE(is_broadcast(world.frames[0]));
  resolve("10.0.0.42");
  EXPECT_THAT(world.resumed, SizeIs(1));
}

TEST_F(NeighboursTest, who_asks_for_us_and_does_not_answer_back_is_forgotten) {
  hear(arp(1, peer_mac, "10.0.0.42", "10.0.0.1"));
  for (int i = 0; i < 3; ++i) wait(1s);
  EXPECT_EQ(neighbours.size(), 0U);
  ASSERT_THAT(world.updates, SizeIs(2));
  EXPECT_FALSE(world.updates[1].reachable);
}

TEST_F(NeighboursTest, who_asks_for_somebody_else_is_not_learnt) {
  hear(arp(1, peer_mac, "10.0.0.42", "10.0.0.99"));
  EXPECT_EQ(neighbours.size(), 0U);
}

TEST_F(NeighboursTest, an_answer_that_nobody_asked_for_is_not_learnt) {
  answer("10.0.0.42");
  hear(nd({.options = link_layer_option(2, peer_mac)}));
  EXPECT_EQ(neighbours.size(), 0U);
}

TEST_F(NeighboursTest, a_sender_that_is_not_on_the_link_is_not_believed) {
  hear(arp(1, peer_mac, "192.0.2.1", "10.0.0.1"));
  hear(arp(1, peer_mac, "198.51.100.254", "10.0.0.1"));
  EXPECT_EQ(neighbours.size(), 0U);
}

TEST_F(NeighboursTest, nobody_is_believed_to_be_the_gateway) {
  hear(arp(1, peer_mac, "10.0.0.1", "10.0.0.1"));
  hear(arp(1, peer_mac, "198.51.100.10", "198.51.100.1"), outside_port);
  EXPECT_EQ(neighbours.size(), 0U);
}

TEST_F(NeighboursTest, a_malformed_message_is_counted) {
  Frame frame = arp(1, peer_mac, "10.0.0.42", "10.0.0.1");
  frame[18] = 7;
  hear(frame);
  hear(nd({.hop_limit = 64}));
  EXPECT_EQ(counters.get(Counter::arp_malformed), 1U);
  EXPECT_EQ(counters.get(Counter::nd_malformed), 1U);
}

TEST_F(NeighboursTest, a_neighbour_is_asked_again_after_thirty_seconds_and_stays_while_it_answers) {
  resolve("10.0.0.42");
  answer("10.0.0.42");
  for (int round = 0; round < 3; ++round) {
    world.frames.clear();
    wait(29999ms);
    EXPECT_THAT(world.frames, IsEmpty());
    wait(1ms);
    ASSERT_THAT(world.frames, SizeIs(1));
    EXPECT_FALSE(is_broadcast(world.frames[0]));
    answer("10.0.0.42");
  }
  EXPECT_THAT(world.updates, SizeIs(1)) << "nothing changed for the workers";
}

TEST_F(NeighboursTest, a_neighbour_that_fell_silent_is_forgotten_after_three_questions) {
  resolve("10.0.0.42");
  answer("10.0.0.42");
  wait(30s);
  wait(1s);
  wait(1s);
  EXPECT_THAT(world.updates, SizeIs(1)) << "its MAC is used while it is asked";
  wait(1s);
  ASSERT_THAT(world.updates, SizeIs(2));
  EXPECT_FALSE(world.updates[1].reachable);
  EXPECT_EQ(neighbours.size(), 0U);
  EXPECT_FALSE(neighbours.next_deadline());
}

TEST_F(NeighboursTest, a_neighbour_that_moves_is_followed_and_asked) {
  resolve("10.0.0.42");
  answer("10.0.0.42");
  world.frames.clear();
  hear(arp(2, other_mac, "10.0.0.42", "10.0.0.42"));  // gratuitous, as after a failover
  ASSERT_THAT(world.updates, SizeIs(2));
  EXPECT_EQ(world.updates[1].mac, other_mac);
  ASSERT_THAT(world.frames, SizeIs(1));
  EXPECT_TRUE(std::equal(other_mac.bytes.begin(), other_mac.bytes.end(), world.frames[0].begin()));
}

// RFC 4861 section 7.2.5: without the override flag another MAC only makes us ask.
TEST_F(NeighboursTest, an_advertisement_that_does_not_override_changes_nothing_but_our_trust) {
  resolve("fd00:10::42");
  hear(nd({.options = link_layer_option(2, peer_mac)}));
  world.frames.clear();
  hear(nd({.flags = 0x40, .options = link_layer_option(2, other_mac)}));
  EXPECT_THAT(world.updates, SizeIs(1));
  ASSERT_THAT(world.frames, SizeIs(1));
  EXPECT_TRUE(std::equal(peer_mac.bytes.begin(), peer_mac.bytes.end(), world.frames[0].begin()));
}

TEST_F(NeighboursTest, a_solicited_answer_without_the_option_confirms) {
  resolve("fd00:10::42");
  hear(nd({.options = link_layer_option(2, peer_mac)}));
  wait(30s);
  hear(nd({}));
  world.frames.clear();
  wait(29s);
  EXPECT_THAT(world.frames, IsEmpty());
  EXPECT_EQ(neighbours.size(), 1U);
}

TEST_F(NeighboursTest, an_answer_without_the_option_resolves_nothing) {
  resolve("fd00:10::42");
  hear(nd({}));
  EXPECT_THAT(world.updates, IsEmpty());
  EXPECT_EQ(neighbours.held(), 1U);
}

}  // namespace
}  // namespace rgw::control
