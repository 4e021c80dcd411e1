// What a map has made of addresses lately.
// - an address is known in the role and family in which it was learnt, and in no other
// - its change to a pseudo-header is that of the two addresses (RFC 1624)
// - what is learnt again replaces what was known
// - of three addresses in one place the one learnt first is forgotten
#include "realmgw/nat/map_memo.hpp"

#include "realmgw/base/random.hpp"

#include <gtest/gtest.h>

namespace rgw::nat {
namespace {

using Role = MapMemo::Role;

net::Ipv4Address v4(std::uint32_t number) {
  return net::Ipv4Address{be32{number}};
}
net::Ipv6Address v6(const char* text) {
  return net::IpAddress::parse(text)->v6();
}

class MapMemoTest : public testing::Test {
 protected:
  template <class Address>
  const MapMemo::Entry* find(const Address& address, Role role) {
    return memo.find(address, memo.place_of(address, role));
  }
  Random random{1};
  AddressMap map{net::Pref64{*net::Prefix::parse("64:ff9b::/96")}, {}};
  MapMemo memo{map, HashSalt{random}};
};

TEST_F(MapMemoTest, an_empty_map_needs_none) {
  EXPECT_FALSE((MapMemo{AddressMap{}, HashSalt{random}}.enabled()));
  EXPECT_TRUE(memo.enabled());
}

TEST_F(MapMemoTest, an_address_is_known_as_what_it_was_learnt) {
  const auto host6 = v6("2001:db8::5");
  const auto host4 = v4(0xc6336405);
  EXPECT_EQ(find(host6, Role::source), nullptr);
  memo.learn(host6, host4, Role::source, no_neighbour);
  memo.learn(host4, host6, Role::destination, 7);
  ASSERT_NE(find(host6, Role::source), nullptr);
  EXPECT_EQ(find(host6, Role::source)->ipv4, host4);
  EXPECT_EQ(find(host6, Role::destination), nullptr);
  ASSERT_NE(find(host4, Role::destination), nullptr);
  EXPECT_EQ(find(host4, Role::destination)->ipv6, host6);
  EXPECT_EQ(find(host4, Role::destination)->way, 7U);
  EXPECT_EQ(find(host4, Role::source), nullptr);
  // The image of an address is not the address: looked for where the other stands.
  EXPECT_EQ(memo.find(host4, memo.place_of(host6, Role::source)), nullptr);
  EXPECT_EQ(memo.find(host6, memo.place_of(host4, Role::destination)), nullptr);
  // Nor are the zeros of a vacant place an address that is known.
  EXPECT_EQ(find(v4(0), Role::source), nullptr);
  EXPECT_EQ(find(v6("::"), Role::destination), nullptr);
}

TEST_F(MapMemoTest, its_change_to_a_pseudo_header_is_that_of_the_addresses) {
  for (int i = 0; i < 1000; ++i) {
    const auto host4 = v4(static_cast<std::uint32_t>(random.next()));
    const std::uint64_t bytes[] = {random.next(), random.next()};
    const auto host6 = net::Ipv6Address::from_bytes(bytes);
    i % 2 == 0 ? memo.learn(host4, host6, Role::source, no_neighbour)
               : memo.learn(host6, host4, Role::source, no_neighbour);
    const auto* entry = i % 2 == 0 ? find(host4, Role::source) : find(host6, Role::source);
    ASSERT_NE(entry, nullptr);
    be16 checksum = net::ChecksumSum{}.add(host6).add(be16{0x1234}).checksum();
    entry->to_ipv4.apply(checksum);
    EXPECT_EQ(checksum.raw(), net::ChecksumSum{}.add(host4).add(be16{0x1234}).checksum().raw());
  }
}

TEST_F(MapMemoTest, what_is_learnt_again_replaces_what_was_known) {
  memo.learn(v4(1), v6("2001:db8::1"), Role::destination, 3);
  memo.learn(v4(1), v6("2001:db8::1"), Role::destination, 4);
  EXPECT_EQ(find(v4(1), Role::destination)->way, 4U);
}

TEST_F(MapMemoTest, of_three_in_one_place_the_one_learnt_first_is_forgotten) {
  const std::size_t place = memo.place_of(v4(0), Role::source);
  std::vector<net::Ipv4Address> same{v4(0)};
  for (std::uint32_t i = 1; same.size() < 3; ++i) {
    if (memo.place_of(v4(i), Role::source) == place) same.push_back(v4(i));
  }
  const auto image = v6("2001:db8::1");
  memo.learn(same[0], image, Role::source, no_neighbour);
  memo.learn(same[1], image, Role::source, no_neighbour);
  memo.learn(same[0], image, Role::source, no_neighbour);  // now the later one
  memo.learn(same[2], image, Role::source, no_neighbour);
  EXPECT_NE(find(same[0], Role::source), nullptr);
  EXPECT_EQ(find(same[1], Role::source), nullptr);
  EXPECT_NE(find(same[2], Role::source), nullptr);
}

}  // namespace
}  // namespace rgw::nat
