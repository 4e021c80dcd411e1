// Stateless translation (SIIT-1, SIIT-2), with the addresses of the seed's table:
// - an IPv6 host reaches an IPv4 one by the prefix, and is seen under its mapped address
// - an IPv4 host reaches an IPv6 one by an explicit mapping; prefixes as well as single addresses, the
// longest first
// - fragments pass without state; UDP without a checksum as RFC 7915 says
// - errors in both directions; an IPv6 router without an IPv4 address borrows one (RFC 6791)
// - in-network: ARP and solicitations for mapped addresses on the link are answered
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
  gateway.put(Gateway::inside, ping("2001:db8:42::42", "2001:db8:23::10.0.0.42", 3).id(0xbeef).payload(40).fragments(1232)[0]);
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
  net::header<net::Ipv6Header>(fragment.data()).payload_length = be16{static_cast<std::uint16_t>(fragment.size() - 40)};
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

}  // namespace
}  // namespace rgw::test
