// DNS64 (RFC 6147) through the recursor: when an answer is synthesised and when not, from which records, for
// how long, in every prefix length of RFC 6052; PTR of synthesised addresses; ipv4only.arpa (RFC 7050, 8880).
#include "unit/dns/recursion_support.hpp"
#include <gmock/gmock.h>

namespace rgw::dns {
namespace {

using namespace test;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class Dns64Test : public testing::Test, public RecursorFixture {
 protected:
  Dns64Test() : RecursorFixture{with_dns64()} {}
};

// RFC 6147 section 5.1.1.
TEST_F(Dns64Test, a_name_with_aaaa_records_is_answered_with_them) {
  upstream.say("dual.example", RrType::aaaa, {{"dual.example. 60 IN AAAA 2001:db8::1"}});
  upstream.say("dual.example", RrType::a, {{"dual.example. 60 IN A 192.0.2.1"}});
  EXPECT_THAT(ask("dual.example", RrType::aaaa).answer, ElementsAre("dual.example. 60 AAAA 2001:db8::1"));
  EXPECT_EQ(count(Counter::dns64_synthesised), 0U);
}

// RFC 6147 sections 5.1.6 and 5.1.7: owner, embedded address, and the lesser of A's TTL and the SOA's.
TEST_F(Dns64Test, a_name_with_a_records_alone_gets_an_aaaa_record_for_each) {
  upstream.say("v4.example", RrType::aaaa, no_data());
  upstream.say("v4.example", RrType::a,
               {{"v4.example. 60 IN A 192.0.2.1", "v4.example. 300 IN A 192.0.2.2"}});
  const auto answer = ask("v4.example", RrType::aaaa);
  EXPECT_EQ(answer.rcode, 0U);
  EXPECT_THAT(answer.answer,
              ElementsAre("v4.example. 60 AAAA fd64::c000:201", "v4.example. 120 AAAA fd64::c000:202"));
  EXPECT_THAT(answer.authority, IsEmpty());
  EXPECT_EQ(count(Counter::dns64_synthesised), 1U);
}

TEST_F(Dns64Test, without_soa_the_ttl_is_bounded_by_ten_minutes) {
  upstream.say("v4.example", RrType::aaaa, {});
  upstream.say("v4.example", RrType::a, {{"v4.example. 3600 IN A 192.0.2.1"}});
  EXPECT_THAT(ask("v4.example", RrType::aaaa).answer, ElementsAre("v4.example. 600 AAAA fd64::c000:201"));
}

// The two questions leave together, so that synthesis adds no round trip (DNS-3).
TEST_F(Dns64Test, both_types_are_asked_at_once_and_in_either_order_of_arrival_synthesised) {
  upstream.at_once = false;
  upstream.say("v4.example", RrType::aaaa, no_data());
  upstream.say("v4.example", RrType::a, {{"v4.example. 60 IN A 192.0.2.1"}});
  const auto outcome = send(query("v4.example").type(RrType::aaaa).flags(flag::rd));
  const auto ticket = std::get<Deferred>(outcome).ticket.value();
  EXPECT_THAT(upstream.questions(), ElementsAre("v4.example. 28", "v4.example. 1"));
  upstream.answer("v4.example", RrType::a);
  step();
  EXPECT_THAT(delivered, IsEmpty());
  upstream.answer("v4.example", RrType::aaaa);
  step();
  EXPECT_THAT(delivered[ticket].answer, ElementsAre("v4.example. 60 AAAA fd64::c000:201"));
}

TEST_F(Dns64Test, a_native_answer_does_not_wait_for_the_other_type) {
  upstream.at_once = false;
  upstream.say("dual.example", RrType::aaaa, {{"dual.example. 60 IN AAAA 2001:db8::1"}});
  const auto outcome = send(query("dual.example").type(RrType::aaaa).flags(flag::rd));
  upstream.answer("dual.example", RrType::aaaa);
  step();
  EXPECT_THAT(delivered[std::get<Deferred>(outcome).ticket.value()].answer, SizeIs(1));
}

TEST_F(Dns64Test, a_synthesised_answer_is_kept_and_counts_down) {
  upstream.say("v4.example", RrType::aaaa, no_data());
  upstream.say("v4.example", RrType::a, {{"v4.example. 60 IN A 192.0.2.1"}});
  EXPECT_THAT(ask("v4.example", RrType::aaaa).answer, SizeIs(1));
  pass(std::chrono::seconds{25});
  EXPECT_THAT(ask("V4.Example", RrType::aaaa).answer, ElementsAre("V4.Example. 35 AAAA fd64::c000:201"));
  EXPECT_EQ(upstream.asked.size(), 2U);
  EXPECT_EQ(count(Counter::dns_cache_hits), 1U);
  EXPECT_THAT(ask("v4.example", RrType::a).answer, ElementsAre("v4.example. 35 A 192.0.2.1"));
  EXPECT_EQ(upstream.asked.size(), 2U);
}

// RFC 6147 section 5.1.2.
TEST_F(Dns64Test, a_name_that_does_not_exist_is_not_synthesised) {
  upstream.say("no.example", RrType::aaaa, no_name());
  upstream.say("no.example", RrType::a, {{"no.example. 60 IN A 192.0.2.1"}});
  const auto answer = ask("no.example", RrType::aaaa);
  EXPECT_EQ(answer.rcode, 3U);
  EXPECT_THAT(answer.answer, IsEmpty());
  EXPECT_THAT(answer.authority, SizeIs(1));
}

// RFC 6147 sections 5.1.2 and 5.1.3: another error, or silence, counts as an empty answer.
TEST_F(Dns64Test, servers_that_fail_on_aaaa_do_not_hide_the_a_records) {
  upstream.say("odd.example", RrType::aaaa, {{}, {}, 2});
  upstream.say("odd.example", RrType::a, {{"odd.example. 60 IN A 192.0.2.1"}});
  EXPECT_THAT(ask("odd.example", RrType::aaaa).answer, ElementsAre("odd.example. 60 AAAA fd64::c000:201"));

  upstream.say("mute.example", RrType::a, {{"mute.example. 60 IN A 192.0.2.1"}});
  const auto outcome = send(query("mute.example").type(RrType::aaaa).flags(flag::rd));
  step();
  upstream.fail("mute.example", RrType::aaaa);
  step();
  EXPECT_THAT(delivered[std::get<Deferred>(outcome).ticket.value()].answer,
              ElementsAre("mute.example. 60 AAAA fd64::c000:201"));
}

TEST_F(Dns64Test, an_empty_answer_is_not_made_of_a_failed_one) {
  upstream.say("x.example", RrType::aaaa, no_data());
  upstream.say("x.example", RrType::a, {{}, {}, 2});
  EXPECT_EQ(ask("x.example", RrType::aaaa).rcode, 2U);
}

TEST_F(Dns64Test, a_name_without_any_address_is_denied_with_its_soa) {
  upstream.say("mx.example", RrType::aaaa, no_data());
  upstream.say("mx.example", RrType::a, no_data());
  for (int i = 0; i < 2; ++i) {
    const auto answer = ask("mx.example", RrType::aaaa);
    EXPECT_EQ(answer.rcode, 0U);
    EXPECT_THAT(answer.answer, IsEmpty());
    EXPECT_THAT(answer.authority, SizeIs(1));
  }
  EXPECT_EQ(count(Counter::dns_cache_hits), 1U);
}

// RFC 6147 section 5.1.4.
TEST_F(Dns64Test, mapped_addresses_count_as_none) {
  upstream.say("mapped.example", RrType::aaaa, {{"mapped.example. 60 IN AAAA ::ffff:192.0.2.9"}});
  upstream.say("mapped.example", RrType::a, {{"mapped.example. 60 IN A 192.0.2.1"}});
  EXPECT_THAT(ask("mapped.example", RrType::aaaa).answer,
              ElementsAre("mapped.example. 60 AAAA fd64::c000:201"));
  upstream.say("half.example", RrType::aaaa,
               {{"half.example. 60 IN AAAA ::ffff:192.0.2.9", "half.example. 60 IN AAAA 2001:db8::1"}});
  upstream.say("half.example", RrType::a, no_data());
  EXPECT_THAT(ask("half.example", RrType::aaaa).answer, ElementsAre("half.example. 60 AAAA 2001:db8::1"));
}

// RFC 6147 section 5.1.4: the list is the operator's, and stands in place of the default.
TEST(Dns64, addresses_that_the_operator_excludes_count_as_none) {
  const Dns64 dns64{net::Pref64{*net::Prefix::parse("fd64::/96")},
                    {*net::Prefix::parse("2001:db8:bad::/48"), *net::Prefix::parse("fc00::/7")}};
  EXPECT_TRUE(dns64.is_excluded(*net::Ipv6Address::parse("2001:db8:bad:1::1")));
  EXPECT_TRUE(dns64.is_excluded(*net::Ipv6Address::parse("fd00::1")));
  EXPECT_FALSE(dns64.is_excluded(*net::Ipv6Address::parse("2001:db8::1")));
  EXPECT_FALSE(dns64.is_excluded(*net::Ipv6Address::parse("::ffff:192.0.2.1")));
  const Dns64 by_default{net::Pref64{*net::Prefix::parse("fd64::/96")}};
  EXPECT_TRUE(by_default.is_excluded(*net::Ipv6Address::parse("::ffff:192.0.2.1")));
  EXPECT_FALSE(by_default.is_excluded(*net::Ipv6Address::parse("::fffe:192.0.2.1")));
}

// RFC 6147 section 5.1.5.
TEST_F(Dns64Test, the_chain_of_aliases_is_answered_too) {
  const Lines chain{"old.example. 90 IN DNAME new.example.", "www.old.example. 80 IN CNAME www.new.example.",
                    "www.new.example. 70 IN CNAME host.example."};
  Scripted a{chain};
  a.answer.push_back("host.example. 60 IN A 192.0.2.1");
  upstream.say("www.old.example", RrType::aaaa, {chain, {soa_line}});
  upstream.say("www.old.example", RrType::a, a);
  EXPECT_THAT(ask("www.old.example", RrType::aaaa).answer,
              ElementsAre("old.example. 90 DNAME new.example.", "www.old.example. 80 CNAME www.new.example.",
                          "www.new.example. 70 CNAME host.example.", "host.example. 60 AAAA fd64::c000:201"));
}

// RFC 6147 section 5.5, case 3.
TEST_F(Dns64Test, who_validates_himself_gets_what_the_upstream_said) {
  upstream.say("v4.example", RrType::aaaa, no_data());
  upstream.say("v4.example", RrType::a, {{"v4.example. 60 IN A 192.0.2.1"}});
  const auto answer =
      ask(query("v4.example").type(RrType::aaaa).flags(flag::rd | flag::cd).edns(1232, 0, true));
  EXPECT_THAT(answer.answer, IsEmpty());
  EXPECT_TRUE(answer.cd);
  EXPECT_THAT(upstream.questions(), ElementsAre("v4.example. 28"));
  EXPECT_TRUE(upstream.asked[0].dnssec_ok);
  EXPECT_NE(upstream.asked[0].flags & flag::cd, 0);
  // DO alone, or CD alone, does not keep it from synthesis (cases 1 and 2).
  EXPECT_THAT(ask(query("v4.example").type(RrType::aaaa).flags(flag::rd).edns(1232, 0, true)).answer,
              SizeIs(1));
  EXPECT_THAT(ask(query("v4.example").type(RrType::aaaa).flags(flag::rd | flag::cd)).answer, SizeIs(1));
}

TEST_F(Dns64Test, what_is_synthesised_is_never_called_authentic) {
  Scripted negative = no_data();
  negative.ad = true;
  upstream.say("v4.example", RrType::aaaa, negative);
  upstream.say("v4.example", RrType::a,
               {{"v4.example. 60 IN A 192.0.2.1",
                 "v4.example. 60 IN RRSIG A 8 2 60 20300101000000 20200101000000 1 example. AAAA"},
                {},
                0,
                true});
  const auto answer = ask(query("v4.example").type(RrType::aaaa).flags(flag::rd).edns(1232, 0, true));
  EXPECT_THAT(answer.answer, ElementsAre("v4.example. 60 AAAA fd64::c000:201"));
  EXPECT_FALSE(answer.ad);
  EXPECT_TRUE(ask(query("v4.example").type(RrType::a).flags(flag::rd).edns(1232, 0, true)).ad);
  EXPECT_FALSE(ask(query("v4.example").type(RrType::a).flags(flag::rd)).ad);
}

// DNS-7.
TEST_F(Dns64Test, forty_records_are_forty_records) {
  Scripted many;
  for (unsigned i = 0; i < 40; ++i) many.answer.push_back("v4.example. 60 IN A 192.0.2." + std::to_string(i));
  upstream.say("v4.example", RrType::aaaa, no_data());
  upstream.say("v4.example", RrType::a, many);
  EXPECT_THAT(ask(query("v4.example").type(RrType::aaaa).flags(flag::rd).edns(1232)).answer, SizeIs(40));
  EXPECT_TRUE(ask(query("v4.example").type(RrType::aaaa).flags(flag::rd)).tc);
  client.transport = Transport::tcp;
  EXPECT_THAT(ask("v4.example", RrType::aaaa).answer, SizeIs(40));
}

TEST_F(Dns64Test, addresses_that_no_remote_has_are_not_translated) {
  upstream.say("blocked.example", RrType::aaaa, no_data());
  upstream.say("blocked.example", RrType::a,
               {{"blocked.example. 60 IN A 0.0.0.0", "blocked.example. 60 IN A 127.0.0.1",
                 "blocked.example. 60 IN A 224.0.0.1", "blocked.example. 60 IN A 255.255.255.255"}});
  EXPECT_THAT(ask("blocked.example", RrType::aaaa).answer, IsEmpty());
}

// RFC 6052 section 3.1, X64-2.
TEST(Dns64, the_well_known_prefix_never_stands_for_an_address_that_is_not_global) {
  const Dns64 well_known{net::Pref64{*net::Prefix::parse("64:ff9b::/96")}};
  const Dns64 own{net::Pref64{*net::Prefix::parse("fd64::/96")}};
  for (const char* text : {"10.0.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "192.0.2.1",
                           "198.51.100.1", "203.0.113.1", "198.19.0.1"}) {
    EXPECT_FALSE(well_known.pref64().represents(*net::Ipv4Address::parse(text))) << text;
    EXPECT_TRUE(own.pref64().represents(*net::Ipv4Address::parse(text))) << text;
  }
  EXPECT_TRUE(well_known.pref64().represents(*net::Ipv4Address::parse("8.8.8.8")));
  EXPECT_TRUE(well_known.pref64().represents(*net::Ipv4Address::parse("172.32.0.1")));
}

// RFC 6052 section 2.4, table 1.
TEST(Dns64, every_prefix_length_is_synthesised_and_reversed) {
  const std::pair<const char*, const char*> cases[] = {
      {"2001:db8::/32", "2001:db8:c000:221::"},
      {"2001:db8:100::/40", "2001:db8:1c0:2:21::"},
      {"2001:db8:122::/48", "2001:db8:122:c000:2:2100::"},
      {"2001:db8:122:300::/56", "2001:db8:122:3c0:0:221::"},
      {"2001:db8:122:344::/64", "2001:db8:122:344:c0:2:2100::"},
      {"2001:db8:122:344::/96", "2001:db8:122:344::192.0.2.33"}};
  for (const auto& [prefix, embedded] : cases) {
    const Dns64 dns64{net::Pref64{*net::Prefix::parse(prefix)}};
    Response a;
    a.records.push_back(address_record(name_of("x.example"), 60, *net::IpAddress::parse("192.0.2.33")));
    const auto response = dns64.synthesise({}, a);
    ASSERT_TRUE(response);
    const net::IpAddress expected = *net::IpAddress::parse(embedded);
    EXPECT_EQ(address_in(response->records[0]), expected) << prefix;
    EXPECT_EQ(dns64.reverse(name_of(reverse_name(expected))), net::IpAddress::parse("192.0.2.33")) << prefix;
  }
}

// RFC 6147 section 5.3.1, DNS-3.
TEST_F(Dns64Test, the_ptr_of_a_synthesised_address_leads_to_that_of_the_ipv4_one) {
  upstream.say("1.2.0.192.in-addr.arpa", RrType::ptr, {{"1.2.0.192.in-addr.arpa. 30 IN PTR v4.example."}});
  const std::string name = reverse_name(*net::IpAddress::parse("fd64::192.0.2.1"));
  const Lines expected{name + ". 30 CNAME 1.2.0.192.in-addr.arpa.",
                       "1.2.0.192.in-addr.arpa. 30 PTR v4.example."};
  EXPECT_EQ(ask(name, RrType::ptr).answer, expected);
  EXPECT_EQ(ask(name, RrType::ptr).answer, expected);
  EXPECT_EQ(upstream.asked.size(), 1U);
}

TEST_F(Dns64Test, a_ptr_outside_the_prefix_is_asked_as_it_is) {
  const std::string name = reverse_name(*net::IpAddress::parse("2001:db8::1"));
  upstream.say(name, RrType::ptr, no_name());
  EXPECT_EQ(ask(name, RrType::ptr).rcode, 3U);
}

// RFC 7050 section 3, RFC 8880 section 7.2: answered here, never asked upstream.
TEST_F(Dns64Test, ipv4only_arpa_shows_the_prefix) {
  EXPECT_THAT(
      ask("ipv4only.arpa", RrType::aaaa).answer,
      ElementsAre("ipv4only.arpa. 86400 AAAA fd64::c000:aa", "ipv4only.arpa. 86400 AAAA fd64::c000:ab"));
  EXPECT_THAT(ask("IPv4only.arpa", RrType::a).answer,
              ElementsAre("IPv4only.arpa. 86400 A 192.0.0.170", "IPv4only.arpa. 86400 A 192.0.0.171"));
  const auto other = ask("ipv4only.arpa", RrType::mx);
  EXPECT_EQ(other.rcode, 0U);
  EXPECT_THAT(other.answer, IsEmpty());
  EXPECT_THAT(other.authority, SizeIs(1));
  EXPECT_EQ(ask("below.ipv4only.arpa", RrType::aaaa).rcode, 3U);
  EXPECT_THAT(ask("171.0.0.192.in-addr.arpa", RrType::ptr).answer,
              ElementsAre("171.0.0.192.in-addr.arpa. 86400 PTR ipv4only.arpa."));
  EXPECT_THAT(upstream.asked, IsEmpty());
}

TEST(Dns64, ipv4only_arpa_shows_the_well_known_prefix_too) {
  RecursorFixture fixture{with_dns64("64:ff9b::/96")};
  EXPECT_THAT(fixture.ask("ipv4only.arpa", RrType::aaaa).answer,
              Contains("ipv4only.arpa. 86400 AAAA 64:ff9b::c000:aa"));
}

TEST(Dns64, without_it_nothing_is_synthesised_and_ipv4only_arpa_is_a_name_like_others) {
  RecursorFixture fixture;
  fixture.upstream.say("v4.example", RrType::aaaa, no_data());
  fixture.upstream.say("ipv4only.arpa", RrType::aaaa, no_data());
  EXPECT_THAT(fixture.ask("v4.example", RrType::aaaa).answer, IsEmpty());
  EXPECT_THAT(fixture.ask("ipv4only.arpa", RrType::aaaa).answer, IsEmpty());
  EXPECT_EQ(fixture.upstream.asked.size(), 2U);
}

}  // namespace
}  // namespace rgw::dns
