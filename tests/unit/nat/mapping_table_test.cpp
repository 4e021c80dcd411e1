// Endpoint-independent mappings (OUT-1): found from both sides, one for each inside endpoint and outside
// family, alive as long as a session is or its host asks; who was contacted, for address-dependent filtering.
#include "realmgw/nat/mapping_table.hpp"

#include <gtest/gtest.h>

namespace rgw::nat {
namespace {

using net::Endpoint;
using net::Family;
using net::Protocol;

const Endpoint host = *Endpoint::parse("10.0.0.42:5000"), external = *Endpoint::parse("198.51.100.1:6000");
const Endpoint external6 = *Endpoint::parse("[2001:db8::1]:6000");
const net::IpAddress r = *net::IpAddress::parse("203.0.113.10"),
                     other_r = *net::IpAddress::parse("203.0.113.11");

HashSalt salt() {
  Random random{1};
  return HashSalt{random};
}

TEST(MappingTable, finds_a_mapping_from_both_sides_and_by_its_protocol) {
  MappingTable table{4, false, salt()};
  const auto id = table.add(host, external, Protocol::udp, 3);
  ASSERT_TRUE(id);
  EXPECT_EQ(table.find_inside(host, Family::v4, Protocol::udp), id);
  EXPECT_EQ(table.find_external(external, Protocol::udp), id);
  EXPECT_FALSE(table.find_inside(host, Family::v4, Protocol::tcp));
  EXPECT_FALSE(table.find_external(host, Protocol::udp));
  EXPECT_EQ(table[*id].external, external);
  EXPECT_EQ(table[*id].port_set, 3U);
}

TEST(MappingTable, keeps_one_to_each_family) {  // RFC 6146 beside RFC 4787
  MappingTable table{4, false, salt()};
  const auto v4 = table.add(host, external, Protocol::udp, 0),
             v6 = table.add(host, external6, Protocol::udp, 0);
  ASSERT_TRUE(v4 && v6);
  EXPECT_EQ(table.find_inside(host, Family::v4, Protocol::udp), v4);
  EXPECT_EQ(table.find_inside(host, Family::v6, Protocol::udp), v6);
}

TEST(MappingTable, keeps_a_mapping_until_its_last_session_leaves) {
  MappingTable table{4, false, salt()};
  const auto id = *table.add(host, external, Protocol::udp, 0);
  table.join(id, r);
  table.join(id, other_r);
  EXPECT_FALSE(table.leave(id, r));
  EXPECT_TRUE(table.find_inside(host, Family::v4, Protocol::udp));
  EXPECT_TRUE(table.leave(id, other_r));
  EXPECT_FALSE(table.find_inside(host, Family::v4, Protocol::udp));
  EXPECT_FALSE(table.find_external(external, Protocol::udp));
  EXPECT_EQ(table.size(), 0U);
}

TEST(MappingTable, keeps_a_mapping_as_long_as_its_host_asks) {  // RFC 6887 section 15
  MappingTable table{4, false, salt()};
  const auto id = *table.add(host, external, Protocol::udp, 0);
  EXPECT_FALSE(table.hold(id, Hold::open));
  table.join(id, r);
  EXPECT_FALSE(table.leave(id, r));
  EXPECT_TRUE(table.live(id));
  EXPECT_FALSE(table.hold(id, Hold::resting));
  EXPECT_EQ(table.find_external(external, Protocol::udp), id);
  EXPECT_TRUE(table.hold(id, Hold::none));
  EXPECT_FALSE(table.find_external(external, Protocol::udp));
  EXPECT_EQ(table.size(), 0U);
}

TEST(MappingTable, keeps_a_mapping_that_is_asked_for_no_more_until_its_last_session_leaves) {
  MappingTable table{4, false, salt()};
  const auto id = *table.add(host, external, Protocol::udp, 0);
  EXPECT_FALSE(table.hold(id, Hold::open));
  table.join(id, r);
  EXPECT_FALSE(table.hold(id, Hold::none));
  EXPECT_TRUE(table.leave(id, r));
}

TEST(MappingTable, knows_whom_a_mapping_has_sessions_with) {  // address-dependent filtering
  MappingTable table{4, true, salt()};
  const auto id = *table.add(host, external, Protocol::udp, 0);
  table.join(id, r);
  table.join(id, r);
  table.join(id, other_r);
  EXPECT_TRUE(table.has_contacted(id, r) && table.has_contacted(id, other_r));
  table.leave(id, r);
  EXPECT_TRUE(table.has_contacted(id, r)) << "on another port";
  table.leave(id, r);
  EXPECT_FALSE(table.has_contacted(id, r));
  table.leave(id, other_r);
  const auto next = *table.add(host, external, Protocol::udp, 0);
  EXPECT_FALSE(table.has_contacted(next, other_r)) << "the number may be the same, the mapping is not";
}

TEST(MappingTable, is_bounded_and_gives_back_what_was_never_used) {
  MappingTable table{2, false, salt()};
  for (int round = 0; round < 20; ++round) {
    const auto a = table.add(host, external, Protocol::udp, 0),
               b = table.add(host, external, Protocol::tcp, 0);
    ASSERT_TRUE(a && b);
    EXPECT_FALSE(table.add(host, external6, Protocol::udp, 0));
    table.drop_unused(*a);
    table.join(*b, r);
    EXPECT_TRUE(table.leave(*b, r));
    EXPECT_EQ(table.size(), 0U);
  }
}

}  // namespace
}  // namespace rgw::nat
