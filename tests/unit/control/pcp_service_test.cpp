// OPS-2: mappings that hosts have asked for (RFC 6887), when the realm changes. Which of them stand is
// decided here; what a server makes of that is in unit/pcp/server_test.cpp.
#include "realmgw/control/pcp_service.hpp"

#include "unit/control/support.hpp"
#include "unit/pcp/requests.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rgw::control {
namespace {

using namespace test;
using pcp::test::map_udp;
using pcp::test::Seen;
using testing::IsEmpty;
using testing::SizeIs;

class PcpServiceTest : public testing::Test {
 protected:
  static config::Realm the_realm() {
    config::Realm realm = test::realm();
    realm.pcp.on = true;
    return realm;
  }
  static HashSalt salt() {
    Random random{1};
    return HashSalt{random};
  }
  void send(const pcp::test::Bytes& request) { service.receive(request, {way, endpoint("10.0.0.42:5350")}); }
  /// 10.0.0.42's udp6881 gets this external endpoint.
  void map(const char* external) {
    send(map_udp("10.0.0.42", 6881));
    const auto asked = workers.events_of<ring::MapAsked>(0);
    ASSERT_THAT(asked, SizeIs(1));
    service.answered({asked[0].ticket, {nat::MapGrant::Why::granted, endpoint(external)}});
    ASSERT_THAT(responses, SizeIs(1));
    clock.advance(50s);
  }
  /// Does the mapping stand by this realm?
  bool stands(config::Realm next) {
    static_cast<void>(workers.events(0));
    realm.replace(snapshot(std::move(next)));
    service.realm_changed(clock.now());
    service.tick(clock.now());
    const auto held = workers.events_of<ring::MappingHeld>(0);
    const bool gone = service.leases().all().empty();
    EXPECT_EQ(held.size(), gone ? 1U : 0U) << "its worker hears of it";
    for (const auto& told : held) {
      EXPECT_EQ(told.hold, nat::Hold::none);
      EXPECT_EQ(told.name.inside, endpoint("10.0.0.42:6881"));
    }
    responses.clear();
    send(pcp::test::announce("10.0.0.42"));
    // A host that may not ask hears nothing.
    if (!responses.empty()) {
      EXPECT_EQ(Seen{responses[0]}.epoch(), gone ? 0U : 50U);
    }
    return !gone;
  }

  RealmInForce realm{snapshot(the_realm())};
  ManualClock clock;
  EventLoop loop;
  Workers workers{1};
  CounterBlock counters;
  WorkerLinks links{workers.links(), counters};
  PcpService service{loop, clock, realm, links, nat::Ownership{1, salt()}, counters};
  std::vector<pcp::test::Bytes> responses;
  std::size_t way = service.add_way([this](const net::Endpoint&, std::span<const std::uint8_t> datagram) {
    responses.emplace_back(datagram.begin(), datagram.end());
  });
};

TEST_F(PcpServiceTest, a_mapping_stands_while_its_address_is_an_external_one) {
  map("198.51.100.1:6881");
  config::Realm next = the_realm();
  next.outbound.addresses = {ip("198.51.100.2"), ip("198.51.100.1")};
  EXPECT_TRUE(stands(next));
  next.outbound.addresses = {ip("198.51.100.2")};
  EXPECT_FALSE(stands(next)) << "the address is the gateway's still, but for its services";
}

TEST_F(PcpServiceTest, a_mapping_ends_where_its_port_is_out_of_the_range_that_the_address_gives) {
  map("198.51.100.1:6881");
  config::Realm next = the_realm();
  next.outbound.ports = {{1024, 8191}};
  EXPECT_TRUE(stands(next));
  next.outbound.ports = {{1024, 4095}};
  EXPECT_FALSE(stands(next));
}

TEST_F(PcpServiceTest, a_mapping_ends_where_the_realm_file_gives_its_port_to_another_host) {
  map("198.51.100.1:6881");
  config::Realm next = the_realm();
  next.static_mappings = {{net::Protocol::tcp, endpoint("198.51.100.1:6881"), endpoint("10.0.0.43:1")}};
  EXPECT_TRUE(stands(next)) << "of another protocol";
  next.static_mappings[0].protocol = net::Protocol::udp;
  next.static_mappings[0].inside = endpoint("10.0.0.42:6881");
  EXPECT_TRUE(stands(next)) << "its own";
  next.static_mappings[0].inside = endpoint("10.0.0.43:1");
  EXPECT_FALSE(stands(next));
}

TEST_F(PcpServiceTest, a_mapping_ends_where_its_host_is_inside_no_more) {
  map("198.51.100.1:6881");
  config::Realm next = the_realm();
  next.routes.push_back({*net::Prefix::parse("10.0.0.42/32"), ip("198.51.100.254")});
  EXPECT_FALSE(stands(next));
}

TEST_F(PcpServiceTest, hosts_are_mapped_in_the_families_of_the_realm_in_force) {
  const auto family = [&](net::Family wanted) { return service.family_for(ip("fd00:10::42"), wanted); };
  EXPECT_EQ(family(net::Family::v6), std::nullopt);
  config::Realm next = the_realm();
  next.outbound.addresses.push_back(ip("2001:db8:100::1"));
  realm.replace(snapshot(next));
  service.realm_changed(clock.now());
  EXPECT_EQ(family(net::Family::v6), net::Family::v6);
}

}  // namespace
}  // namespace rgw::control
