// Filtering and simultaneous open, NAT64 and NAT44, with 1, 2 and 4 workers:
// - filtering by choice on one mapping: endpoint-independent, address-dependent, address-and-port-dependent
// - a SYN that filtering refuses waits six seconds; then its sender is told (RFC 6146 section 3.5.2.2, RFC
//   5382 REQ-4), unless the host inside sent its own, or the operator wants silence
// - what waits is bounded
#include "scenario/support.hpp"
#include <gtest/gtest.h>

namespace rgw::test {
namespace {

using Filtering = config::Outbound::Filtering;
using Unmatched = config::Outbound::Unmatched;

constexpr auto host6 = "[fd00:10::5]:5000";
constexpr auto host4 = "10.0.0.42:5000";

config::Realm with(Filtering filtering, Unmatched unmatched = Unmatched::automatic) {
  return realm_with([&](config::Realm& realm) {
    realm.nat64.prefix = net::Prefix::parse("fd64::/96");
    realm.outbound.mapping = config::Outbound::Mapping::endpoint_independent;
    realm.outbound.filtering = filtering;
    realm.outbound.unmatched = unmatched;
  });
}

/// The host behind a mapping, over IPv6 or IPv4, and what it calls a remote.
struct Host {
  bool v6;
  [[nodiscard]] const char* endpoint() const { return v6 ? host6 : host4; }
  [[nodiscard]] std::string remote(const char* address, unsigned port) const {
    return at(v6 ? "fd64::" + std::string{address} : address, port);
  }
};
constexpr Host hosts[] = {{true}, {false}};

class SimultaneousOpen : public WithWorkers {
 protected:
  /// A gateway on which the host has a mapping, made by a SYN to 203.0.113.10:80; `external` is what it has.
  std::unique_ptr<Gateway> opened(Host host, const config::Realm& realm) {
    auto gateway = std::make_unique<Gateway>(realm, GetParam());
    gateway->learn(Gateway::inside, "fd00:10::5");
    const auto out = gateway->out(tcp(host.endpoint(), host.remote("203.0.113.10", 80)).syn());
    external = out ? at("198.51.100.1", out->source_port()) : "";
    EXPECT_FALSE(external.empty());
    return gateway;
  }
  std::string external;
};
RGW_WITH_WORKERS(SimultaneousOpen);

TEST_P(SimultaneousOpen, endpoint_independent_filtering_lets_a_syn_in_at_once) {  // RFC 4787 section 5
  for (const Host host : hosts) {
    const auto gateway = opened(host, with(Filtering::endpoint_independent));
    EXPECT_EQ(text(gateway->in(tcp("203.0.113.99:4000", external).syn())),
              "tcp " + (host.v6 ? std::string{"[fd64::cb00:7163]:4000"} : "203.0.113.99:4000") + " > " +
                  host.endpoint());
    EXPECT_EQ(gateway->count(Counter::syn_stored), 0U);
  }
}

TEST_P(SimultaneousOpen,
       address_dependent_filtering_lets_a_contacted_address_in) {  // RFC 6146 section 3.5.2.2
  for (const Host host : hosts) {
    const auto gateway = opened(host, with(Filtering::address_dependent));
    EXPECT_TRUE(gateway->in(tcp("203.0.113.10:4000", external).syn()));
    EXPECT_FALSE(gateway->in(tcp("203.0.113.11:4000", external).syn()));
    EXPECT_EQ(gateway->count(Counter::syn_stored), 1U);
    EXPECT_FALSE(gateway->take(Gateway::outside)) << "no answer for six seconds";
  }
}

TEST_P(SimultaneousOpen,
       a_stored_syn_is_answered_after_six_seconds) {  // RFC 6146 section 3.5.2.2, RFC 5382 REQ-4
  for (const Host host : hosts) {
    const auto gateway = opened(host, with(Filtering::address_dependent));
    const Bytes sent = tcp("203.0.113.11:4000", external).syn().ip();
    gateway->put(Gateway::outside, sent);
    gateway->turn();
    gateway->advance(5900ms);
    EXPECT_FALSE(gateway->take(Gateway::outside));
    gateway->advance(200ms);
    const auto error = gateway->take(Gateway::outside);
    ASSERT_EQ(text(error), "icmp3 198.51.100.1 > 203.0.113.11");
    EXPECT_EQ(error->icmp().code, net::icmp4::code_port_unreachable);
    EXPECT_EQ(error->inner().bytes(), sent);
    EXPECT_TRUE(error->checksums_right());
    EXPECT_EQ(gateway->count(Counter::syn_unanswered), 1U);
    EXPECT_FALSE(gateway->take(Gateway::outside));
  }
}

TEST_P(SimultaneousOpen, a_syn_from_inside_takes_the_stored_ones_place) {  // RFC 5382 REQ-2a, REQ-4
  for (const Host host : hosts) {
    const auto gateway = opened(host, with(Filtering::address_and_port_dependent));
    EXPECT_FALSE(gateway->in(tcp("203.0.113.11:4000", external).syn()));
    EXPECT_FALSE(gateway->in(tcp("203.0.113.11:4000", external).syn())) << "it is retransmitted";
    EXPECT_EQ(text(gateway->out(tcp(host.endpoint(), host.remote("203.0.113.11", 4000)).syn())),
              "tcp " + external + " > 203.0.113.11:4000");
    EXPECT_EQ(gateway->count(Counter::syn_matched), 1U);
    EXPECT_TRUE(gateway->in(tcp("203.0.113.11:4000", external).syn_ack()));
    EXPECT_TRUE(gateway->out(tcp(host.endpoint(), host.remote("203.0.113.11", 4000)).ack()));
    gateway->advance(7s);
    EXPECT_FALSE(gateway->take(Gateway::outside)) << "the stored one is dropped in silence";
    EXPECT_EQ(gateway->count(Counter::syn_unanswered), 0U);
  }
}

TEST_P(SimultaneousOpen, the_operators_silence_is_silence) {  // RFC 5382 REQ-4a
  const auto gateway = opened(hosts[0], with(Filtering::address_dependent, Unmatched::drop));
  EXPECT_FALSE(gateway->in(tcp("203.0.113.11:4000", external).syn()));
  gateway->advance(7s);
  EXPECT_FALSE(gateway->take(Gateway::outside));
  EXPECT_EQ(gateway->count(Counter::filtered), 1U);
}

TEST_P(SimultaneousOpen,
       where_all_is_rejected_a_syn_waits_at_an_endpoint_without_a_mapping) {  // RFC 6146 3.5.2.2
  const auto gateway = opened(hosts[0], with(Filtering::address_dependent, Unmatched::reject));
  EXPECT_FALSE(gateway->in(tcp("203.0.113.11:4000", "198.51.100.1:6000").syn()));
  EXPECT_FALSE(gateway->take(Gateway::outside));
  // The host takes the very port: the outside SYN was half of a simultaneous open.
  const auto out = gateway->out(tcp("[fd00:10::5]:6000", "[fd64::203.0.113.11]:4000").syn());
  ASSERT_TRUE(out);
  if (out->source_port() == 6000) {
    EXPECT_EQ(gateway->count(Counter::syn_matched), 1U);
  } else {  // with several workers the port may be another's
    gateway->advance(6100ms);
    EXPECT_EQ(text(gateway->take(Gateway::outside)), "icmp3 198.51.100.1 > 203.0.113.11");
  }
}

TEST(SimultaneousOpen, no_more_syns_wait_than_there_is_room_for) {
  Gateway gateway{with(Filtering::address_dependent)};
  gateway.learn(Gateway::inside, "fd00:10::5");
  ASSERT_TRUE(gateway.out(tcp(host6, "[fd64::203.0.113.10]:80").syn()));
  for (unsigned i = 0; i < 1100; ++i) {
    EXPECT_FALSE(gateway.in(tcp(at("203.0.113.11", 10000 + i), "198.51.100.1:5000").syn()));
  }
  EXPECT_EQ(gateway.count(Counter::syn_stored), 1024U);
  EXPECT_EQ(gateway.count(Counter::syn_store_full), 76U);
  EXPECT_EQ(gateway.count(Counter::filtered), 76U);
  gateway.advance(6100ms);
  for (int i = 0; i < 32; ++i) gateway.turn();  // a bounded number a turn
  EXPECT_EQ(gateway.count(Counter::syn_unanswered), 1024U);
  EXPECT_EQ(gateway.count(Counter::icmp_error_sent), 100U) << "by rate: no reflector";
}

}  // namespace
}  // namespace rgw::test
