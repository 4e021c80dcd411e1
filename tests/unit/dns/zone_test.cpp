// Building zones: what the realm file may say, and how a mistake reads.
#include "realmgw/dns/zone.hpp"

#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rgw::dns {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

ZoneSpec bare() {
  ZoneSpec spec;
  spec.name = "foo.example";
  spec.nameservers = {"ns.other.example"};
  return spec;
}

ZoneSpec with(std::vector<RecordSpec> records) {
  ZoneSpec spec = bare();
  spec.records = std::move(records);
  return spec;
}

std::string error_of(const ZoneSpec& spec) {
  try {
    const Zone zone{spec};
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "no error";
}

const Node* find(const Zone& zone, const char* name) {
  return zone.find(Name::from_text(name)->lower());
}

TEST(Zone, the_smallest_has_soa_and_ns) {
  const Zone zone{bare()};
  ASSERT_EQ(zone.apex().sets.size(), 2U);
  EXPECT_NE(zone.apex().find(RrType::soa), nullptr);
  EXPECT_NE(zone.apex().find(RrType::ns), nullptr);
}

TEST(Zone, names_are_relative_at_sign_or_absolute) {
  const Zone zone{with({{"@", "TXT", "apex", {}},
                        {"", "A", "192.0.2.1", {}},
                        {"a.b", "A", "192.0.2.2", {}},
                        {"c.foo.example.", "A", "192.0.2.3", {}}})};
  EXPECT_NE(zone.apex().find(RrType::txt), nullptr);
  EXPECT_NE(zone.apex().find(RrType::a), nullptr);
  EXPECT_NE(find(zone, "A.B.foo.example"), nullptr);
  EXPECT_NE(find(zone, "c.foo.example"), nullptr);
}

TEST(Zone, names_between_exist_without_records) {
  const Zone zone{with({{"a.b.c", "A", "192.0.2.2", {}}})};
  ASSERT_NE(find(zone, "b.c.foo.example"), nullptr);
  EXPECT_TRUE(find(zone, "b.c.foo.example")->sets.empty());
  EXPECT_NE(find(zone, "c.foo.example"), nullptr);
  EXPECT_EQ(find(zone, "x.c.foo.example"), nullptr);
}

TEST(Zone, every_type_of_the_specification_and_unknown_ones_are_read) {
  const Zone zone{with({
      {"x", "A", "192.0.2.1", {}},
      {"x", "AAAA", "2001:db8::1", {}},
      {"x", "MX", "10 mail", {}},
      {"x", "TXT", "\"two words\" \"a; b\"", {}},
      {"x", "SRV", "0 5 5060 sip", {}},
      {"x", "NAPTR", "100 10 \"U\" \"E2U+sip\" \"!^.*$!sip:a@b!\" .", {}},
      {"x", "PTR", "y", {}},
      {"x", "CAA", "0 issue \"ca.example\"", {}},
      {"x", "TYPE65280", "\\# 2 abcd", {}},
      {"y", "CNAME", "x", {}},
  })};
  EXPECT_EQ(find(zone, "x.foo.example")->sets.size(), 9U);
}

TEST(Zone, a_record_said_twice_stands_once_rfc2181_5) {
  const Zone zone{
      with({{"x", "A", "192.0.2.1", {}}, {"X", "A", "192.0.2.1", {}}, {"x", "A", "192.0.2.2", {}}})};
  EXPECT_EQ(find(zone, "x.foo.example")->find(RrType::a)->records.size(), 2U);
}

TEST(Zone, a_bad_record_is_refused_with_its_text_and_the_reason) {
  EXPECT_THAT(error_of(with({{"x", "A", "300.0.0.1", {}}})),
              testing::AllOf(HasSubstr("zone foo.example: record \"x A 300.0.0.1\": "), HasSubstr("rdata")));
  EXPECT_THAT(error_of(with({{"x", "A", "192.0.2.1 192.0.2.2", {}}})), HasSubstr("superfluous"));
  EXPECT_THAT(error_of(with({{"x", "MX", "10", {}}})), HasSubstr("value expected"));
  EXPECT_THAT(error_of(with({{"x", "NOPE", "1", {}}})), HasSubstr("unknown type \"NOPE\""));
  EXPECT_THAT(error_of(with({{"x", "TXT", "\"open", {}}})), HasSubstr("quotation mark"));
  EXPECT_THAT(error_of(with({{"x", "TXT", "a\nb", {}}})), HasSubstr("line break"));
  EXPECT_THAT(error_of(with({{"a..b", "A", "192.0.2.1", {}}})), HasSubstr("is not a domain name"));
}

TEST(Zone, numbers_that_do_not_fit_are_refused) {
  EXPECT_THAT(error_of(with({{"x", "SRV", "0 5 70000 sip", {}}})), HasSubstr("\"70000\" is out of range"));
  EXPECT_THAT(error_of(with({{"x", "MX", "65536 mail", {}}})), HasSubstr("\"65536\" is out of range"));
  EXPECT_EQ(error_of(with({{"x", "MX", "65535 mail", {}}})), "no error");
  EXPECT_EQ(error_of(with({{"x", "MX", " 010 mail", {}}})), "no error");
  EXPECT_EQ(error_of(with({{"x", "MX", "0 mail", {}}})), "no error");
}

TEST(Zone, names_outside_the_zone_are_refused) {
  EXPECT_THAT(error_of(with({{"x.bar.example.", "A", "192.0.2.1", {}}})), HasSubstr("outside the zone"));
}

TEST(Zone, a_cname_stands_alone_whichever_comes_first) {
  EXPECT_THAT(error_of(with({{"x", "CNAME", "y", {}}, {"x", "A", "192.0.2.1", {}}})),
              HasSubstr("CNAME stands alone"));
  EXPECT_THAT(error_of(with({{"x", "A", "192.0.2.1", {}}, {"x", "CNAME", "y", {}}})),
              HasSubstr("CNAME stands alone"));
  EXPECT_THAT(error_of(with({{"x", "CNAME", "y", {}}, {"x", "CNAME", "z", {}}})),
              HasSubstr("CNAME stands alone"));
  EXPECT_THAT(error_of(with({{"@", "CNAME", "y", {}}})), HasSubstr("CNAME stands alone"));
}

TEST(Zone, one_rrset_has_one_ttl_rfc2181_5_2) {
  EXPECT_THAT(error_of(with({{"x", "A", "192.0.2.1", 60}, {"x", "A", "192.0.2.2", 61}})),
              HasSubstr("another TTL"));
  const Zone zone{with({{"x", "A", "192.0.2.1", 60}, {"x", "A", "192.0.2.2", 60}})};
  EXPECT_EQ(find(zone, "x.foo.example")->find(RrType::a)->ttl, 60U);
}

TEST(Zone, what_the_gateway_does_not_serve_is_refused) {
  EXPECT_THAT(error_of(with({{"*", "A", "192.0.2.1", {}}})), HasSubstr("wildcards"));
  EXPECT_THAT(error_of(with({{"x", "DNAME", "y", {}}})), HasSubstr("DNAME"));
  EXPECT_THAT(error_of(with({{"@", "SOA", "a b 1 2 3 4 5", {}}})), HasSubstr("zone's own keys"));
  EXPECT_THAT(error_of(with({{"x", "NSEC", "y A", {}}})), HasSubstr("not signed"));
}

// RFC 4035 section 2.4, RFC 7344 section 4.
TEST(Zone, records_for_dnssec_stand_where_a_parent_or_a_child_looks_for_them) {
  const std::string digest = "1 13 2 " + std::string(64, 'a');
  EXPECT_NO_THROW(
      (Zone{with({{"@", "CDS", digest, {}}, {"x", "NS", "ns.far.", {}}, {"x", "DS", digest, {}}})}));
  EXPECT_NO_THROW((Zone{with({{"@", "CDS", "0 0 0 00", {}}, {"@", "CDNSKEY", "0 3 0 AA==", {}}})}));
  for (const auto& record :
       {RecordSpec{"@", "DS", digest, {}}, RecordSpec{"x", "DS", digest, {}},
        RecordSpec{"x", "CDS", digest, {}}, RecordSpec{"x", "CDNSKEY", "0 3 0 AA==", {}}}) {
    EXPECT_THROW((Zone{with({record})}), std::invalid_argument) << record.name << " " << record.type;
  }
}

TEST(Zone, a_name_server_within_the_zone_needs_an_address) {
  ZoneSpec spec = bare();
  spec.nameservers = {"ns1.foo.example"};
  EXPECT_THAT(error_of(spec), HasSubstr("name server ns1.foo.example. has no address"));
  spec.records = {{"ns1", "AAAA", "2001:db8::1", {}}};
  EXPECT_EQ(error_of(spec), "no error");
}

TEST(Zone, a_zone_without_a_name_or_name_server_is_refused) {
  ZoneSpec spec = bare();
  spec.nameservers.clear();
  EXPECT_THAT(error_of(spec), HasSubstr("no name server"));
  spec.name = "a..b";
  EXPECT_THAT(error_of(spec), HasSubstr("is not a domain name"));
}

TEST(Zone, its_addresses_are_those_that_it_is_the_authority_for) {
  const Zone zone{with({{"x", "A", "192.0.2.2", {}},
                        {"y", "AAAA", "2001:db8::1", {}},
                        {"y", "A", "192.0.2.1", {}},
                        {"sub", "NS", "ns.sub", {}},
                        {"ns.sub", "A", "192.0.2.9", {}}})};
  EXPECT_THAT(zone.addresses(),
              ElementsAre(NamedAddress{*net::IpAddress::parse("192.0.2.1"), "y.foo.example."},
                          NamedAddress{*net::IpAddress::parse("192.0.2.2"), "x.foo.example."},
                          NamedAddress{*net::IpAddress::parse("2001:db8::1"), "y.foo.example."}));
}

TEST(ZoneSet, the_closest_zone_of_the_view_is_found) {
  ZoneSpec sub = bare(), outside = bare(), inside = bare();
  sub.name = "sub.foo.example";
  outside.views = ZoneViews::outside;
  inside.views = ZoneViews::inside;
  inside.ttl = 1;
  std::vector<Zone> zones;
  for (const auto& spec : {sub, outside, inside}) zones.emplace_back(spec);
  const ZoneSet set{std::move(zones)};
  const auto find_in = [&](const char* name, View view) { return set.find(*Name::from_text(name), view); };
  EXPECT_EQ(find_in("x.sub.foo.example", View::outside)->name(), *Name::from_text("sub.foo.example"));
  EXPECT_EQ(find_in("x.foo.example", View::inside)->ttl(), 1U);
  EXPECT_EQ(find_in("x.foo.example", View::outside)->ttl(), 3600U);
  EXPECT_EQ(find_in("example", View::outside), nullptr);
  EXPECT_EQ(find_in(".", View::outside), nullptr);
}

TEST(ZoneSet, two_zones_of_one_name_and_view_are_refused) {
  std::vector<Zone> zones;
  zones.emplace_back(bare());
  zones.emplace_back(bare());
  EXPECT_THROW(ZoneSet{std::move(zones)}, std::invalid_argument);
}

}  // namespace
}  // namespace rgw::dns
