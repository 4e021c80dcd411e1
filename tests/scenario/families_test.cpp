// NAT46 and NAT66, outbound and inbound (X46-1, X66-1, POOL-12):
// - an IPv4 host reaches an IPv6 remote through the proxy address that DNS46 gave it
// - an IPv6 remote reaches an IPv4 host, which sees a proxy address
// - a proxy address that stands for nobody leads nowhere
// - IPv6 behind IPv6, with ports; a v6 reservation for a v6 host
#include "scenario/support.hpp"
#include "support/gateway.hpp"
#include <gtest/gtest.h>

namespace rgw::test {
namespace {

config::Realm four_pairs() {
  config::Realm realm = lab_realm();
  realm.outbound.addresses = {address("198.51.100.1"), address("2001:db8:100::1")};
  realm.pool.addresses.push_back(address("2001:db8:100::10"));
  realm.nat64.prefix = net::Prefix::parse("fd64::/96");
  realm.nat46.proxies = net::Prefix::parse("100.64.0.0/16");
  return realm;
}

class FourPairs : public testing::Test {
 protected:
  FourPairs() {
    gateway.learn(Gateway::inside, "fd00:10::5");
    gateway.learn(Gateway::outside, "2001:db8:100::fe");
  }
  Gateway gateway{four_pairs()};
};

TEST_F(FourPairs, an_ipv4_host_reaches_an_ipv6_remote_by_its_proxy_address) {  // X46-1
  gateway.tell(ring::ProxyBind{address("100.64.0.9").v4(), address("2001:db8:9::9").v6(),
                               gateway.clock().now() + std::chrono::seconds{60}});
  const auto out = gateway.out(udp("10.0.0.42:5000", "100.64.0.9:53").tos(0x28).payload(30));
  ASSERT_TRUE(out);
  EXPECT_EQ(out->to_string(), "udp [2001:db8:100::1]:5000 > [2001:db8:9::9]:53");
  EXPECT_EQ(out->ttl(), 63);
  EXPECT_EQ(out->ipv6().version_class_flow.host() >> 20 & 0xff, 0x28U);
  EXPECT_TRUE(out->checksums_right());
  const auto back = gateway.in(udp("[2001:db8:9::9]:53", "[2001:db8:100::1]:5000").payload(31));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->to_string(), "udp 100.64.0.9:53 > 10.0.0.42:5000");
  EXPECT_TRUE(back->checksums_right());
}

TEST_F(FourPairs, a_ping_and_an_error_cross_from_ipv4_to_ipv6) {
  gateway.tell(ring::ProxyBind{address("100.64.0.9").v4(), address("2001:db8:9::9").v6(),
                               gateway.clock().now() + std::chrono::seconds{60}});
  const auto out = gateway.out(ping("10.0.0.42", "100.64.0.9", 77).payload(33));
  ASSERT_TRUE(out);
  EXPECT_EQ(out->to_string(), "icmp128 2001:db8:100::1 > 2001:db8:9::9");
  EXPECT_TRUE(out->checksums_right());
  gateway.put(Gateway::outside, icmp_error("2001:db8:7::7", "2001:db8:100::1", 3, 0, out->bytes()).ip());
  gateway.turn();
  const auto error = gateway.take(Gateway::inside);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->to_string(), "icmp11 10.0.0.1 > 10.0.0.42") << "a router is not the remote";
  EXPECT_TRUE(error->checksums_right());
  EXPECT_EQ(error->inner().to_string(), "icmp8 10.0.0.42 > 100.64.0.9");
  EXPECT_TRUE(error->inner().checksums_right());
}

TEST_F(FourPairs, a_binding_lasts_while_a_session_does) {  // X46-1
  gateway.tell(ring::ProxyBind{address("100.64.0.9").v4(), address("2001:db8:9::9").v6(),
                               gateway.clock().now() + std::chrono::seconds{10}});
  ASSERT_TRUE(gateway.out(udp("10.0.0.42:5000", "100.64.0.9:53").payload(8)));
  gateway.advance(std::chrono::seconds{20});
  EXPECT_TRUE(gateway.out(udp("10.0.0.42:5001", "100.64.0.9:53").payload(8)));
  pass(gateway, std::chrono::seconds{400});  // the sessions end, and the binding with them
  EXPECT_FALSE(gateway.out(udp("10.0.0.42:5002", "100.64.0.9:53").payload(8)));
  EXPECT_EQ(gateway.count(Counter::no_translation), 1U);
}

TEST_F(FourPairs, whoever_gives_proxies_out_hears_which_are_in_use) {  // X46-1
  gateway.tell(ring::ProxyBind{address("100.64.0.9").v4(), address("2001:db8:9::9").v6(),
                               gateway.clock().now() + std::chrono::seconds{10}});
  const auto heard = [&] {
    std::vector<std::pair<net::Ipv4Address, bool>> all;
    for (const auto& event : gateway.events()) {
      if (const auto* use = std::get_if<ring::ProxyUse>(&event)) all.emplace_back(use->proxy, use->in_use);
    }
    return all;
  };
  using Heard = std::vector<std::pair<net::Ipv4Address, bool>>;
  const auto all_slots = [&] {  // a bounded part of the table a turn
    for (int i = 0; i < 20000; ++i) gateway.worker(0).step();
  };
  ASSERT_TRUE(gateway.out(udp("10.0.0.42:5000", "100.64.0.9:53").payload(8)));
  ASSERT_TRUE(gateway.out(udp("10.0.0.42:5001", "100.64.0.9:53").payload(8)));
  all_slots();
  EXPECT_EQ(heard(), (Heard{{address("100.64.0.9").v4(), true}})) << "once, however many sessions";
  gateway.bind("2001:db8:100::10", {net::Protocol::tcp, 22}, "10.0.0.42");
  ASSERT_TRUE(gateway.in(tcp("[2001:db8:9::7]:4000", "[2001:db8:100::10]:22").syn()));
  all_slots();
  static_cast<void>(heard());
  EXPECT_EQ(heard(), Heard{}) << "a worker's own proxies are its own matter";
  pass(gateway, std::chrono::seconds{400});
  all_slots();
  EXPECT_EQ(heard(), (Heard{{address("100.64.0.9").v4(), false}}));
}

TEST_F(FourPairs, an_ipv6_remote_reaches_an_ipv4_host) {  // POOL-12
  gateway.bind("2001:db8:100::10", {net::Protocol::tcp, 22}, "10.0.0.42");
  const auto in = gateway.in(tcp("[2001:db8:9::9]:4000", "[2001:db8:100::10]:22").syn());
  ASSERT_TRUE(in);
  EXPECT_EQ(in->destination(), address("10.0.0.42"));
  EXPECT_TRUE(net::Prefix::parse("100.64.0.0/16")->contains(in->source()));
  EXPECT_TRUE(in->checksums_right());
  const auto back = gateway.out(tcp("10.0.0.42:22", in->source().to_string() + ":4000").syn_ack());
  ASSERT_TRUE(back);
  EXPECT_EQ(back->to_string(), "tcp [2001:db8:100::10]:22 > [2001:db8:9::9]:4000");
  EXPECT_TRUE(back->checksums_right());
}

TEST_F(FourPairs, ipv6_behind_ipv6_keeps_its_port) {  // X66-1
  const auto out = gateway.out(udp("[fd00:10::5]:5000", "[2001:db8:9::9]:53").payload(30));
  ASSERT_TRUE(out);
  EXPECT_EQ(out->to_string(), "udp [2001:db8:100::1]:5000 > [2001:db8:9::9]:53");
  EXPECT_TRUE(out->checksums_right());
  const auto back = gateway.in(udp("[2001:db8:9::9]:53", "[2001:db8:100::1]:5000").payload(31));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->to_string(), "udp [2001:db8:9::9]:53 > [fd00:10::5]:5000");
  EXPECT_TRUE(back->checksums_right());
}

TEST_F(FourPairs, an_ipv6_error_goes_back_to_the_ipv6_host) {
  const auto out = gateway.out(udp("[fd00:10::5]:5000", "[2001:db8:9::9]:53").payload(30));
  ASSERT_TRUE(out);
  gateway.put(Gateway::outside, icmp_error("2001:db8:7::7", "2001:db8:100::1", 3, 0, out->bytes()).ip());
  gateway.turn();
  const auto error = gateway.take(Gateway::inside);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->to_string(), "icmp3 2001:db8:7::7 > fd00:10::5");
  EXPECT_TRUE(error->checksums_right());
  EXPECT_EQ(error->inner().to_string(), "udp [fd00:10::5]:5000 > [2001:db8:9::9]:53");
  EXPECT_TRUE(error->inner().checksums_right());
}

TEST_F(FourPairs, a_v6_reservation_for_a_v6_host) {  // POOL-12
  gateway.bind("2001:db8:100::10", {net::Protocol::icmp, 0}, "fd00:10::5");
  const auto in = gateway.in(ping("2001:db8:9::9", "2001:db8:100::10", 5).payload(8));
  ASSERT_TRUE(in);
  EXPECT_EQ(in->to_string(), "icmp128 2001:db8:9::9 > fd00:10::5");
  EXPECT_TRUE(in->checksums_right());
}

}  // namespace
}  // namespace rgw::test
