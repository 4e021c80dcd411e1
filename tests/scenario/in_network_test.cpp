// In-network translation (SIIT-2): both hosts know each other as addresses of their own link, and the gateway
// answers for those addresses and for no others.
// - over two ports, the IPv6 side by a prefix on the link
// - over one port that has both families
#include "scenario/support.hpp"
#include "support/gateway.hpp"
#include <gtest/gtest.h>

namespace rgw::test {
namespace {

constexpr PortId lan{0}, wan{1};

config::Realm in_network(const char* lan_address, const char* other_address, unsigned port_of_other) {
  config::Realm realm = lab_realm();
  realm.ports[0].addresses = {*net::InterfaceAddress::parse(lan_address)};
  realm.ports[1].addresses = {*net::InterfaceAddress::parse("198.51.100.1/24")};
  auto& other = realm.ports[port_of_other].addresses;
  if (port_of_other == 1) other.clear();
  other.push_back(*net::InterfaceAddress::parse(other_address));
  realm.routes = {};
  realm.outbound.addresses = {};
  realm.pool.addresses = {};
  realm.siit.prefix = net::Prefix::parse("2001:db8:42::/96");
  realm.siit.maps = {{*net::Prefix::parse("10.0.0.66"), *net::Prefix::parse("2001:db8:42::42")}};
  return realm;
}

TEST(InNetwork, the_prefix_on_a_link_is_answered_for_but_not_the_hosts_in_it) {
  Gateway gateway{in_network("2001:db8:42::77/64", "10.0.0.77/24", 1)};
  const auto answers = [&](PortId port, const char* what) {
    return gateway.snapshot().answers_for(port, address(what));
  };
  EXPECT_TRUE(answers(lan, "2001:db8:42::a00:2a"));
  EXPECT_FALSE(answers(wan, "2001:db8:42::a00:2a"));
  EXPECT_TRUE(answers(wan, "10.0.0.66"));
  EXPECT_FALSE(answers(wan, "10.0.0.42"));
  EXPECT_FALSE(answers(lan, "2001:db8:42::42")) << "a host's own, though inside the prefix";
  EXPECT_FALSE(answers(lan, "2001:db8:42::43")) << "0.0.0.67 is nobody";
  EXPECT_TRUE(answers(lan, "2001:db8:42::77")) << "the gateway's own";
}

TEST(InNetwork, hosts_on_one_link_reach_each_other_through_it) {
  Gateway gateway{in_network("2001:db8:42::77/64", "10.0.0.77/24", 0)};
  for (const char* what : {"2001:db8:42::a00:2a", "10.0.0.66"})
    EXPECT_TRUE(gateway.snapshot().answers_for(lan, address(what))) << what;
  gateway.learn(Gateway::inside, "2001:db8:42::42");
  gateway.learn(Gateway::inside, "10.0.0.42");
  gateway.put(Gateway::inside, tcp("[2001:db8:42::42]:5000", "[2001:db8:42::a00:2a]:2345").syn().ip());
  gateway.turn();
  const auto over = gateway.take(Gateway::inside);
  ASSERT_TRUE(over);
  EXPECT_EQ(over->to_string(), "tcp 10.0.0.66:5000 > 10.0.0.42:2345");
  EXPECT_TRUE(over->checksums_right());
  gateway.put(Gateway::inside, tcp("10.0.0.42:2345", "10.0.0.66:5000").ip());
  gateway.turn();
  const auto back = gateway.take(Gateway::inside);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->to_string(), "tcp [2001:db8:42::a00:2a]:2345 > [2001:db8:42::42]:5000");
}

}  // namespace
}  // namespace rgw::test
