// Services with a port in three sets at once, of random additions and removals, against a plain list; and the
// bound.
#include "realmgw/pool/port_masks.hpp"

#include "realmgw/base/random.hpp"

#include <set>
#include <tuple>

#include <gtest/gtest.h>

namespace rgw::pool {
namespace {

using net::Protocol;
using net::Service;
using Set = PortMasks::Set;

TEST(PortMasks, agrees_with_a_plain_list_for_each_set) {
  constexpr std::array services{Service{Protocol::tcp, 1}, Service{Protocol::tcp, 2},
                                Service{Protocol::udp, 1}, Service{Protocol::sctp, 65535}};
  constexpr AddressSlot addresses = 150;  // two whole words and a part of one
  Random random{7};
  PortMasks ports{3 * services.size(), HashSalt{random}};
  std::set<std::tuple<Set, AddressSlot, Service>> model;
  for (int step = 0; step < 50'000; ++step) {
    const auto set = static_cast<Set>(random.below(3));
    const AddressSlot address = random.below(addresses);
    const Service service = services[random.below(services.size())];
    if (model.erase({set, address, service}) != 0) {
      ports.remove(set, address, service);
    } else if (random.below(4) == 0) {
      ASSERT_TRUE(ports.add(set, address, service));
      model.insert({set, address, service});
    }
    const auto probed = static_cast<Set>(random.below(3));
    const std::size_t word = random.below(3);
    const Service probe = services[random.below(services.size())];
    std::uint64_t expected = 0;
    for (AddressSlot bit = 0; bit < 64; ++bit) {
      const auto at = static_cast<AddressSlot>(word * 64 + bit);
      if (model.contains({probed, at, probe})) expected |= std::uint64_t{1} << bit;
    }
    ASSERT_EQ(ports.holders(probed, word, probe), expected);
  }
}

TEST(PortMasks, a_service_takes_one_place_whatever_sets_it_is_in) {
  Random random{7};
  PortMasks ports{1, HashSalt{random}};
  const Service ssh{Protocol::tcp, 22}, web{Protocol::tcp, 80};
  ASSERT_TRUE(ports.add(Set::taken, 3, ssh));
  EXPECT_TRUE(ports.add(Set::resting, 3, ssh));
  EXPECT_FALSE(ports.add(Set::blocked, 3, web));
  EXPECT_EQ(ports.holders(Set::blocked, 0, web), 0U);
  ports.remove(Set::taken, 3, ssh);
  EXPECT_FALSE(ports.add(Set::taken, 3, web)) << "ssh is at rest there";
  ports.remove(Set::resting, 3, ssh);
  EXPECT_TRUE(ports.add(Set::taken, 3, web));
}

}  // namespace
}  // namespace rgw::pool
