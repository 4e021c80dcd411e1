// OPS-2: the hosts of a changed realm. Who is the same host keeps its id, so what it has stays its own, and
// who is not does not inherit anything; sessions end as the host's as whose they began.
#include "realmgw/control/claimants.hpp"
#include "realmgw/control/realm_names.hpp"

#include <stdexcept>

#include "unit/control/support.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rgw::control {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

config::Host host(const char* name, std::initializer_list<const char*> addresses) {
  config::Host made;
  made.name = name;
  for (const char* address : addresses) made.addresses.push_back(ip(address));
  return made;
}

class ChangedHosts : public testing::Test {
 protected:
  static config::Realm of(std::vector<config::Host> hosts) {
    config::Realm realm = test::realm();
    realm.hosts = std::move(hosts);
    return realm;
  }
  void change(std::vector<config::Host> hosts) { change_hosts(names, of(std::move(hosts)), next_id); }
  std::optional<unsigned> id(const char* name) const {
    const auto match = names.find(name);
    return match.host == nullptr ? std::nullopt : std::optional{match.host->id.value()};
  }
  std::vector<unsigned> without_place(std::vector<config::Host> hosts) const {
    std::vector<unsigned> ids;
    for (const HostId gone : hosts_without_place(names, of(std::move(hosts)))) ids.push_back(gone.value());
    return ids;
  }

  const config::Host a = host("a", {"10.0.0.1", "fd00::1"}), b = host("b", {"10.0.0.2"}),
                     c = host("c", {"10.0.0.3"});
  std::uint32_t next_id = 2;
  pool::HostNames names = make_host_names(of({a, b}));
};

TEST_F(ChangedHosts, the_order_of_the_file_and_of_addresses_means_nothing) {
  const auto turned = host("a", {"fd00::1", "10.0.0.1"});
  EXPECT_THAT(without_place({b, turned}), IsEmpty());
  change({c, b, turned});
  EXPECT_EQ(id("a"), 0U);
  EXPECT_EQ(id("b"), 1U);
  EXPECT_EQ(id("c"), 2U);
  EXPECT_EQ(next_id, 3U);
  EXPECT_EQ(names.find(HostId{0})->addresses.front(), ip("fd00::1")) << "this is the one to take";
}

TEST_F(ChangedHosts, a_host_whose_services_change_is_the_same) {
  auto narrow = b;
  narrow.services = std::vector{net::Service{net::Protocol::tcp, 22}};
  narrow.www = true;
  EXPECT_THAT(without_place({a, narrow}), IsEmpty());
  change({a, narrow});
  EXPECT_EQ(id("b"), 1U);
  EXPECT_FALSE(names.find(HostId{1})->accepts({net::Protocol::tcp, 80}));
  EXPECT_EQ(names.find("www.b").kind, pool::NameMatch::Kind::www);
}

TEST_F(ChangedHosts, hosts_that_have_exchanged_their_addresses_are_others) {
  const auto a_there = host("a", {"10.0.0.2"}), b_here = host("b", {"10.0.0.1", "fd00::1"});
  EXPECT_THAT(without_place({a_there, b_here}), UnorderedElementsAre(0U, 1U));
  change({a_there, b_here});
  EXPECT_EQ(id("a"), 2U);
  EXPECT_EQ(id("b"), 3U);
  EXPECT_EQ(names.find(ip("10.0.0.1"))->name, "b");
  EXPECT_EQ(names.size(), 2U);
}

TEST_F(ChangedHosts, a_host_with_another_name_is_another_one) {
  const auto renamed = host("z", {"10.0.0.2"});
  EXPECT_THAT(without_place({a, renamed}), ElementsAre(1U));
  change({a, renamed});
  EXPECT_EQ(id("z"), 2U);
  EXPECT_EQ(id("b"), std::nullopt);
  EXPECT_EQ(names.find(HostId{1}), nullptr);
}

TEST_F(ChangedHosts, a_host_that_gets_one_address_more_is_another_one) {
  EXPECT_THAT(without_place({a, host("b", {"10.0.0.2", "10.0.0.9"})}), ElementsAre(1U));
  EXPECT_THAT(without_place({host("a", {"10.0.0.1"}), b}), ElementsAre(0U));
}

TEST_F(ChangedHosts, who_comes_back_gets_an_id_that_nobody_had) {
  change({a});
  EXPECT_EQ(names.size(), 1U);
  change({a, b});
  EXPECT_EQ(id("b"), 2U);
  change({});
  change({b, a});
  EXPECT_EQ(id("b"), 3U);
  EXPECT_EQ(id("a"), 4U);
}

TEST_F(ChangedHosts, those_that_clash_are_refused) {
  EXPECT_THROW(change({a, host("d", {"10.0.0.1"})}), std::invalid_argument);
}

// ---- POOL-14: as whose sessions count

TEST_F(ChangedHosts, a_session_ends_as_the_host_s_as_whose_it_began) {
  Claimants claimants;
  EXPECT_EQ(claimants.began(ip("10.0.0.2"), names), HostId{1});
  change({a, host("z", {"10.0.0.2"})});
  EXPECT_EQ(claimants.ended(ip("10.0.0.2")), HostId{1});
  EXPECT_EQ(claimants.began(ip("10.0.0.2"), names), HostId{2}) << "those are over";
}

TEST_F(ChangedHosts, sessions_of_one_address_count_as_one_host_s_until_the_last_has_ended) {
  Claimants claimants;
  EXPECT_EQ(claimants.began(ip("10.0.0.2"), names), HostId{1});
  change({a, host("z", {"10.0.0.2"})});
  EXPECT_EQ(claimants.began(ip("10.0.0.2"), names), HostId{1});
  EXPECT_EQ(claimants.ended(ip("10.0.0.2")), HostId{1});
  EXPECT_EQ(claimants.ended(ip("10.0.0.2")), HostId{1});
  EXPECT_EQ(claimants.ended(ip("10.0.0.2")), std::nullopt) << "of none that has begun";
}

TEST_F(ChangedHosts, an_address_of_nobody_counts_for_nobody) {
  Claimants claimants;
  EXPECT_EQ(claimants.began(ip("10.0.0.3"), names), std::nullopt);
  change({a, b, c});
  EXPECT_EQ(claimants.ended(ip("10.0.0.3")), std::nullopt) << "so began it";
  EXPECT_EQ(claimants.began(ip("10.0.0.3"), names), HostId{2});
}

}  // namespace
}  // namespace rgw::control
