// Mapping and filtering by choice (OUT-1; RFC 4787 sections 4 and 5, RFC 5382, RFC 5508), with 1, 2 and 4
// workers:
// - endpoint-independent mapping: one inside endpoint, one external one, for all remotes
// - each filtering lets in what it should and counts the rest; TCP comes in by SYN alone
// - by default only the remote itself comes back in
// - a mapping lives as long as its last session, and its port comes back
#include "scenario/support.hpp"
#include <gtest/gtest.h>

namespace rgw::test {
namespace {

using Mapping = config::Outbound::Mapping;
using Filtering = config::Outbound::Filtering;

config::Realm with(Filtering filtering, Mapping mapping = Mapping::endpoint_independent) {
  return realm_with([&](config::Realm& realm) {
    realm.outbound.mapping = mapping;
    realm.outbound.filtering = filtering;
  });
}

class MappingAndFiltering : public WithWorkers {};
RGW_WITH_WORKERS(MappingAndFiltering);

TEST_P(MappingAndFiltering, an_endpoint_has_one_mapping_for_all_remotes) {  // OUT-1, RFC 4787 REQ-1
  Gateway gateway{with(Filtering::address_and_port_dependent), GetParam()};
  ASSERT_TRUE(gateway.out(
      udp("10.0.0.43:5000", "203.0.113.99:1")));  // takes the port, should both live on one worker
  const auto first = gateway.out(udp("10.0.0.42:5000", "203.0.113.10:1"));
  ASSERT_TRUE(first);
  for (unsigned n = 2; n < 20; ++n) {
    const auto other = gateway.out(udp("10.0.0.42:5000", at("203.0.113." + std::to_string(n), n)));
    ASSERT_TRUE(other);
    EXPECT_EQ(other->source_port(), first->source_port());
    EXPECT_EQ(text(gateway.in(
                  udp(at("203.0.113." + std::to_string(n), n), at("198.51.100.1", first->source_port())))),
              "udp " + at("203.0.113." + std::to_string(n), n) + " > 10.0.0.42:5000");
  }
  EXPECT_EQ(gateway.occupied_ports(), 2U + 2U);
}

TEST_P(MappingAndFiltering, no_two_endpoints_share_a_mapping) {  // OUT-1
  Gateway gateway{with(Filtering::address_and_port_dependent), GetParam()};
  const auto a = gateway.out(udp("10.0.0.42:5000", "203.0.113.10:1"));
  const auto b = gateway.out(udp("10.0.0.43:5000", "203.0.113.11:1"));
  ASSERT_TRUE(a && b);
  EXPECT_NE(a->source_port(), b->source_port());
}

TEST_P(MappingAndFiltering, each_filtering_lets_in_whom_it_should) {  // OUT-1, RFC 4787 section 5
  struct Row {
    Filtering filtering;
    bool same_address, other_address;
  };
  for (const Row& row :
       {Row{Filtering::endpoint_independent, true, true}, Row{Filtering::address_dependent, true, false},
        Row{Filtering::address_and_port_dependent, false, false}}) {
    Gateway gateway{with(row.filtering), GetParam()};
    const auto out = gateway.out(udp("10.0.0.42:5000", "203.0.113.10:1000"));
    ASSERT_TRUE(out);
    const std::string external = at("198.51.100.1", out->source_port());
    const std::string host = "10.0.0.42:5000";
    EXPECT_EQ(text(gateway.in(udp("203.0.113.10:1000", external))), "udp 203.0.113.10:1000 > " + host);
    EXPECT_EQ(text(gateway.in(udp("203.0.113.10:2000", external))),
              row.same_address ? "udp 203.0.113.10:2000 > " + host : "nothing");
    EXPECT_EQ(text(gateway.in(udp("203.0.113.99:1000", external))),
              row.other_address ? "udp 203.0.113.99:1000 > " + host : "nothing");
    EXPECT_EQ(gateway.count(Counter::filtered), (row.same_address ? 0U : 1U) + (row.other_address ? 0U : 1U));
    EXPECT_EQ(gateway.count(Counter::session_created_inbound),
              (row.same_address ? 1U : 0U) + (row.other_address ? 1U : 0U));
    if (row.other_address) {
      EXPECT_EQ(text(gateway.out(udp(host, "203.0.113.99:1000"))),
                "udp " + external + " > 203.0.113.99:1000");
    }
  }
}

TEST_P(MappingAndFiltering,
       a_tcp_connection_comes_in_through_a_mapping_by_a_syn_alone) {  // OUT-1, RFC 5382 REQ-3
  Gateway gateway{with(Filtering::endpoint_independent), GetParam()};
  const auto out = gateway.out(tcp("10.0.0.42:5000", "203.0.113.10:80").syn());
  ASSERT_TRUE(out);
  const std::string external = at("198.51.100.1", out->source_port());
  EXPECT_FALSE(gateway.in(tcp("203.0.113.99:80", external).ack()));
  EXPECT_EQ(text(gateway.in(tcp("203.0.113.99:80", external).syn())), "tcp 203.0.113.99:80 > 10.0.0.42:5000");
  EXPECT_EQ(text(gateway.out(tcp("10.0.0.42:5000", "203.0.113.99:80").syn_ack())),
            "tcp " + external + " > 203.0.113.99:80");
}

TEST_P(MappingAndFiltering, by_default_only_the_remote_itself_comes_back_in) {  // OUT-1: the seed's choice
  Gateway gateway{lab_realm(), GetParam()};
  const auto out = gateway.out(udp("10.0.0.42:5000", "203.0.113.10:1000"));
  ASSERT_TRUE(out);
  const std::string external = at("198.51.100.1", out->source_port());
  EXPECT_FALSE(gateway.in(udp("203.0.113.10:1001", external)));
  EXPECT_FALSE(gateway.in(udp("203.0.113.11:1000", external)));
  EXPECT_EQ(gateway.count(Counter::unmatched), 2U);
  EXPECT_TRUE(gateway.in(udp("203.0.113.10:1000", external)));
}

TEST_P(MappingAndFiltering, a_mapping_lives_as_long_as_its_last_session) {  // OUT-1, OUT-3
  Gateway gateway{with(Filtering::endpoint_independent), GetParam()};
  const auto out = gateway.out(udp("10.0.0.42:5000", "203.0.113.10:1"));
  ASSERT_TRUE(out);
  const std::string external = at("198.51.100.1", out->source_port());
  pass(gateway, 200s);
  ASSERT_TRUE(gateway.in(udp("203.0.113.11:1", external)));
  pass(gateway, 200s);  // the first session is over, the second is not
  EXPECT_EQ(gateway.sessions(), 1U);
  EXPECT_EQ(text(gateway.out(udp("10.0.0.42:5000", "203.0.113.12:1"))),
            "udp " + external + " > 203.0.113.12:1");
  pass(gateway, 301s);
  expect_nothing_left(gateway, 2);
  EXPECT_FALSE(gateway.in(udp("203.0.113.11:1", external)));
  EXPECT_EQ(gateway.count(Counter::unmatched), 1U);
}

TEST_P(MappingAndFiltering,
       who_was_contacted_is_forgotten_with_the_session) {  // OUT-1: address-dependent filtering
  Gateway gateway{with(Filtering::address_dependent), GetParam()};
  const auto out = gateway.out(udp("10.0.0.42:5000", "203.0.113.10:1"));
  ASSERT_TRUE(out);
  const std::string external = at("198.51.100.1", out->source_port());
  pass(gateway, 200s);
  ASSERT_TRUE(gateway.out(udp("10.0.0.42:5000", "203.0.113.11:1")));
  pass(gateway, 200s);
  EXPECT_FALSE(gateway.in(udp("203.0.113.10:2", external)));
  EXPECT_EQ(gateway.count(Counter::filtered), 1U);
  EXPECT_TRUE(gateway.in(udp("203.0.113.11:2", external)));
}

TEST_P(MappingAndFiltering, who_is_not_let_in_keeps_no_mapping_alive) {  // RFC 7857 section 7
  Gateway gateway{with(Filtering::address_dependent), GetParam()};
  const auto out = gateway.out(udp("10.0.0.42:5000", "203.0.113.10:1"));
  ASSERT_TRUE(out);
  const std::string external = at("198.51.100.1", out->source_port());
  for (int i = 0; i < 3; ++i) {
    pass(gateway, 99s);
    EXPECT_FALSE(gateway.in(udp("203.0.113.11:1", external)));
    EXPECT_EQ(gateway.sessions(), 1U);
  }
  EXPECT_EQ(gateway.count(Counter::filtered), 3U);
  pass(gateway, 4s);
  expect_nothing_left(gateway, 2);
}

TEST(MappingAndFiltering,
     a_mapping_whose_tuple_another_session_has_is_not_used) {  // OUT-1 with POOL-11's one address
  Gateway gateway{realm_with([](config::Realm& realm) {
    realm.pool.addresses = {address("198.51.100.1")};
    realm.outbound.mapping = Mapping::endpoint_independent;
  })};
  gateway.bind("198.51.100.1", {net::Protocol::tcp, 5000}, "10.0.0.43");
  ASSERT_TRUE(gateway.in(tcp("203.0.113.10:80", "198.51.100.1:5000").syn()));
  EXPECT_FALSE(gateway.out(tcp("10.0.0.42:5000", "203.0.113.10:80").syn()));
  EXPECT_EQ(gateway.count(Counter::session_conflict), 1U);
  EXPECT_EQ(gateway.occupied_ports(), 2U) << "nothing stays of what failed";
  EXPECT_EQ(text(gateway.out(tcp("10.0.0.42:5000", "203.0.113.11:80").syn())),
            "tcp 198.51.100.1:5000 > 203.0.113.11:80");
}

}  // namespace
}  // namespace rgw::test
