// nginx's configuration for the web names of hosts (WEB-1), read again as nginx reads it.
//  - each host's name leads to its ports 80 and 443, of either family; all others to what refuses them
//  - a host that wants a PROXY header has it, and no other host has
//  - the proxy listens at each address once; without an address it serves nothing
//  - names are host names alone: whatever else one holds, it has no place in the text
//  - any names and addresses: nothing but the rows of the maps is different
#include "realmgw/www/nginx_config.hpp"

#include <algorithm>
#include <random>

#include "support/www_rows.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rgw::www {
namespace {

using test::nginx_map;
using test::NginxDirective;
using test::NginxText;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;

net::IpAddress ip(std::string_view text) {
  return *net::IpAddress::parse(text);
}

std::vector<NginxDirective> read(const Site& site) {
  auto read = NginxText::read(nginx_config(site));
  EXPECT_TRUE(read) << nginx_config(site);
  return read.value_or(std::vector<NginxDirective>{});
}

/// All `listen` of a block, "http" or "stream".
std::vector<std::string> listening(const std::vector<NginxDirective>& directives, std::string_view block) {
  std::vector<std::string> all;
  for (const auto& outer : directives) {
    if (!outer.is(block)) continue;
    for (const auto& server : outer.block) {
      for (const auto& one : server.block)
        if (one.is("listen")) all.push_back(one.words[1]);
    }
  }
  return all;
}

const Site two{{ip("198.51.100.1"), ip("2001:db8:100::1")},
               {{"www.hosta.foo", ip("10.0.0.42")}, {"www.host6.foo", ip("fd00:10::46")}}};

TEST(NginxConfig, leads_each_name_to_its_host_and_all_others_to_what_refuses_them) {
  const auto config = read(two);
  EXPECT_THAT(nginx_map(config, "$www_http"),
              ElementsAre(Pair("default", ""), Pair("www.host6.foo", "[fd00:10::46]:80"),
                          Pair("www.hosta.foo", "10.0.0.42:80")));
  EXPECT_THAT(nginx_map(config, "$www_tls"),
              ElementsAre(Pair("default", "unix:refuse.sock"), Pair("www.host6.foo", "[fd00:10::46]:443"),
                          Pair("www.hosta.foo", "10.0.0.42:443")));
  EXPECT_THAT(listening(config, "http"),
              ElementsAre("198.51.100.1:80", "[2001:db8:100::1]:80", "unix:refuse.sock"));
  EXPECT_THAT(listening(config, "stream"), ElementsAre("198.51.100.1:443", "[2001:db8:100::1]:443"));
  EXPECT_THAT(nginx_config(two), Not(HasSubstr("proxy_protocol")));
}

TEST(NginxConfig, gives_a_proxy_header_to_those_who_want_it_alone) {
  Site site = two;
  site.hosts[1].proxy_protocol = true;
  const auto config = read(site);
  EXPECT_THAT(nginx_map(config, "$www_tls_with_header"),
              ElementsAre(Pair("default", "unix:plain.sock"), Pair("www.host6.foo", "[fd00:10::46]:443")));
  EXPECT_THAT(nginx_map(config, "$www_tls"),
              ElementsAre(Pair("default", "unix:refuse.sock"), Pair("www.hosta.foo", "10.0.0.42:443")));
  EXPECT_THAT(listening(config, "stream"),
              ElementsAre("198.51.100.1:443", "[2001:db8:100::1]:443", "unix:plain.sock"));
}

TEST(NginxConfig, listens_at_each_address_once_and_nowhere_without_one) {
  EXPECT_THAT(listening(read({{ip("198.51.100.1"), ip("198.51.100.1")}, {}}), "stream"),
              ElementsAre("198.51.100.1:443"));
  const auto none = read({{}, two.hosts});
  EXPECT_TRUE(listening(none, "http").empty());
  EXPECT_THAT(nginx_config({{}, two.hosts}), Not(HasSubstr("hosta")));
}

TEST(NginxConfig, is_the_same_text_in_any_order_of_hosts) {
  Site other = two;
  std::ranges::reverse(other.hosts);
  EXPECT_EQ(nginx_config(two), nginx_config(other));
}

TEST(NginxConfig, takes_host_names_alone) {
  for (const std::string good : {"www.a", "www.a-b.c0", "www.xn--bcher-kva.foo"})
    EXPECT_TRUE(is_web_name(good)) << good;
  const std::string long_label(250, 'a');
  for (const std::string& bad :
       {std::string{""}, std::string{"www."}, std::string{"www..a"}, std::string{"www.a."},
        std::string{"www.-a"}, std::string{"www.a-"}, std::string{"www.A"}, std::string{"www.a b"},
        std::string{"www.a;"}, std::string{"www.a{"}, std::string{"www.a\n"}, std::string{"www.$host"},
        std::string{"www.a\"b"}, std::string{"www.*"}, std::string{"~^www"}, std::string{"default"},
        std::string{"www.a\0b", 7}, std::string{"www.\xc3\xa9"}, "www." + long_label}) {
    EXPECT_FALSE(is_web_name(bad)) << bad;
    Site site = two;
    site.hosts.push_back({bad, ip("10.0.0.99")});
    EXPECT_EQ(nginx_config(site), nginx_config(two)) << bad;
  }
}

TEST(NginxConfig, lets_no_name_change_more_than_the_rows_of_the_maps) {
  std::mt19937_64 random{20'261'130};
  const std::string_view nasty = "aw.-.0z;{}#\"'\\$~ \n\r\t*/:[]\0\xff";
  const auto any = [&](std::size_t below) { return static_cast<std::size_t>(random() % below); };
  const net::IpAddress addresses[] = {ip("10.0.0.42"), ip("fd00:10::46"), ip("0.0.0.0"),
                                      ip("::ffff:10.0.0.1")};
  std::size_t kept = 0;
  for (int round = 0; round < 5'000; ++round) {
    Site site;
    for (std::size_t i = any(3); i-- > 0;) site.addresses.push_back(addresses[any(4)]);
    for (std::size_t i = any(5); i-- > 0;) {
      std::string name = any(8) == 0 ? "" : "www.";
      // Most are nasty in one place at the most, or none would be a name.
      const std::size_t alphabet = any(3) == 0 ? nasty.size() : 6;
      for (std::size_t length = any(12); length-- > 0;) name += nasty[any(alphabet)];
      kept += is_web_name(name) ? 1 : 0;
      site.hosts.push_back({name, addresses[any(4)], any(2) == 0});
    }
    ASSERT_EQ(test::www_fault(site), "") << nginx_config(site);
  }
  EXPECT_GT(kept, 500U);
}

TEST(NginxText, reads_what_an_injection_would_do) {  // or the tests above could not fail
  const auto injected = NginxText::read("map $host $www_http { default \"\"; a;} server { b c; }");
  ASSERT_TRUE(injected);
  EXPECT_EQ(injected->size(), 2U);
  EXPECT_EQ(nginx_map(*injected, "$www_http").count("bad"), 1U);
  EXPECT_FALSE(NginxText::read("a b"));
  EXPECT_FALSE(NginxText::read("a { b;"));
  EXPECT_FALSE(NginxText::read("a \"b;"));
}

}  // namespace
}  // namespace rgw::www
