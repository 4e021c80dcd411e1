// DNS-1, what a zone answers: data, NODATA, NXDOMAIN, aliases, referrals, additional data, ANY, DS, several
// zones.
#include "unit/dns/support.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rgw::dns {
namespace {

using test::Answer;
using test::Fixture;
using test::foo_spec;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr unsigned noerror = 0, nxdomain = 3, refused = 5;

/// "foo" of the fixture with more records.
ZoneSpec foo_with(std::vector<RecordSpec> records) {
  ZoneSpec spec = foo_spec();
  spec.records.insert(spec.records.end(), records.begin(), records.end());
  return spec;
}

ZoneSpec zone_named(std::string name, std::vector<RecordSpec> records = {}) {
  ZoneSpec spec;
  spec.name = std::move(name);
  spec.nameservers = {"ns1.foo"};
  spec.records = std::move(records);
  return spec;
}

TEST(Dns1, a_record_is_answered_with_authority_and_its_ttl) {
  Fixture gateway;
  const Answer answer = gateway.ask("ns1.foo", RrType::a);
  EXPECT_EQ(answer.rcode, noerror);
  EXPECT_TRUE(answer.qr);
  EXPECT_TRUE(answer.aa);
  EXPECT_FALSE(answer.ra);
  EXPECT_THAT(answer.question, ElementsAre("ns1.foo. A"));
  EXPECT_THAT(answer.answer, ElementsAre("ns1.foo. 3600 A 198.51.100.1"));
  EXPECT_THAT(answer.authority, IsEmpty());
}

TEST(Dns1, soa_and_ns_are_answered_at_the_apex) {
  Fixture gateway;
  EXPECT_THAT(gateway.ask("foo", RrType::soa).answer,
              ElementsAre("foo. 3600 SOA ns1.foo. hostmaster.foo. 7 86400 7200 3600000 60"));
  const Answer ns = gateway.ask("foo", RrType::ns);
  EXPECT_THAT(ns.answer, ElementsAre("foo. 3600 NS ns1.foo."));
  EXPECT_THAT(ns.additional,
              ElementsAre("ns1.foo. 3600 A 198.51.100.1", "ns1.foo. 3600 AAAA 2001:db8:100::1"));
}

TEST(Dns1, every_type_of_the_realm_file_is_answered) {
  Fixture gateway{{foo_with({{"x", "AAAA", "2001:db8::1", {}},
                             {"x", "TXT", "\"one two\"", {}},
                             {"x", "SRV", "0 5 5060 mail", {}},
                             {"x", "NAPTR", "100 10 \"U\" \"E2U+sip\" \"!^.*$!sip:a@b!\" .", {}},
                             {"x", "PTR", "mail", {}},
                             {"x", "MX", "20 mail", {}},
                             {"x", "TYPE65280", "\\# 2 abcd", {}}})}};
  const auto answer_of = [&](RrType type) { return gateway.ask("x.foo", type).answer; };
  EXPECT_THAT(answer_of(RrType::aaaa), ElementsAre("x.foo. 3600 AAAA 2001:db8::1"));
  EXPECT_THAT(answer_of(RrType::txt), ElementsAre("x.foo. 3600 TXT \"one two\""));
  EXPECT_THAT(answer_of(RrType::srv), ElementsAre("x.foo. 3600 SRV 0 5 5060 mail.foo."));
  EXPECT_THAT(answer_of(RrType::naptr),
              ElementsAre("x.foo. 3600 NAPTR 100 10 \"U\" \"E2U+sip\" \"!^.*$!sip:a@b!\" ."));
  EXPECT_THAT(answer_of(RrType::ptr), ElementsAre("x.foo. 3600 PTR mail.foo."));
  EXPECT_THAT(answer_of(RrType::mx), ElementsAre("x.foo. 3600 MX 20 mail.foo."));
  EXPECT_THAT(answer_of(RrType{65280}), ElementsAre("x.foo. 3600 TYPE65280 \\# 2 abcd"));
}

TEST(Dns1, a_name_that_does_not_exist_gets_nxdomain_with_soa_of_the_negative_ttl) {
  Fixture gateway;
  const Answer answer = gateway.ask("nobody.foo", RrType::a);
  EXPECT_EQ(answer.rcode, nxdomain);
  EXPECT_TRUE(answer.aa);
  EXPECT_THAT(answer.answer, IsEmpty());
  EXPECT_THAT(answer.authority, ElementsAre("foo. 60 SOA ns1.foo. hostmaster.foo. 7 86400 7200 3600000 60"));
  EXPECT_EQ(gateway.count(Counter::dns_nxdomain), 1U);
}

TEST(Dns1, the_negative_ttl_is_the_soa_s_own_where_that_is_less_rfc2308_3) {
  ZoneSpec spec = foo_spec();
  spec.ttl = 30;
  Fixture gateway{{spec}};
  EXPECT_THAT(gateway.ask("nobody.foo", RrType::a).authority,
              ElementsAre("foo. 30 SOA ns1.foo. hostmaster.foo. 7 86400 7200 3600000 60"));
}

TEST(Dns1, a_name_without_the_type_gets_nodata_with_soa) {
  Fixture gateway;
  const Answer answer = gateway.ask("ns1.foo", RrType::mx);
  EXPECT_EQ(answer.rcode, noerror);
  EXPECT_TRUE(answer.aa);
  EXPECT_THAT(answer.answer, IsEmpty());
  EXPECT_EQ(answer.authority.size(), 1U);
}

TEST(Dns1, a_name_with_only_names_below_gets_nodata_not_nxdomain_rfc8020) {
  Fixture gateway;
  EXPECT_EQ(gateway.ask("down.foo", RrType::a).rcode, noerror);
  EXPECT_EQ(gateway.ask("down.foo", RrType::a).authority.size(), 1U);
  EXPECT_EQ(gateway.ask("up.foo", RrType::a).rcode, nxdomain);
}

TEST(Dns1, names_outside_the_zones_are_refused_with_an_extended_error) {
  Fixture gateway;
  const Answer plain = gateway.ask("hosta.bar", RrType::a);
  EXPECT_EQ(plain.rcode, refused);
  EXPECT_FALSE(plain.aa);
  EXPECT_FALSE(plain.has_opt);
  const Answer extended = gateway.ask(test::query("hosta.bar").edns(1232));
  EXPECT_THAT(extended.options, ElementsAre(std::pair{15U, std::string("\0\x14", 2)}));
  EXPECT_EQ(gateway.count(Counter::dns_refused), 2U);
}

TEST(Dns1, a_cname_is_followed_within_the_zones) {
  Fixture gateway{{foo_with({{"c1", "CNAME", "c2", {}}, {"c2", "CNAME", "mail.bar.", {}}}),
                   zone_named("bar", {{"mail", "A", "203.0.113.5", {}}})}};
  const Answer answer = gateway.ask("c1.foo", RrType::a);
  EXPECT_THAT(answer.answer, ElementsAre("c1.foo. 3600 CNAME c2.foo.", "c2.foo. 3600 CNAME mail.bar.",
                                         "mail.bar. 3600 A 203.0.113.5"));
}

TEST(Dns1, a_cname_asked_for_is_not_followed) {
  Fixture gateway;
  EXPECT_THAT(gateway.ask("alias.foo", RrType::cname).answer,
              ElementsAre("alias.foo. 3600 CNAME hosta.foo."));
  EXPECT_THAT(gateway.hosts.reserved, IsEmpty());
}

TEST(Dns1, a_cname_out_of_the_zones_is_left_to_the_resolver) {
  Fixture gateway{{foo_with({{"c", "CNAME", "elsewhere.example.", {}}})}};
  const Answer answer = gateway.ask("c.foo", RrType::a);
  EXPECT_EQ(answer.rcode, noerror);
  EXPECT_TRUE(answer.aa);
  EXPECT_THAT(answer.answer, ElementsAre("c.foo. 3600 CNAME elsewhere.example."));
  EXPECT_THAT(answer.authority, IsEmpty());
}

TEST(Dns1, a_cname_to_nowhere_gets_nxdomain_of_the_last_name_rfc6604) {
  Fixture gateway{{foo_with({{"c", "CNAME", "nobody", {}}})}};
  const Answer answer = gateway.ask("c.foo", RrType::a);
  EXPECT_EQ(answer.rcode, nxdomain);
  EXPECT_THAT(answer.answer, ElementsAre("c.foo. 3600 CNAME nobody.foo."));
  EXPECT_EQ(answer.authority.size(), 1U);
}

// RFC 1034 section 3.6.2, RFC 2181 section 5: each record once, wherever the loop is entered.
TEST(Dns1, a_loop_of_aliases_is_answered_once) {
  Fixture gateway{{foo_with({{"c1", "CNAME", "c2", {}},
                             {"c2", "CNAME", "c1", {}},
                             {"self", "CNAME", "SELF", {}},
                             {"in", "CNAME", "c1", {}},
                             {"far", "CNAME", "x.bar.", {}}}),
                   zone_named("bar", {{"x", "CNAME", "far.foo.", {}}})}};
  const auto records = [&](const char* name, RrType type) {
    const Answer answer = gateway.ask(name, type);
    EXPECT_EQ(answer.rcode, noerror);
    return answer.answer;
  };
  for (const RrType type : {RrType::a, RrType::aaaa, RrType::mx}) {
    EXPECT_THAT(records("c1.foo", type),
                ElementsAre("c1.foo. 3600 CNAME c2.foo.", "c2.foo. 3600 CNAME c1.foo."));
    EXPECT_THAT(records("self.foo", type), ElementsAre("self.foo. 3600 CNAME SELF.foo."));
    EXPECT_THAT(records("in.foo", type),
                ElementsAre("in.foo. 3600 CNAME c1.foo.", "c1.foo. 3600 CNAME c2.foo.",
                            "c2.foo. 3600 CNAME c1.foo."));
    EXPECT_THAT(records("far.foo", type),
                ElementsAre("far.foo. 3600 CNAME x.bar.", "x.bar. 3600 CNAME far.foo."));
  }
}

TEST(Dns1, mx_and_srv_bring_the_addresses_of_their_targets_once) {
  Fixture gateway{
      {foo_with({{"_sip._udp", "SRV", "0 5 5060 mail", {}}, {"_sip._udp", "SRV", "1 5 5061 mail", {}}})}};
  EXPECT_THAT(gateway.ask("foo", RrType::mx).additional, ElementsAre("mail.foo. 3600 A 198.51.100.2"));
  EXPECT_THAT(gateway.ask("_sip._udp.foo", RrType::srv).additional,
              ElementsAre("mail.foo. 3600 A 198.51.100.2"));
}

TEST(Dns1, additional_data_never_reserves) {
  Fixture gateway{{foo_with({{"x", "MX", "10 hosta", {}}})}};
  EXPECT_THAT(gateway.ask("x.foo", RrType::mx).additional, IsEmpty());
  EXPECT_THAT(gateway.hosts.reserved, IsEmpty());
}

class Delegation : public testing::Test {
 protected:
  Fixture gateway{{foo_with({{"sub", "NS", "ns.sub", {}},
                             {"sub", "NS", "ns.far.example.", {}},
                             {"sub", "DS", "1 8 2 " + std::string(64, 'a'), {}},
                             {"ns.sub", "A", "203.0.113.1", {}},
                             {"plain", "NS", "ns.far.example.", {}}})}};
};

TEST_F(Delegation, names_at_and_below_are_referred_without_authority) {
  for (const auto* name : {"sub.foo", "x.sub.foo", "ns.sub.foo", "a.b.c.sub.foo"}) {
    const Answer answer = gateway.ask(name, RrType::a);
    EXPECT_EQ(answer.rcode, noerror) << name;
    EXPECT_FALSE(answer.aa) << name;
    EXPECT_THAT(answer.answer, IsEmpty()) << name;
    EXPECT_THAT(answer.authority,
                UnorderedElementsAre("sub.foo. 3600 NS ns.sub.foo.", "sub.foo. 3600 NS ns.far.example."));
    EXPECT_THAT(answer.additional, ElementsAre("ns.sub.foo. 3600 A 203.0.113.1"));
  }
}

TEST_F(Delegation, ds_is_answered_on_the_parent_s_side) {
  const Answer answer = gateway.ask("sub.foo", RrType::ds);
  EXPECT_TRUE(answer.aa);
  EXPECT_EQ(answer.answer.size(), 1U);
  const Answer none = gateway.ask("plain.foo", RrType::ds);
  EXPECT_TRUE(none.aa);
  EXPECT_THAT(none.authority, ElementsAre(testing::StartsWith("foo. 60 SOA")));
  EXPECT_FALSE(gateway.ask("x.sub.foo", RrType::ds).aa);
}

TEST_F(Delegation, an_alias_into_it_is_left_to_the_resolver) {
  Fixture aliased{{foo_with({{"sub", "NS", "ns.far.example.", {}}, {"c", "CNAME", "x.sub", {}}})}};
  const Answer answer = aliased.ask("c.foo", RrType::a);
  EXPECT_TRUE(answer.aa);
  EXPECT_THAT(answer.answer, ElementsAre("c.foo. 3600 CNAME x.sub.foo."));
}

TEST(Dns1, glue_that_does_not_fit_sets_tc_rfc9471) {
  std::vector<RecordSpec> records;
  for (int i = 0; i < 12; ++i) {
    const std::string server = "nameserver-with-a-long-name-" + std::to_string(i) + ".sub";
    records.push_back({"sub", "NS", server, {}});
    records.push_back({server, "A", "203.0.113." + std::to_string(i), {}});
    records.push_back({server, "AAAA", "2001:db8::" + std::to_string(i), {}});
  }
  Fixture gateway{{foo_with(records)}};
  EXPECT_TRUE(gateway.ask("x.sub.foo", RrType::a).tc);
  const Answer large = gateway.ask(test::query("x.sub.foo").edns(1232));
  EXPECT_FALSE(large.tc);
  EXPECT_EQ(large.additional.size(), 24U);
}

TEST(Dns1, ds_at_the_apex_is_asked_of_the_parent_zone_where_that_is_ours) {
  Fixture alone{{zone_named("sub.foo")}};
  EXPECT_THAT(alone.ask("sub.foo", RrType::ds).authority,
              ElementsAre(testing::StartsWith("sub.foo. 60 SOA")));
  Fixture both{{foo_with({{"sub", "NS", "ns1.foo.", {}}}), zone_named("sub.foo")}};
  EXPECT_THAT(both.ask("sub.foo", RrType::ds).authority, ElementsAre(testing::StartsWith("foo. 60 SOA")));
  EXPECT_TRUE(both.ask("sub.foo", RrType::ns).aa);
}

TEST(Dns1, any_gets_one_small_record_rfc8482) {
  Fixture gateway;
  EXPECT_THAT(gateway.ask("foo", RrType::any).answer, ElementsAre("foo. 3600 HINFO \"RFC8482\" \"\""));
  EXPECT_THAT(gateway.ask("hosta.foo", RrType::any).answer,
              ElementsAre("hosta.foo. 3600 HINFO \"RFC8482\" \"\""));
  EXPECT_THAT(gateway.ask("alias.foo", RrType::any).answer, ElementsAre("alias.foo. 3600 CNAME hosta.foo."));
  EXPECT_EQ(gateway.ask("nobody.foo", RrType::any).rcode, nxdomain);
  EXPECT_THAT(gateway.hosts.reserved, IsEmpty());
}

TEST(Dns2, a_zone_of_one_view_does_not_exist_in_the_other) {
  ZoneSpec inside = zone_named("10.in-addr.arpa", {{"42.0.0", "PTR", "hosta.foo.", {}}});
  inside.views = ZoneViews::inside;
  Fixture gateway{{foo_spec(), inside}};
  EXPECT_EQ(gateway.ask("42.0.0.10.in-addr.arpa", RrType::ptr).rcode, refused);
  gateway.client.view = View::inside;
  EXPECT_THAT(gateway.ask("42.0.0.10.in-addr.arpa", RrType::ptr).answer,
              ElementsAre("42.0.0.10.in-addr.arpa. 3600 PTR hosta.foo."));
}

TEST(Dns1, the_root_zone_may_be_served) {
  Fixture gateway{{zone_named(".", {{"x", "A", "192.0.2.1", {}}, {"ns1.foo", "A", "192.0.2.2", {}}})}};
  EXPECT_THAT(gateway.ask("x", RrType::a).answer, ElementsAre("x. 3600 A 192.0.2.1"));
  EXPECT_EQ(gateway.ask(".", RrType::ds).rcode, noerror);
  EXPECT_EQ(gateway.ask("y", RrType::a).rcode, nxdomain);
}

}  // namespace
}  // namespace rgw::dns
