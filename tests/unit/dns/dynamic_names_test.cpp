// Names that no record spells out: reservations (POOL-1, POOL-2), waits and exhaustion (POOL-8),
// retransmissions (POOL-9), minimised names (POOL-10), families (POOL-12), the inside view (DNS-2), www
// (DNS-4).
#include "realmgw/dns/dynamic_names.hpp"

#include "unit/dns/support.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rgw::dns {
namespace {

using test::Answer;
using test::Fixture;
using test::foo_spec;
using test::query;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr unsigned noerror = 0, servfail = 2, nxdomain = 3, refused = 5;

const net::IpAddress pool_address = *net::IpAddress::parse("198.51.100.11");

Answer answer_of(const Outcome& outcome) {
  return test::decode(std::get<Answered>(outcome).bytes);
}

TEST(Pool1, the_address_of_a_host_is_reserved_and_answered_with_ttl_0_and_authority) {
  Fixture gateway;
  const Answer answer = gateway.ask(query("HostA.foo").id(99));
  EXPECT_TRUE(answer.aa);
  EXPECT_THAT(answer.answer, ElementsAre("HostA.foo. 0 A 198.51.100.10"));
  ASSERT_THAT(gateway.hosts.reserved, SizeIs(1));
  const auto& reserved = gateway.hosts.reserved.front();
  EXPECT_EQ(reserved.host, gateway.hosts.hosta);
  EXPECT_EQ(reserved.service, net::Service{});
  EXPECT_EQ(reserved.family, net::Family::v4);
  EXPECT_EQ(reserved.requester, (Requester{gateway.client.source, 99, Transport::udp, View::outside, false}));
  EXPECT_EQ(reserved.question, (Question{*Name::from_text("hosta.foo"), RrType::a}));
  EXPECT_EQ(reserved.now, gateway.now);
}

TEST(Pool1, types_other_than_addresses_reserve_nothing) {
  Fixture gateway;
  for (const RrType type : {RrType::mx, RrType::srv, RrType::ns, RrType::ptr, RrType::cname}) {
    const Answer answer = gateway.ask("hostb.foo", type);
    EXPECT_EQ(answer.rcode, noerror);
    EXPECT_THAT(answer.answer, IsEmpty());
    EXPECT_THAT(answer.authority, SizeIs(1));
  }
  EXPECT_THAT(gateway.hosts.reserved, IsEmpty());
}

TEST(Pool1, records_of_the_realm_file_stand_beside_the_host_s_address) {
  Fixture gateway;
  EXPECT_THAT(gateway.ask("hosta.foo", RrType::txt).answer, ElementsAre("hosta.foo. 3600 TXT \"a host\""));
  EXPECT_THAT(gateway.hosts.reserved, IsEmpty());
  EXPECT_THAT(gateway.ask("hosta.foo", RrType::a).answer, ElementsAre("hosta.foo. 0 A 198.51.100.10"));
}

TEST(Pool1, an_address_that_the_realm_file_spells_out_needs_no_reservation) {
  ZoneSpec spec = foo_spec();
  spec.records.push_back({"hosta", "A", "198.51.100.77", {}});
  Fixture gateway{{spec}};
  EXPECT_THAT(gateway.ask("hosta.foo", RrType::a).answer, ElementsAre("hosta.foo. 3600 A 198.51.100.77"));
  EXPECT_THAT(gateway.hosts.reserved, IsEmpty());
}

TEST(Pool1, an_alias_of_a_host_reserves_too) {
  Fixture gateway;
  EXPECT_THAT(gateway.ask("alias.foo", RrType::a).answer,
              ElementsAre("alias.foo. 3600 CNAME hosta.foo.", "hosta.foo. 0 A 198.51.100.10"));
  ASSERT_THAT(gateway.hosts.reserved, SizeIs(1));
  EXPECT_EQ(gateway.hosts.reserved[0].question, (Question{*Name::from_text("alias.foo"), RrType::a}));
}

TEST(Pool1, hosts_live_in_the_dynamic_zone_alone_and_not_at_its_apex) {
  ZoneSpec spec = foo_spec();
  spec.dynamic = false;
  Fixture gateway{{spec}};
  EXPECT_EQ(gateway.ask("hostb.foo", RrType::a).rcode, nxdomain);
  Fixture dynamic;
  EXPECT_EQ(dynamic.ask("foo", RrType::a).rcode, noerror);
  EXPECT_THAT(dynamic.hosts.reserved, IsEmpty());
}

TEST(Pool1, a_delegated_name_is_not_asked_of_the_hosts) {
  ZoneSpec spec = foo_spec();
  spec.records.push_back({"hostb", "NS", "ns.far.example.", {}});
  Fixture gateway{{spec}};
  EXPECT_FALSE(gateway.ask("hostb.foo", RrType::a).aa);
  EXPECT_THAT(gateway.hosts.reserved, IsEmpty());
}

TEST(Pool2, an_sfqdn_reserves_its_service) {
  Fixture gateway;
  EXPECT_THAT(gateway.ask("TCP22.hosta.foo", RrType::a).answer,
              ElementsAre("TCP22.hosta.foo. 0 A 198.51.100.10"));
  ASSERT_THAT(gateway.hosts.reserved, SizeIs(1));
  EXPECT_EQ(gateway.hosts.reserved[0].service, (net::Service{net::Protocol::tcp, 22}));
}

TEST(Pool2, a_service_that_the_host_does_not_accept_does_not_exist) {
  Fixture gateway;
  EXPECT_EQ(gateway.ask("udp53.hostb.foo", RrType::a).rcode, nxdomain);
  EXPECT_EQ(gateway.ask("udp53.hostb.foo", RrType::mx).rcode, nxdomain);
  EXPECT_EQ(gateway.ask("udp53.hosta.foo", RrType::a).rcode, noerror);
}

TEST(Pool2, the_srv_form_points_to_the_sfqdn_and_reserves_nothing) {
  Fixture gateway;
  const Answer answer = gateway.ask("_ssh._tcp.hosta.foo", RrType::srv);
  EXPECT_TRUE(answer.aa);
  EXPECT_THAT(answer.answer, ElementsAre("_ssh._tcp.hosta.foo. 60 SRV 0 5 22 tcp22.hosta.foo."));
  EXPECT_THAT(answer.additional, IsEmpty());
  EXPECT_THAT(gateway.ask("_ssh._tcp.hosta.foo", RrType::a).answer, IsEmpty());
  EXPECT_THAT(gateway.hosts.reserved, IsEmpty());
}

TEST(Pool10, the_names_that_a_minimising_resolver_walks_all_exist) {
  Fixture gateway;
  for (const auto* name : {"foo", "hostb.foo", "_tcp.hostb.foo"}) {
    for (const RrType type : {RrType::ns, RrType::a})
      EXPECT_EQ(gateway.ask(name, type).rcode, noerror) << name;
  }
}

TEST(Pool12, the_family_asked_for_is_the_family_reserved) {
  Fixture gateway;
  EXPECT_THAT(gateway.ask("hosta.foo", RrType::aaaa).answer,
              ElementsAre("hosta.foo. 0 AAAA 2001:db8:100::10"));
  ASSERT_THAT(gateway.hosts.reserved, SizeIs(1));
  EXPECT_EQ(gateway.hosts.reserved[0].family, net::Family::v6);
}

TEST(Pool12, a_family_that_the_pool_has_no_address_of_gets_nodata) {
  Fixture gateway;
  const Answer answer = gateway.ask("hostb.foo", RrType::aaaa);
  EXPECT_EQ(answer.rcode, noerror);
  EXPECT_THAT(answer.answer, IsEmpty());
  EXPECT_THAT(answer.authority, SizeIs(1));
}

TEST(Pool9, a_retransmission_is_answered_alike_and_counted) {
  Fixture gateway;
  gateway.hosts.reservation = Granted{pool_address, true};
  EXPECT_THAT(gateway.ask("hosta.foo", RrType::a).answer, ElementsAre("hosta.foo. 0 A 198.51.100.11"));
  EXPECT_EQ(gateway.count(Counter::dns_retransmitted), 1U);
}

TEST(Pool9, queries_of_other_transport_port_or_id_are_other_requesters) {
  const Requester one{*net::Endpoint::parse("192.0.2.1:1000"), 1, Transport::udp};
  EXPECT_EQ(one, one);
  EXPECT_NE(one, (Requester{one.source, 2, Transport::udp}));
  EXPECT_NE(one, (Requester{one.source, 1, Transport::tcp}));
  EXPECT_NE(one, (Requester{*net::Endpoint::parse("192.0.2.1:1001"), 1, Transport::udp}));
}

class Wait : public testing::Test {
 protected:
  PendingQuery wait_for(const test::QueryBuilder& asked) {
    gateway.hosts.reservation = Waiting{Ticket{5}};
    const auto outcome = gateway.send(asked.bytes());
    const auto* pending = std::get_if<PendingQuery>(&outcome);
    EXPECT_NE(pending, nullptr);
    return pending == nullptr ? PendingQuery{} : *pending;
  }
  Fixture gateway{{foo_spec()}, {"gw-1", OnExhaustion::servfail}};
};

TEST_F(Wait, no_bytes_leave_until_the_address_comes_pool8) {
  const auto pending = wait_for(query("TCP22.hosta.foo"));
  EXPECT_EQ(pending.ticket, Ticket{5});
  EXPECT_EQ(gateway.count(Counter::dns_waiting), 1U);
  EXPECT_EQ(gateway.count(Counter::dns_answers), 0U);
}

TEST_F(Wait, the_address_completes_the_very_answer_that_was_owed) {
  const auto pending =
      wait_for(query("TCP22.hosta.foo").id(77).flags(flag::rd).edns(1232, 0, true).option(3));
  const Answer answer = answer_of(gateway.responder.complete(pending, pool_address, gateway.room));
  EXPECT_EQ(answer.id, 77);
  EXPECT_TRUE(answer.rd);
  EXPECT_TRUE(answer.aa);
  EXPECT_TRUE(answer.dnssec_ok);
  EXPECT_THAT(answer.options, ElementsAre(std::pair{3U, "gw-1"}));
  EXPECT_THAT(answer.question, ElementsAre("TCP22.hosta.foo. A"));
  EXPECT_THAT(answer.answer, ElementsAre("TCP22.hosta.foo. 0 A 198.51.100.11"));
  EXPECT_THAT(gateway.hosts.reserved, SizeIs(1)) << "completing reserves nothing more";
  EXPECT_EQ(gateway.count(Counter::dns_answers), 1U);
}

TEST_F(Wait, an_alias_before_the_host_is_answered_again) {
  const auto pending = wait_for(query("alias.foo"));
  EXPECT_THAT(answer_of(gateway.responder.complete(pending, pool_address, gateway.room)).answer,
              ElementsAre("alias.foo. 3600 CNAME hosta.foo.", "hosta.foo. 0 A 198.51.100.11"));
}

TEST_F(Wait, a_wait_in_vain_ends_by_the_policy) {
  const auto pending = wait_for(query("hosta.foo"));
  EXPECT_EQ(answer_of(gateway.responder.complete(pending, std::nullopt, gateway.room)).rcode, servfail);
}

TEST_F(Wait, an_address_for_a_host_that_the_name_no_longer_means_is_not_given_out) {
  const auto pending = wait_for(query("hosta.foo"));
  gateway.hosts.hosta = HostId{9};
  EXPECT_TRUE(
      std::holds_alternative<Silent>(gateway.responder.complete(pending, pool_address, gateway.room)));
  EXPECT_EQ(gateway.count(Counter::dns_silent), 1U);
}

TEST_F(Wait, after_a_reload_the_new_zones_answer) {
  const auto pending = wait_for(query("hosta.foo"));
  gateway.responder.replace({}, ZoneSet{});
  EXPECT_EQ(answer_of(gateway.responder.complete(pending, pool_address, gateway.room)).rcode, refused);
}

TEST(Pool8, exhaustion_is_silence_by_default) {
  Fixture gateway;
  gateway.hosts.reservation = Refused{};
  EXPECT_TRUE(std::holds_alternative<Silent>(gateway.send(query("hosta.foo").bytes())));
  EXPECT_EQ(gateway.count(Counter::dns_silent), 1U);
  EXPECT_EQ(gateway.count(Counter::dns_answers), 0U);
}

// A resolver does not ask again over TCP: it would hold its connection in vain (RFC 7766 section 6.2.3).
TEST(Pool8, silence_is_servfail_with_its_extended_error_over_tcp) {
  Fixture gateway;
  gateway.client.transport = Transport::tcp;
  gateway.hosts.reservation = Refused{};
  const Answer answer = gateway.ask(query("hosta.foo").edns(1232));
  EXPECT_EQ(answer.rcode, servfail);
  EXPECT_EQ(answer.options.at(15).substr(0, 2), std::string("\0\x0e", 2));
  EXPECT_EQ(gateway.ask("hosta.foo", RrType::a).rcode, servfail);
  EXPECT_EQ(gateway.count(Counter::dns_silent), 0U);
  EXPECT_EQ(gateway.count(Counter::dns_answers), 2U);
}

TEST(Pool8, a_wait_in_vain_is_told_over_tcp_and_an_address_for_another_name_too) {
  Fixture gateway;
  gateway.client.transport = Transport::tcp;
  gateway.hosts.reservation = Waiting{Ticket{5}};
  const auto outcome = gateway.send(query("hosta.foo").edns(1232).bytes());
  const PendingQuery pending = std::get<PendingQuery>(outcome);
  for (const auto& address : {std::optional<net::IpAddress>{}, net::IpAddress::parse("2001:db8::1")}) {
    const Answer answer = answer_of(gateway.responder.complete(pending, address, gateway.room));
    EXPECT_EQ(answer.rcode, servfail);
    EXPECT_EQ(answer.options.count(15), 1U);
  }
}

TEST(Pool8, servfail_and_refuse_carry_the_extended_error_not_ready) {
  for (const auto& [policy, rcode] :
       {std::pair{OnExhaustion::servfail, servfail}, {OnExhaustion::refuse, refused}}) {
    Fixture gateway{{foo_spec()}, {"", policy}};
    gateway.hosts.reservation = Refused{};
    const Answer answer = gateway.ask(query("alias.foo").edns(1232));
    EXPECT_EQ(answer.rcode, rcode);
    EXPECT_THAT(answer.answer, IsEmpty()) << "no half of a chain";
    ASSERT_EQ(answer.options.count(15), 1U);
    EXPECT_EQ(answer.options.at(15).substr(0, 2), std::string("\0\x0e", 2));
    EXPECT_FALSE(gateway.ask("hosta.foo", RrType::a).has_opt);
  }
}

TEST(Dns2, from_inside_a_host_s_name_is_its_inside_address_with_an_ordinary_ttl) {
  Fixture gateway;
  gateway.client.view = View::inside;
  EXPECT_THAT(gateway.ask("hosta.foo", RrType::a).answer, ElementsAre("hosta.foo. 120 A 10.0.0.42"));
  EXPECT_THAT(gateway.ask("hosta.foo", RrType::aaaa).answer, ElementsAre("hosta.foo. 120 AAAA fd00:10::42"));
  EXPECT_THAT(gateway.ask("tcp22.hostb.foo", RrType::a).answer,
              ElementsAre("tcp22.hostb.foo. 120 A 10.0.0.43"));
  const Answer none = gateway.ask("hostb.foo", RrType::aaaa);
  EXPECT_EQ(none.rcode, noerror);
  EXPECT_THAT(none.authority, SizeIs(1));
  EXPECT_THAT(gateway.hosts.reserved, IsEmpty());
}

TEST(Dns4, www_is_the_proxy_with_an_ordinary_ttl_and_reserves_nothing) {
  Fixture gateway;
  EXPECT_THAT(gateway.ask("www.hosta.foo", RrType::a).answer,
              ElementsAre("www.hosta.foo. 300 A 198.51.100.1"));
  EXPECT_THAT(gateway.ask("www.hosta.foo", RrType::aaaa).answer,
              ElementsAre("www.hosta.foo. 300 AAAA 2001:db8:100::1"));
  EXPECT_EQ(gateway.ask("www.hosta.foo", RrType::mx).rcode, noerror);
  EXPECT_THAT(gateway.hosts.reserved, IsEmpty());
}

TEST(DynamicNames, what_they_find_may_refer_to_the_labels_that_they_were_given) {
  Fixture gateway;
  EXPECT_THAT(gateway.ask("mirror.foo", RrType::srv).answer,
              ElementsAre("mirror.foo. 60 SRV 1 2 3 mirror.foo."));
}

TEST(DynamicNames, labels_reach_them_as_bytes_so_a_dot_within_one_is_no_border) {
  Fixture gateway;
  EXPECT_EQ(gateway.ask("tcp22\\.hosta.foo", RrType::a).rcode, nxdomain);
  EXPECT_THAT(gateway.hosts.reserved, IsEmpty());
}

}  // namespace
}  // namespace rgw::dns
