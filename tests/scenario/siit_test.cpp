// Stateless translation (SIIT-1, SIIT-2):
// - an IPv6 host reaches an IPv4 one by the prefix, and is seen under its mapped address
// - an IPv4 host reaches an IPv6 one by an explicit mapping; prefixes as well as single addresses, the
// longest
//   first
// - rows with more suffix bits than IPv4 has; maps without a prefix; destinations that the prefix stands for
// - fragments pass without state; UDP without a checksum as RFC 7915 says
// - the traffic class may stay at home
// - in-network: ARP and solicitations for mapped addresses on the link are answered; one port for both
// families
#include "scenario/siit.hpp"

#include <gtest/gtest.h>

namespace rgw::test {
namespace {

TEST_F(Siit, an_ipv6_host_reaches_an_ipv4_host_by_the_prefix) {  // SIIT-1
  const auto out = gateway.out(tcp("[2001:db8:42::42]:5000", "[2001:db8:23::10.0.0.42]:2345").syn());
  ASSERT_TRUE(out);
  EXPECT_EQ(out->to_string(), "tcp 10.0.1.42:5000 > 10.0.0.42:2345");
  EXPECT_EQ(out->ttl(), 63);
  EXPECT_TRUE(out->checksums_right());
  EXPECT_EQ(gateway.sessions(), 0U);
}

TEST_F(Siit, an_ipv4_host_reaches_an_ipv6_host_by_its_mapping) {
  const auto in = gateway.in(udp("10.0.0.42:2345", "10.0.1.42:5000").payload(11));
  ASSERT_TRUE(in);
  EXPECT_EQ(in->to_string(), "udp [2001:db8:23::a00:2a]:2345 > [2001:db8:42::42]:5000");
  EXPECT_TRUE(in->checksums_right());
}

TEST_F(Siit, prefixes_map_suffix_by_suffix) {  // RFC 7757 section 3.3
  const auto in = gateway.in(ping("10.0.0.42", "10.0.2.9", 5).payload(21));
  ASSERT_TRUE(in);
  EXPECT_EQ(in->to_string(), "icmp128 2001:db8:23::a00:2a > 2001:db8:42::209");
  EXPECT_TRUE(in->checksums_right());
  const auto out = gateway.out(pong("2001:db8:42::209", "2001:db8:23::10.0.0.42", 5).payload(21));
  ASSERT_TRUE(out);
  EXPECT_EQ(out->to_string(), "icmp0 10.0.2.9 > 10.0.0.42");
  EXPECT_TRUE(out->checksums_right());
}

// Rows whose IPv6 side has more suffix bits than IPv4 has.
class SiitLongSuffix : public testing::Test {
 protected:
  SiitLongSuffix() {
    gateway.learn(Gateway::inside, "2001:db8:42::fe");
    gateway.learn(Gateway::outside, "10.0.0.42");
  }
  Gateway gateway{[] {
    config::Realm realm = siit_realm();
    realm.routes = {{*net::Prefix::parse("2001:db8:b::/48"), address("2001:db8:42::fe")},
                    {net::Prefix::all(net::Family::v4), address("10.0.0.42")}};
    realm.siit.maps = {{*net::Prefix::parse("203.0.113.0/24"), *net::Prefix::parse("2001:db8:b::/64")},
                       {*net::Prefix::parse("192.0.2.7"), *net::Prefix::parse("2001:db8:b:1::/64")}};
    return realm;
  }()};
};

TEST_F(SiitLongSuffix,
       bits_behind_it_are_zero_when_made_and_not_looked_at_when_read) {  // RFC 7757 sections 3.3.1 and 3.3.2
  EXPECT_EQ(text(gateway.in(udp("10.0.0.42:5", "203.0.113.7:6"))),
            "udp [2001:db8:23::a00:2a]:5 > [2001:db8:b:0:700::]:6");
  EXPECT_EQ(text(gateway.in(udp("10.0.0.42:5", "192.0.2.7:6"))),
            "udp [2001:db8:23::a00:2a]:5 > [2001:db8:b:1::]:6");
  for (const auto* source :
       {"[2001:db8:b:0:700::]:6", "[2001:db8:b:0:700::1]:6", "[2001:db8:b:0:7ff:ffff:ffff:ffff]:6"}) {
    EXPECT_EQ(text(gateway.out(udp(source, "[2001:db8:23::10.0.0.42]:5"))), "udp 203.0.113.7:6 > 10.0.0.42:5")
        << source;
  }
  EXPECT_EQ(text(gateway.out(udp("[2001:db8:b:1:2:3:4:5]:6", "[2001:db8:23::10.0.0.42]:5"))),
            "udp 192.0.2.7:6 > 10.0.0.42:5");
}

TEST_F(SiitLongSuffix,
       an_address_of_its_own_map_is_not_called_by_its_ipv4_address) {  // RFC 7757 section 4.2.2
  EXPECT_EQ(text(gateway.out(udp("[2001:db8:b:1::]:5", "[2001:db8:b:0:700::1]:6"))),
            "udp 192.0.2.7:5 > 203.0.113.7:6");
  EXPECT_EQ(gateway.count(Counter::map_hairpin), 0U);
  gateway.put(Gateway::inside, udp("[2001:db8:b:1::]:5", "[2001:db8:23::203.0.113.7]:6").ip());
  gateway.turn();
  EXPECT_EQ(gateway.count(Counter::map_hairpin), 1U);
  EXPECT_EQ(text(gateway.take(Gateway::inside)), "udp [2001:db8:23::c000:207]:5 > [2001:db8:b:0:700::]:6");
}

// Maps alone: no prefix shows an IPv4 address that has none.
TEST(SiitMapsAlone,
     an_ipv4_router_without_an_ipv6_address_borrows_the_gateways) {  // RFC 7915 section 6, as RFC 6791
  config::Realm realm = siit_realm();
  realm.siit.prefix.reset();
  realm.siit.maps = {{*net::Prefix::parse("10.0.1.42"), *net::Prefix::parse("2001:db8:42::42")},
                     {*net::Prefix::parse("10.0.0.42"), *net::Prefix::parse("2001:db8:64::42")}};
  Gateway gateway{realm};
  gateway.learn(Gateway::inside, "2001:db8:42::42");
  gateway.learn(Gateway::outside, "10.0.0.42");
  const auto out = gateway.out(udp("[2001:db8:42::42]:5000", "[2001:db8:64::42]:53").payload(1300));
  ASSERT_TRUE(out);
  for (const auto& [code, word] : {std::pair<std::uint8_t, std::uint16_t>{4, 1300}, {1, 0}}) {
    gateway.put(Gateway::outside, icmp_error("192.0.2.1", "10.0.1.42", 3, code, out->bytes(), word).ip());
    gateway.turn();
    const auto error = gateway.take(Gateway::inside);
    ASSERT_TRUE(error);
    EXPECT_EQ(error->to_string(),
              std::string{code == 4 ? "icmp2" : "icmp1"} + " 2001:db8:42::77 > 2001:db8:42::42");
    EXPECT_EQ(error->icmp().sequence.host(), code == 4 ? 1320 : 0);
    EXPECT_TRUE(error->checksums_right());
    EXPECT_EQ(error->inner().to_string(), "udp [2001:db8:42::42]:5000 > [2001:db8:64::42]:53");
  }
  EXPECT_FALSE(gateway.in(udp("192.0.2.1:5", "10.0.1.42:6"))) << "an error alone";
  EXPECT_EQ(gateway.count(Counter::map_source_unmapped), 1U);
}

// IPv4 hosts reach all of IPv4 through a prefix of any length, by the NAT64 behind it (RFC 6877).
class SiitDestinations : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(of, SiitDestinations,
                         testing::Values("2001:db8::/32", "2001:db8:100::/40", "2001:db8:122::/48",
                                         "2001:db8:122:300::/56", "2001:db8:122:344::/64",
                                         "2001:db8:122:344::/96"),
                         [](const auto& of) {
                           return "bits_" + std::string{of.param}.substr(std::string{of.param}.find('/') + 1);
                         });

TEST_P(SiitDestinations, of_ipv4_are_found_in_the_prefix) {  // RFC 6877 section 6.3, RFC 6052 section 2.2
  config::Realm realm = siit_realm();
  realm.ports[0].addresses = {*net::InterfaceAddress::parse("192.168.0.1/24")};
  realm.ports[1].addresses = {*net::InterfaceAddress::parse("fd00:42::77/64")};
  realm.routes = {{net::Prefix::all(net::Family::v6), address("fd00:42::fe")}};
  realm.siit.prefix = net::Prefix::parse(GetParam());
  realm.siit.destinations = {net::Prefix::all(net::Family::v4)};
  realm.siit.maps = {{*net::Prefix::parse("192.168.0.0/25"), *net::Prefix::parse("fd00:46::c0a8:0/121")}};
  Gateway gateway{realm};
  gateway.learn(Gateway::inside, "192.168.0.42");
  gateway.learn(Gateway::outside, "fd00:42::fe");
  const net::Pref64 prefix{*net::Prefix::parse(GetParam())};
  const std::string server = prefix.embed(address("203.0.113.7").v4()).to_string();
  for (unsigned i = 0; i < 3; ++i) {  // by the walk, then the short way
    const auto out = gateway.out(udp("192.168.0.42:5000", "203.0.113.7:53").payload(9));
    ASSERT_TRUE(out);
    EXPECT_EQ(out->to_string(), "udp [fd00:46::c0a8:2a]:5000 > " + at(server, 53));
    EXPECT_TRUE(out->checksums_right());
    const auto in = gateway.in(udp(at(server, 53), "[fd00:46::c0a8:2a]:5000").payload(9));
    ASSERT_TRUE(in);
    EXPECT_EQ(in->to_string(), "udp 203.0.113.7:53 > 192.168.0.42:5000");
    EXPECT_TRUE(in->checksums_right());
  }
  EXPECT_GT(gateway.count(Counter::short_way), 0U);
  const auto sent = gateway.out(udp("192.168.0.42:5000", "203.0.113.7:53").payload(9));
  const auto error = gateway.in(icmp_error(server, "fd00:46::c0a8:2a", 1, 4, sent->bytes()));
  ASSERT_TRUE(error);
  EXPECT_EQ(error->to_string(), "icmp3 203.0.113.7 > 192.168.0.42");
  EXPECT_EQ(error->inner().to_string(), "udp 192.168.0.42:5000 > 203.0.113.7:53");
  // What is for all on the link, or for the gateway, is not for the prefix.
  for (const auto* group : {"192.168.0.255:67", "255.255.255.255:67", "224.0.0.251:5353", "192.168.0.1:53"})
    EXPECT_FALSE(gateway.out(udp("192.168.0.42:68", group))) << group;
}

TEST_F(Siit, a_source_that_no_map_knows_is_dropped) {
  EXPECT_FALSE(gateway.out(udp("[2001:db8:42::99]:5000", "[2001:db8:23::10.0.0.42]:53").payload(4)));
  EXPECT_EQ(gateway.count(Counter::map_source_unmapped), 1U);
}

TEST_F(Siit, fragments_pass_in_any_order_without_state) {
  const auto fragments = udp("10.0.0.42:2345", "10.0.1.42:5000").id(7).payload(1600).fragments(800);
  for (auto fragment = fragments.rbegin(); fragment != fragments.rend(); ++fragment)
    gateway.put(Gateway::outside, *fragment);
  gateway.turn();
  const auto seen = take_all(gateway, Gateway::inside);
  ASSERT_EQ(seen.size(), fragments.size());
  for (const auto& packet : seen)
    EXPECT_EQ(packet.transport<net::Ipv6FragmentHeader>().identification.host(), 7U);
}

TEST_F(Siit, a_fragmented_ping_crosses_in_both_directions_without_state) {  // SIIT-1
  for (const auto order : {false, true}) {
    auto request = ping("10.0.0.42", "10.0.1.42", 3).id(9).payload(4000).fragments(1480);
    if (order) std::ranges::reverse(request);
    for (const auto& fragment : request) gateway.put(Gateway::outside, fragment);
    gateway.turn();
    const Seen in{reassemble(take_all(gateway, Gateway::inside))};
    ASSERT_EQ(in.bytes().size(), 40U + 8 + 4000);
    EXPECT_EQ(in.to_string(), "icmp128 2001:db8:23::a00:2a > 2001:db8:42::42");
    EXPECT_TRUE(in.checksums_right());

    auto reply = pong("2001:db8:42::42", "2001:db8:23::10.0.0.42", 3).id(9).payload(4000).fragments(1232);
    if (order) std::ranges::reverse(reply);
    for (const auto& fragment : reply) gateway.put(Gateway::inside, fragment);
    gateway.turn();
    const Seen out{reassemble(take_all(gateway, Gateway::outside))};
    ASSERT_EQ(out.bytes().size(), 20U + 8 + 4000);
    EXPECT_EQ(out.to_string(), "icmp0 10.0.1.42 > 10.0.0.42");
    EXPECT_TRUE(out.checksums_right());
  }
  EXPECT_EQ(gateway.sessions(), 0U);
}

TEST_F(Siit, an_atomic_fragment_becomes_a_whole_packet) {  // RFC 7915 section 5.1.1
  gateway.put(Gateway::inside,
              ping("2001:db8:42::42", "2001:db8:23::10.0.0.42", 3).id(0xbeef).payload(40).fragments(1232)[0]);
  gateway.turn();
  const auto out = gateway.take(Gateway::outside);
  ASSERT_TRUE(out);
  EXPECT_FALSE(out->ipv4().is_fragment());
  EXPECT_FALSE(out->ipv4().df());
  EXPECT_EQ(out->ipv4().identification.host(), 0xbeef);
  EXPECT_TRUE(out->checksums_right());
}

TEST_F(Siit, extension_headers_behind_a_fragment_header_are_refused) {  // RFC 7915 section 5.1.1
  Bytes fragment = udp("[2001:db8:42::42]:1", "[2001:db8:23::10.0.0.42]:2").payload(40).fragments(1232)[0];
  fragment[40] = 60;                                                  // destination options follow ...
  fragment.insert(fragment.begin() + 48, {17, 0, 1, 4, 0, 0, 0, 0});  // ... of 8 bytes, then UDP
  net::header<net::Ipv6Header>(fragment.data()).payload_length =
      be16{static_cast<std::uint16_t>(fragment.size() - 40)};
  gateway.put(Gateway::inside, fragment);
  gateway.turn();
  EXPECT_FALSE(gateway.take(Gateway::outside));
  EXPECT_EQ(gateway.count(Counter::translate_fragment_options), 1U);
}

TEST_F(Siit, fragmented_udp_without_a_checksum_cannot_cross) {  // RFC 7915 section 4.5
  for (const auto& fragment :
       udp("10.0.0.42:2345", "10.0.1.42:5000").no_udp_checksum().payload(1600).fragments(800)) {
    gateway.put(Gateway::outside, fragment);
  }
  gateway.turn();
  EXPECT_EQ(gateway.count(Counter::translate_udp_checksum), 1U);
}

TEST_F(Siit, arp_for_a_mapped_address_on_the_link_is_answered) {  // SIIT-2
  EXPECT_TRUE(gateway.snapshot().answers_for(PortId{1}, address("10.0.0.66")));
  EXPECT_FALSE(gateway.snapshot().answers_for(PortId{0}, address("10.0.0.66")));
  EXPECT_FALSE(gateway.snapshot().answers_for(PortId{1}, address("10.0.1.42")));  // off the link: routed here
  const auto in = gateway.in(udp("10.0.0.42:2345", "10.0.0.66:5000").payload(11));
  ASSERT_TRUE(in);
  EXPECT_EQ(in->destination(), address("2001:db8:42::66"));
}

TEST(SiitChoice, of_a_map_for_ipv4_hosts_the_ipv6_side_is_answered_for) {  // SIIT-2
  config::Realm realm = siit_realm();
  realm.siit.maps.push_back(
      {*net::Prefix::parse("10.0.0.42"), *net::Prefix::parse("2001:db8:42::a00:2a"), net::Family::v4});
  Gateway gateway{realm};
  gateway.learn(Gateway::outside, "10.0.0.42");
  const auto answers = [&](unsigned port, const char* whom) {
    return gateway.snapshot().answers_for(PortId{static_cast<std::uint8_t>(port)}, address(whom));
  };
  EXPECT_TRUE(answers(0, "2001:db8:42::a00:2a"));
  EXPECT_FALSE(answers(1, "2001:db8:42::a00:2a")) << "it is not on that link";
  EXPECT_FALSE(answers(1, "10.0.0.42")) << "it is the host's own";
  EXPECT_TRUE(answers(1, "10.0.0.66")) << "that map's hosts speak IPv6";
  EXPECT_FALSE(answers(0, "2001:db8:42::66"));
  const auto out = gateway.out(udp("[2001:db8:42::66]:5000", "[2001:db8:42::a00:2a]:2345").payload(11));
  ASSERT_TRUE(out);
  EXPECT_EQ(out->destination(), address("10.0.0.42"));
}

TEST(SiitChoice, the_traffic_class_may_stay_at_home) {  // RFC 7915 sections 4.1 and 5.1
  config::Realm realm = siit_realm();
  realm.siit.traffic_class = config::Siit::TrafficClass::ignore;
  Gateway gateway{realm};
  gateway.learn(Gateway::inside, "2001:db8:42::42");
  gateway.learn(Gateway::outside, "10.0.0.42");
  const auto in = gateway.in(udp("10.0.0.42:5", "10.0.1.42:6").tos(0xb8).payload(4));
  ASSERT_TRUE(in);
  EXPECT_EQ(in->ipv6().version_class_flow.host(), 0x60000000U);
  const auto out = gateway.out(udp("[2001:db8:42::42]:5", "[2001:db8:23::a00:2a]:6").tos(0xb8).payload(4));
  ASSERT_TRUE(out);
  EXPECT_EQ(out->ipv4().tos, 0);
  EXPECT_TRUE(out->checksums_right());
}

TEST(SiitChoice, nor_does_it_leave_with_a_session) {  // X64-1
  Gateway gateway{realm_with([](config::Realm& realm) {
    realm.nat64.prefix = net::Prefix::parse("fd64::/96");
    realm.siit.traffic_class = config::Siit::TrafficClass::ignore;
  })};
  gateway.learn(Gateway::inside, "fd00:10::5");
  for (int i = 0; i < 3; ++i) {  // of which the later ones could go the short way
    const auto out = gateway.out(udp("[fd00:10::5]:5", "[fd64::203.0.113.10]:6").tos(0xb8).payload(4));
    ASSERT_TRUE(out);
    EXPECT_EQ(out->ipv4().tos, 0);
    EXPECT_TRUE(out->checksums_right());
    const auto in = gateway.in(udp("203.0.113.10:6", "198.51.100.1:5").tos(0xb8).payload(4));
    ASSERT_TRUE(in);
    EXPECT_EQ(in->ipv6().version_class_flow.host(), 0x60000000U);
  }
}

TEST(SiitOnePort, one_link_of_both_families_is_enough) {  // SIIT-2
  config::Realm realm = siit_realm();
  realm.ports.resize(1);
  realm.ports[0].addresses.push_back(*net::InterfaceAddress::parse("10.0.0.77/24"));
  realm.siit.alone = true;
  Gateway gateway{realm};
  gateway.learn(0, "2001:db8:42::66");
  gateway.learn(0, "10.0.0.42");
  EXPECT_TRUE(gateway.snapshot().answers_for(PortId{0}, address("10.0.0.66")));
  gateway.put(0, udp("10.0.0.42:5", "10.0.0.66:6").payload(7).ip());
  gateway.turn();
  const auto there = gateway.take(0);
  ASSERT_TRUE(there);
  EXPECT_EQ(there->to_string(), "udp [2001:db8:23::a00:2a]:5 > [2001:db8:42::66]:6");
  gateway.put(0, udp("[2001:db8:42::66]:6", "[2001:db8:23::10.0.0.42]:5").payload(8).ip());
  gateway.turn();
  const auto back = gateway.take(0);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->to_string(), "udp 10.0.0.66:6 > 10.0.0.42:5");
  EXPECT_TRUE(back->checksums_right());
  // There is no NAT beside the maps.
  gateway.put(0, udp("10.0.0.42:5", "203.0.113.1:6").payload(7).ip());
  gateway.turn();
  EXPECT_EQ(text(gateway.take(0)), "icmp3 10.0.0.77 > 10.0.0.42");
  EXPECT_EQ(gateway.count(Counter::no_route), 1U);
}

}  // namespace
}  // namespace rgw::test
