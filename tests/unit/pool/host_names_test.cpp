// The directory of hosts and their names, POOL-2 and DNS-4:
//   - plain names, services, SRV and www, and the names between
//   - hosts that accept some services only
//   - hostile names; adding and removing
#include "realmgw/pool/host_names.hpp"

#include <array>

#include <gtest/gtest.h>

namespace rgw::pool {
namespace {

using Kind = NameMatch::Kind;
using net::IpAddress;
using net::Protocol;
using net::Service;

IpAddress ip(const char* text) {
  return IpAddress::parse(text).value();
}

class Names : public testing::Test {
 protected:
  Names() {
    EXPECT_TRUE(names.add({HostId{1}, "hosta", {ip("10.0.0.42")}, std::nullopt, false}));
    EXPECT_TRUE(names.add({HostId{2},
                           "hostb",
                           {ip("10.0.0.43"), ip("fd00:10::43")},
                           std::vector<Service>{{Protocol::tcp, 22}, {Protocol::udp, 0}},
                           true}));
    EXPECT_TRUE(names.add({HostId{3}, "Printer.Lab", {ip("10.0.0.44")}, std::nullopt, false}));
  }

  HostNames names;
};

TEST_F(Names, the_plain_name_asks_for_all_of_the_host) {  // POOL-1
  const auto match = names.find("hosta");
  EXPECT_EQ(match.kind, Kind::host);
  EXPECT_EQ(match.host->id, HostId{1});
  EXPECT_TRUE(match.service.is_any());
  EXPECT_TRUE(match.host->accepts(match.service));
}

TEST_F(Names, the_label_under_which_the_name_stands_asks_for_a_service) {  // POOL-2
  const auto match = names.find("tcp22.hosta");
  EXPECT_EQ(match.kind, Kind::service);
  EXPECT_EQ(match.host->id, HostId{1});
  EXPECT_EQ(match.service, (Service{Protocol::tcp, 22}));
  EXPECT_EQ(names.find("icmp.hosta").service, (Service{Protocol::icmp, 0}));
  EXPECT_EQ(names.find("UDP.HostA").service, (Service{Protocol::udp, 0}));
}

TEST_F(Names, a_service_that_the_host_does_not_accept_does_not_exist) {  // POOL-2
  EXPECT_EQ(names.find("tcp22.hostb").kind, Kind::service);
  EXPECT_EQ(names.find("tcp80.hostb").kind, Kind::none);
  EXPECT_EQ(names.find("tcp.hostb").kind, Kind::none) << "any port is more than port 22";
  EXPECT_EQ(names.find("udp.hostb").kind, Kind::service);
  EXPECT_EQ(names.find("udp5060.hostb").kind, Kind::service) << "any port covers port 5060";
  EXPECT_EQ(names.find("icmp.hostb").kind, Kind::none);
}

TEST_F(Names, the_plain_name_of_a_restricted_host_exists_and_reserves_nothing) {  // POOL-2
  const auto match = names.find("hostb");
  EXPECT_EQ(match.kind, Kind::host);
  EXPECT_FALSE(match.host->accepts(match.service));
}

TEST_F(Names, the_srv_form_means_the_service_of_that_name) {  // POOL-2
  const auto match = names.find("_ssh._tcp.hosta");
  EXPECT_EQ(match.kind, Kind::srv);
  EXPECT_EQ(match.host->id, HostId{1});
  EXPECT_EQ(match.service, (Service{Protocol::tcp, 22}));
  EXPECT_EQ(names.find("_ssh._tcp.hostb").kind, Kind::srv);
  EXPECT_EQ(names.find("_http._tcp.hostb").kind, Kind::none);
  EXPECT_EQ(names.find("_nosuch._tcp.hosta").kind, Kind::none);
}

TEST_F(Names, a_name_with_only_names_below_it_is_an_empty_non_terminal) {  // DNS-1, RFC 8020
  EXPECT_EQ(names.find("_tcp.hosta").kind, Kind::empty_non_terminal);
  EXPECT_EQ(names.find("_udp.hostb").kind, Kind::empty_non_terminal);
  EXPECT_EQ(names.find("_sctp.hostb").kind, Kind::none) << "nothing of SCTP is accepted";
  EXPECT_EQ(names.find("lab").kind, Kind::empty_non_terminal);
  EXPECT_EQ(names.find("tcp22.lab").kind, Kind::none);
}

TEST_F(Names, www_exists_where_the_host_has_it) {  // DNS-4
  EXPECT_EQ(names.find("www.hostb").kind, Kind::www);
  EXPECT_EQ(names.find("WWW.hostb").kind, Kind::www);
  EXPECT_EQ(names.find("www.hosta").kind, Kind::none);
}

TEST_F(Names, a_host_of_several_labels_is_a_host_like_another) {
  EXPECT_EQ(names.find("printer.lab").kind, Kind::host);
  EXPECT_EQ(names.find("tcp631.PRINTER.lab").service, (Service{Protocol::tcp, 631}));
  EXPECT_EQ(names.find("_ipp._tcp.printer.lab").kind, Kind::srv);
}

TEST_F(Names, names_deeper_than_the_grammar_do_not_exist) {
  EXPECT_EQ(names.find("tcp22.tcp22.hosta").kind, Kind::none);
  EXPECT_EQ(names.find("x.hosta").kind, Kind::none);
  EXPECT_EQ(names.find("a._ssh._tcp.hosta").kind, Kind::none);
  EXPECT_EQ(names.find("nobody").kind, Kind::none);
  EXPECT_EQ(names.find(std::span<const std::string_view>{}).kind, Kind::none);
}

TEST_F(Names, a_dot_within_a_label_does_not_separate_labels) {
  const std::array<std::string_view, 1> one{"printer.lab"};
  EXPECT_EQ(names.find(one).kind, Kind::none);
  const std::array<std::string_view, 2> two{"tcp22", "hosta"};
  EXPECT_EQ(names.find(two).kind, Kind::service);
}

TEST_F(Names, names_too_long_for_dns_do_not_exist) {
  const std::string label(63, 'a');
  std::array<std::string_view, 127> labels;
  labels.fill(label);
  EXPECT_EQ(names.find(labels).kind, Kind::none);
  EXPECT_EQ(names.find(std::string(100000, 'a')).kind, Kind::none);
  EXPECT_EQ(names.find(std::string(100000, '.')).kind, Kind::none);
  EXPECT_EQ(names.find("").kind, Kind::none);
  EXPECT_EQ(names.find("hosta.").kind, Kind::none);
  EXPECT_EQ(names.find(".hosta").kind, Kind::none);
}

TEST_F(Names, hosts_are_found_by_id_and_by_inside_address) {
  EXPECT_EQ(names.find(HostId{3})->name, "printer.lab");
  EXPECT_EQ(names.find(HostId{9}), nullptr);
  EXPECT_EQ(names.find(ip("fd00:10::43"))->id, HostId{2});
  EXPECT_EQ(names.find(ip("10.0.0.99")), nullptr);
}

TEST_F(Names, a_host_that_would_be_ambiguous_is_refused) {
  const auto refused = [&](RealmHost host) { return !names.add(std::move(host)) && names.size() == 3; };
  EXPECT_TRUE(refused({HostId{4}, "HOSTA", {}, std::nullopt, false})) << "the name is taken";
  EXPECT_TRUE(refused({HostId{1}, "hostc", {}, std::nullopt, false})) << "the id is taken";
  EXPECT_TRUE(refused({HostId{4}, "hostc", {ip("10.0.0.42")}, std::nullopt, false}))
      << "the address is taken";
  for (const char* name :
       {"tcp22", "udp", "icmp", "tcp22.hosta", "www", "www.lab", "", "a..b", "a.", "_x", "-a", "a b"}) {
    EXPECT_TRUE(refused({HostId{4}, name, {}, std::nullopt, false})) << name;
  }
}

TEST_F(Names, a_removed_host_leaves_nothing_behind) {  // DNS-6
  EXPECT_TRUE(names.remove(HostId{3}));
  EXPECT_FALSE(names.remove(HostId{3}));
  EXPECT_EQ(names.find("printer.lab").kind, Kind::none);
  EXPECT_EQ(names.find("lab").kind, Kind::none);
  EXPECT_EQ(names.find(ip("10.0.0.44")), nullptr);
  EXPECT_TRUE(names.add({HostId{3}, "scanner.lab", {ip("10.0.0.44")}, std::nullopt, false}));
  EXPECT_EQ(names.find("lab").kind, Kind::empty_non_terminal);
}

TEST_F(Names, a_name_above_two_hosts_exists_until_both_are_gone) {
  EXPECT_TRUE(names.add({HostId{4}, "scanner.lab", {}, std::nullopt, false}));
  EXPECT_TRUE(names.remove(HostId{3}));
  EXPECT_EQ(names.find("lab").kind, Kind::empty_non_terminal);
  EXPECT_TRUE(names.remove(HostId{4}));
  EXPECT_EQ(names.find("lab").kind, Kind::none);
}

}  // namespace
}  // namespace rgw::pool
