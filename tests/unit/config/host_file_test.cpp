// Hosts that stand in a file of their own, for they were added at run time (OPS-9):
//   - what is written is read again, whatever the hosts hold
//   - an operator's words become a host, and cannot become anything else
//   - beside a realm file: behind its own hosts, checked with them, and the file's host wins
#include "realmgw/config/host_file.hpp"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace rgw::config {
namespace {

net::IpAddress ip(const char* text) {
  return net::IpAddress::parse(text).value();
}

const std::vector<Host> some{
    {.name = "hostx", .addresses = {ip("10.0.0.77")}, .services = {}},
    {.name = "on", .addresses = {ip("10.0.0.78"), ip("fd00:10::78")}, .services = {}, .www = true},
    {.name = "header", .addresses = {ip("10.0.0.79")}, .services = {}, .www = true, .proxy_protocol = true},
    {.name = "12",
     .addresses = {ip("fd00:10::79")},
     .services = std::vector<net::Service>{{net::Protocol::tcp, 22}, {net::Protocol::udp, 0}, {}},
     .alg = false},
    {.name = "none.deep", .addresses = {ip("10.0.0.80")}, .services = std::vector<net::Service>{}}};

TEST(HostFile, what_is_written_is_read_again) {  // OPS-9
  const HostFile read = read_hosts(text_of(some), "hosts.yaml");
  EXPECT_TRUE(read.problems.empty());
  EXPECT_EQ(read.hosts, some);
  EXPECT_TRUE(read_hosts(text_of({}), "hosts.yaml").hosts.empty());
}

TEST(HostFile, a_file_that_is_not_there_has_no_hosts_and_a_broken_one_says_where) {
  EXPECT_TRUE(load_hosts("/nonexistent/hosts.yaml").problems.empty());
  const HostFile broken = read_hosts("hostx: 10.0.0.77\nhosty: 10.0.0\n", "hosts.yaml");
  EXPECT_TRUE(broken.hosts.empty());
  ASSERT_EQ(broken.problems.size(), 1U);
  EXPECT_EQ(broken.problems[0].to_string().substr(0, 27), "hosts.yaml:2:8: hosts.hosty");
  EXPECT_FALSE(read_hosts("[", "hosts.yaml").problems.empty());
  EXPECT_FALSE(load_hosts("/").problems.empty());
}

TEST(HostFile, an_operators_words_are_one_host_and_nothing_else) {
  const HostFile good =
      host_of({.name = "hostx", .addresses = {"10.0.0.77"}, .services = {{"tcp22", "any"}}, .www = true});
  ASSERT_EQ(good.hosts.size(), 1U);
  EXPECT_FALSE(good.hosts[0].proxy_protocol);
  EXPECT_EQ(good.hosts[0].services, (std::vector<net::Service>{{net::Protocol::tcp, 22}, {}}));
  EXPECT_TRUE(good.hosts[0].www);
  for (const HostWords& bad :
       std::initializer_list<HostWords>{{.name = "tcp22", .addresses = {"10.0.0.77"}},
                                        {.name = "a\": 1, \"b", .addresses = {"10.0.0.77"}},
                                        {.name = "hostx", .addresses = {"10.0.0.77\"]}, evil: [\"10.0.0.78"}},
                                        {.name = "hostx", .addresses = {"10.0.0.0/24"}},
                                        {.name = "hostx", .addresses = {}},
                                        {.name = "hostx", .addresses = {"10.0.0.77"}, .services = {{"ssh"}}},
                                        {.name = "", .addresses = {"10.0.0.77"}}}) {
    const HostFile read = host_of(bad);
    EXPECT_TRUE(read.hosts.empty()) << bad.name;
    EXPECT_FALSE(read.problems.empty()) << bad.name;
  }
}

constexpr const char* realm_text = R"(realm: foo.example
ports:
  inside:  { device: net_null0, addresses: [10.0.0.1/24] }
  outside: { device: net_null1, addresses: [198.51.100.1/24] }
routes: [{ to: default, via: 198.51.100.254 }]
pool: { addresses: [198.51.100.10] }
hosts: { hosta: 10.0.0.42 }
)";

TEST(HostFile, added_hosts_stand_behind_the_files_and_are_checked_with_them) {  // OPS-9, OPS-1
  const auto with = [](std::vector<Host> more) {
    return load_text(realm_text, "campus.yaml", {.judge = {}, .more_hosts = std::move(more)});
  };
  const auto good = with({some[0]});
  ASSERT_TRUE(good.realm) << good.to_string();
  ASSERT_EQ(good.realm->hosts.size(), 2U);
  EXPECT_EQ(good.realm->hosts[1], some[0]);

  const auto elsewhere = with({{.name = "far", .addresses = {ip("192.0.2.1")}, .services = {}}});
  EXPECT_FALSE(elsewhere.realm);
  ASSERT_EQ(elsewhere.problems.size(), 1U);
  EXPECT_EQ(elsewhere.problems[0].key.substr(0, 9), "hosts.far");

  const auto twice = with({{.name = "hosta", .addresses = {ip("10.0.0.43")}, .services = {}}});
  ASSERT_TRUE(twice.realm);
  ASSERT_EQ(twice.realm->hosts.size(), 1U);
  EXPECT_EQ(twice.realm->hosts[0].addresses[0], ip("10.0.0.42")) << "the file's host counts";
  EXPECT_EQ(twice.warnings.size(), 1U);
}

}  // namespace
}  // namespace rgw::config
