// Stateless translation (SIIT-1, SIIT-2), with the addresses of the seed's table:
// - an IPv6 host reaches an IPv4 one by the prefix, and is seen under its mapped address
// - an IPv4 host reaches an IPv6 one by an explicit mapping; prefixes as well as single addresses, the
// longest first
// - fragments pass without state; UDP without a checksum as RFC 7915 says
// - protocols that NAT does not know; extension headers, source routes, martians
// - hairpinning (RFC 7757 section 4), one port for both families
// - rows with more suffix bits than IPv4 has; maps without a prefix; destinations that the prefix stands for
// - errors in both directions; an IPv6 router without an IPv4 address borrows one (RFC 6791); beside NAT64 an
// error goes the
//   way of the packet that it quotes
// - in-network: ARP and solicitations for mapped addresses on the link are answered
#include <set>

#include "scenario/support.hpp"
#include "support/gateway.hpp"
#include <gtest/gtest.h>

namespace rgw::test {
namespace {

config::Realm siit_realm() {
  config::Realm realm = lab_realm();
  realm.ports[0].addresses = {*net::InterfaceAddress::parse("2001:db8:42::77/64")};
  realm.ports[1].addresses = {*net::InterfaceAddress::parse("10.0.0.77/24")};
  realm.routes = {};
  realm.outbound.addresses = {};
  realm.pool.addresses = {};
  realm.siit.prefix = net::Prefix::parse("2001:db8:23::/96");
  realm.siit.maps = {{*net::Prefix::parse("10.0.1.42"), *net::Prefix::parse("2001:db8:42::42")},
                     {*net::Prefix::parse("10.0.0.66"), *net::Prefix::parse("2001:db8:42::66")},
                     {*net::Prefix::parse("10.0.2.0/24"), *net::Prefix::parse("2001:db8:42::200/120")}};
  return realm;
}

class Siit : public testing::Test {
 protected:
  Siit() {
    for (const auto* host : {"2001:db8:42::42", "2001:db8:42::66", "2001:db8:42::209"})
      gateway.learn(Gateway::inside, host);
    gateway.learn(Gateway::outside, "10.0.0.42");
  }
  Gateway gateway{siit_realm()};
};

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

TEST_F(Siit, a_router_without_an_ipv4_address_borrows_the_gateways) {  // RFC 6791
  const auto in = gateway.in(udp("10.0.0.42:2345", "10.0.1.42:5000").payload(11));
  ASSERT_TRUE(in);
  gateway.put(Gateway::inside,
              icmp_error("2001:db8:42::fe", "2001:db8:23::10.0.0.42", 1, 4, in->bytes()).ip());
  gateway.turn();
  const auto error = gateway.take(Gateway::outside);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->to_string(), "icmp3 10.0.0.77 > 10.0.0.42");
  EXPECT_EQ(error->icmp().code, 3);
  EXPECT_TRUE(error->checksums_right());
  EXPECT_EQ(error->inner().to_string(), "udp 10.0.0.42:2345 > 10.0.1.42:5000");
  EXPECT_TRUE(error->inner().checksums_right());
}

TEST_F(Siit, an_ipv4_routers_error_comes_from_inside_the_prefix) {
  const auto out = gateway.out(udp("[2001:db8:42::42]:5000", "[2001:db8:23::10.0.0.42]:53").payload(40));
  ASSERT_TRUE(out);
  gateway.put(Gateway::outside, icmp_error("192.0.2.1", "10.0.1.42", 11, 0, out->bytes()).ip());
  gateway.turn();
  const auto error = gateway.take(Gateway::inside);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->to_string(), "icmp3 2001:db8:23::c000:201 > 2001:db8:42::42");
  EXPECT_TRUE(error->checksums_right());
  EXPECT_EQ(error->inner().to_string(), "udp [2001:db8:42::42]:5000 > [2001:db8:23::a00:2a]:53");
}

TEST_F(Siit, arp_for_a_mapped_address_on_the_link_is_answered) {  // SIIT-2
  EXPECT_TRUE(gateway.snapshot().answers_for(PortId{1}, address("10.0.0.66")));
  EXPECT_FALSE(gateway.snapshot().answers_for(PortId{0}, address("10.0.0.66")));
  EXPECT_FALSE(gateway.snapshot().answers_for(PortId{1}, address("10.0.1.42")));  // off the link: routed here
  const auto in = gateway.in(udp("10.0.0.42:2345", "10.0.0.66:5000").payload(11));
  ASSERT_TRUE(in);
  EXPECT_EQ(in->destination(), address("2001:db8:42::66"));
}

// A transport of which the gateway knows no more than where its checksum is (DCCP, UDP-Lite: at 6), made
// right.
Bytes checksummed(std::uint8_t protocol, const char* source, const char* destination, std::size_t size) {
  Bytes l4(size, 0x5a);
  auto& checksum = net::header<net::UdpHeader>(l4.data()).checksum;
  checksum = {};
  const auto from = address(source), to = address(destination);
  auto sum = from.is_v4()
                 ? net::pseudo_header(from.v4(), to.v4(), protocol, static_cast<std::uint32_t>(size))
                 : net::pseudo_header(from.v6(), to.v6(), protocol, static_cast<std::uint32_t>(size));
  checksum = sum.add(l4.data(), l4.size()).checksum();
  return PacketBuilder{net::Protocol{protocol}, source, destination}.payload(l4).ip();
}

TEST_F(Siit,
       protocols_that_nat_does_not_know_pass_with_their_checksums) {  // RFC 7915 sections 4.1, 4.5, 5.1, 5.5
  for (const std::uint8_t protocol : {std::uint8_t{33}, std::uint8_t{136}}) {
    gateway.put(Gateway::inside, checksummed(protocol, "2001:db8:42::42", "2001:db8:23::a00:2a", 50));
    gateway.turn();
    const auto out = gateway.take(Gateway::outside);
    ASSERT_TRUE(out);
    EXPECT_EQ(out->protocol(), protocol);
    EXPECT_TRUE(out->checksums_right());
    gateway.put(Gateway::outside, checksummed(protocol, "10.0.0.42", "10.0.1.42", 51));
    gateway.turn();
    const auto in = gateway.take(Gateway::inside);
    ASSERT_TRUE(in);
    EXPECT_EQ(in->protocol(), protocol);
    EXPECT_TRUE(in->checksums_right());
  }
  for (const std::uint8_t protocol : {std::uint8_t{50}, std::uint8_t{47}, std::uint8_t{253}}) {
    const auto in =
        gateway.in(PacketBuilder{net::Protocol{protocol}, "10.0.0.42", "10.0.1.42"}.payload(40, 1));
    ASSERT_TRUE(in) << int{protocol};
    EXPECT_EQ(in->protocol(), protocol);
    const Bytes want = PacketBuilder{net::Protocol::any, "10.0.0.42", "10.0.1.42"}.payload(40, 1).ip();
    EXPECT_TRUE(std::equal(want.begin() + 20, want.end(), in->bytes().begin() + 40))
        << "the payload is untouched";
  }
}

TEST_F(Siit, icmp_without_a_counterpart_and_igmp_end_here) {  // RFC 7915 sections 4.2 and 5.2
  EXPECT_FALSE(gateway.in(PacketBuilder{net::Protocol{2}, "10.0.0.42", "10.0.1.42"}.payload(8)));
  EXPECT_FALSE(gateway.in(PacketBuilder{net::Protocol::icmp, "10.0.0.42", "10.0.1.42"}.icmp(13).payload(12)));
  EXPECT_FALSE(gateway.in(PacketBuilder{net::Protocol::icmp, "10.0.0.42", "10.0.1.42"}.icmp(17).payload(12)));
  EXPECT_FALSE(gateway.out(
      PacketBuilder{net::Protocol::icmp, "2001:db8:42::42", "2001:db8:23::a00:2a"}.icmp(139).payload(12)));
  EXPECT_EQ(gateway.count(Counter::translate_icmp_type), 4U);
}

TEST_F(Siit, errors_about_packets_without_ports_cross) {  // RFC 7915 section 4.3
  const Bytes esp = PacketBuilder{net::Protocol{50}, "10.0.1.42", "10.0.0.42"}.payload(8).ip();
  const Bytes later = udp("10.0.1.42:5", "10.0.0.42:6").id(9).payload(1600).fragments(800)[1];
  for (const Bytes& quoted : {esp, later}) {
    gateway.put(Gateway::outside, icmp_error("192.0.2.1", "10.0.1.42", 11, 0, quoted).ip());
    gateway.turn();
    const auto error = gateway.take(Gateway::inside);
    ASSERT_TRUE(error);
    EXPECT_TRUE(error->checksums_right());
    const Seen inner = error->inner();
    EXPECT_EQ(inner.source(), address("2001:db8:42::42"));
    EXPECT_EQ(inner.destination(), address("2001:db8:23::a00:2a"));
    EXPECT_EQ(inner.protocol(), quoted == esp ? 50 : 44);
  }
}

TEST_F(Siit, an_error_that_quotes_no_more_than_8_bytes_crosses) {  // RFC 792
  const Bytes quoted = cut(tcp("10.0.1.42:5", "10.0.0.42:6").payload(100).ip(), 28);
  gateway.put(Gateway::outside, icmp_error("192.0.2.1", "10.0.1.42", 3, 1, quoted).ip());
  gateway.turn();
  const auto error = gateway.take(Gateway::inside);
  ASSERT_TRUE(error);
  EXPECT_TRUE(error->checksums_right());
  EXPECT_EQ(error->bytes().size(), 40U + 8 + 40 + 8);
  EXPECT_EQ(error->inner().to_string(), "tcp [2001:db8:42::42]:5 > [2001:db8:23::a00:2a]:6");
}

TEST_F(Siit, an_error_about_a_packet_without_payload_crosses) {  // RFC 7915 sections 4.3 and 5.3
  gateway.put(Gateway::outside, icmp_error("192.0.2.1", "10.0.1.42", 3, 1,
                                           PacketBuilder{net::Protocol{59}, "10.0.1.42", "10.0.0.42"}.ip())
                                    .ip());
  gateway.turn();
  const auto in = gateway.take(Gateway::inside);
  ASSERT_TRUE(in);
  EXPECT_TRUE(in->checksums_right());
  EXPECT_EQ(in->inner().bytes(),
            PacketBuilder(net::Protocol{59}, "2001:db8:42::42", "2001:db8:23::a00:2a").ip());
  gateway.put(Gateway::inside,
              icmp_error("2001:db8:42::42", "2001:db8:23::a00:2a", 1, 3,
                         PacketBuilder{net::Protocol{59}, "2001:db8:23::a00:2a", "2001:db8:42::42"}.ip())
                  .ip());
  gateway.turn();
  const auto out = gateway.take(Gateway::outside);
  ASSERT_TRUE(out);
  EXPECT_TRUE(out->checksums_right());
  EXPECT_EQ(out->bytes().size(), 20U + 8 + 20);
  EXPECT_EQ(out->inner().source(), address("10.0.0.42"));
  EXPECT_EQ(out->inner().destination(), address("10.0.1.42"));
}

TEST_F(Siit, a_source_route_that_is_not_used_up_is_refused_with_an_error) {  // RFC 7915 section 4.1
  gateway.put(Gateway::outside,
              udp("10.0.0.42:5", "10.0.1.42:6").ip_options({0x83, 7, 4, 10, 0, 0, 9, 0}).payload(9).ip());
  gateway.turn();
  const auto refused = gateway.take(Gateway::outside);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->to_string(), "icmp3 10.0.0.77 > 10.0.0.42");
  EXPECT_EQ(refused->icmp().code, 5);
  EXPECT_FALSE(gateway.take(Gateway::inside));
  EXPECT_EQ(gateway.count(Counter::parse_source_route), 1U);

  const auto used_up =
      gateway.in(udp("10.0.0.42:5", "10.0.1.42:6").ip_options({0x83, 7, 8, 10, 0, 0, 9, 0}).payload(9));
  ASSERT_TRUE(used_up);
  EXPECT_EQ(used_up->bytes().size(), 40U + 8 + 9) << "options are not translated";
  EXPECT_TRUE(used_up->checksums_right());
}

// An IPv6 packet with an extension header before its UDP.
Bytes extended(const PacketBuilder& packet, std::uint8_t type, Bytes extension) {
  Bytes bytes = packet.ip();
  auto& ip = net::header<net::Ipv6Header>(bytes.data());
  extension[0] = ip.next_header;
  ip.next_header = type;
  ip.payload_length = be16{static_cast<std::uint16_t>(ip.payload_length.host() + extension.size())};
  bytes.insert(bytes.begin() + 40, extension.begin(), extension.end());
  return bytes;
}

TEST_F(Siit,
       extension_headers_are_left_behind_and_a_routing_header_with_segments_left_is_refused) {  // section 5.1
  const auto packet = udp("[2001:db8:42::42]:5", "[2001:db8:23::a00:2a]:6").payload(9);
  const std::vector<std::pair<std::uint8_t, Bytes>> left_behind{
      {0, {0, 0, 1, 4, 0, 0, 0, 0}}, {60, {0, 0, 1, 4, 0, 0, 0, 0}}, {43, {0, 0, 0, 0, 0, 0, 0, 0}}};
  for (const auto& [type, extension] : left_behind) {
    gateway.put(Gateway::inside, extended(packet, type, extension));
    gateway.turn();
    const auto out = gateway.take(Gateway::outside);
    ASSERT_TRUE(out) << int{type};
    EXPECT_EQ(out->bytes().size(), 20U + 8 + 9);
    EXPECT_EQ(out->to_string(), "udp 10.0.1.42:5 > 10.0.0.42:6");
    EXPECT_TRUE(out->checksums_right());
  }
  gateway.put(Gateway::inside, extended(packet, 43, {0, 0, 0, 1, 0, 0, 0, 0}));
  gateway.turn();
  EXPECT_FALSE(gateway.take(Gateway::outside));
  const auto refused = gateway.take(Gateway::inside);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->to_string(), "icmp4 2001:db8:42::77 > 2001:db8:42::42");
  EXPECT_EQ(refused->icmp().code, 0);
  EXPECT_EQ(refused->icmp().sequence.host(), 43) << "the pointer shows the segments left";
  EXPECT_TRUE(refused->checksums_right());
}

TEST_F(Siit, addresses_that_no_host_has_do_not_cross) {  // RFC 7915 section 4.1, RFC 1812 section 5.3.7
  EXPECT_FALSE(gateway.in(udp("127.0.0.1:5", "10.0.1.42:6").payload(4)));
  EXPECT_FALSE(gateway.in(udp("0.0.0.0:5", "10.0.1.42:6").payload(4)));
  EXPECT_EQ(gateway.count(Counter::martian_source), 2U);
  EXPECT_FALSE(gateway.out(udp("[2001:db8:42::42]:5", "[2001:db8:23::224.0.0.1]:6").payload(4)));
  EXPECT_FALSE(gateway.out(udp("[2001:db8:42::42]:5", "[2001:db8:23::127.0.0.1]:6").payload(4)));
  EXPECT_EQ(gateway.count(Counter::martian_destination), 2U);
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

TEST(SiitChoice, routers_without_an_address_share_a_pool_each_always_the_same) {  // RFC 6791
  config::Realm realm = siit_realm();
  realm.siit.icmp_source = {*net::Prefix::parse("192.0.2.9"), *net::Prefix::parse("192.0.2.16/28")};
  Gateway gateway{realm};
  gateway.learn(Gateway::outside, "10.0.0.42");
  gateway.learn(Gateway::inside, "2001:db8:42::42");
  const auto in = gateway.in(udp("10.0.0.42:2345", "10.0.1.42:5000").payload(11));
  ASSERT_TRUE(in);
  std::set<net::IpAddress> seen;
  for (unsigned n = 0; n < 200; ++n) {
    const std::string router = "2001:db8:ffff::" + std::to_string(n % 100 + 1);
    gateway.put(Gateway::inside, icmp_error(router, "2001:db8:23::a00:2a", 1, 4, in->bytes()).ip());
    gateway.turn();
    const auto error = gateway.take(Gateway::outside);
    ASSERT_TRUE(error);
    seen.insert(error->source());
    if (n == 99) {
      EXPECT_GT(seen.size(), 10U);
    }
    const bool ours = error->source() == address("192.0.2.9") ||
                      net::Prefix::parse("192.0.2.16/28")->contains(error->source());
    EXPECT_TRUE(ours) << error->source().to_string();
  }
  EXPECT_LE(seen.size(), 17U);
}

// Two IPv6 hosts, of which one calls the other by its IPv4 address.
class SiitHairpin : public testing::Test {
 protected:
  explicit SiitHairpin(config::Siit::Hairpin how = config::Siit::Hairpin::intrinsic)
      : gateway{[&] {
          auto realm = siit_realm();
          realm.siit.hairpin = how;
          return realm;
        }()} {
    for (const auto* host : {"2001:db8:42::42", "2001:db8:42::66"}) gateway.learn(Gateway::inside, host);
    gateway.learn(Gateway::outside, "10.0.0.42");
  }
  std::optional<Seen> around(const Bytes& packet) {
    gateway.put(Gateway::inside, packet);
    gateway.turn();
    EXPECT_FALSE(gateway.take(Gateway::outside));
    return gateway.take(Gateway::inside);
  }
  Gateway gateway;
};

TEST_F(SiitHairpin, intrinsic_shows_each_host_the_other_inside_the_prefix) {  // RFC 7757 section 4.2.2
  const auto there = around(tcp("[2001:db8:42::42]:5", "[2001:db8:23::10.0.0.66]:6").syn().ip());
  ASSERT_TRUE(there);
  EXPECT_EQ(there->to_string(), "tcp [2001:db8:23::a00:12a]:5 > [2001:db8:42::66]:6");
  EXPECT_EQ(there->ttl(), 63);
  EXPECT_TRUE(there->checksums_right());
  const auto back = around(tcp("[2001:db8:42::66]:6", "[2001:db8:23::10.0.1.42]:5").syn_ack().ip());
  ASSERT_TRUE(back);
  EXPECT_EQ(back->to_string(), "tcp [2001:db8:23::a00:42]:6 > [2001:db8:42::42]:5");
  EXPECT_TRUE(back->checksums_right());
  EXPECT_EQ(gateway.count(Counter::map_hairpin), 2U);

  const auto error =
      around(icmp_error("2001:db8:42::66", "2001:db8:23::10.0.1.42", 1, 4, there->bytes()).ip());
  ASSERT_TRUE(error);
  EXPECT_EQ(error->to_string(), "icmp1 2001:db8:23::a00:42 > 2001:db8:42::42");
  EXPECT_TRUE(error->checksums_right());
  EXPECT_EQ(error->inner().to_string(), "tcp [2001:db8:42::42]:5 > [2001:db8:23::a00:42]:6");
  EXPECT_TRUE(error->inner().checksums_right());
}

TEST_F(SiitHairpin, intrinsic_takes_fragmented_pings) {
  for (const auto& fragment :
       ping("2001:db8:42::42", "2001:db8:23::10.0.0.66", 7).payload(3000).fragments(1232))
    gateway.put(Gateway::inside, fragment);
  gateway.turn();
  const Seen whole{reassemble(take_all(gateway, Gateway::inside))};
  EXPECT_EQ(whole.to_string(), "icmp128 2001:db8:23::a00:12a > 2001:db8:42::66");
  EXPECT_EQ(whole.bytes().size(), 40U + 8 + 3000);
  EXPECT_TRUE(whole.checksums_right());
}

class SiitSimpleHairpin : public SiitHairpin {
 protected:
  SiitSimpleHairpin() : SiitHairpin{config::Siit::Hairpin::simple} {}
};

TEST_F(SiitSimpleHairpin, what_comes_back_from_ipv4_keeps_its_ipv4_source) {  // RFC 7757 section 4.2.1
  // The destination is routed to us, off the link, so that a router sends the packet back.
  const auto in = gateway.in(tcp("10.0.0.66:5", "10.0.1.42:6").syn());
  ASSERT_TRUE(in);
  EXPECT_EQ(in->to_string(), "tcp [2001:db8:23::a00:42]:5 > [2001:db8:42::42]:6");
  EXPECT_TRUE(in->checksums_right());
  gateway.put(Gateway::outside,
              icmp_error("10.0.0.66", "10.0.1.42", 3, 3, tcp("10.0.1.42:6", "10.0.0.66:5").ip()).ip());
  gateway.turn();
  const auto error = gateway.take(Gateway::inside);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->inner().to_string(), "tcp [2001:db8:42::42]:6 > [2001:db8:23::a00:42]:5");
  EXPECT_TRUE(error->checksums_right());
}

class SiitNoHairpin : public SiitHairpin {
 protected:
  SiitNoHairpin() : SiitHairpin{config::Siit::Hairpin::off} {}
};

TEST_F(SiitNoHairpin, each_direction_goes_by_the_maps_alone) {
  const auto in = gateway.in(tcp("10.0.0.66:5", "10.0.1.42:6").syn());
  ASSERT_TRUE(in);
  EXPECT_EQ(in->to_string(), "tcp [2001:db8:42::66]:5 > [2001:db8:42::42]:6");
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

// One prefix serves maps and NAT64: whose packet an error quotes decides by which of them it goes.
TEST(SiitBesideNat64, an_error_goes_the_way_of_the_packet_that_it_is_about) {  // RFC 7915 section 5.3, X64-1
  config::Realm realm = lab_realm();
  realm.nat64.prefix = realm.siit.prefix = net::Prefix::parse("fd64::/96");
  realm.siit.maps = {{*net::Prefix::parse("198.51.100.20"), *net::Prefix::parse("fd00:10::6")}};
  Gateway gateway{std::move(realm)};
  for (const char* host : {"fd00:10::5", "fd00:10::6"}) gateway.learn(Gateway::inside, host);
  // The host that no map knows has a session.
  const auto out = gateway.out(udp("[fd00:10::5]:4000", "[fd64::203.0.113.7]:53"));
  ASSERT_TRUE(out);
  EXPECT_EQ(out->to_string(), "udp 198.51.100.1:4000 > 203.0.113.7:53");
  const auto in = gateway.in(udp("203.0.113.7:53", "198.51.100.1:4000"));
  ASSERT_TRUE(in);
  const auto error = gateway.out(icmp_error("fd00:10::5", "fd64::203.0.113.7", 1, 4, in->bytes()));
  ASSERT_TRUE(error);
  EXPECT_EQ(error->to_string(), "icmp3 198.51.100.1 > 203.0.113.7");
  EXPECT_TRUE(error->checksums_right());
  EXPECT_EQ(gateway.count(Counter::map_translated), 0U);
  // The other one needs none, and a router before it speaks for it.
  const auto mapped = gateway.in(udp("203.0.113.7:53", "198.51.100.20:4000"));
  ASSERT_TRUE(mapped);
  ASSERT_TRUE(gateway.out(icmp_error("fd00:10::fe", "fd64::203.0.113.7", 1, 4, mapped->bytes())));
  EXPECT_EQ(gateway.count(Counter::map_translated), 2U);
}

}  // namespace
}  // namespace rgw::test
