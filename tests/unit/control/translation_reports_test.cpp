// What an address becomes, rule by rule, and the list of stateless maps (OPS-3).
#include "realmgw/control/translation_reports.hpp"

#include <nlohmann/json.hpp>

#include "unit/control/support.hpp"
#include <gtest/gtest.h>

namespace rgw::control {
namespace {

using namespace test;
using nlohmann::json;

struct Silent final : dns::ProxyEvents {
  bool bound(const net::Ipv4Address&, const net::Ipv6Address&, Instant) override { return true; }
};
struct Unheard final : pool::PoolListener {
  void bind(const pool::Binding&) override {}
  void unbind(ReservationId, const net::IpAddress&, net::Service, pool::End) override {}
  void ready(pool::Ticket, const pool::Granted&) override {}
  void gave_up(pool::Ticket) override {}
};

config::Realm all_families() {
  config::Realm realm = test::realm();
  realm.nat64.prefix = net::Prefix::parse("fd64::/96");
  realm.nat46.proxies = net::Prefix::parse("100.64.0.0/24");
  realm.siit.prefix = net::Prefix::parse("2001:db8:23::/96");
  realm.siit.maps = {{*net::Prefix::parse("203.0.113.0/24"), *net::Prefix::parse("fd00:10::200/120")}};
  realm.static_mappings = {{net::Protocol::tcp, endpoint("198.51.100.1:2000"), endpoint("[fd00:10::5]:22")}};
  return realm;
}

class TranslationReportsTest : public testing::Test {
 protected:
  static HashSalt salt() {
    Random random{1};
    return HashSalt{random};
  }
  static pool::PoolConfig pool_config() {
    pool::PoolConfig config;
    config.addresses = all_families().pool.addresses;
    return config;
  }
  /// "rule becomes" of each row.
  std::vector<std::string> rules(const char* address) {
    const auto report = json::parse(translations_report({*snapshot, pool, hosts, &proxies}, ip(address)));
    EXPECT_EQ(report["address"], address);
    std::vector<std::string> rows;
    for (const auto& row : report["translations"]) {
      const auto& becomes = row["becomes"];
      rows.push_back(row["rule"].get<std::string>() + " " +
                     (becomes.is_string() ? becomes.get<std::string>() : becomes.dump()));
    }
    return rows;
  }
  using Rows = std::vector<std::string>;

  ManualClock clock;
  std::shared_ptr<const ring::Snapshot> snapshot = test::snapshot(all_families());
  Silent events;
  dns::ProxyDirectory proxies{ip("100.64.0.1").v4(), 100, salt(), events};
  pool::HostNames hosts;
  CounterBlock counters;
  Unheard unheard;
  pool::CircularPool pool{pool_config(), salt(), unheard, counters};
};

TEST_F(TranslationReportsTest, an_explicit_map_goes_before_the_prefix) {  // RFC 7757 section 3.3
  EXPECT_EQ(rules("203.0.113.9"), (Rows{"eam fd00:10::209", "pref64 fd64::cb00:7109"}));
  EXPECT_EQ(rules("fd00:10::209")[0], "eam 203.0.113.9");
  EXPECT_EQ(rules("192.0.2.1"), (Rows{"siit 2001:db8:23::c000:201", "pref64 fd64::c000:201"}));
  EXPECT_EQ(rules("2001:db8:23::c000:201"), Rows{"siit 192.0.2.1"});
}

TEST_F(TranslationReportsTest, a_static_mapping_is_shown_from_either_side) {  // OUT-2
  const auto outside = rules("198.51.100.1");
  EXPECT_EQ(outside[0], "service null");
  EXPECT_NE(std::ranges::find(outside, "static [fd00:10::5]:22"), outside.end());
  EXPECT_EQ(rules("fd00:10::5"), (Rows{"static 198.51.100.1:2000", "outbound [\"198.51.100.1\"]"}));
}

TEST_F(TranslationReportsTest, prefix_and_proxies_are_shown_from_either_side) {  // X64-2, X46-1
  EXPECT_EQ(rules("fd64::c000:201"), Rows{"pref64 192.0.2.1"});
  const auto proxy =
      proxies.bind(ip("2001:db8:9::1").v6(), clock.now(), clock.now() + std::chrono::seconds{9});
  ASSERT_TRUE(proxy);
  EXPECT_EQ(rules("2001:db8:9::1"), Rows{"proxy " + proxy->to_string()});
  const auto back = rules(proxy->to_string().c_str());
  EXPECT_NE(std::ranges::find(back, "proxy 2001:db8:9::1"), back.end());
  const auto unbound = rules("100.64.0.77");
  EXPECT_NE(std::ranges::find(unbound, "proxy null"), unbound.end());
}

TEST_F(TranslationReportsTest, what_a_prefix_may_not_represent_becomes_nothing) {  // RFC 6052 section 3.1
  config::Realm realm = test::realm();
  realm.nat64.prefix = net::Prefix::parse("64:ff9b::/96");
  snapshot = test::snapshot(realm);
  EXPECT_EQ(rules("64:ff9b::a00:1"), Rows{"pref64 null"});
}

TEST_F(TranslationReportsTest, translated_prefixes_are_shown_from_either_side) {  // RFC 6296
  config::Realm realm = test::realm();
  realm.nat66.npt = {{*net::Prefix::parse("fd00:10::/48"), *net::Prefix::parse("2001:db8:200::/48")}};
  snapshot = test::snapshot(realm);
  EXPECT_EQ(rules("fd00:10::5")[0], "npt 2001:db8:200:cd57::5");
  EXPECT_EQ(rules("2001:db8:200:cd57::5"), Rows{"npt fd00:10::5"});
  EXPECT_EQ(rules("2001:db8:200:ffff::5"), Rows{"npt null"});
}

TEST_F(TranslationReportsTest, an_address_without_a_rule_has_an_empty_list) {
  snapshot = test::snapshot(test::realm());
  EXPECT_EQ(rules("192.0.2.1"), Rows{});
  EXPECT_EQ(rules("198.51.100.11"), Rows{"pool null"});
}

TEST_F(TranslationReportsTest, maps_are_listed_in_pieces) {  // SIIT-1
  config::Realm realm = all_families();
  realm.siit.maps.assign(2500, realm.siit.maps[0]);
  snapshot = test::snapshot(realm);
  for (const auto& [limit, listed] : {std::pair{UINT64_MAX, 2500U}, std::pair{std::uint64_t{1200}, 1200U},
                                      std::pair{std::uint64_t{0}, 0U}}) {
    AddressMapReply reply{snapshot, limit};
    std::string text;
    unsigned pieces = 1;
    while (reply.append_to(text) == CtlReply::Progress::more) ++pieces;
    const auto answer = json::parse(text);
    EXPECT_EQ(answer["prefix"], "2001:db8:23::/96");
    EXPECT_EQ(answer["icmp_source"], nullptr);
    EXPECT_EQ(answer["maps"].size(), listed);
    EXPECT_GE(pieces, listed / 1000);
  }
}

}  // namespace
}  // namespace rgw::control
