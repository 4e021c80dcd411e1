// The ports of pinholes, and what a changed realm makes of them (OPS-2): ports that others have now are not
// leased, pinholes whose address or host is gone close, and the others stay.
#include "realmgw/control/pinhole_book.hpp"

#include "realmgw/control/realm_names.hpp"

#include "unit/control/support.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rgw::control {
namespace {

using namespace test;
using testing::IsEmpty;
using testing::SizeIs;

class PinholeBookTest : public testing::Test {
 protected:
  PinholeBookTest() { book.speak_for(talk, 0); }

  static config::Realm the_realm() {
    config::Realm realm = test::realm();
    realm.alg.protocols[0].on = true;
    realm.alg.first_port = 20'000;
    realm.alg.last_port = 20'255;
    realm.alg.max_pinholes = 100;
    realm.alg.max_pinholes_per_host = 100;
    realm.outbound.addresses.push_back(ip("198.51.100.2"));
    return realm;
  }
  void change(config::Realm next) {
    realm.replace(snapshot(std::move(next)));
    std::uint32_t next_id = 100;
    change_hosts(hosts, realm->realm, next_id);
    book.realm_changed();
  }
  static HashSalt salt() {
    Random random{1};
    return HashSalt{random};
  }
  std::optional<alg::AddressBook::Opened> open(std::uint16_t port, const char* external = "198.51.100.1") {
    alg::PinholeRequest request;
    request.target = endpoint("10.0.0.42:7000");
    request.external = ip(external);
    request.preferred_port = port;
    request.deadline = Instant{100s};
    return book.open(request);
  }
  /// The external port that a pinhole gets which would like this one; 0 where it gets none.
  std::uint16_t port_for(std::uint16_t port, const char* external = "198.51.100.1") {
    const auto opened = open(port, external);
    return opened ? opened->external.port : std::uint16_t{0};
  }
  std::vector<ring::PinholeClose> closed() { return workers.events_of<ring::PinholeClose>(0); }

  RealmInForce realm{snapshot(the_realm())};
  Workers workers{1};
  CounterBlock counters;
  WorkerLinks links{workers.links(), counters};
  pool::HostNames hosts = make_host_names(realm->realm);
  PinholeBook book{realm, links, nat::Ownership{1, salt()}, hosts, counters, {}};
  alg::Conversation talk{net::Protocol::tcp,          net::Side::inside,
                         endpoint("10.0.0.42:40000"), endpoint("198.51.100.1:40000"),
                         endpoint("203.0.113.9:21"),  endpoint("203.0.113.9:21")};
};

TEST_F(PinholeBookTest, leased_ports_stay_leased_when_the_realm_changes) {
  ASSERT_EQ(port_for(20'010), 20'010);
  change(the_realm());
  EXPECT_THAT(closed(), IsEmpty());
  EXPECT_NE(port_for(20'010), 20'010);
  EXPECT_EQ(book.leased_ports(), 2U);
}

TEST_F(PinholeBookTest, a_port_that_is_others_now_is_not_leased) {
  config::Realm next = the_realm();
  next.local_services.push_back({net::Protocol::udp, 20'010});
  next.static_mappings = {{net::Protocol::udp, endpoint("198.51.100.1:20020"), endpoint("10.0.0.43:1")}};
  change(next);
  EXPECT_NE(port_for(20'010), 20'010);
  EXPECT_NE(port_for(20'020), 20'020);
  EXPECT_EQ(port_for(20'020, "198.51.100.2"), 20'020) << "of another address";
  change(the_realm());
  EXPECT_EQ(port_for(20'010), 20'010);
  EXPECT_EQ(port_for(20'020), 20'020);
}

// The pinhole had it first; behind it the port is the other's.
TEST_F(PinholeBookTest, a_port_that_became_others_is_not_leased_again_when_its_pinhole_has_ended) {
  const auto first = open(20'010);
  ASSERT_TRUE(first);
  config::Realm next = the_realm();
  next.local_services.push_back({net::Protocol::udp, 20'010});
  change(next);
  EXPECT_THAT(closed(), IsEmpty());
  book.ended(first->id);
  EXPECT_EQ(book.leased_ports(), 0U);
  EXPECT_NE(port_for(20'010), 20'010);
}

TEST_F(PinholeBookTest, a_pinhole_of_an_address_that_is_gone_closes_and_keeps_its_port_until_it_has_ended) {
  const auto gone = open(20'010, "198.51.100.2"), stays = open(20'011);
  ASSERT_TRUE(gone && stays);
  config::Realm next = the_realm();
  next.outbound.addresses.pop_back();
  change(next);
  const auto told = closed();
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(told[0].id, gone->id);
  EXPECT_EQ(book.inside_of(gone->external, net::Protocol::udp), std::nullopt);
  EXPECT_EQ(book.inside_of(stays->external, net::Protocol::udp), endpoint("10.0.0.42:7000"));
  EXPECT_EQ(book.leased_ports(), 2U);
  EXPECT_EQ(port_for(20'012, "198.51.100.2"), 0) << "the address is not the gateway's";
  change(the_realm());
  EXPECT_NE(port_for(20'010, "198.51.100.2"), 20'010);
  book.ended(gone->id);
  EXPECT_EQ(port_for(20'010, "198.51.100.2"), 20'010);
}

TEST_F(PinholeBookTest, a_pinhole_of_a_host_that_is_inside_no_more_closes) {
  const auto opened = open(20'010);
  ASSERT_TRUE(opened);
  config::Realm next = the_realm();
  next.routes.push_back({*net::Prefix::parse("10.0.0.42/32"), ip("198.51.100.254")});
  change(next);
  const auto told = closed();
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(told[0].id, opened->id);
  book.ended(opened->id);
  EXPECT_EQ(book.size(), 0U);
  EXPECT_EQ(book.leased_ports(), 0U);
}

TEST_F(PinholeBookTest, hosts_have_the_names_of_the_realm_in_force) {
  EXPECT_EQ(book.name_of(ip("10.0.0.42")), "hosta.foo");
  config::Realm next = the_realm();
  next.hosts[0].name = "other";
  change(next);
  EXPECT_EQ(book.name_of(ip("10.0.0.42")), "other.foo");
  next.hosts.erase(next.hosts.begin());
  change(next);
  EXPECT_EQ(book.name_of(ip("10.0.0.42")), std::nullopt);
}

}  // namespace
}  // namespace rgw::control
