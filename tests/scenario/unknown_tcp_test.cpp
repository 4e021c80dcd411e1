// Segments of TCP connections that nobody knows, as after a restart, with 1, 2 and 4 workers:
// - from inside, of all families, and from outside to an external address or a port forward: a reset, so that
//   neither end hangs for hours (RFC 9293 section 3.10.7.1)
// - to the pool, where another worker may know the connection, silence
// - resets and what opens a connection are never answered so, nor anything where the operator wants silence
// - by rate
#include "scenario/support.hpp"
#include <gtest/gtest.h>

namespace rgw::test {
namespace {

using net::Protocol;
using UnknownTcp = config::Outbound::UnknownTcp;

config::Realm realm(UnknownTcp unknown = UnknownTcp::reset) {
  return realm_with([&](config::Realm& realm) {
    realm.outbound.addresses = {address("198.51.100.1"), address("2001:db8:100::1")};
    realm.outbound.unknown_tcp = unknown;
    realm.nat64.prefix = net::Prefix::parse("fd64::/96");
    realm.nat46.proxies = net::Prefix::parse("100.64.0.0/16");
    for (std::uint16_t i = 0; i < 8; ++i) {
      realm.static_mappings.push_back(
          {Protocol::tcp, endpoint(at("198.51.100.1", 2000U + i)), endpoint(at("10.0.0.42", 3000U + i))});
    }
  });
}

class UnknownConnection : public WithWorkers {
 protected:
  /// A gateway that knows the senders.
  static std::unique_ptr<Gateway> gateway_of(const config::Realm& realm) {
    auto gateway = std::make_unique<Gateway>(realm, GetParam());
    gateway->learn(Gateway::inside, "fd00:10::5");
    gateway->learn(Gateway::outside, "2001:db8:100::fe");
    return gateway;
  }
  /// What comes back to the sender of a segment; nothing may pass.
  static std::optional<Seen> answer(Gateway& gateway, unsigned port, const PacketBuilder& segment) {
    gateway.put(port, segment.ip());
    gateway.turn();
    EXPECT_FALSE(gateway.take(1 - port));
    return gateway.take(port);
  }
  static void expect_reset(Gateway& gateway, unsigned port, const std::string& from, const std::string& to) {
    const auto before = gateway.count(Counter::tcp_reset_sent);
    const auto seen = answer(gateway, port, tcp(from, to).ack().sequence(77).payload(10));
    ASSERT_TRUE(seen) << from << " > " << to;
    EXPECT_EQ(seen->to_string(), "tcp " + to + " > " + from);
    EXPECT_EQ(seen->tcp().flags, net::TcpHeader::rst);
    EXPECT_TRUE(seen->checksums_right());
    EXPECT_EQ(gateway.count(Counter::tcp_reset_sent), before + 1);
  }
  static void expect_silence(Gateway& gateway, unsigned port, const PacketBuilder& segment) {
    EXPECT_FALSE(answer(gateway, port, segment));
    EXPECT_EQ(gateway.count(Counter::tcp_reset_sent), 0U);
  }
};
RGW_WITH_WORKERS(UnknownConnection);

TEST_P(UnknownConnection, a_host_inside_is_told_whatever_it_calls_the_remote) {
  const auto gateway = gateway_of(realm());
  gateway->tell(ring::ProxyBind{address("100.64.0.7").v4(), address("2001:db8:9::9").v6(),
                                gateway->clock().now() + std::chrono::hours{1}});
  expect_reset(*gateway, Gateway::inside, "10.0.0.42:5000", "203.0.113.10:80");
  expect_reset(*gateway, Gateway::inside, "10.0.0.42:5000", "100.64.0.7:80");
  expect_reset(*gateway, Gateway::inside, "[fd00:10::5]:5000", "[2001:db8:9::9]:80");
  expect_reset(*gateway, Gateway::inside, "[fd00:10::5]:5000", "[fd64::cb00:710a]:80");
  EXPECT_EQ(gateway->sessions(), 0U);
}

TEST_P(UnknownConnection, a_remote_is_told_at_external_addresses_and_port_forwards) {
  const auto gateway = gateway_of(realm());
  expect_reset(*gateway, Gateway::outside, "203.0.113.10:80", "198.51.100.1:5000");
  expect_reset(*gateway, Gateway::outside, "[2001:db8:9::9]:80", "[2001:db8:100::1]:5000");
  for (unsigned i = 0; i < 8; ++i)
    expect_reset(*gateway, Gateway::outside, "203.0.113.10:4000", at("198.51.100.1", 2000 + i));
  EXPECT_EQ(gateway->sessions(), 0U) << "neither sessions nor signposts";
}

TEST_P(UnknownConnection, at_the_pool_a_remote_is_told_where_no_other_worker_may_know) {
  const auto gateway = gateway_of(realm());
  if (GetParam() == 1) {
    expect_reset(*gateway, Gateway::outside, "203.0.113.10:4000", "198.51.100.10:22");
  } else {
    expect_silence(*gateway, Gateway::outside, tcp("203.0.113.10:4000", "198.51.100.10:22").ack());
  }
}

TEST_P(UnknownConnection, resets_and_what_opens_a_connection_are_not_answered) {
  const auto gateway = gateway_of(realm());
  constexpr std::uint8_t rst_ack = net::TcpHeader::rst | net::TcpHeader::ack;
  for (const auto& segment : {tcp("10.0.0.42:5000", "203.0.113.10:80").rst(),
                              tcp("10.0.0.42:5000", "203.0.113.10:80").flags(rst_ack),
                              tcp("10.0.0.42:5000", "203.0.113.10:80").syn_ack()})
    expect_silence(*gateway, Gateway::inside, segment);
  for (const auto& segment :
       {tcp("203.0.113.10:80", "198.51.100.1:5000").rst(), tcp("203.0.113.10:80", "198.51.100.1:5000").syn(),
        tcp("203.0.113.10:80", "198.51.100.1:5000").syn_ack(),
        tcp("203.0.113.10:80", "198.51.100.1:2000").rst()})
    expect_silence(*gateway, Gateway::outside, segment);
}

TEST_P(UnknownConnection, where_the_operator_wants_silence_there_is_none) {
  const auto gateway = gateway_of(realm(UnknownTcp::drop));
  expect_silence(*gateway, Gateway::inside, tcp("10.0.0.42:5000", "203.0.113.10:80").ack());
  expect_silence(*gateway, Gateway::outside, tcp("203.0.113.10:80", "198.51.100.1:5000").ack());
  expect_silence(*gateway, Gateway::outside, tcp("203.0.113.10:80", "198.51.100.1:2000").ack());
  EXPECT_GE(gateway->count(Counter::tcp_not_syn), 2U);
}

TEST_P(UnknownConnection, a_flood_of_them_is_answered_by_rate) {
  const auto gateway = gateway_of(realm());
  for (unsigned i = 0; i < 1000; ++i) {
    gateway->put(Gateway::inside, tcp(at("10.0.0.42", 1024 + i), "203.0.113.10:80").ack().ip());
    if (i % 32 == 31) gateway->turn();
  }
  gateway->turn();
  EXPECT_EQ(gateway->count(Counter::tcp_not_syn), 1000U);
  EXPECT_LE(gateway->count(Counter::tcp_reset_sent), 200U);
  EXPECT_GE(gateway->count(Counter::tcp_reset_sent), 90U);
  EXPECT_GT(gateway->count(Counter::icmp_rate_limited), 700U);
}

}  // namespace
}  // namespace rgw::test
