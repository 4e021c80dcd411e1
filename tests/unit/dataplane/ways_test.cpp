// What is remembered of addresses is what the snapshot says:
//   every_address_has_the_way_that_the_snapshot_names, however many share a place in memory
//   an_address_of_zeros_is_no_other_than_the_rest
#include "realmgw/dataplane/ways.hpp"

#include <gtest/gtest.h>

namespace rgw::dataplane {
namespace {

using net::Ipv4Address;
using net::Ipv6Address;

ring::Snapshot snapshot() {
  ring::Snapshot realm;
  const ring::NextHop inside{PortId{0}, std::nullopt}, outside{PortId{1}, std::nullopt};
  realm.routes4 = net::LongestPrefixMap<Ipv4Address, ring::NextHop>{
      {{Ipv4Address{10, 0, 0, 0}, 8, inside}, {Ipv4Address{10, 1, 0, 0}, 16, outside}}};
  realm.own4 = net::LongestPrefixMap<Ipv4Address, ring::OwnAddress>{
      {{Ipv4Address{10, 0, 0, 1}, 32, ring::OwnAddress{.service = true}}}};
  realm.routes6 = net::LongestPrefixMap<Ipv6Address, ring::NextHop>{{{Ipv6Address{}, 0, outside}}};
  return realm;
}

TEST(WaysTest, every_address_has_the_way_that_the_snapshot_names) {
  const ring::Snapshot realm = snapshot();
  Random random{1};
  Ways<Ipv4Address> ways{realm, HashSalt{random}};
  const auto expect_way = [&](const Ipv4Address& address) {
    const auto& way = ways.to(address);
    EXPECT_EQ(way.address, address);
    EXPECT_EQ(way.own, realm.own_address(address)) << address.to_string();
    EXPECT_EQ(way.route, realm.route(address)) << address.to_string();
  };
  // Many times as many as have room, and each asked about twice, the second time in between others.
  for (unsigned n = 0; n < 20000; ++n) {
    expect_way(Ipv4Address{be32{0x0a000000U + n * 13}});
    expect_way(Ipv4Address{be32{0x0a000000U + n / 2 * 13}});
    expect_way(Ipv4Address{10, 0, 0, 1});
    expect_way(Ipv4Address{static_cast<std::uint8_t>(n), 1, 2, 3});
  }
}

TEST(WaysTest, an_address_of_zeros_is_no_other_than_the_rest) {
  const ring::Snapshot realm = snapshot();
  Random random{1};
  Ways<Ipv6Address> ways{realm, HashSalt{random}};
  ASSERT_NE(ways.to(Ipv6Address{}).route, nullptr);
  EXPECT_EQ(ways.to(Ipv6Address{}).route->port, PortId{1});
}

}  // namespace
}  // namespace rgw::dataplane
