// Which packets go the short way, and which walk. That both ways do the same shows either_way_test.cpp.
//   what_does_not_fit_where_it_goes_walks (RFC 7915 sections 4 and 5, RFC 8200 section 5)
//   a_burst_of_known_flows_goes_the_short_way_whole
//   what_follows_a_fin_does_not_overtake_it, what_follows_a_fragment_does_not_overtake_it
//   a_packet_that_may_be_cut_has_its_own_identification (RFC 7915 section 5.1)
//   a_digest_of_addresses_finds_but_does_not_prove
//   what_a_stateless_map_takes_does_not_go_by_a_session
//   of a map's packets only the first of an address walks (SIIT-1)
//   a_host_called_by_its_ipv4_address_is_told_so_every_time (RFC 7757 section 4)
//   a_traffic_class_is_forgotten_on_either_way (RFC 7915 sections 4.1 and 5.1)
//   where_the_next_hop_has_gone_a_map_s_packet_walks
#include "scenario/pairs.hpp"

namespace rgw::test {
namespace {

const Pairs nat44{all_pairs[0]}, nat64{all_pairs[1]}, nat46{all_pairs[2]}, nat66{all_pairs[3]},
    siit64{all_pairs[4]}, siit46{all_pairs[5]};

TEST(ShortWay, a_burst_of_known_flows_goes_the_short_way_whole) {
  const Pairs pairs(std::begin(all_pairs), std::end(all_pairs));
  AllPairs gateway;
  open_flows(gateway, pairs, 12);
  const auto before = gateway.count(Counter::short_way);
  for (int i = 0; i < 2; ++i) {
    for (unsigned flow = 0; flow < 12; ++flow) {
      gateway.put(inside, packet_of(pairs, flow, true).payload(10).ip());
      gateway.put(outside, packet_of(pairs, flow, false).payload(10).ip());
    }
  }
  gateway.turn();
  EXPECT_EQ(gateway.count(Counter::short_way) - before, 48U);
  EXPECT_EQ(take_all(gateway, outside).size(), 24U);
  EXPECT_EQ(take_all(gateway, inside).size(), 24U);
}

// How many of these packets went the short way?
std::uint64_t short_ones(Gateway& gateway, unsigned port, const PacketBuilder& packet) {
  const auto before = gateway.count(Counter::short_way);
  gateway.put(port, packet.ip());
  gateway.turn();
  return gateway.count(Counter::short_way) - before;
}

TEST(ShortWay, what_does_not_fit_where_it_goes_walks) {
  constexpr std::size_t v4 = sizeof(net::Ipv4Header) + sizeof(net::UdpHeader);
  constexpr std::size_t v6 = sizeof(net::Ipv6Header) + sizeof(net::UdpHeader);
  const auto fits = [](const Pairs& pair, bool outward, std::size_t payload, bool df) {
    AllPairs gateway;
    open_flows(gateway, pair, 1);
    PacketBuilder packet = packet_of(pair, 0, outward).payload(payload);
    if (df) packet.df();
    return short_ones(gateway, outward ? inside : outside, packet) == 1;
  };
  EXPECT_TRUE(fits(nat44, true, 1500 - v4, false));
  EXPECT_FALSE(fits(nat44, true, 1501 - v4, false));
  EXPECT_TRUE(fits(nat66, true, 1500 - v6, false));
  EXPECT_FALSE(fits(nat66, true, 1501 - v6, false));
  for (const auto& [pair, outward] : {std::pair{nat64, true}, {siit64, true}, {siit46, false}}) {
    EXPECT_TRUE(fits(pair, outward, 1500 - v4, false)) << "20 bytes shorter than it came";
    EXPECT_FALSE(fits(pair, outward, 1501 - v4, false));
  }
  // To IPv6 it gets longer; and what may be cut is cut to 1280.
  for (const auto& [pair, outward] :
       {std::pair{nat64, false}, {nat46, true}, {siit64, false}, {siit46, true}}) {
    EXPECT_TRUE(fits(pair, outward, 1500 - v6, true));
    EXPECT_FALSE(fits(pair, outward, 1501 - v6, true));
    EXPECT_TRUE(fits(pair, outward, 1280 - v6, false));
    EXPECT_FALSE(fits(pair, outward, 1281 - v6, false));
  }
}

TEST(ShortWay, what_follows_a_fin_does_not_overtake_it) {
  Gateway gateway;
  open_flows(gateway, nat44, 2);
  gateway.put(inside, packet_of(nat44, 1, true).ack().id(1).ip());
  gateway.put(inside, packet_of(nat44, 1, true).fin().id(2).ip());
  gateway.put(inside, packet_of(nat44, 1, true).ack().id(3).ip());
  gateway.turn();
  std::vector<int> order;
  for (const Seen& seen : take_all(gateway, outside))
    order.push_back(net::header<net::Ipv4Header>(seen.bytes().data()).identification.host());
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TEST(ShortWay, what_follows_a_fragment_does_not_overtake_it) {
  AllPairs gateway;
  open_flows(gateway, nat66, 1);
  gateway.put(inside, packet_of(nat66, 0, true).payload(1).ip());
  for (const Bytes& fragment : packet_of(nat66, 0, true).payload(24).fragments(16))
    gateway.put(inside, fragment);
  gateway.put(inside, packet_of(nat66, 0, true).payload(2).ip());
  gateway.turn();
  std::vector<std::size_t> sizes;
  for (const Seen& seen : take_all(gateway, outside))
    sizes.push_back(seen.bytes().size() - sizeof(net::Ipv6Header));
  EXPECT_EQ(sizes, (std::vector<std::size_t>{8 + 1, 8 + 16, 8 + 16, 8 + 2}));
}

TEST(ShortWay, a_packet_that_may_be_cut_has_its_own_identification) {
  AllPairs gateway;
  open_flows(gateway, nat64, 1);
  std::vector<int> seen;
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(short_ones(gateway, inside, packet_of(nat64, 0, true)), 1U);
    seen.push_back(gateway.take(outside)->ipv4().identification.host());
  }
  EXPECT_TRUE(seen[0] != seen[1] && seen[1] != seen[2] && seen[0] != seen[2]);
}

TEST(ShortWay, a_digest_of_addresses_finds_but_does_not_prove) {
  AllPairs gateway;
  open_flows(gateway, nat66, 1);
  ASSERT_EQ(short_ones(gateway, inside, packet_of(nat66, 0, true)), 1U);
  // As if another flow's addresses had the same digest.
  auto& session = gateway.worker(0).context().sessions[0];
  const net::Ipv6Address host = session.host6, remote = session.remote6;
  session.host6.bytes[15] ^= 1;
  EXPECT_EQ(short_ones(gateway, inside, packet_of(nat66, 0, true)), 0U);
  session.host6 = host;
  session.remote6.bytes[15] ^= 1;
  EXPECT_EQ(short_ones(gateway, outside, packet_of(nat66, 0, false)), 0U);
  session.remote6 = remote;
  EXPECT_EQ(short_ones(gateway, outside, packet_of(nat66, 0, false)), 1U);
}

TEST(ShortWay, what_a_stateless_map_takes_does_not_go_by_a_session) {
  Gateway gateway{realm_with([](config::Realm& realm) {
    realm.siit.maps = {{*net::Prefix::parse("203.0.113.7/32"), *net::Prefix::parse("2001:db8:7::7/128")}};
    realm.siit.prefix = net::Prefix::parse("fd64::/96");
    realm.static_mappings = {
        {net::Protocol::udp, endpoint("198.51.100.10:5000"), endpoint("10.0.0.42:5000")}};
  })};
  gateway.learn(outside, "2001:db8:100::fe");
  // To the remote, which has an IPv6 address by its map, the host's answer goes as IPv6, whatever session
  // there is.
  EXPECT_EQ(text(gateway.in(udp("203.0.113.7:80", "198.51.100.10:5000"))),
            "udp 203.0.113.7:80 > 10.0.0.42:5000");
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(text(gateway.out(udp("10.0.0.42:5000", "203.0.113.7:80"))),
              "udp [fd64::a00:2a]:5000 > [2001:db8:7::7]:80");
  }
  // Of another remote nothing is mapped.
  ASSERT_TRUE(gateway.in(udp("203.0.113.8:80", "198.51.100.10:5000")));
  ASSERT_TRUE(gateway.out(udp("10.0.0.42:5000", "203.0.113.8:80")));
  EXPECT_EQ(short_ones(gateway, inside, udp("10.0.0.42:5000", "203.0.113.8:80")), 1U);
}

TEST(ShortWay, of_a_map_s_packets_only_the_first_of_an_address_walks) {
  AllPairs gateway;
  EXPECT_EQ(short_ones(gateway, outside, udp("203.0.113.7:80", "198.51.100.20:5000")), 0U);
  EXPECT_EQ(short_ones(gateway, outside, udp("203.0.113.7:81", "198.51.100.20:5001")), 1U);
  // Another source; and the same address as a destination, or as its own mapping's image, is another matter.
  EXPECT_EQ(short_ones(gateway, outside, udp("203.0.113.8:80", "198.51.100.20:5000")), 0U);
  EXPECT_EQ(short_ones(gateway, outside, udp("203.0.113.8:80", "198.51.100.20:5000")), 1U);
  EXPECT_EQ(short_ones(gateway, inside, udp("[fd00:10::6]:5000", "[fd65::203.0.113.8]:80")), 0U);
  EXPECT_EQ(short_ones(gateway, inside, udp("[fd00:10::6]:5000", "[fd65::203.0.113.8]:80")), 1U);
  EXPECT_EQ(gateway.sessions(), 0U);
  EXPECT_EQ(gateway.count(Counter::map_translated), 6U);
}

TEST(ShortWay, a_host_called_by_its_ipv4_address_is_told_so_every_time) {
  auto realm = all_pairs_realm();
  realm.siit.maps.push_back({*net::Prefix::parse("198.51.100.21"), *net::Prefix::parse("fd00:10::7")});
  Gateway gateway{std::move(realm)};
  gateway.learn(inside, "fd00:10::6");
  gateway.learn(inside, "fd00:10::7");
  // Both are known as ends of other packets.
  for (const char* host : {"198.51.100.20:1", "198.51.100.21:1"})
    ASSERT_TRUE(gateway.in(udp("203.0.113.7:80", host)));
  ASSERT_TRUE(gateway.out(udp("[fd00:10::6]:1", "[fd65::203.0.113.7]:80")));
  for (int i = 0; i < 3; ++i) {
    gateway.put(inside, udp("[fd00:10::6]:1", "[fd65::198.51.100.21]:2").ip());
    gateway.turn();
    EXPECT_EQ(text(gateway.take(inside)), "udp [fd65::c633:6414]:1 > [fd00:10::7]:2");
  }
  EXPECT_EQ(gateway.count(Counter::map_hairpin), 3U);
}

TEST(ShortWay, a_traffic_class_is_forgotten_on_either_way) {
  auto realm = all_pairs_realm();
  realm.siit.traffic_class = config::Siit::TrafficClass::ignore;
  Gateway gateway{std::move(realm)};
  gateway.learn(inside, "fd00:10::6");
  for (const unsigned short_way : {0U, 1U}) {
    EXPECT_EQ(short_ones(gateway, outside, udp("203.0.113.7:80", "198.51.100.20:5000").tos(0xb8)), short_way);
    const auto in = gateway.take(inside);
    ASSERT_TRUE(in);
    EXPECT_EQ(in->ipv6().version_class_flow.host(), 6U << 28);
    EXPECT_TRUE(in->checksums_right());
    EXPECT_EQ(short_ones(gateway, inside, udp("[fd00:10::6]:1", "[fd65::203.0.113.7]:80").tos(0xb8)),
              short_way);
    const auto out = gateway.take(outside);
    ASSERT_TRUE(out);
    EXPECT_EQ(out->ipv4().tos, 0);
    EXPECT_TRUE(out->checksums_right());
  }
}

TEST(ShortWay, where_the_next_hop_has_gone_a_map_s_packet_walks) {
  AllPairs gateway;
  open_flows(gateway, siit64, 1);
  ASSERT_EQ(short_ones(gateway, outside, packet_of(siit64, 0, false)), 1U);
  gateway.tell(ring::NeighbourUpdate{PortId{inside}, false, {}, address("fd00:10::6")});
  ASSERT_EQ(short_ones(gateway, outside, packet_of(siit64, 0, false)), 0U);
  EXPECT_EQ(gateway.punted().size(), 1U) << "control is to find it";
  // It is back, with another MAC address.
  gateway.learn(inside, "fd00:10::6");
  ASSERT_EQ(short_ones(gateway, outside, packet_of(siit64, 0, false)), 0U) << "the way is learnt anew";
  EXPECT_EQ(short_ones(gateway, outside, packet_of(siit64, 0, false)), 1U);
}

}  // namespace
}  // namespace rgw::test
