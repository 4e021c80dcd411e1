// Updates at the whole control thread (DNS-6), its crank turned by hand:
//   a host that an update makes is reserved for at once, and others hear that hosts have changed
//   one that is removed is gone with its reservation, and workers look for its sessions: once for many, and
//   not in vain
#include "realmgw/control/controller.hpp"

#include <filesystem>
#include <unistd.h>

#include "unit/control/support.hpp"
#include "unit/dns/update_support.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rgw::control {
namespace {

using namespace test;
using dns::RrType;
using dns::test::a;
using dns::test::update;
using dns::test::UpdateBuilder;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

struct NoAnswers final : DnsTransport {
  void send(const ReplyPath&, std::span<const std::uint8_t>) override {}
};

class ControllerUpdates : public testing::Test {
 protected:
  ControllerUpdates() {
    std::filesystem::create_directories(directory);
    Surroundings surroundings{.clock = clock,
                              .snapshot = snapshot(the_realm()),
                              .workers = workers.links(),
                              .packets = packets.pool(),
                              .ports = ports,
                              .kernel_ports = {},
                              .seed = 1,
                              .version = "0.0.1",
                              .dns_listen = {},
                              .control_socket = {}};
    surroundings.journal = std::make_unique<HostJournal>(directory / "dynamic-hosts");
    surroundings.wall_clock = [] { return dns::UnixSeconds{1'700'000'000}; };
    surroundings.hosts_changed = [this] { ++changes; };
    controller = std::make_unique<Controller>(std::move(surroundings));
    controller->step();
  }
  ~ControllerUpdates() override {
    controller.reset();
    std::filesystem::remove_all(directory);
  }

  static config::Realm the_realm() {
    config::Realm realm = test::realm();
    realm.dns.keys = {{.name = "dhcp", .algorithm = {}, .file = {}, .secret = dns::test::Bytes(32, 7)}};
    realm.dns.keys[0].algorithm = net::TsigAlgorithm::hmac_sha256;
    realm.dns.updates = {
        {.key = "dhcp", .zones = {}, .prefixes = {net::Prefix::parse("10.0.0.0/24").value()}}};
    return realm;
  }
  std::span<const std::uint8_t> put(std::span<const std::uint8_t> message) {
    const ReplyPath path{&nowhere, dns::Transport::udp, endpoint("203.0.113.9:4000")};
    return controller->dns().answer(message, path, clock.now(), room);
  }
  void update_with(UpdateBuilder message) {
    const dns::TsigKey key{dns::Name::from_text("dhcp").value(), net::TsigAlgorithm::hmac_sha256,
                           dns::test::Bytes(32, 7)};
    ASSERT_EQ(put(message.id(next_id++).sign(key, 1'700'000'000))[3] & 0xf, 0);
    controller->step();
  }
  void add(const char* name, int last) {
    update_with(update("foo.").add(name, RrType::a, 300, a({10, 0, 0, last})));
  }
  void remove(const char* name) { update_with(update("foo.").update(name, RrType::any, dns::class_any)); }
  DnsAnswer ask(const char* name) { return read_answer(put(dns_query(name, 1, next_id++))).value(); }
  /// A claim of what was just reserved is told by a worker, with the session's host.
  void claim(const char* inside) {
    const auto bound = workers.events_of<ring::Bind>(0);
    ASSERT_THAT(bound, SizeIs(1));
    ring::Claimed claimed{
        bound[0].reservation, bound[0].claim, clock.now(), endpoint("203.0.113.9:5000"), {}};
    claimed.used.inside = ip(inside);
    ASSERT_TRUE(workers[0].events_to_control.push(claimed));
  }
  /// Whose sessions workers are to look for, in each look; all workers say that they are done.
  std::vector<std::vector<std::string>> evicted() {
    std::vector<std::vector<std::string>> looks;
    for (std::size_t worker = 0; worker < 2; ++worker) {
      for (const auto& wish : workers.events_of<ring::SessionsDelete>(worker)) {
        if (worker == 0) {
          auto& look = looks.emplace_back();
          for (const auto& address : wish.filter->claimed_by) look.push_back(address.to_string());
        }
        EXPECT_TRUE(workers[worker].events_to_control.push(ring::SessionsDeleted{1}));
      }
    }
    controller->step();
    return looks;
  }

  std::filesystem::path directory =
      std::filesystem::temp_directory_path() / ("controller_updates_test." + std::to_string(getpid()));
  Packets packets;
  ManualClock clock;
  Workers workers{2};
  FixedPorts ports;
  NoAnswers nowhere;
  std::array<std::uint8_t, 1232> room{};
  std::uint16_t next_id = 1;
  unsigned changes = 0;
  std::unique_ptr<Controller> controller;
};

TEST_F(ControllerUpdates, a_host_is_reserved_for_as_soon_as_it_is_made) {  // DNS-6
  EXPECT_EQ(ask("x.foo").rcode, 3U);
  add("x.foo.", 77);
  EXPECT_EQ(changes, 1U);
  const auto answer = ask("x.foo");
  ASSERT_TRUE(answer.address);
  EXPECT_EQ(answer.ttl, 0U);
  const auto bound = workers.events_of<ring::Bind>(1);
  ASSERT_THAT(bound, SizeIs(1));
}

TEST_F(ControllerUpdates, a_removed_host_is_gone_with_its_reservation) {  // DNS-6
  add("x.foo.", 77);
  ASSERT_TRUE(ask("x.foo").address);
  remove("x.foo.");
  EXPECT_EQ(changes, 2U);
  EXPECT_EQ(ask("x.foo").rcode, 3U);
  EXPECT_EQ(controller->pool().use().reservations, 0U);
  EXPECT_THAT(workers.events_of<ring::Unbind>(1), SizeIs(1));
}

TEST_F(ControllerUpdates, sessions_of_a_removed_host_are_looked_for) {  // DNS-6
  add("x.foo.", 77);
  ASSERT_TRUE(ask("x.foo").address);
  claim("10.0.0.77");
  controller->step();
  remove("x.foo.");
  EXPECT_THAT(evicted(), ElementsAre(ElementsAre("10.0.0.77")));
  EXPECT_THAT(evicted(), IsEmpty());
}

TEST_F(ControllerUpdates, a_session_of_which_control_has_not_heard_is_looked_for_too) {
  add("x.foo.", 77);
  ASSERT_TRUE(ask("x.foo").address);  // reserved: a worker may have let somebody in by now
  remove("x.foo.");
  EXPECT_THAT(evicted(), ElementsAre(ElementsAre("10.0.0.77")));
}

TEST_F(ControllerUpdates, a_host_without_sessions_costs_workers_nothing) {
  add("x.foo.", 77);
  remove("x.foo.");
  EXPECT_THAT(evicted(), IsEmpty());
}

TEST_F(ControllerUpdates, many_that_go_meanwhile_are_looked_for_in_one_look) {
  for (const auto& [name, last] : {std::pair{"x.foo.", 79}, {"y.foo.", 78}, {"z.foo.", 77}}) {
    add(name, last);
    ASSERT_TRUE(ask(std::string{name}.substr(0, 5).c_str()).address);
  }
  static_cast<void>(evicted());
  remove("x.foo.");
  remove("y.foo.");
  remove("z.foo.");
  EXPECT_THAT(evicted(), ElementsAre(ElementsAre("10.0.0.79")));
  EXPECT_THAT(evicted(), ElementsAre(ElementsAre("10.0.0.77", "10.0.0.78")));
}

TEST_F(ControllerUpdates, without_a_change_nobody_hears_of_one) {
  update_with(update("foo.").update("nobody.foo.", RrType::any, dns::class_any));
  EXPECT_EQ(changes, 0U);
}

}  // namespace
}  // namespace rgw::control
