// The guard before the pool, from a DNS query to the packet that follows it (GUARD-1, GUARD-4):
// - who has proven his address displaces who has not; the workers hear of the end before they hear of the
// next
// - what somebody with proof has joined stays; without proof nobody joins what yields
// - an alias leads whoever asks for it to the host, and nobody else
// - a claim that a trusted resolver asked for is its client's alone
#include "support/whole_gateway.hpp"
#include "whole/workers.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rgw::test {
namespace {

using namespace std::chrono_literals;
using dns::Transport;

class Guarded : public WithWorkers {
 protected:
  static config::Realm realm(Challenge challenge, std::initializer_list<std::string_view> pool = {
                                                      "198.51.100.10", "198.51.100.11"}) {
    config::Realm realm = whole_realm(pool);
    realm.guard.challenge = challenge;
    return realm;
  }
  static std::string syn_to(WholeGateway& gateway, const std::string& external, unsigned port = 4000,
                            std::string_view from = "203.0.113.10") {
    return gateway.arrives(tcp(std::string{from} + ":" + std::to_string(port), external + ":22").syn());
  }
};
RGW_WITH_WORKERS(Guarded);

TEST_P(Guarded, who_has_proven_his_address_displaces_who_has_not) {
  WholeGateway gateway{realm(Challenge::load), GetParam()};
  Resolver forged{gateway, "192.0.2.1:4000"}, proven{gateway, "192.0.3.1:4000"},
      other{gateway, "192.0.4.1:4000"};
  proven.by(Transport::tcp);
  other.by(Transport::tcp);
  ASSERT_EQ(forged.look_up("hosta.foo"), "198.51.100.10");
  ASSERT_EQ(proven.look_up("hostb.foo"), "198.51.100.11");
  gateway.pass(301ms);
  ASSERT_EQ(other.look_up("hostc.foo"), "198.51.100.10");
  EXPECT_EQ(gateway.control_count(Counter::pool_displaced), 1U);
  EXPECT_EQ(syn_to(gateway, "198.51.100.10"), "tcp 203.0.113.10:4000 > 10.0.0.44:22");
  EXPECT_EQ(syn_to(gateway, "198.51.100.10", 4001), "") << "there is one claim";
  EXPECT_EQ(syn_to(gateway, "198.51.100.11"), "tcp 203.0.113.10:4000 > 10.0.0.43:22");
}

TEST_P(Guarded, who_waits_is_answered_when_the_reservation_yields) {
  WholeGateway gateway{realm(Challenge::load, {"198.51.100.10"}), GetParam()};
  Resolver forged{gateway, "192.0.2.1:4000"}, proven{gateway, "192.0.3.1:4000"};
  proven.by(Transport::tcp);
  ASSERT_EQ(forged.look_up("hosta.foo"), "198.51.100.10");
  proven.send("hostb.foo");
  EXPECT_EQ(proven.answered_address(), "no answer");
  gateway.pass(299ms);
  EXPECT_EQ(proven.answered_address(), "no answer");
  gateway.pass(2ms);
  EXPECT_EQ(proven.answered_address(), "198.51.100.10");
  EXPECT_EQ(syn_to(gateway, "198.51.100.10"), "tcp 203.0.113.10:4000 > 10.0.0.43:22");
}

TEST_P(Guarded, what_somebody_with_proof_has_joined_stays) {
  WholeGateway gateway{realm(Challenge::load, {"198.51.100.10"}), GetParam()};
  Resolver forged{gateway, "192.0.2.1:4000"}, proven{gateway, "192.0.3.1:4000"};
  proven.by(Transport::tcp);
  ASSERT_EQ(forged.look_up("tcp22.hosta.foo"), "198.51.100.10");
  ASSERT_EQ(proven.look_up("tcp22.hosta.foo"), "198.51.100.10");
  gateway.pass(1s);
  proven.send("tcp22.hostb.foo");
  EXPECT_EQ(proven.answered_address(), "no answer");
  EXPECT_EQ(syn_to(gateway, "198.51.100.10"), "tcp 203.0.113.10:4000 > 10.0.0.42:22");
  EXPECT_EQ(gateway.control_count(Counter::pool_displaced), 0U);
}

TEST_P(Guarded, a_forged_query_does_not_keep_alive_what_yields) {
  WholeGateway gateway{realm(Challenge::load, {"198.51.100.10"}), GetParam()};
  Resolver forged{gateway, "192.0.2.1:4000"}, again{gateway, "192.0.5.1:4000"};
  ASSERT_EQ(forged.look_up("hosta.foo"), "198.51.100.10");
  gateway.pass(301ms);
  const auto answer = again.ask("hosta.foo");
  ASSERT_TRUE(answer);
  EXPECT_TRUE(answer->tc);
}

/// The name that a CNAME, the only record of an answer, leads to; or "".
std::string alias_in(const std::optional<Resolver::Answer>& answer) {
  if (!answer || answer->answer.size() != 1 || answer->answer[0].find(" 0 CNAME ") == std::string::npos)
    return "";
  std::string name = answer->answer[0].substr(answer->answer[0].rfind(' ') + 1);
  name.pop_back();  // the dot of the root
  return name;
}

TEST_P(Guarded, who_never_comes_by_tcp_reaches_the_host_by_an_alias) {
  WholeGateway gateway{realm(Challenge::always), GetParam()};
  Resolver stubborn{gateway, "192.0.2.1:4000"}, thief{gateway, "192.0.9.1:4000"};
  for (int n = 0; n < 3; ++n) EXPECT_TRUE(stubborn.ask("tcp22.hosta.foo")->tc);
  const auto aliased = stubborn.ask("tcp22.hosta.foo");
  const std::string name = alias_in(aliased);
  ASSERT_TRUE(name.ends_with(".foo")) << name;
  EXPECT_TRUE(aliased->aa);
  EXPECT_EQ(gateway.reservations(), 0U) << "nothing is chosen before it is asked for";
  EXPECT_TRUE(thief.ask(name)->tc) << "to others it is worth nothing";

  std::string shouted = name;  // 0x20
  for (std::size_t i = 0; i < shouted.size(); i += 2)
    shouted[i] = static_cast<char>(std::toupper(static_cast<unsigned char>(shouted[i])));
  const auto answer = stubborn.ask(shouted);
  ASSERT_TRUE(answer);
  EXPECT_THAT(answer->answer, testing::ElementsAre(shouted + ". 0 A 198.51.100.10"));
  EXPECT_EQ(gateway.control_count(Counter::dns_aliased), 1U);
  EXPECT_EQ(gateway.control_count(Counter::dns_alias_returned), 1U);
  EXPECT_EQ(syn_to(gateway, "198.51.100.10"), "tcp 203.0.113.10:4000 > 10.0.0.42:22");
  EXPECT_FALSE(stubborn.ask(name, dns::RrType::txt)->rcode) << "there is such a name";
}

TEST_P(Guarded, an_alias_is_good_for_five_seconds_and_a_changed_one_is_no_name) {
  WholeGateway gateway{realm(Challenge::always), GetParam()};
  Resolver stubborn{gateway, "192.0.2.1:4000"};
  for (int n = 0; n < 3; ++n) (void)stubborn.ask("hosta.foo");
  const std::string name = alias_in(stubborn.ask("hosta.foo"));
  ASSERT_FALSE(name.empty());
  std::string changed = name;
  changed[20] = changed[20] == 'a' ? 'b' : 'a';
  EXPECT_EQ(stubborn.ask(changed)->rcode, 3U);
  gateway.pass(7s);
  const std::string next = alias_in(stubborn.ask(name));
  EXPECT_FALSE(next.empty()) << "a late one leads to another";
  EXPECT_NE(next, name);
  EXPECT_EQ(gateway.reservations(), 0U);
  EXPECT_EQ(stubborn.look_up(next), "198.51.100.10");
}

TEST_P(Guarded, an_alias_stands_beside_no_other_records) {  // RFC 1034 section 3.6.2
  auto with_record = realm(Challenge::always);
  with_record.zones[0].records.push_back({.name = "hosta", .type = "TXT", .data = "\"a host\""});
  WholeGateway gateway{std::move(with_record), GetParam()};
  Resolver stubborn{gateway, "192.0.2.1:4000"};
  for (int n = 0; n < 5; ++n) EXPECT_TRUE(stubborn.ask("hosta.foo")->tc);
}

TEST_P(Guarded, a_claim_is_the_clients_that_a_trusted_resolver_told) {  // GUARD-4, RFC 7871
  auto trusting = realm(Challenge::load);
  trusting.guard.trusted = {*net::Prefix::parse("192.0.2.0/24")};
  WholeGateway gateway{std::move(trusting), GetParam()};
  Resolver resolver{gateway, "192.0.2.1:4000"};
  const std::string subnet{"\0\1\x18\0\xcb\0\x71", 7};  // 203.0.113.0/24
  resolver.put(dns::test::query("tcp22.hosta.foo").edns(1232).option(8, subnet));
  ASSERT_EQ(resolver.answered_address(), "198.51.100.10");
  EXPECT_EQ(syn_to(gateway, "198.51.100.10", 4000, "203.0.114.10"), "");
  EXPECT_EQ(gateway.count(Counter::claim_bound), 1U);
  EXPECT_EQ(gateway.pool().use().claims, 1U);
  EXPECT_EQ(syn_to(gateway, "198.51.100.10"), "tcp 203.0.113.10:4000 > 10.0.0.42:22");
  gateway.turn_all();
  EXPECT_EQ(gateway.pool().use().claims, 0U);
}

TEST_P(Guarded,
       of_many_that_share_a_reservation_each_keeps_the_claim_that_is_bound_to_him) {  // POOL-9, GUARD-4
  auto trusting = realm(Challenge::load);
  trusting.guard.trusted = {*net::Prefix::parse("192.0.2.0/24")};
  WholeGateway gateway{std::move(trusting), GetParam()};
  Resolver resolver{gateway, "192.0.2.1:4000"}, plain{gateway, "192.0.3.1:4000"};
  plain.by(Transport::tcp);
  const std::string subnet{"\0\1\x18\0\xcb\0\x71", 7};
  resolver.put(dns::test::query("tcp22.hosta.foo").id(9).edns(1232).option(8, subnet));
  ASSERT_EQ(resolver.answered_address(), "198.51.100.10");
  ASSERT_EQ(plain.look_up("tcp22.hosta.foo"), "198.51.100.10");
  EXPECT_NE(syn_to(gateway, "198.51.100.10", 4000, "198.18.0.1"), "") << "the claim that is anybody's";
  EXPECT_EQ(syn_to(gateway, "198.51.100.10", 4001, "198.18.0.1"), "");
  EXPECT_NE(syn_to(gateway, "198.51.100.10", 4000), "") << "the one that is his";
}

}  // namespace
}  // namespace rgw::test
