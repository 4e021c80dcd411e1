// What the realm's names answer, through the responder: DNS-1, DNS-2, DNS-4, POOL-1, POOL-2.
#include "realmgw/control/dns_server.hpp"
#include "realmgw/control/pool_relay.hpp"
#include "realmgw/control/realm_names.hpp"
#include "realmgw/control/realm_zones.hpp"

#include "unit/control/support.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rgw::control {
namespace {

using namespace test;
using testing::IsEmpty;
using testing::SizeIs;

constexpr unsigned noerror = 0, nxdomain = 3, refused = 5;
constexpr std::uint16_t a = 1, ns = 2, ptr = 12, aaaa = 28, srv = 33;
constexpr const char* outside_client = "203.0.113.9:4000";
constexpr const char* inside_client = "10.0.0.7:4000";

/// Takes the late answers.
struct Postbox final : DnsTransport {
  std::vector<Frame> answers;
  void send(const ReplyPath&, std::span<const std::uint8_t> answer) override {
    answers.emplace_back(answer.begin(), answer.end());
  }
};

class RealmDnsTest : public testing::Test {
 protected:
  explicit RealmDnsTest(const config::Realm& file = the_realm()) : snapshot{test::snapshot(file)} {}
  static config::Realm the_realm() {
    config::Realm realm = test::realm();
    realm.zones[0].records = {{"static", "A", 3600, "198.51.100.1"}, {"@", "MX", 3600, "10 static"}};
    realm.pool.addresses.push_back(ip("2001:db8:100::10"));
    return realm;
  }
  static pool::PoolConfig pool_config(const config::Realm& realm) {
    pool::PoolConfig config;
    config.addresses = realm.pool.addresses;
    return config;
  }
  static HashSalt salt() {
    Random random{1};
    return HashSalt{random};
  }
  std::optional<DnsAnswer> ask(const char* name, std::uint16_t type = a,
                               const char* client = outside_client) {
    const ReplyPath path{&postbox, dns::Transport::udp, endpoint(client)};
    return read_answer(server.answer(dns_query(name, type, ++id), path, clock.now(), room));
  }

  ManualClock clock;
  std::shared_ptr<const ring::Snapshot> snapshot;
  const config::Realm& realm = snapshot->realm;
  CounterBlock counters;
  Workers workers{2};
  WorkerLinks links{workers.links(), counters};
  pool::HostNames hosts = make_host_names(realm);
  PoolRelay relay{links, hosts};
  pool::CircularPool pool{pool_config(realm), salt(), relay, counters};
  RealmNames names{realm, hosts, pool, links};
  dns::Responder responder{make_responder_config(realm), make_zones(realm), &names, counters};
  EventLoop loop;
  RealmInForce in_force{snapshot};
  DnsTimes times;
  DnsServer server{loop, clock, in_force, responder, times, counters};
  Postbox postbox;
  std::array<std::uint8_t, 1232> room;
  std::uint16_t id = 0;
};

TEST_F(RealmDnsTest, from_outside_a_host_is_a_reserved_address_that_every_worker_knows_of) {
  const auto answer = ask("hosta.foo");
  ASSERT_TRUE(answer && answer->address);
  EXPECT_EQ(*answer->address, ip("198.51.100.10"));
  EXPECT_EQ(answer->ttl, 0U);
  for (const std::size_t worker : {0, 1}) {
    const auto told = workers.events_of<ring::Bind>(worker);
    ASSERT_THAT(told, SizeIs(1)) << "worker " << worker;
    EXPECT_EQ(told[0].external, ip("198.51.100.10"));
    EXPECT_EQ(told[0].inside, ip("10.0.0.42"));
    EXPECT_TRUE(told[0].service.is_any());
    EXPECT_EQ(told[0].deadline, clock.now() + 2s);
  }
}

TEST_F(RealmDnsTest, from_inside_a_host_is_its_own_address_and_nothing_is_reserved) {
  for (const char* name : {"hosta.foo", "tcp22.hosta.foo"}) {
    const auto answer = ask(name, a, inside_client);
    ASSERT_TRUE(answer && answer->address) << name;
    EXPECT_EQ(*answer->address, ip("10.0.0.42"));
    EXPECT_EQ(answer->ttl, 3600U);
  }
  EXPECT_THAT(workers.events(0), IsEmpty());
}

TEST_F(RealmDnsTest, who_is_inside_is_told_by_the_routes) {
  EXPECT_EQ(view_of(*snapshot, ip("10.0.0.7")), dns::View::inside);
  EXPECT_EQ(view_of(*snapshot, ip("fd00:10::7")), dns::View::inside);
  EXPECT_EQ(view_of(*snapshot, ip("198.51.100.7")), dns::View::outside);
  EXPECT_EQ(view_of(*snapshot, ip("192.0.2.1")), dns::View::outside);
  EXPECT_EQ(view_of(*snapshot, ip("2001:db8::1")), dns::View::outside) << "no route at all";
}

TEST_F(RealmDnsTest, a_service_name_reserves_its_service_alone) {
  ASSERT_TRUE(ask("tcp22.hosta.foo")->address);
  ASSERT_TRUE(ask("tcp80.hosta.foo")->address);
  const auto told = workers.events_of<ring::Bind>(0);
  ASSERT_THAT(told, SizeIs(2));
  EXPECT_EQ(told[0].service, (net::Service{net::Protocol::tcp, 22}));
  EXPECT_EQ(told[0].external, told[1].external) << "POOL-3: one address for both";
}

TEST_F(RealmDnsTest, a_service_that_the_host_does_not_accept_does_not_exist) {
  EXPECT_TRUE(ask("tcp22.hostb.foo")->address);
  EXPECT_EQ(ask("tcp80.hostb.foo")->rcode, nxdomain);
  const auto plain = ask("hostb.foo");
  EXPECT_EQ(plain->rcode, noerror);
  EXPECT_EQ(plain->answers, 0U);
}

TEST_F(RealmDnsTest, an_address_of_a_family_that_the_host_lacks_is_not_reserved) {
  const auto hosta = ask("hosta.foo", aaaa);
  EXPECT_EQ(hosta->rcode, noerror);
  EXPECT_EQ(hosta->answers, 0U);
  const auto hostb = ask("tcp22.hostb.foo", aaaa);
  ASSERT_TRUE(hostb->address);
  EXPECT_EQ(*hostb->address, ip("2001:db8:100::10"));
}

// POOL-12, where each family has addresses for the other one's clients.
class FamiliesDnsTest : public RealmDnsTest {
 protected:
  static config::Realm families() {
    config::Realm realm = the_realm();
    realm.hosts.push_back({"new", {ip("fd00:10::46")}, {}, false});
    realm.nat64.prefix = net::Prefix::parse("fd64::/96");
    realm.nat46.proxies = net::Prefix::parse("100.64.0.0/16");
    return realm;
  }
  FamiliesDnsTest() : RealmDnsTest{families()} {}
  net::IpAddress inside_of_last() {
    const auto told = workers.events_of<ring::Bind>(0);
    return told.empty() ? net::IpAddress{} : told.back().inside;
  }
};

TEST_F(FamiliesDnsTest, a_host_of_one_family_has_an_address_of_either) {
  EXPECT_EQ(*ask("hosta.foo", aaaa)->address, ip("2001:db8:100::10"));
  EXPECT_EQ(inside_of_last(), ip("10.0.0.42"));
  EXPECT_EQ(*ask("tcp22.new.foo", a)->address, ip("198.51.100.10"));
  EXPECT_EQ(inside_of_last(), ip("fd00:10::46"));
}

TEST_F(FamiliesDnsTest, a_host_of_both_families_is_reached_at_the_one_of_the_question) {
  ASSERT_TRUE(ask("tcp22.hostb.foo", aaaa)->address);
  EXPECT_TRUE(inside_of_last().is_v6());
  ASSERT_TRUE(ask("tcp22.hostb.foo", a)->address);
  EXPECT_TRUE(inside_of_last().is_v4());
}

TEST_F(RealmDnsTest, an_srv_name_points_to_the_service_name_and_reserves_nothing) {
  const auto answer = ask("_ssh._tcp.hosta.foo", srv);
  EXPECT_EQ(answer->answers, 1U);
  EXPECT_THAT(workers.events(0), IsEmpty());
}

TEST_F(RealmDnsTest, the_web_name_is_the_proxy_and_reserves_nothing) {
  for (const char* client : {outside_client, inside_client}) {
    const auto answer = ask("www.hosta.foo", a, client);
    ASSERT_TRUE(answer && answer->address);
    EXPECT_EQ(*answer->address, ip("198.51.100.1"));
    EXPECT_EQ(answer->ttl, 300U);
  }
  EXPECT_THAT(workers.events(0), IsEmpty());
}

TEST_F(RealmDnsTest, other_names_do_not_exist_and_other_zones_are_refused) {
  EXPECT_EQ(ask("nobody.foo")->rcode, nxdomain);
  EXPECT_EQ(ask("example.com")->rcode, refused);
}

TEST_F(RealmDnsTest, the_name_server_stands_at_the_outside_service_address) {
  EXPECT_EQ(ask("foo", ns)->answers, 1U);
  EXPECT_EQ(ask("ns1.foo")->address, ip("198.51.100.1"));
  EXPECT_EQ(ask("ns1.foo", aaaa)->address, ip("2001:db8:100::1"));
  EXPECT_EQ(ask("static.foo")->address, ip("198.51.100.1"));
}

// DNS-1: forward-confirmed, and a host's inside address is nobody's business outside.
TEST_F(RealmDnsTest, reverse_names_are_answered_where_they_are_ours) {
  EXPECT_EQ(ask("42.0.0.10.in-addr.arpa", ptr, inside_client)->answers, 1U);
  EXPECT_EQ(ask("99.0.0.10.in-addr.arpa", ptr, inside_client)->rcode, nxdomain);
  EXPECT_EQ(ask("42.0.0.10.in-addr.arpa", ptr)->rcode, refused);
  EXPECT_EQ(ask("1.100.51.198.in-addr.arpa", ptr)->answers, 2U) << "ns1 and static";
  EXPECT_EQ(ask("99.100.51.198.in-addr.arpa", ptr)->rcode, refused) << "a neighbour's";
}

// POOL-1: an answer never overtakes its binding.
TEST_F(RealmDnsTest, nothing_is_promised_while_a_worker_may_not_hear_of_it) {
  while (workers[1].events_to_worker.push(ring::Unbind{ReservationId{1}, {}, {}, false})) {
  }
  EXPECT_FALSE(ask("hosta.foo"));
  EXPECT_EQ(pool.use().reservations, 0U);
  static_cast<void>(workers.events(1));
  EXPECT_TRUE(ask("hosta.foo")->address);
}

}  // namespace
}  // namespace rgw::control
