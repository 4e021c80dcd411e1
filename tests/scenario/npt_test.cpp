// Prefix translation within IPv6 (RFC 6296, X66-1), with 1 and 2 workers:
// - out and in, both opened from either side, without a session; no checksum is touched
// - any protocol, and fragments in any order
// - hairpin between two hosts by their outside addresses
// - ICMP errors in both directions with the packet that they quote
// - what cannot be translated is told; who lies about his address is not heard
// - beside it stateful NAT66 and the pool for what is none of its prefixes
// - in-network: solicitations for the outside prefix on the link are answered
#include "scenario/support.hpp"
#include <gtest/gtest.h>

namespace rgw::test {
namespace {

constexpr auto host = "fd00:10::5";
constexpr auto seen_as = "2001:db8:200:cd57::5";  // the adjustment alone: the host's subnet is zero

config::Realm npt_realm() {
  return realm_with([](config::Realm& realm) {
    realm.routes.push_back({*net::Prefix::parse("fd00:11::/48"), address("fd00:10::fe")});
    realm.outbound.addresses = {address("198.51.100.1"), address("2001:db8:100::1")};
    realm.pool.addresses.push_back(address("2001:db8:100::10"));
    realm.nat64.prefix = net::Prefix::parse("fd64::/96");
    realm.nat66.npt = {{*net::Prefix::parse("fd00:10::/48"), *net::Prefix::parse("2001:db8:200::/48")}};
  });
}

/// An IPv6 packet in fragments of `size` bytes (RFC 8200 section 4.5).
std::vector<Bytes> cut_up(const Bytes& packet, std::size_t size) {
  constexpr std::size_t ip = sizeof(net::Ipv6Header);
  std::vector<Bytes> all;
  for (std::size_t at = ip; at < packet.size(); at += size) {
    const std::size_t end = std::min(packet.size(), at + size);
    Bytes piece(packet.begin(), packet.begin() + ip);
    auto& header = net::header<net::Ipv6Header>(piece.data());
    const net::Ipv6FragmentHeader fragment{
        header.next_header, 0, be16{static_cast<std::uint16_t>((at - ip) | (end < packet.size() ? 1 : 0))},
        be32{7}};
    header.next_header = 44;
    header.payload_length = be16{static_cast<std::uint16_t>(sizeof fragment + end - at)};
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(&fragment);
    piece.insert(piece.end(), bytes, bytes + sizeof fragment);
    piece.insert(piece.end(), packet.begin() + static_cast<std::ptrdiff_t>(at),
                 packet.begin() + static_cast<std::ptrdiff_t>(end));
    all.push_back(std::move(piece));
  }
  return all;
}

class Npt : public WithWorkers {
 protected:
  explicit Npt(const config::Realm& realm = npt_realm()) : gateway{realm, GetParam()} {
    for (const auto* neighbour : {"fd00:10::5", "fd00:10::6", "fd00:10::fe"})
      gateway.learn(Gateway::inside, neighbour);
    gateway.learn(Gateway::outside, "2001:db8:100::fe");
  }
  Gateway gateway;
};
INSTANTIATE_TEST_SUITE_P(on, Npt, testing::Values(1U, 2U), workers_name);

TEST_P(Npt, a_host_is_seen_under_the_outside_prefix_and_its_port_stays) {  // section 3.2
  const auto sent = tcp(at(host, 5000), "[2001:db8:9::9]:80").syn();
  const auto out = gateway.out(sent);
  ASSERT_TRUE(out);
  EXPECT_EQ(out->to_string(), "tcp " + at(seen_as, 5000) + " > [2001:db8:9::9]:80");
  EXPECT_EQ(out->ttl(), 63);
  EXPECT_TRUE(out->checksums_right());
  EXPECT_EQ(out->tcp().checksum, net::header<net::TcpHeader>(sent.ip().data() + 40).checksum) << "neutral";
  const auto back = gateway.in(tcp("[2001:db8:9::9]:80", at(seen_as, 5000)).syn_ack());
  ASSERT_TRUE(back);
  EXPECT_EQ(back->to_string(), "tcp [2001:db8:9::9]:80 > " + at(host, 5000));
  EXPECT_TRUE(back->checksums_right());
  EXPECT_EQ(gateway.sessions(), 0U);
  EXPECT_EQ(gateway.count(Counter::map_translated), 2U);
}

TEST_P(Npt, anybody_outside_may_open_a_connection) {  // section 3.3
  const auto in = gateway.in(udp("[2001:db8:9::9]:53", at(seen_as, 7)).payload(9));
  ASSERT_TRUE(in);
  EXPECT_EQ(in->to_string(), "udp [2001:db8:9::9]:53 > " + at(host, 7));
  EXPECT_TRUE(in->checksums_right());
  const auto echo = gateway.in(ping("2001:db8:9::9", seen_as, 5).payload(8));
  ASSERT_TRUE(echo);
  EXPECT_EQ(echo->destination(), address(host));
  EXPECT_TRUE(echo->checksums_right());
}

TEST_P(Npt, a_corrupt_checksum_stays_corrupt) {
  const auto out =
      gateway.out(udp(at(host, 5000), "[2001:db8:9::9]:53").payload(8).corrupt_transport_checksum());
  ASSERT_TRUE(out);
  EXPECT_FALSE(out->checksums_right());
}

TEST_P(Npt, any_protocol_passes) {  // section 2.4: only the IPv6 header is looked at
  Bytes packet = udp(at(host, 5000), "[2001:db8:9::9]:53").payload(8).ip();
  net::header<net::Ipv6Header>(packet.data()).next_header = 50;  // ESP
  gateway.put(Gateway::inside, packet);
  gateway.turn();
  const auto out = gateway.take(Gateway::outside);
  ASSERT_TRUE(out);
  EXPECT_EQ(out->source(), address(seen_as));
}

TEST_P(Npt, fragments_pass_in_any_order_without_state) {
  const auto fragments = cut_up(udp(at(host, 5000), "[2001:db8:9::9]:53").payload(1600).ip(), 800);
  for (auto fragment = fragments.rbegin(); fragment != fragments.rend(); ++fragment)
    gateway.put(Gateway::inside, *fragment);
  gateway.turn();
  const auto seen = take_all(gateway, Gateway::outside);
  ASSERT_EQ(seen.size(), fragments.size());
  for (const auto& packet : seen) EXPECT_EQ(packet.source(), address(seen_as));
}

TEST_P(Npt, two_hosts_reach_each_other_by_their_outside_addresses) {  // section 4.3
  gateway.put(Gateway::inside, udp(at(host, 5000), "[2001:db8:200:cd57::6]:7").payload(8).ip());
  gateway.turn();
  const auto there = gateway.take(Gateway::inside);
  ASSERT_TRUE(there);
  EXPECT_EQ(there->to_string(), "udp " + at(seen_as, 5000) + " > [fd00:10::6]:7");
  EXPECT_TRUE(there->checksums_right());
}

TEST_P(Npt, an_error_from_outside_shows_the_host_its_own_packet) {  // RFC 5508 REQ-4
  const auto out = gateway.out(udp(at(host, 5000), "[2001:db8:9::9]:53").payload(40));
  ASSERT_TRUE(out);
  gateway.put(Gateway::outside, icmp_error("2001:db8:7::7", seen_as, 3, 0, out->bytes()).ip());
  gateway.turn();
  const auto error = gateway.take(Gateway::inside);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->to_string(), "icmp3 2001:db8:7::7 > fd00:10::5");
  EXPECT_TRUE(error->checksums_right());
  EXPECT_EQ(error->inner().to_string(), "udp " + at(host, 5000) + " > [2001:db8:9::9]:53");
  EXPECT_TRUE(error->inner().checksums_right());
}

TEST_P(Npt, an_error_from_a_router_inside_shows_no_inside_address) {
  const auto in = gateway.in(udp("[2001:db8:9::9]:53", at(seen_as, 7)).payload(40));
  ASSERT_TRUE(in);
  gateway.put(Gateway::inside, icmp_error("fd00:10::fe", "2001:db8:9::9", 1, 3, in->bytes()).ip());
  gateway.turn();
  const auto error = gateway.take(Gateway::outside);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->to_string(), "icmp1 2001:db8:200:cd57::fe > 2001:db8:9::9");
  EXPECT_TRUE(error->checksums_right());
  EXPECT_EQ(error->inner().to_string(), "udp [2001:db8:9::9]:53 > " + at(seen_as, 7));
}

TEST_P(Npt, an_error_about_a_packet_of_another_prefix_is_dropped) {
  const Bytes foreign = udp("[2001:db8:300::5]:5000", "[2001:db8:9::9]:53").payload(40).ip();
  gateway.put(Gateway::outside, icmp_error("2001:db8:7::7", seen_as, 3, 0, foreign).ip());
  gateway.turn();
  EXPECT_FALSE(gateway.take(Gateway::inside));
  EXPECT_EQ(gateway.count(Counter::npt_inner), 1U);
}

TEST_P(Npt, a_subnet_without_a_counterpart_is_told_so) {  // section 3.2
  gateway.put(Gateway::outside, udp("[2001:db8:9::9]:53", "[2001:db8:200:ffff::5]:7").payload(8).ip());
  gateway.turn();
  const auto error = gateway.take(Gateway::outside);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->to_string(), "icmp1 2001:db8:100::1 > 2001:db8:9::9");
  EXPECT_EQ(error->icmp().code, 0);
  EXPECT_EQ(gateway.count(Counter::npt_untranslatable), 1U);
}

TEST_P(Npt, the_hop_limit_runs_out_here_too) {  // OUT-5
  gateway.put(Gateway::inside, udp(at(host, 5000), "[2001:db8:9::9]:53").ttl(1).payload(8).ip());
  gateway.turn();
  EXPECT_EQ(text(gateway.take(Gateway::inside)), "icmp3 fd00:10::1 > fd00:10::5");
  EXPECT_EQ(gateway.count(Counter::hop_limit_exceeded), 1U);
}

TEST_P(Npt, nobody_speaks_from_an_address_that_is_not_his) {  // OUT-8
  EXPECT_FALSE(gateway.in(udp("[fd00:10::6]:53", at(seen_as, 7)).payload(8)));
  EXPECT_EQ(gateway.count(Counter::inside_source_outside), 1U);
  EXPECT_FALSE(gateway.in(udp("[2001:db8:100::1]:53", at(seen_as, 7)).payload(8)));
  EXPECT_EQ(gateway.count(Counter::spoofed_own_source), 1U);
}

TEST_P(Npt, what_stands_for_ipv4_is_nat64s) {  // X64-1
  const auto out = gateway.out(udp(at(host, 5000), "[fd64::203.0.113.10]:53").payload(8));
  ASSERT_TRUE(out);
  EXPECT_EQ(out->destination(), address("203.0.113.10"));
  EXPECT_EQ(gateway.sessions(), 1U);
}

TEST_P(Npt, other_prefixes_have_nat66_and_the_pool) {  // X66-1, POOL-12
  const auto out = gateway.out(udp("[fd00:11::5]:5000", "[2001:db8:9::9]:53").payload(8));
  ASSERT_TRUE(out);
  EXPECT_EQ(out->source(), address("2001:db8:100::1"));
  EXPECT_EQ(gateway.sessions(), 1U);
  gateway.bind("2001:db8:100::10", {net::Protocol::udp, 7}, "fd00:11::5");
  EXPECT_EQ(text(gateway.in(udp("[2001:db8:9::9]:53", "[2001:db8:100::10]:7").payload(8))),
            "udp [2001:db8:9::9]:53 > [fd00:11::5]:7");
}

TEST_P(Npt, the_gateways_own_addresses_are_its_own) {
  gateway.put(Gateway::inside, ping(host, "2001:db8:100::1", 5).payload(8).ip());
  gateway.turn();
  EXPECT_EQ(gateway.count(Counter::to_kernel), 1U);
  EXPECT_EQ(gateway.count(Counter::map_translated), 0U);
}

TEST(NptInNetwork, solicitations_for_the_outside_prefix_on_the_link_are_answered) {  // SIIT-2
  Gateway gateway{realm_with([](config::Realm& realm) {
    realm.ports[1].addresses = {*net::InterfaceAddress::parse("2001:db8:100::1/56")};
    realm.nat66.npt = {{*net::Prefix::parse("fd00:10::/64"), *net::Prefix::parse("2001:db8:100:7::/64")}};
  })};
  EXPECT_TRUE(gateway.snapshot().answers_for(PortId{1}, address("2001:db8:100:7::5")));
  EXPECT_FALSE(gateway.snapshot().answers_for(PortId{1}, address("2001:db8:100:8::5")));
}

TEST(NptAroundItsLink, addresses_of_the_outside_link_are_not_translated) {
  Gateway gateway{realm_with([](config::Realm& realm) {
    realm.nat66.npt = {{*net::Prefix::parse("fd00:10::/48"), *net::Prefix::parse("2001:db8:100::/48")}};
  })};
  gateway.learn(Gateway::outside, "2001:db8:100::77");
  gateway.put(Gateway::inside, udp(at(host, 5000), "[2001:db8:100::77]:53").payload(8).ip());
  gateway.turn();
  const auto out = gateway.take(Gateway::outside);
  ASSERT_TRUE(out) << "no hairpin";
  EXPECT_EQ(out->destination(), address("2001:db8:100::77"));
}

}  // namespace
}  // namespace rgw::test
