// Packets that are followed, stage by stage (OPS-3):
// - each way through the stages: new and known sessions, claims, maps, hairpin, released fragments, from
//   worker to worker, to the kernel, to a neighbour that is not known yet
// - a drop names its stage and its counter; what is counted is this packet's alone
// - addresses before and after, in each family pair
// - the filter; no more than so many in a second; a trace that nobody reads loses walks and no packets
#include "scenario/every_way.hpp"
#include "support/follower.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rgw::test {
namespace {

using capture::Entry;
using capture::Stage;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

std::vector<std::string> texts(const std::vector<Walk>& walks) {
  std::vector<std::string> all;
  for (const Walk& walk : walks) all.push_back(walk.text());
  return all;
}

std::string ends(const capture::TraceStep& step) {
  return step.source.to_string() + " > " + step.destination.to_string();
}

constexpr auto whole = "parse defrag steer lookup admit egress translate resolve() send(tx_packets)";

TEST(TraceTest, a_packet_that_opens_a_session_is_followed_to_the_port) {
  Gateway gateway;
  Follower follower{gateway};
  ASSERT_EQ(text(gateway.out(udp("10.0.0.42:5000", "203.0.113.10:53"))),
            "udp 198.51.100.1:5000 > 203.0.113.10:53");
  const auto walks = follower.take();
  ASSERT_EQ(texts(walks), std::vector<std::string>{whole});
  const Walk& walk = walks[0];
  EXPECT_EQ(walk.head.entry, Entry::port);
  EXPECT_EQ(walk.head.port, PortId{inside});
  EXPECT_EQ(ends(*walk.behind(Stage::parse)), "10.0.0.42:5000 > 203.0.113.10:53");
  EXPECT_FALSE(walk.behind(Stage::lookup)->has_session);
  const auto& admitted = *walk.behind(Stage::admit);
  EXPECT_THAT(admitted.counts(), Contains(Counter::session_created_outbound));
  ASSERT_TRUE(admitted.has_session);
  EXPECT_EQ(admitted.session.external, endpoint("198.51.100.1:5000"));
  const auto& way = *walk.behind(Stage::egress);
  EXPECT_TRUE(way.has_way && way.has_neighbour);
  EXPECT_EQ(way.port, PortId{outside});
  EXPECT_EQ(way.mtu, 1500);
  EXPECT_EQ(ends(*walk.behind(Stage::translate)), "198.51.100.1:5000 > 203.0.113.10:53");
}

TEST(TraceTest, a_packet_of_a_known_session_walks_too_and_finds_it) {
  Gateway gateway;
  ASSERT_TRUE(gateway.out(udp("10.0.0.42:5000", "203.0.113.10:53")));
  Follower follower{gateway};
  const auto before = gateway.count(Counter::short_way);
  ASSERT_EQ(text(gateway.in(udp("203.0.113.10:53", "198.51.100.1:5000"))),
            "udp 203.0.113.10:53 > 10.0.0.42:5000");
  EXPECT_EQ(gateway.count(Counter::short_way), before);
  const auto walks = follower.take();
  ASSERT_EQ(texts(walks), std::vector<std::string>{whole});
  EXPECT_TRUE(walks[0].behind(Stage::lookup)->has_session);
}

TEST(TraceTest, a_claim_is_told_where_it_is_taken) {
  Gateway gateway;
  gateway.bind("198.51.100.10", {}, "10.0.0.42");
  gateway.turn();
  Follower follower{gateway};
  ASSERT_TRUE(gateway.in(udp("203.0.113.10:4000", "198.51.100.10:5060")));
  const auto walks = follower.take();
  ASSERT_THAT(walks, SizeIs(1));
  EXPECT_THAT(walks[0].behind(Stage::admit)->counts(), Contains(Counter::session_created_inbound));
  EXPECT_EQ(walks[0].behind(Stage::admit)->session.origin, nat::SessionInfo::Origin::inbound);
}

TEST(TraceTest, a_drop_names_its_stage_and_its_counter) {
  struct Case {
    unsigned port;
    Bytes packet;
    std::string walk;
  };
  const Bytes good = udp("10.0.0.42:5000", "203.0.113.10:53").ip();
  const Bytes bad_checksum = [&] {
    Bytes packet = good;
    packet[10] ^= 1;
    return packet;
  }();
  const std::vector<Case> cases{
      {inside, bad_checksum, "parse(parse_ip_checksum)"},
      {inside, udp("10.0.0.42:5000", "127.0.0.1:53").ip(),
       "parse defrag steer lookup admit(martian_destination)"},
      {outside, udp("203.0.113.10:53", "198.51.100.10:5000").ip(),
       "parse defrag steer lookup admit(unmatched)"},
      {outside, tcp("203.0.113.10:53", "198.51.100.10:5000").ack().ip(),
       "parse defrag steer lookup admit(unmatched unmatched_rejected tcp_reset_sent) send(tx_packets)"},
      {inside, udp("10.0.0.42:5000", "203.0.113.10:53").ttl(1).ip(),
       "parse defrag steer lookup admit egress(hop_limit_exceeded icmp_error_sent) send(tx_packets)"}};
  for (const Case& each : cases) {
    Gateway gateway;
    Follower follower{gateway};
    gateway.put(each.port, each.packet);
    gateway.turn();
    EXPECT_EQ(texts(follower.take()), std::vector<std::string>{each.walk});
  }
}

TEST(TraceTest, of_a_burst_each_packet_is_told_with_what_it_counted_itself) {
  Gateway gateway;
  Follower follower{gateway};
  for (unsigned i = 0; i < 5; ++i) {
    gateway.put(inside, udp(at("10.0.0.42", 5000 + i), "203.0.113.10:53").ip());
    gateway.put(inside, cut(udp("10.0.0.42:6000", "203.0.113.10:53").ip(), 10));
  }
  gateway.turn();
  const auto walks = follower.take();
  ASSERT_THAT(walks, SizeIs(10));
  for (std::size_t i = 0; i < 10; ++i)
    EXPECT_EQ(walks[i].text(), i % 2 == 0 ? whole : "parse(parse_truncated)") << i;
}

TEST(TraceTest, who_asks_for_an_address_is_answered_in_parse) {
  Gateway gateway;
  Follower follower{gateway, "arp"};
  Bytes request(28);
  const Bytes start{0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 0, 0, 42, 0, 0, 0, 0, 0, 0, 10, 0, 0, 1};
  std::copy(start.begin(), start.end(), request.begin());
  gateway.put_frame(inside, ethernet(net::MacAddress{{255, 255, 255, 255, 255, 255}}, Gateway::neighbour_mac,
                                     0x0806, request));
  gateway.turn();
  const auto walks = follower.take();
  ASSERT_THAT(walks, SizeIs(1));
  EXPECT_THAT(walks[0].text(), HasSubstr("parse(arp_answered"));
}

TEST(TraceTest, addresses_are_told_before_and_after_in_each_family_pair) {
  EveryWay gateway;
  struct Case {
    const char *source, *destination, *before, *after;
  };
  for (const Case& each :
       {Case{"10.0.0.42:5000", "203.0.113.10:53", "10.0.0.42:5000 > 203.0.113.10:53",
             "198.51.100.1:5000 > 203.0.113.10:53"},
        Case{"[fd00:10::5]:5002", "[fd64::203.0.113.10]:53", "[fd00:10::5]:5002 > [fd64::cb00:710a]:53",
             "198.51.100.1:5002 > 203.0.113.10:53"},
        Case{"[fd00:10::5]:5001", "[2001:db8:9::1]:53", "[fd00:10::5]:5001 > [2001:db8:9::1]:53",
             "[2001:db8:100::1]:5001 > [2001:db8:9::1]:53"}}) {
    Follower follower{gateway};
    gateway.put(inside, udp(each.source, each.destination).ip());
    gateway.turn();
    const auto walks = follower.take();
    ASSERT_THAT(walks, SizeIs(1)) << each.before;
    ASSERT_NE(walks[0].behind(Stage::translate), nullptr) << walks[0].text();
    EXPECT_EQ(ends(*walks[0].behind(Stage::parse)), each.before);
    EXPECT_EQ(ends(*walks[0].behind(Stage::translate)), each.after);
    static_cast<void>(take_all(gateway, outside));
  }
}

TEST(TraceTest, what_needs_no_session_leaves_in_map) {
  EveryWay gateway;
  Follower follower{gateway};
  ASSERT_TRUE(gateway.out(udp("[fd00:10::6]:5000", "[2001:db8:64::203.0.113.10]:53")));
  const auto walks = follower.take();
  ASSERT_THAT(walks, SizeIs(1));
  EXPECT_THAT(walks[0].text(), testing::MatchesRegex("parse map\\(.*\\) send\\(tx_packets\\)"));
}

TEST(TraceTest, a_hairpinned_packet_walks_once_more) {
  Gateway gateway;
  ASSERT_TRUE(gateway.out(udp("10.0.0.43:6000", "203.0.113.10:53")));
  gateway.bind("198.51.100.10", {}, "10.0.0.43");
  gateway.turn();
  Follower follower{gateway};
  gateway.put(inside, udp("10.0.0.42:5000", "198.51.100.10:6000").ip());
  gateway.turn();
  EXPECT_EQ(text(gateway.take(inside)), "udp 198.51.100.1:5000 > 10.0.0.43:6000");
  const auto walks = follower.take();
  ASSERT_THAT(walks, SizeIs(2));
  EXPECT_EQ(walks[0].text(), "parse defrag steer lookup admit egress translate(hairpin)");
  EXPECT_EQ(walks[1].head.entry, Entry::again);
  EXPECT_EQ(walks[1].head.packet, walks[0].head.packet);
  EXPECT_EQ(ends(*walks[1].behind(Stage::parse)), "198.51.100.1:5000 > 198.51.100.10:6000");
  EXPECT_EQ(ends(*walks[1].behind(Stage::translate)), "198.51.100.1:5000 > 10.0.0.43:6000");
}

TEST(TraceTest, a_fragment_that_waited_walks_once_more) {
  Gateway gateway;
  Follower follower{gateway};
  const auto fragments = udp("10.0.0.42:5000", "203.0.113.10:53").payload(100).fragments(56);
  ASSERT_EQ(fragments.size(), 2U);
  gateway.put(inside, fragments[1]);
  gateway.turn();
  EXPECT_EQ(texts(follower.take()), std::vector<std::string>{"parse defrag(fragment_held)"});
  gateway.put(inside, fragments[0]);
  gateway.turn();
  const auto walks = follower.take();
  ASSERT_THAT(walks, SizeIs(2));
  EXPECT_EQ(walks[0].head.entry, Entry::port);
  EXPECT_EQ(walks[1].head.entry, Entry::again);
  EXPECT_EQ(walks[1].text(), whole);
}

TEST(TraceTest, a_next_hop_that_is_not_known_is_control_s_to_find) {
  Gateway gateway;
  Follower follower{gateway};
  gateway.put(inside, udp("10.0.0.42:5000", "198.51.100.77:53").ip());
  gateway.turn();
  const auto walks = follower.take();
  ASSERT_THAT(walks, SizeIs(1));
  EXPECT_EQ(walks[0].text(), "parse defrag steer lookup admit egress translate resolve(neighbour_miss)");
  EXPECT_FALSE(walks[0].behind(Stage::egress)->has_neighbour);
  EXPECT_EQ(walks[0].behind(Stage::egress)->next_hop, address("198.51.100.77"));
}

TEST(TraceTest, from_worker_to_worker_a_packet_keeps_its_name) {
  Gateway gateway{lab_realm(), 4};
  Follower follower{gateway};
  std::string host = "10.0.0.100";
  for (unsigned n = 101; home_of(gateway, host) == WorkerId{0}; ++n) host = "10.0.0." + std::to_string(n);
  ASSERT_TRUE(gateway.out(udp(at(host, 5000), "203.0.113.10:53")));
  const auto walks = follower.take();
  ASSERT_THAT(walks, SizeIs(2));
  EXPECT_EQ(walks[0].text(), "parse defrag steer(steer_to_peer)");
  EXPECT_EQ(walks[1].head.entry, Entry::peer);
  EXPECT_EQ(walks[1].head.worker, home_of(gateway, host));
  EXPECT_EQ(walks[1].head.packet, walks[0].head.packet);
  EXPECT_EQ(walks[1].behind(Stage::resolve) != nullptr, true);
}

TEST(TraceTest, packets_beside_the_filter_take_the_short_way) {
  Gateway gateway;
  for (const char* host : {"10.0.0.42:5000", "10.0.0.43:5000"})
    ASSERT_TRUE(gateway.out(udp(host, "203.0.113.10:53")));
  Follower follower{gateway, "host 10.0.0.42"};
  const auto before = gateway.count(Counter::short_way);
  for (std::uint16_t i = 0; i < 4; ++i) {
    gateway.put(inside, udp("10.0.0.42:5000", "203.0.113.10:53").id(i).ip());
    gateway.put(inside, udp("10.0.0.43:5000", "203.0.113.10:53").id(i).ip());
  }
  gateway.turn();
  EXPECT_EQ(gateway.count(Counter::short_way), before + 4);
  EXPECT_THAT(follower.take(), SizeIs(4));
  EXPECT_THAT(take_all(gateway, outside), SizeIs(8));
}

TEST(TraceTest, of_a_flood_no_more_than_so_many_are_followed) {
  Gateway gateway;
  ASSERT_TRUE(gateway.out(udp("10.0.0.42:5000", "203.0.113.10:53")));
  Follower follower{gateway};
  constexpr unsigned flood = 500;
  for (unsigned i = 0; i < flood; ++i) {
    gateway.put(inside, udp("10.0.0.42:5000", "203.0.113.10:53").ip());
    gateway.turn();
  }
  EXPECT_THAT(follower.take(), SizeIs(dataplane::Tracer::walks_at_once));
  EXPECT_EQ(gateway.count(Counter::trace_passed_over), flood - dataplane::Tracer::walks_at_once);
  EXPECT_THAT(take_all(gateway, outside), SizeIs(flood)) << "each has left";
}

TEST(TraceTest, what_nobody_reads_is_lost_and_the_packets_are_not) {
  Gateway gateway;
  Follower follower{gateway};
  unsigned sent = 0;
  while (follower.lost() == 0 && sent < 10'000) {
    if (gateway.out(udp("10.0.0.42:5000", "203.0.113.10:53"))) ++sent;
    gateway.advance(10ms);
  }
  EXPECT_EQ(follower.lost(), 1U);
  EXPECT_GT(sent, 100U);
  EXPECT_EQ(follower.take().size(), sent - 1);
}

}  // namespace
}  // namespace rgw::test
