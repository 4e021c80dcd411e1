// A worker's pinholes: found by what arrives, for how long and how often (ALG-2 to ALG-4).
//
//   by the external endpoint and each of its ports; by the inside endpoint; by the remote of an inside
//   arrival from one remote alone; single use; the deadline; shut, erased, and the place given to another
#include "realmgw/nat/pinhole_table.hpp"

#include "realmgw/base/random.hpp"

#include <gtest/gtest.h>

namespace rgw::nat {
namespace {

using net::Protocol;
using net::Side;
using namespace std::chrono_literals;

net::Endpoint endpoint(const char* text) {
  return net::Endpoint::parse(text).value();
}
net::IpAddress address(const char* text) {
  return net::IpAddress::parse(text).value();
}

class PinholeTableTest : public testing::Test {
 protected:
  static Pinhole media(std::uint64_t id = 1) {
    return {id,
            endpoint("10.0.0.42:4000"),
            endpoint("198.51.100.1:50000"),
            {},
            at(60s),
            Protocol::udp,
            Side::outside,
            false,
            false,
            2,
            0};
  }
  static Instant at(Duration time) { return Instant{} + time; }
  std::string arrives(const char* external, const char* remote = "203.0.113.9") {
    const auto found = table.from_outside(endpoint(external), Protocol::udp, address(remote));
    return found ? found->other.to_string() : "nothing";
  }
  std::string leaves(const char* host, const char* remote = "203.0.113.9:9000",
                     Protocol protocol = Protocol::udp) {
    const auto found = table.from_inside(endpoint(host), endpoint(remote), protocol);
    return found ? found->other.to_string() : "nothing";
  }
  Random random{1};
  PinholeTable table{4, HashSalt{random}};
};

TEST_F(PinholeTableTest, is_found_by_each_of_its_ports_from_both_sides) {
  ASSERT_NE(table.add(media()), PinholeTable::none);
  EXPECT_EQ(arrives("198.51.100.1:50000"), "10.0.0.42:4000");
  EXPECT_EQ(arrives("198.51.100.1:50001"), "10.0.0.42:4001");
  EXPECT_EQ(arrives("198.51.100.1:50002"), "nothing");
  EXPECT_EQ(leaves("10.0.0.42:4001"), "198.51.100.1:50001");
  EXPECT_EQ(leaves("10.0.0.42:4001", "203.0.113.9:9000", Protocol::tcp), "nothing");
  EXPECT_EQ(leaves("10.0.0.42:4001", "[2001:db8::9]:9000"), "nothing") << "it leads to the other family";
}

TEST_F(PinholeTableTest, may_be_for_one_remote_alone) {
  Pinhole hole = media();
  hole.one_remote = true;
  hole.remote = endpoint("203.0.113.9:0");
  ASSERT_NE(table.add(hole), PinholeTable::none);
  EXPECT_EQ(arrives("198.51.100.1:50000"), "10.0.0.42:4000");
  EXPECT_EQ(arrives("198.51.100.1:50000", "203.0.113.10"), "nothing");
  EXPECT_EQ(leaves("10.0.0.42:4000", "203.0.113.10:9000"), "nothing");
}

TEST_F(PinholeTableTest, of_an_inside_arrival_is_found_by_the_remote_and_the_host) {
  Pinhole hole = media();
  hole.arrival = Side::inside;
  hole.inside = endpoint("10.0.0.42:0");
  hole.remote = endpoint("203.0.113.9:2000");
  ASSERT_NE(table.add(hole), PinholeTable::none);
  EXPECT_EQ(leaves("10.0.0.42:20", "203.0.113.9:2000"), "198.51.100.1:50000");
  EXPECT_EQ(leaves("10.0.0.43:20", "203.0.113.9:2000"), "nothing");
  EXPECT_EQ(arrives("198.51.100.1:50000"), "nothing");
}

TEST_F(PinholeTableTest, of_single_use_closes_with_its_first_session_and_is_over_with_its_end) {
  Pinhole hole = media();
  hole.single_use = true;
  const auto index = table.add(hole);
  EXPECT_TRUE(table.open(index, at(1s)));
  table.join(index);
  EXPECT_FALSE(table.open(index, at(1s)));
  EXPECT_FALSE(table.over(index, at(1s)));
  table.leave(index);
  EXPECT_TRUE(table.over(index, at(1s)));
}

TEST_F(PinholeTableTest, ends_at_its_deadline_unless_a_session_uses_it) {
  const auto index = table.add(media());
  EXPECT_TRUE(table.open(index, at(59s)));
  EXPECT_FALSE(table.open(index, at(60s)));
  table.extend(index, at(90s));
  table.join(index);
  EXPECT_FALSE(table.over(index, at(100s)));
  table.leave(index);
  EXPECT_TRUE(table.over(index, at(100s)));
  std::vector<PinholeTable::Index> over;
  for (int n = 0; n < 4; ++n)
    table.sweep(at(100s), [&](PinholeTable::Index one) {
      over.push_back(one);
      table.erase(one);
    });
  EXPECT_EQ(over, std::vector{index});
  EXPECT_EQ(table.size(), 0U);
}

TEST_F(PinholeTableTest, that_is_shut_is_not_found_and_leaves_its_keys_to_another) {
  const auto first = table.add(media(1));
  EXPECT_EQ(table.add(media(2)), PinholeTable::none) << "the endpoint is taken";
  table.shut(first);
  EXPECT_EQ(arrives("198.51.100.1:50000"), "nothing");
  EXPECT_EQ(table.find(1), PinholeTable::none);
  const auto second = table.add(media(2));
  EXPECT_NE(second, PinholeTable::none);
  EXPECT_NE(second, first) << "its place is taken until it is erased";
  table.erase(first);
  EXPECT_EQ(arrives("198.51.100.1:50000"), "10.0.0.42:4000");
}

// An endpoint that is announced once more belongs to the newer pinhole, also when the older one ends.
TEST_F(PinholeTableTest, that_is_newer_has_the_inside_endpoint) {
  const auto first = table.add(media(1));
  Pinhole newer = media(2);
  newer.external.port = 50010;
  ASSERT_NE(table.add(newer), PinholeTable::none);
  EXPECT_EQ(leaves("10.0.0.42:4000"), "198.51.100.1:50010");
  table.erase(first);
  EXPECT_EQ(leaves("10.0.0.42:4000"), "198.51.100.1:50010");
}

TEST_F(PinholeTableTest, is_refused_where_the_table_is_full) {
  for (std::uint16_t n = 0; n < 4; ++n) {
    Pinhole hole = media(n + 1U);
    hole.external.port = static_cast<std::uint16_t>(50000 + 2 * n);
    ASSERT_NE(table.add(hole), PinholeTable::none);
  }
  Pinhole hole = media(9);
  hole.external.port = 51000;
  EXPECT_EQ(table.add(hole), PinholeTable::none);
  EXPECT_EQ(table.find(9), PinholeTable::none);
}

}  // namespace
}  // namespace rgw::nat
