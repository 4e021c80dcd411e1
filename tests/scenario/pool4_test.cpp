// Several external addresses with a range of ports each, across the families (RFC 6146 section 3.5.1.1, RFC
// 6888, RFC 4787 REQ-2), with 1, 2 and 4 workers:
// - no session leaves with a port beyond its address's range
// - a host keeps to one address over all protocols, and goes on to the next where that has no ports left
// - a host has no more ports than it may, whatever the pair; sessions that share one go on
#include <set>

#include "scenario/support.hpp"
#include <gtest/gtest.h>

namespace rgw::test {
namespace {

constexpr const char* pool4[] = {"198.51.100.1", "198.51.100.2", "198.51.100.3", "198.51.100.4"};

config::Realm with_pool4(net::PortRange ports, std::uint32_t per_host = 0) {
  return realm_with([&](config::Realm& realm) {
    realm.nat64.prefix = net::Prefix::parse("fd64::/96");
    realm.outbound.addresses.clear();
    for (const auto* text : pool4) realm.outbound.addresses.push_back(address(text));
    realm.outbound.ports.assign(realm.outbound.addresses.size(), ports);
    realm.outbound.max_ports_per_host = per_host;
  });
}
std::string host6(unsigned n) {
  return "fd00:10::" + std::to_string(n);
}

class Pool4 : public WithWorkers {
 protected:
  std::unique_ptr<Gateway> gateway(net::PortRange ports, std::uint32_t per_host = 0) {
    auto made = std::make_unique<Gateway>(with_pool4(ports, per_host), GetParam());
    for (unsigned n = 5; n < 25; ++n) made->learn(Gateway::inside, host6(n));
    return made;
  }
};
RGW_WITH_WORKERS(Pool4);

TEST_P(Pool4, ports_are_of_the_range) {  // RFC 6146 section 3.5.1.1
  const auto g = gateway({40000, 40127});
  for (unsigned n = 5; n < 25; ++n) {
    for (const unsigned port : {53U, 5000U, 40010U}) {
      const auto udp64 = g->out(udp(at(host6(n), port), "[fd64::203.0.113.10]:53").payload(8));
      ASSERT_TRUE(udp64);
      EXPECT_GE(udp64->source_port(), 40000) << udp64->to_string();
      EXPECT_LE(udp64->source_port(), 40127) << udp64->to_string();
      const auto tcp44 = g->out(tcp(at("10.0.0." + std::to_string(n), port), "203.0.113.10:80").syn());
      ASSERT_TRUE(tcp44);
      EXPECT_GE(tcp44->source_port(), 40000) << tcp44->to_string();
      EXPECT_LE(tcp44->source_port(), 40127) << tcp44->to_string();
    }
    const auto echo = g->out(ping(host6(n), "fd64::203.0.113.10", 7).payload(8));
    ASSERT_TRUE(echo);
    EXPECT_GE(echo->icmp().identifier.host(), 40000);
    EXPECT_LE(echo->icmp().identifier.host(), 40127);
  }
}

TEST_P(Pool4, a_host_keeps_to_one_address) {  // RFC 4787 REQ-2, RFC 6888 REQ-2: paired pooling
  const auto g = gateway({1024, 65535});
  std::set<net::IpAddress> used;
  for (unsigned n = 5; n < 25; ++n) {
    std::set<net::IpAddress> of_host;
    for (unsigned port = 5000; port < 5008; ++port) {
      of_host.insert(g->out(udp(at(host6(n), port), "[fd64::203.0.113.10]:53").payload(8))->source());
      of_host.insert(g->out(tcp(at(host6(n), port), "[fd64::203.0.113.11]:80").syn())->source());
      of_host.insert(
          g->out(ping(host6(n), "fd64::203.0.113.12", static_cast<std::uint16_t>(port)))->source());
    }
    EXPECT_EQ(of_host.size(), 1U) << host6(n);
    used.insert(of_host.begin(), of_host.end());
  }
  EXPECT_GE(used.size(), 3U) << "and the hosts share the addresses out";
}

TEST_P(Pool4, where_an_address_has_no_ports_left_the_next_serves) {
  const auto last = static_cast<std::uint16_t>(40000 + 8 * GetParam() - 1);  // eight a worker
  const auto g = gateway({40000, last});
  std::set<net::IpAddress> used;
  unsigned opened = 0;
  for (unsigned i = 0; i < 40; ++i) {
    const auto out = g->out(udp(at(host6(5), 5000 + i), "[fd64::203.0.113.10]:53").payload(8));
    if (!out) continue;
    ++opened;
    used.insert(out->source());
  }
  EXPECT_EQ(used.size(), 4U);
  EXPECT_EQ(opened, 32U);
  EXPECT_EQ(g->count(Counter::port_exhausted), 8U);
}

TEST_P(Pool4, a_host_has_no_more_ports_than_it_may) {  // RFC 6888 REQ-4
  const auto g = gateway({1024, 65535}, 4);
  for (unsigned i = 0; i < 6; ++i) {
    EXPECT_EQ(g->out(udp(at(host6(5), 5000 + i), "[fd64::203.0.113.10]:53").payload(8)).has_value(), i < 4);
  }
  EXPECT_EQ(g->count(Counter::port_host_limit), 2U);
  EXPECT_TRUE(g->out(udp(at(host6(5), 5000), "[fd64::203.0.113.11]:53").payload(8))) << "a mapping it has";
  EXPECT_TRUE(g->out(udp(at(host6(6), 5000), "[fd64::203.0.113.10]:53").payload(8))) << "another host";
  pass(*g, 301s);
  EXPECT_TRUE(g->out(udp(at(host6(5), 6000), "[fd64::203.0.113.10]:53").payload(8))) << "they are given back";
}

TEST(Pool4Limit, sessions_that_share_a_port_use_one) {  // RFC 6888 REQ-4, address-and-port-dependent mapping
  Gateway g{with_pool4({1024, 65535}, 2)};
  for (unsigned remote = 1; remote < 20; ++remote) {
    EXPECT_TRUE(g.out(udp("10.0.0.42:5000", at("203.0.113." + std::to_string(remote), 53)).payload(8)));
  }
  EXPECT_TRUE(g.out(udp("10.0.0.42:5001", "203.0.113.10:53").payload(8)));
  EXPECT_FALSE(g.out(udp("10.0.0.42:5002", "203.0.113.10:53").payload(8)));
  EXPECT_EQ(g.count(Counter::port_host_limit), 1U);
  EXPECT_TRUE(g.out(udp("10.0.0.42:5001", "203.0.113.11:53").payload(8)));
  pass(g, 301s);
  EXPECT_TRUE(g.out(udp("10.0.0.42:5002", "203.0.113.10:53").payload(8)));
}

}  // namespace
}  // namespace rgw::test
