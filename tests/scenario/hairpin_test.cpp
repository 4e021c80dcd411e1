// Inside to inside through E (OUT-4; RFC 4787 REQ-9, RFC 5382 REQ-8, RFC 5508 REQ-7), with 1, 2 and 4
// workers:
// - UDP through a mapping, TCP through a port forward and through a reservation, ping, fragments, ICMP errors
// - the source is translated, the hops count once, the checksums are right
// - nobody outside can speak in its name; what leads nowhere, and where it is switched off
#include "scenario/support.hpp"
#include <gtest/gtest.h>

namespace rgw::test {
namespace {

using net::Protocol;

const std::string a = "10.0.0.42:5000", b = "10.0.0.43:6000";

/// A packet from inside, and what comes out inside.
std::optional<Seen> round(Gateway& gateway, const PacketBuilder& packet) {
  gateway.put(Gateway::inside, packet.ip());
  gateway.turn();
  EXPECT_FALSE(gateway.take(Gateway::outside));
  auto seen = gateway.take(Gateway::inside);
  if (seen) {
    EXPECT_TRUE(seen->checksums_right());
  }
  return seen;
}

class Hairpin : public WithWorkers {};
RGW_WITH_WORKERS(Hairpin);

TEST_P(Hairpin, udp_through_a_mapping_both_ways) {  // OUT-4, RFC 4787 REQ-9
  Gateway gateway{realm_with([](auto& realm) {
                    realm.outbound.mapping = config::Outbound::Mapping::endpoint_independent;
                    realm.outbound.filtering = config::Outbound::Filtering::endpoint_independent;
                  }),
                  GetParam()};
  const auto out = gateway.out(udp(a, "203.0.113.10:53"));
  ASSERT_TRUE(out);
  const std::string external_a = at("198.51.100.1", out->source_port());

  const auto there = round(gateway, udp(b, external_a).payload(20).ttl(64));
  ASSERT_TRUE(there);
  EXPECT_EQ(there->source(), address("198.51.100.1")) << "the source is translated";
  EXPECT_EQ(text(there), "udp " + at("198.51.100.1", there->source_port()) + " > " + a);
  EXPECT_EQ(there->ttl(), 63) << "the gateway is one hop";
  EXPECT_EQ(gateway.count(Counter::hairpin), 1U);

  const std::string external_b = at("198.51.100.1", there->source_port());
  EXPECT_EQ(text(round(gateway, udp(a, external_b))), "udp " + external_a + " > " + b);
  EXPECT_EQ(text(round(gateway, udp(b, external_a))), "udp " + external_b + " > " + a);
}

TEST_P(Hairpin, tcp_through_a_port_forward) {  // OUT-4, RFC 5382 REQ-8
  Gateway gateway{
      realm_with([](auto& realm) {
        realm.static_mappings = {{Protocol::tcp, endpoint("198.51.100.1:8080"), endpoint("10.0.0.42:80")}};
      }),
      GetParam()};
  const auto there = round(gateway, tcp(b, "198.51.100.1:8080").syn());
  ASSERT_TRUE(there);
  const std::string external_b = at("198.51.100.1", there->source_port());
  EXPECT_EQ(text(there), "tcp " + external_b + " > 10.0.0.42:80");
  EXPECT_EQ(text(round(gateway, tcp("10.0.0.42:80", external_b).syn_ack())), "tcp 198.51.100.1:8080 > " + b);
  EXPECT_EQ(text(round(gateway, tcp(b, "198.51.100.1:8080").ack().payload(100))),
            "tcp " + external_b + " > 10.0.0.42:80");
}

TEST_P(Hairpin, a_host_reaches_its_own_forward) {  // OUT-4
  Gateway gateway{
      realm_with([](auto& realm) {
        realm.static_mappings = {{Protocol::tcp, endpoint("198.51.100.1:8080"), endpoint("10.0.0.42:80")}};
      }),
      GetParam()};
  const auto there = round(gateway, tcp(a, "198.51.100.1:8080").syn());
  ASSERT_TRUE(there);
  const std::string external_a = at("198.51.100.1", there->source_port());
  EXPECT_EQ(text(round(gateway, tcp("10.0.0.42:80", external_a).syn_ack())), "tcp 198.51.100.1:8080 > " + a);
}

TEST_P(Hairpin, a_reservation_is_claimed_from_inside_too) {  // OUT-4, POOL-5
  Gateway gateway{lab_realm(), GetParam()};
  gateway.bind("198.51.100.10", {Protocol::tcp, 22}, "10.0.0.42");
  const auto there = round(gateway, tcp(b, "198.51.100.10:22").syn());
  ASSERT_TRUE(there);
  EXPECT_EQ(text(there), "tcp " + at("198.51.100.1", there->source_port()) + " > 10.0.0.42:22");
  EXPECT_EQ(text(round(gateway, tcp("10.0.0.42:22", at("198.51.100.1", there->source_port())).syn_ack())),
            "tcp 198.51.100.10:22 > " + b);
  EXPECT_EQ(gateway.count(Counter::claim_made), 0U);
  EXPECT_TRUE(round(gateway, tcp(b, "198.51.100.10:22").ack()));
  EXPECT_EQ(gateway.count(Counter::claim_made), 1U);
}

TEST_P(Hairpin, a_ping_and_its_answer) {  // OUT-4, RFC 5508 REQ-7
  Gateway gateway{lab_realm(), GetParam()};
  gateway.bind("198.51.100.10", {Protocol::icmp, 0}, "10.0.0.42");
  const auto there = round(gateway, ping("10.0.0.43", "198.51.100.10", 99).payload(40));
  ASSERT_EQ(text(there), "icmp8 198.51.100.1 > 10.0.0.42");
  const auto back =
      round(gateway, pong("10.0.0.42", "198.51.100.1", there->icmp().identifier.host()).payload(40));
  ASSERT_EQ(text(back), "icmp0 198.51.100.10 > 10.0.0.43");
  EXPECT_EQ(back->icmp().identifier.host(), 99);
}

TEST_P(Hairpin, fragments_in_any_order) {  // OUT-4, OUT-7
  for (const bool reversed : {false, true}) {
    Gateway gateway{
        realm_with([](auto& realm) {
          realm.static_mappings = {{Protocol::udp, endpoint("198.51.100.1:8080"), endpoint("10.0.0.42:80")}};
        }),
        GetParam()};
    auto pieces = udp(b, "198.51.100.1:8080").payload(300).fragments(104);
    if (reversed) std::ranges::reverse(pieces);
    for (const auto& piece : pieces) gateway.put(Gateway::inside, piece);
    gateway.turn();
    const Bytes whole = reassemble(take_all(gateway, Gateway::inside));
    ASSERT_FALSE(whole.empty());
    const Seen there{whole};
    EXPECT_EQ(there.to_string(), "udp " + at("198.51.100.1", there.source_port()) + " > 10.0.0.42:80");
    EXPECT_TRUE(there.checksums_right());
  }
}

TEST_P(Hairpin, an_icmp_error_finds_its_way_back) {  // OUT-4, OUT-5, RFC 5508 REQ-7
  Gateway gateway{
      realm_with([](auto& realm) {
        realm.static_mappings = {{Protocol::udp, endpoint("198.51.100.1:8080"), endpoint("10.0.0.42:80")}};
      }),
      GetParam()};
  const auto there = round(gateway, udp(b, "198.51.100.1:8080").payload(20));
  ASSERT_TRUE(there);
  const auto back = round(gateway, icmp_error("10.0.0.42", "198.51.100.1", 3, 3, there->bytes()));
  ASSERT_EQ(text(back), "icmp3 198.51.100.1 > 10.0.0.43");
  EXPECT_EQ(back->inner().to_string(), "udp " + b + " > 198.51.100.1:8080");
  EXPECT_TRUE(back->inner().checksums_right());
}

TEST_P(Hairpin, hops_end_at_the_gateway_once) {  // OUT-4, OUT-5
  Gateway gateway{
      realm_with([](auto& realm) {
        realm.static_mappings = {{Protocol::udp, endpoint("198.51.100.1:8080"), endpoint("10.0.0.42:80")}};
      }),
      GetParam()};
  EXPECT_EQ(text(round(gateway, udp(b, "198.51.100.1:8080").ttl(1))), "icmp11 10.0.0.1 > 10.0.0.43");
  const auto there = round(gateway, udp(b, "198.51.100.1:8080").ttl(2));
  ASSERT_TRUE(there);
  EXPECT_EQ(there->ttl(), 1);
}

TEST_P(Hairpin, nobody_outside_speaks_in_its_name) {  // OUT-8
  Gateway gateway{
      realm_with([](auto& realm) {
        realm.static_mappings = {{Protocol::udp, endpoint("198.51.100.1:8080"), endpoint("10.0.0.42:80")}};
      }),
      GetParam()};
  const auto there = round(gateway, udp(b, "198.51.100.1:8080"));
  ASSERT_TRUE(there);
  EXPECT_FALSE(gateway.in(udp("198.51.100.1:8080", at("198.51.100.1", there->source_port()))));
  EXPECT_FALSE(gateway.in(udp(at("198.51.100.1", there->source_port()), "198.51.100.1:8080")));
  EXPECT_EQ(gateway.count(Counter::spoofed_own_source), 2U);
}

TEST_P(Hairpin, what_nothing_awaits_is_dropped_in_silence) {  // OUT-4, OUT-6
  Gateway gateway{
      realm_with([](auto& realm) { realm.outbound.unmatched = config::Outbound::Unmatched::reject; }),
      GetParam()};
  EXPECT_FALSE(round(gateway, udp(b, "198.51.100.10:99")));
  EXPECT_EQ(gateway.count(Counter::unmatched), 1U);
}

TEST(Hairpin, it_can_be_switched_off) {  // OUT-4
  Gateway gateway{realm_with([](auto& realm) {
    realm.outbound.hairpin = false;
    realm.static_mappings = {{Protocol::udp, endpoint("198.51.100.1:8080"), endpoint("10.0.0.42:80")}};
  })};
  EXPECT_FALSE(round(gateway, udp(b, "198.51.100.1:8080")));
  EXPECT_EQ(gateway.count(Counter::route_same_side), 1U);
  EXPECT_EQ(gateway.sessions(), 0U);
}

TEST_P(Hairpin, its_sessions_end_like_others) {  // OUT-3
  Gateway gateway{
      realm_with([](auto& realm) {
        realm.static_mappings = {{Protocol::udp, endpoint("198.51.100.1:8080"), endpoint("10.0.0.42:80")}};
      }),
      GetParam()};
  ASSERT_TRUE(round(gateway, udp(b, "198.51.100.1:8080")));
  pass(gateway, 301s);
  expect_nothing_left(gateway, 3);
}

}  // namespace
}  // namespace rgw::test
