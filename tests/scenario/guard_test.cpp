// What a worker lets strangers do (GUARD-4, GUARD-6), with 1, 2 and 4 workers:
// - new flows of one prefix, and to one host, a second: beyond that they are dropped by name, and take no
// claim
// - packets of flows that are open, pinholes' and what goes out are not counted
// - queries of one prefix beyond the rate are dropped where others wait, and only there
// - a claim that is bound to its client's prefix is taken by no other, and stays
#include "scenario/support.hpp"
#include <gtest/gtest.h>

namespace rgw::test {
namespace {

using namespace std::chrono_literals;
using net::Protocol;

constexpr net::Service ssh{Protocol::tcp, 22};

class GuardedWorkers : public WithWorkers {
 protected:
  static config::Realm realm_with(std::uint32_t flows, std::uint32_t host_flows, std::uint32_t queries = 0) {
    config::Realm realm = lab_realm();
    realm.guard.flow_rate = flows;
    realm.guard.host_flow_rate = host_flows;
    realm.guard.query_rate = queries;
    realm.dns.listen.push_back(address("198.51.100.1"));
    return realm;
  }
  static PacketBuilder syn(std::string_view from, unsigned port) {
    return tcp(at(from, port), "198.51.100.10:22").syn();
  }
};
RGW_WITH_WORKERS(GuardedWorkers);

TEST_P(GuardedWorkers, a_prefix_begins_as_many_flows_as_it_may_and_its_claims_stay) {
  Gateway gateway{realm_with(10, 0), GetParam()};
  for (std::uint32_t claim = 1; claim <= 40; ++claim)
    gateway.bind("198.51.100.10", ssh, "10.0.0.42", 1, claim, 10s);
  unsigned reached = 0;
  for (unsigned i = 0; i < 20; ++i)
    reached += gateway.in(syn("203.0.113." + std::to_string(1 + i), 4000)) ? 1 : 0;
  EXPECT_EQ(reached, 10U);
  EXPECT_EQ(gateway.count(Counter::flow_rate), 10U);
  EXPECT_EQ(gateway.count(Counter::claim_made), 10U);
  EXPECT_TRUE(gateway.in(syn("203.0.114.1", 4000))) << "of another prefix";
  gateway.advance(500ms);
  reached = 0;
  for (unsigned i = 0; i < 20; ++i)
    reached += gateway.in(syn("203.0.113." + std::to_string(1 + i), 5000)) ? 1 : 0;
  EXPECT_EQ(reached, 5U);
}

TEST_P(GuardedWorkers, a_host_takes_as_many_flows_as_it_may_whoever_begins_them) {
  Gateway gateway{realm_with(0, 10), GetParam()};
  for (std::uint32_t claim = 1; claim <= 40; ++claim) {
    gateway.bind("198.51.100.10", ssh, "10.0.0.42", 1, claim, 10s);
    gateway.bind("198.51.100.11", ssh, "10.0.0.43", 2, claim, 10s);
  }
  unsigned reached = 0;
  for (unsigned i = 0; i < 20; ++i)
    reached += gateway.in(syn("203.0." + std::to_string(i) + ".1", 4000)) ? 1 : 0;
  EXPECT_EQ(reached, 10U) << "its home alone counts";
  EXPECT_EQ(gateway.count(Counter::host_flow_rate), 10U);
  EXPECT_TRUE(gateway.in(tcp("203.0.113.9:4000", "198.51.100.11:22").syn())) << "to another host";
}

TEST_P(GuardedWorkers, open_flows_and_those_from_inside_are_not_counted) {
  Gateway gateway{realm_with(1, 1), GetParam()};
  gateway.bind("198.51.100.10", ssh, "10.0.0.42", 1, 1);
  ASSERT_TRUE(gateway.in(syn("203.0.113.10", 4000)));
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(gateway.out(tcp("10.0.0.42:22", "203.0.113.10:4000").syn_ack()));
    EXPECT_TRUE(gateway.in(tcp("203.0.113.10:4000", "198.51.100.10:22").ack()));
    EXPECT_TRUE(gateway.out(udp(at("10.0.0.42", 6000U + static_cast<unsigned>(i)), "203.0.113.10:53")));
  }
  EXPECT_EQ(gateway.count(Counter::flow_rate) + gateway.count(Counter::host_flow_rate), 0U);
}

TEST_P(GuardedWorkers, by_default_two_hundred_a_prefix) {
  config::Realm realm = lab_realm();
  realm.guard.flow_rate = config::Guard{}.flow_rate;
  Gateway gateway{std::move(realm), GetParam()};
  for (std::uint32_t claim = 1; claim <= 300; ++claim)
    gateway.bind("198.51.100.10", ssh, "10.0.0.42", 1, claim, 10s);
  unsigned reached = 0;
  for (unsigned i = 0; i < 300; ++i) reached += gateway.in(syn("203.0.113.10", 4000 + i)) ? 1 : 0;
  EXPECT_EQ(reached, 200U);
}

/// Queries, the first from one prefix, that control does not read meanwhile.
class Asking : public GuardedWorkers {
 protected:
  static void ask(Gateway& gateway, std::string_view from, unsigned times) {
    for (unsigned i = 0; i < times; ++i) {
      gateway.put(Gateway::outside, udp(at(from, 1024 + i), "198.51.100.1:53").payload(Bytes(40)).ip());
      if (i % 64 == 63) gateway.turn();
    }
    gateway.turn();
  }
};
RGW_WITH_WORKERS(Asking);

TEST_P(Asking, who_asks_too_fast_is_dropped_where_others_wait) {
  Gateway gateway{realm_with(0, 0, 100), GetParam()};
  ask(gateway, "203.0.113.53", 4000);
  EXPECT_GT(gateway.count(Counter::query_rate), 0U);
  EXPECT_EQ(gateway.count(Counter::query_ring_full), 0U) << "the ring is never full of one";
  const auto before = gateway.count(Counter::to_dns);
  ask(gateway, "203.0.114.53", 50);
  EXPECT_EQ(gateway.count(Counter::to_dns) - before, 50U) << "there is room for others";
}

TEST_P(Asking, while_nobody_waits_everybody_may_ask_as_fast_as_he_likes) {
  Gateway gateway{realm_with(0, 0, 100), GetParam()};
  for (int i = 0; i < 40; ++i) {
    ask(gateway, "203.0.113.53", 100);
    EXPECT_EQ(gateway.punted().size(), 100U);  // control reads them
  }
  EXPECT_EQ(gateway.count(Counter::query_rate), 0U);
}

TEST_P(Asking, whom_the_realm_trusts_asks_for_many) {
  auto realm = realm_with(0, 0, 100);
  realm.guard.trusted = {*net::Prefix::parse("203.0.113.0/24")};
  realm.dns.trusted = {*net::Prefix::parse("203.0.114.53/32")};
  Gateway gateway{std::move(realm), GetParam()};
  ask(gateway, "203.0.113.53", 600 * GetParam());
  ask(gateway, "203.0.114.53", 300 * GetParam());
  EXPECT_EQ(gateway.count(Counter::query_rate), 0U);
}

TEST_P(GuardedWorkers, a_bound_claim_is_taken_by_its_client_and_no_other) {  // GUARD-4
  Gateway gateway{lab_realm(), GetParam()};
  gateway.bind_to("203.0.113.0/24", "198.51.100.10", ssh, "10.0.0.42");
  for (unsigned port = 4000; port < 4020; ++port) EXPECT_FALSE(gateway.in(syn("203.0.114.10", port)));
  EXPECT_EQ(gateway.count(Counter::claim_bound), 20U);
  EXPECT_EQ(gateway.sessions(), 0U);
  EXPECT_EQ(text(gateway.in(syn("203.0.113.77", 4000))), "tcp 203.0.113.77:4000 > 10.0.0.42:22");
  EXPECT_FALSE(gateway.in(syn("203.0.113.78", 4000)));
  EXPECT_EQ(gateway.count(Counter::claim_spent), 1U);
}

TEST_P(GuardedWorkers, what_was_withdrawn_for_another_host_leads_to_that_one_at_once) {  // GUARD-1
  Gateway gateway{lab_realm(), GetParam()};
  gateway.bind("198.51.100.10", ssh, "10.0.0.43", 1);
  gateway.turn();
  gateway.put(Gateway::outside, syn("203.0.113.10", 4000).ip());
  gateway.unbind("198.51.100.10", ssh, 1);
  gateway.bind("198.51.100.10", ssh, "10.0.0.42", 2);
  gateway.turn();
  EXPECT_EQ(text(gateway.take(Gateway::inside)), "tcp 203.0.113.10:4000 > 10.0.0.42:22");
}

}  // namespace
}  // namespace rgw::test
