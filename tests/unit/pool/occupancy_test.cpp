// The bits of Occupancy against a plain list, over random services: what carries, overlaps and covers.
#include "realmgw/pool/occupancy.hpp"

#include "realmgw/base/random.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include <gtest/gtest.h>

namespace rgw::pool {
namespace {

using net::Protocol;
using net::Service;

Service random_service(Random& random) {
  constexpr std::array protocols{Protocol::tcp, Protocol::udp, Protocol::sctp};
  const auto kind = random.below(10);
  if (kind == 0) return {};
  if (kind == 1) return {Protocol::icmp, 0};
  return {protocols[random.below(3)], static_cast<std::uint16_t>(random.below(4))};  // port 0: all of them
}

TEST(Occupancy, agrees_with_a_plain_list_of_what_stands_where) {
  constexpr AddressSlot addresses = 150;  // two whole words and a part of one
  Random random{7};
  PortMasks ports{4096, HashSalt{random}};
  Occupancy occupancy{addresses, ports, PortMasks::Set::taken};
  std::set<std::pair<AddressSlot, Service>> model;

  for (int step = 0; step < 20000; ++step) {
    const auto address = random.below(addresses);
    const auto service = random_service(random);
    const std::pair pair{address, service};
    if (model.erase(pair) != 0) {
      occupancy.remove(address, service);
    } else if (random.below(3) == 0) {
      ASSERT_TRUE(occupancy.add(address, service));
      model.insert(pair);
    }

    const auto probe = random_service(random);
    const auto at = random.below(addresses);
    const auto any_of = [&](auto&& holds) {
      return std::ranges::any_of(model,
                                 [&](const auto& entry) { return entry.first == at && holds(entry.second); });
    };
    ASSERT_EQ(occupancy.carries(at), any_of([](const Service&) { return true; }));
    ASSERT_EQ(occupancy.overlaps(at, probe), any_of([&](const Service& s) { return s.overlaps(probe); }));
    ASSERT_EQ(occupancy.covers(at, probe), any_of([&](const Service& s) { return s.covers(probe); }));
  }
  std::set<AddressSlot> carrying;
  for (const auto& [address, service] : model) carrying.insert(address);
  EXPECT_EQ(occupancy.carrying_count(), carrying.size());
}

TEST(Occupancy, grows_by_addresses_on_which_nothing_stands) {
  Random random{7};
  PortMasks ports{64, HashSalt{random}};
  Occupancy occupancy{0, ports, PortMasks::Set::taken};
  EXPECT_EQ(occupancy.words(), 0U);
  std::set<std::pair<AddressSlot, Service>> model;
  for (const AddressSlot addresses : {1U, 64U, 65U, 200U}) {
    occupancy.grow(addresses);
    EXPECT_EQ(occupancy.words(), (addresses + 63) / 64);
    const AddressSlot last = addresses - 1;
    EXPECT_FALSE(occupancy.carries(last));
    EXPECT_FALSE(occupancy.overlaps(last, {}));
    const Service service{Protocol::tcp, static_cast<std::uint16_t>(addresses)};
    for (const Service& one : {service, Service{Protocol::udp, 0}}) {
      ASSERT_TRUE(occupancy.add(last, one));
      model.emplace(last, one);
    }
    for (const auto& [address, one] : model) EXPECT_TRUE(occupancy.contains(address, one)) << address;
    EXPECT_EQ(occupancy.carrying_count(), model.size() / 2);
    EXPECT_EQ(occupancy.covers(last, {Protocol::udp, 9}), true);
    EXPECT_EQ(occupancy.covers(0, {Protocol::tcp, 200}), false);
  }
  for (const auto& [address, one] : model) occupancy.remove(address, one);
  EXPECT_EQ(occupancy.carrying_count(), 0U);
}

TEST(Occupancy, refuses_more_services_than_it_has_room_for) {
  Random random{7};
  PortMasks ports{2, HashSalt{random}};
  Occupancy occupancy{1, ports, PortMasks::Set::taken};
  EXPECT_TRUE(occupancy.add(0, {Protocol::tcp, 1}));
  EXPECT_TRUE(occupancy.add(0, {Protocol::tcp, 2}));
  EXPECT_FALSE(occupancy.add(0, {Protocol::tcp, 3}));
  EXPECT_FALSE(occupancy.overlaps(0, {Protocol::tcp, 3}));
  occupancy.remove(0, {Protocol::tcp, 1});
  EXPECT_TRUE(occupancy.add(0, {Protocol::tcp, 3}));
}

TEST(Occupancy, knows_icmp_of_both_families_as_one_and_no_other_protocol) {
  EXPECT_EQ(canonical({Protocol::icmp6, 0}), (Service{Protocol::icmp, 0}));
  EXPECT_EQ(canonical({Protocol::icmp, 8}), (Service{Protocol::icmp, 0}));
  EXPECT_EQ(canonical({Protocol::any, 8}), Service{});
  EXPECT_EQ(canonical({static_cast<Protocol>(47), 0}), std::nullopt);
}

}  // namespace
}  // namespace rgw::pool
