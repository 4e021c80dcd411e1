// `--check` and the start are of one mind (OPS-1): what the zones' own rules forbid is a problem of the realm
// file, with its line.
//  - each rule of a zone, record by record, all in one run
//  - aliases that lead back to themselves, through records and zones (RFC 1034 section 3.6.2)
//  - where the name server of a zone stands (RFC 1035 section 3.3.11)
#include "realmgw/control/realm_check.hpp"

#include "realmgw/control/realm_zones.hpp"

#include <gmock/gmock.h>

namespace rgw::control {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Five lines: what a test adds begins at line 6.
const std::string sound =
    "realm: foo.example\n"
    "ports:\n"
    "  inside: { device: net_null0, addresses: 10.0.0.1/24 }\n"
    "  outside: { device: net_null1, addresses: 198.51.100.1/24 }\n"
    "routes: { to: default, via: 198.51.100.254 }\n";

config::LoadResult load(const std::string& text) {
  return config::load_text(text, "f", {check_realm, 65'536});
}
std::vector<std::string> problems(const std::string& text) {
  std::vector<std::string> lines;
  for (const auto& problem : load(text).problems) lines.push_back(problem.to_string());
  return lines;
}
/// One record a line, from line 9 on.
std::vector<std::string> with_records(const std::vector<std::string>& records) {
  std::string text = sound + "zones:\n  foo.example:\n    records:\n";
  for (const auto& record : records) text += "      - { " + record + " }\n";
  return problems(text);
}

TEST(RealmCheck, has_nothing_against_a_sound_file) {
  EXPECT_THAT(problems(sound), IsEmpty());
  EXPECT_THAT(with_records({"name: a, type: A, data: [192.0.2.1, 192.0.2.2]", "name: b, type: CNAME, data: a",
                            "name: '@', type: MX, data: 10 a", "name: sub, type: NS, data: ns.far.example."}),
              IsEmpty());
}

TEST(RealmCheck, says_what_a_zone_does_not_serve_with_its_line) {
  EXPECT_THAT(with_records({"name: '*', type: A, data: 192.0.2.1", "name: d, type: DNAME, data: a",
                            "name: s, type: NSEC, data: a A", "name: m, type: ANY, data: x"}),
              ElementsAre("f:9:9: zones.foo.example.records[0]: wildcards are not served",
                          "f:10:9: zones.foo.example.records[1]: DNAME is not served",
                          "f:11:9: zones.foo.example.records[2]: zones are not signed",
                          HasSubstr("f:12:9: zones.foo.example.records[3]: ")));
}

TEST(RealmCheck,
     says_what_contradicts_within_a_zone) {  // RFC 1034 section 3.6.2, RFC 2181 sections 5.2 and 10.1
  EXPECT_THAT(
      with_records({"name: a, type: A, data: 192.0.2.1", "name: a, type: CNAME, data: b",
                    "name: '@', type: CNAME, data: b", "name: c, type: CNAME, data: a",
                    "name: C, type: CNAME, data: b", "name: t, type: A, data: 192.0.2.1, ttl: 1m",
                    "name: t, type: A, data: 192.0.2.2, ttl: 2m"}),
      ElementsAre(
          "f:10:9: zones.foo.example.records[1]: a CNAME stands alone at its name (RFC 1034 section 3.6.2)",
          "f:11:9: zones.foo.example.records[2]: a CNAME stands alone at its name (RFC 1034 section 3.6.2)",
          "f:13:9: zones.foo.example.records[4]: a CNAME stands alone at its name (RFC 1034 section 3.6.2)",
          "f:15:9: zones.foo.example.records[6]: another record of this name and type has another TTL (RFC "
          "2181 "
          "section 5.2)"));
}

TEST(RealmCheck, says_what_the_dns_library_does_not_read) {
  EXPECT_THAT(with_records({"name: x, type: NOPE, data: 1", "name: y, type: SSHFP, data: 1 1 xyz"}),
              ElementsAre("f:9:9: zones.foo.example.records[0]: unknown type \"NOPE\"",
                          HasSubstr("f:10:9: zones.foo.example.records[1]: ")));
  EXPECT_THAT(
      with_records({"name: " + std::string(60, 'a') + "." + std::string(60, 'b') + "." +
                    std::string(60, 'c') + "." + std::string(60, 'd') + ", type: A, data: 192.0.2.1"}),
      ElementsAre(HasSubstr("with the zone's name the name is too long for DNS")));
}

TEST(RealmCheck, says_it_beside_the_mistakes_of_other_sections) {
  EXPECT_THAT(problems(sound + "pool: { hold: 2 }\nzones: { foo.example: { records: { name: '*', type: A, "
                               "data: 192.0.2.1 } } }\n"),
              ElementsAre(HasSubstr("f:6:15: pool.hold: "),
                          HasSubstr("f:7:34: zones.foo.example.records: wildcards")));
  // What a zone's records cannot be judged without is not guessed.
  EXPECT_THAT(problems(sound + "zones: { foo.example: { records: { name: '*', type: A, data: x } } }\n"),
              ElementsAre(HasSubstr("\"x\" is not an IPv4 address")));
}

TEST(RealmCheck, finds_aliases_that_lead_back) {
  EXPECT_THAT(
      with_records({"name: in, type: CNAME, data: loop1", "name: loop1, type: CNAME, data: loop2",
                    "name: loop2, type: CNAME, data: LOOP1.foo.example.",
                    "name: self, type: CNAME, data: self", "name: good, type: CNAME, data: far.example."}),
      ElementsAre("f:10:9: zones.foo.example.records[1]: an alias (CNAME) that leads back to itself: "
                  "loop1.foo.example. -> loop2.foo.example. -> loop1.foo.example. (RFC 1034 section 3.6.2)",
                  "f:12:9: zones.foo.example.records[3]: an alias (CNAME) that leads back to itself: "
                  "self.foo.example. -> self.foo.example. (RFC 1034 section 3.6.2)"));
}

TEST(RealmCheck, finds_aliases_that_lead_back_through_other_zones) {
  EXPECT_THAT(
      problems(sound + "zones:\n"
                       "  bar.example: { records: { name: x, type: CNAME, data: y.foo.example. } }\n"
                       "  foo.example:\n"
                       "    records:\n"
                       "      - { name: y, type: CNAME, data: z.sub.foo.example. }\n"
                       "      - { name: w.sub, type: CNAME, data: w.sub }\n"
                       "  sub.foo.example: { records: { name: z, type: CNAME, data: x.bar.example. } }\n"),
      ElementsAre(
          "f:10:9: zones.foo.example.records[0]: an alias (CNAME) that leads back to itself: "
          "y.foo.example. -> z.sub.foo.example. -> x.bar.example. -> y.foo.example. (RFC 1034 section "
          "3.6.2)"))
      << "w.sub of foo.example is hidden by the zone sub.foo.example";
}

TEST(RealmCheck, of_many_aliases_ends_soon) {
  std::string text = sound + "zones:\n  foo.example:\n    records:\n";
  for (int i = 0; i < 20'000; ++i) {
    text += "    - { name: a" + std::to_string(i) + ", type: CNAME, data: a" +
            std::to_string((i + 1) % 20'000) + " }\n";
  }
  const auto begin = std::chrono::steady_clock::now();
  const auto found = problems(text);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_LT(found[0].size(), 500U);
  EXPECT_THAT(found[0], HasSubstr("a6.foo.example. -> a7.foo.example. -> ... -> a0.foo.example."));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds{60});
}

// ---- the name server ----

std::vector<std::string> name_server(const std::string& text) {
  const auto loaded = load(text);
  EXPECT_TRUE(loaded.realm) << loaded.to_string();
  std::vector<std::string> addresses;
  const auto zones = zone_specs(loaded.realm.value());
  for (const auto& record : zones.front().records) addresses.push_back(record.data);
  return addresses;
}

TEST(NameServer, stands_outside_where_dns_is_answered) {
  EXPECT_THAT(name_server(sound), ElementsAre("198.51.100.1"));
  EXPECT_THAT(name_server(sound + "dns: { listen: [10.0.0.1, 198.51.100.1] }\n"),
              ElementsAre("198.51.100.1"));
  EXPECT_THAT(name_server(sound + "dns: { listen: 10.0.0.1 }\n"), ElementsAre("10.0.0.1"));
}

TEST(NameServer, of_a_stateless_translator_with_one_port_stands_on_that) {
  EXPECT_THAT(
      name_server(
          "realm: dc.example\n"
          "ports: { inside: { device: net_null0, addresses: [198.51.100.2/24, '2001:db8:12::2/64'] } }\n"
          "siit: { prefix: '2001:db8:64::/96' }\n"),
      ElementsAre("198.51.100.2", "2001:db8:12::2"));
}

TEST(NameServer, that_has_no_address_is_told) {
  EXPECT_THAT(
      with_records({"name: sub, type: NS, data: ns.sub"}),
      ElementsAre(
          "f:9:9: zones.foo.example.records[0]: the name server ns.sub.foo.example. has no address record "
          "in the zone"));
  EXPECT_THAT(
      with_records({"name: ns1, type: TXT, data: x"}),
      ElementsAre(
          "f:7:3: zones.foo.example: the name server ns1.foo.example. has no address record in the zone"));
}

}  // namespace
}  // namespace rgw::control
