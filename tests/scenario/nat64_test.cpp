// Stateful NAT64 (X-1, X64-1) and inbound from IPv4 to an IPv6 host (POOL-12):
// - TCP, UDP and echo out and back, headers and checksums right
// - UDP without a checksum gets one
// - fragments in both directions
// - fragmented pings, whose checksum needs the length of the whole
// - errors from IPv4 routers, with the router's address inside the prefix
// - packet too big, both ways
// - hairpin through an external address
// - a v4 reservation for a v6 host
#include "scenario/support.hpp"
#include "support/gateway.hpp"
#include <gtest/gtest.h>

namespace rgw::test {
namespace {

constexpr auto host = "[fd00:10::5]:5000";
constexpr auto server6 = "[fd64::203.0.113.10]:80";  // 203.0.113.10 inside the prefix

config::Realm nat64_realm() {
  config::Realm realm = lab_realm();
  realm.nat64.prefix = net::Prefix::parse("fd64::/96");
  return realm;
}

class Nat64 : public testing::Test {
 protected:
  Nat64() {
    gateway.learn(Gateway::inside, "fd00:10::5");
    gateway.learn(Gateway::inside, "fd00:10::6");
  }
  Gateway gateway{nat64_realm()};
};

TEST_F(Nat64, a_udp_packet_becomes_ipv4_and_its_answer_ipv6) {  // X64-1
  const auto out = gateway.out(udp(host, "[fd64::203.0.113.10]:53").tos(0x28).payload(100));
  ASSERT_TRUE(out);
  EXPECT_EQ(out->to_string(), "udp 198.51.100.1:5000 > 203.0.113.10:53");
  EXPECT_EQ(out->ttl(), 63);
  EXPECT_EQ(out->ipv4().tos, 0x28);
  EXPECT_FALSE(out->ipv4().df());  // 128 bytes: RFC 7915 section 5.1
  EXPECT_TRUE(out->checksums_right());
  const auto back = gateway.in(udp("203.0.113.10:53", "198.51.100.1:5000").tos(0x10).payload(60));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->to_string(), "udp [fd64::cb00:710a]:53 > [fd00:10::5]:5000");
  EXPECT_EQ(back->ttl(), 63);
  EXPECT_EQ(back->bytes().size(), 40U + 8 + 60);
  EXPECT_TRUE(back->checksums_right());
}

TEST_F(Nat64, tcp_opens_and_closes_across_the_families) {
  ASSERT_TRUE(gateway.out(tcp(host, server6).syn()));
  const auto back = gateway.in(tcp("203.0.113.10:80", "198.51.100.1:5000").syn_ack());
  ASSERT_TRUE(back);
  EXPECT_TRUE(back->checksums_right());
  const auto data = gateway.out(tcp(host, server6).ack().payload(1400));
  ASSERT_TRUE(data);
  EXPECT_TRUE(data->ipv4().df());  // longer than 1260
  EXPECT_TRUE(data->checksums_right());
}

TEST(Nat64Prefix, the_well_known_prefix_stands_for_global_addresses_alone) {  // X64-2, RFC 6052 section 3.1
  config::Realm realm = nat64_realm();
  realm.nat64.prefix = net::Prefix::parse("64:ff9b::/96");
  Gateway gateway{realm};
  EXPECT_FALSE(gateway.out(udp(host, "[64:ff9b::192.168.1.1]:53").payload(10)));
  EXPECT_EQ(gateway.count(Counter::not_represented), 1U);
  const auto out = gateway.out(udp(host, "[64:ff9b::9.9.9.9]:53").payload(10));
  ASSERT_TRUE(out);
  EXPECT_EQ(out->destination(), address("9.9.9.9"));
}

TEST_F(Nat64, an_echo_changes_its_type_and_gains_the_pseudo_header) {
  const auto out = gateway.out(ping("fd00:10::5", "fd64::203.0.113.10", 77).payload(56));
  ASSERT_TRUE(out);
  EXPECT_EQ(out->to_string(), "icmp8 198.51.100.1 > 203.0.113.10");
  EXPECT_TRUE(out->checksums_right());
  const auto back =
      gateway.in(pong("203.0.113.10", "198.51.100.1", out->icmp().identifier.host()).payload(57));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->to_string(), "icmp129 fd64::cb00:710a > fd00:10::5");
  EXPECT_EQ(back->icmp().identifier.host(), 77);
  EXPECT_TRUE(back->checksums_right());
}

TEST_F(Nat64, udp_without_a_checksum_gets_one) {  // RFC 7915 section 4.5
  ASSERT_TRUE(gateway.out(udp(host, "[fd64::203.0.113.10]:53").payload(10)));
  const auto back = gateway.in(udp("203.0.113.10:53", "198.51.100.1:5000").no_udp_checksum().payload(33));
  ASSERT_TRUE(back);
  EXPECT_NE(back->transport<net::UdpHeader>().checksum.raw(), 0);
  EXPECT_TRUE(back->checksums_right());
}

TEST_F(Nat64, a_corrupt_checksum_stays_corrupt) {
  const auto out = gateway.out(udp(host, "[fd64::203.0.113.10]:53").payload(10).corrupt_transport_checksum());
  ASSERT_TRUE(out);
  EXPECT_FALSE(out->checksums_right());
}

TEST_F(Nat64, an_error_shows_the_router_inside_the_prefix) {  // OUT-5, RFC 7915 section 4.3
  const auto out = gateway.out(udp(host, "[fd64::203.0.113.10]:53").payload(100));
  ASSERT_TRUE(out);
  gateway.put(Gateway::outside, icmp_error("192.0.2.77", "198.51.100.1", 11, 0, out->bytes()).ip());
  gateway.turn();
  const auto error = gateway.take(Gateway::inside);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->to_string(), "icmp3 fd64::c000:24d > fd00:10::5");
  EXPECT_TRUE(error->checksums_right());
  EXPECT_EQ(error->inner().to_string(), "udp [fd00:10::5]:5000 > [fd64::cb00:710a]:53");
  EXPECT_TRUE(error->inner().checksums_right());
}

TEST_F(Nat64, fragmentation_needed_becomes_packet_too_big) {
  const auto out = gateway.out(tcp(host, server6).syn());
  ASSERT_TRUE(out);
  const auto big = gateway.out(tcp(host, server6).ack().payload(1400));
  gateway.put(Gateway::outside, icmp_error("192.0.2.77", "198.51.100.1", 3, 4, big->bytes(), 1400).ip());
  gateway.turn();
  const auto error = gateway.take(Gateway::inside);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->icmp().type, net::icmp6::packet_too_big);
  EXPECT_EQ(error->icmp().sequence.host(), 1420);
  EXPECT_TRUE(error->checksums_right());
}

TEST_F(Nat64, a_long_packet_without_df_is_cut_for_ipv6) {  // RFC 7915 section 4
  ASSERT_TRUE(gateway.out(udp(host, "[fd64::203.0.113.10]:53").payload(10)));
  gateway.put(Gateway::outside, udp("203.0.113.10:53", "198.51.100.1:5000").id(0x1234).payload(1400).ip());
  gateway.turn();
  const auto first = gateway.take(Gateway::inside);
  const auto second = gateway.take(Gateway::inside);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->ipv6().next_header, 44);
  EXPECT_LE(first->bytes().size(), 1280U);
  const auto& header = first->transport<net::Ipv6FragmentHeader>();
  EXPECT_EQ(header.next_header, 17);
  EXPECT_EQ(header.identification.host(), 0x1234U);
  EXPECT_EQ(header.offset_flags.host(), 1);
  EXPECT_EQ(second->transport<net::Ipv6FragmentHeader>().offset_flags.host(), first->bytes().size() - 48);
  EXPECT_EQ(first->bytes().size() + second->bytes().size() - 96, 1408U);
}

TEST_F(Nat64, fragments_from_ipv4_keep_their_offsets) {
  ASSERT_TRUE(gateway.out(udp(host, "[fd64::203.0.113.10]:53").payload(10)));
  for (const auto& fragment :
       udp("203.0.113.10:53", "198.51.100.1:5000").id(9).payload(2000).fragments(1000)) {
    gateway.put(Gateway::outside, fragment);
  }
  gateway.turn();
  std::vector<Seen> seen;
  while (auto packet = gateway.take(Gateway::inside)) seen.push_back(*packet);
  ASSERT_EQ(seen.size(), 3U);
  Bytes whole;
  for (const auto& packet : seen) {
    EXPECT_EQ(packet.destination(), address("fd00:10::5"));
    const auto& header = packet.transport<net::Ipv6FragmentHeader>();
    EXPECT_EQ(header.identification.host(), 9U);
    EXPECT_EQ(header.offset_flags.host() & 0xfff8, whole.size());
    whole.insert(whole.end(), packet.bytes().begin() + 48, packet.bytes().end());
  }
  ASSERT_EQ(whole.size(), 2008U);
  auto sum = net::pseudo_header(seen[0].ipv6().source, seen[0].ipv6().destination, 17, 2008);
  EXPECT_EQ(sum.add(whole.data(), whole.size()).fold(), 0xffff);
}

TEST_F(Nat64,
       a_fragmented_ping_crosses_with_its_checksum) {  // X-1, RFC 8200 section 8.1: the whole length counts
  for (const auto order : {false, true}) {
    auto request = ping("fd00:10::5", "fd64::203.0.113.10", 9).id(77).payload(4000).fragments(1232);
    if (order) std::ranges::reverse(request);
    for (const auto& fragment : request) gateway.put(Gateway::inside, fragment);
    gateway.turn();
    const auto seen = take_all(gateway, Gateway::outside);
    ASSERT_EQ(seen.size(), 4U);
    EXPECT_EQ(piece_of(seen[0]).offset, 0U);  // the first goes first
    const Seen whole{reassemble(seen)};
    ASSERT_EQ(whole.bytes().size(), 20U + 8 + 4000);
    EXPECT_EQ(whole.to_string(), "icmp8 198.51.100.1 > 203.0.113.10");
    EXPECT_EQ(whole.icmp().identifier.host(), 9U);
    EXPECT_TRUE(whole.checksums_right());

    auto reply = pong("203.0.113.10", "198.51.100.1", 9).id(5).payload(4000).fragments(1480);
    if (order) std::ranges::reverse(reply);
    for (const auto& fragment : reply) gateway.put(Gateway::outside, fragment);
    gateway.turn();
    const Seen back{reassemble(take_all(gateway, Gateway::inside))};
    ASSERT_EQ(back.bytes().size(), 40U + 8 + 4000);
    EXPECT_EQ(back.to_string(), "icmp129 fd64::cb00:710a > fd00:10::5");
    EXPECT_TRUE(back.checksums_right());
  }
  EXPECT_EQ(gateway.worker(0).context().fragments.held(), 0U);
}

TEST_F(Nat64, a_ping_of_64_KiB_crosses) {
  for (const auto& fragment : ping("fd00:10::5", "fd64::203.0.113.10", 9).payload(65507 - 20).fragments(1232))
    gateway.put(Gateway::inside, fragment);
  gateway.turn();
  const Seen whole{reassemble(take_all(gateway, Gateway::outside))};
  ASSERT_EQ(whole.bytes().size(), 65507U - 20 + 28);
  EXPECT_TRUE(whole.checksums_right());
}

TEST_F(Nat64, a_corrupt_fragmented_ping_stays_corrupt_and_one_without_an_end_goes_nowhere) {
  for (const auto& fragment :
       ping("fd00:10::5", "fd64::203.0.113.10", 9).corrupt_transport_checksum().payload(2000).fragments(1232))
    gateway.put(Gateway::inside, fragment);
  gateway.turn();
  EXPECT_FALSE(Seen{reassemble(take_all(gateway, Gateway::outside))}.checksums_right());

  auto endless = ping("fd00:10::5", "fd64::203.0.113.10", 9).id(8).payload(4000).fragments(1232);
  endless.pop_back();
  for (const auto& fragment : endless) gateway.put(Gateway::inside, fragment);
  gateway.turn();
  EXPECT_TRUE(take_all(gateway, Gateway::outside).empty());
  gateway.advance(2s);
  EXPECT_EQ(gateway.count(Counter::fragment_timeout), endless.size());
}

TEST(Nat64Filtering, of_udp_is_by_choice) {  // RFC 6146 section 3.5.1
  using Filtering = config::Outbound::Filtering;
  struct Row {
    Filtering filtering;
    bool other_port, other_address;
  };
  for (const Row& row :
       {Row{Filtering::endpoint_independent, true, true}, Row{Filtering::address_dependent, true, false},
        Row{Filtering::address_and_port_dependent, false, false}}) {
    config::Realm realm = nat64_realm();
    realm.outbound.filtering = row.filtering;
    Gateway gateway{realm};
    gateway.learn(Gateway::inside, "fd00:10::5");
    ASSERT_TRUE(gateway.out(udp(host, "[fd64::203.0.113.10]:53").payload(10)));
    EXPECT_TRUE(gateway.in(udp("203.0.113.10:53", "198.51.100.1:5000").payload(10)));
    EXPECT_EQ(gateway.in(udp("203.0.113.10:54", "198.51.100.1:5000").payload(10)).has_value(),
              row.other_port);
    EXPECT_EQ(gateway.in(udp("203.0.113.11:53", "198.51.100.1:5000").payload(10)).has_value(),
              row.other_address);
    EXPECT_EQ(gateway.count(Counter::filtered), !row.other_port + !row.other_address);
  }
}

TEST_F(Nat64, a_v4_reservation_lets_a_client_reach_a_v6_host) {  // POOL-12
  gateway.bind("198.51.100.10", {net::Protocol::tcp, 22}, "fd00:10::5");
  const auto in = gateway.in(tcp("203.0.113.10:4000", "198.51.100.10:22").syn());
  ASSERT_TRUE(in);
  EXPECT_EQ(in->to_string(), "tcp [fd64::cb00:710a]:4000 > [fd00:10::5]:22");
  EXPECT_TRUE(in->checksums_right());
  const auto back = gateway.out(tcp("[fd00:10::5]:22", "[fd64::203.0.113.10]:4000").syn_ack());
  ASSERT_TRUE(back);
  EXPECT_EQ(back->to_string(), "tcp 198.51.100.10:22 > 203.0.113.10:4000");
  EXPECT_TRUE(back->checksums_right());
}

TEST_F(Nat64, two_v6_hosts_reach_each_other_through_an_external_address) {  // OUT-4, RFC 6146 section 3.8
  ASSERT_TRUE(gateway.out(udp("[fd00:10::6]:7000", "[fd64::203.0.113.10]:53").payload(10)));
  gateway.bind("198.51.100.10", {net::Protocol::udp, 7000}, "fd00:10::6");
  gateway.put(Gateway::inside, udp(host, "[fd64::198.51.100.10]:7000").payload(20).ip());
  gateway.turn();
  const auto there = gateway.take(Gateway::inside);
  ASSERT_TRUE(there);
  EXPECT_EQ(there->to_string(), "udp [fd64::c633:6401]:5000 > [fd00:10::6]:7000");
  EXPECT_EQ(there->ttl(), 63);
  EXPECT_TRUE(there->checksums_right());
  gateway.put(Gateway::inside, udp("[fd00:10::6]:7000", "[fd64::198.51.100.1]:5000").payload(20).ip());
  gateway.turn();
  const auto back = gateway.take(Gateway::inside);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->to_string(), "udp [fd64::c633:640a]:7000 > [fd00:10::5]:5000");
  EXPECT_TRUE(back->checksums_right());
}

}  // namespace
}  // namespace rgw::test
