// SYNs that wait for a simultaneous open (RFC 6146 section 3.5.2.2, RFC 5382 REQ-4): how long, how many, and
// what ends their wait.
#include "realmgw/nat/stored_syns.hpp"

#include "support/packet_builder.hpp"
#include <gtest/gtest.h>

namespace rgw::nat {
namespace {

using namespace std::chrono_literals;
using Kept = StoredSyns::Kept;

constexpr Instant now{1000s};

net::FlowKey4 flow(std::uint16_t remote_port) {
  return {test::address("198.51.100.1").v4(),
          test::address("203.0.113.10").v4(),
          {be16{5000}, be16{remote_port}, net::Protocol::tcp, net::Side::outside, net::Family::v4, 0}};
}

class StoredSynsTest : public testing::Test {
 protected:
  Kept keep(std::uint16_t port, Instant at = now) { return syns.keep(flow(port), PortId{1}, frame, at); }
  std::vector<StoredSyns::Syn> ended(Instant at, std::uint32_t limit = 64) {
    std::vector<StoredSyns::Syn> all;
    syns.expire(at, limit, [&](const StoredSyns::Syn& syn) { all.push_back(syn); });
    return all;
  }
  Random random{1};
  HashSalt salt{random};
  StoredSyns syns{4, 6s, salt};
  test::Bytes frame = test::Bytes(54, 0xab);
};

TEST_F(StoredSynsTest, wait_six_seconds_and_end_in_order) {
  EXPECT_EQ(keep(1), Kept::stored);
  EXPECT_EQ(keep(2, now + 1s), Kept::stored);
  EXPECT_TRUE(ended(now + 5999ms).empty());
  const auto first = ended(now + 6s);
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].length, 54);
  EXPECT_EQ(first[0].frame[53], 0xab);
  EXPECT_EQ(first[0].port, PortId{1});
  EXPECT_EQ(ended(now + 7s).size(), 1U);
  EXPECT_EQ(syns.size(), 0U);
}

TEST_F(StoredSynsTest, a_retransmission_moves_no_deadline) {
  EXPECT_EQ(keep(1), Kept::stored);
  EXPECT_EQ(keep(1, now + 3s), Kept::known);
  EXPECT_EQ(ended(now + 6s).size(), 1U);
  EXPECT_EQ(keep(1, now + 7s), Kept::stored) << "a new wait";
}

TEST_F(StoredSynsTest, a_syn_from_inside_ends_the_wait_without_a_word) {  // RFC 5382 REQ-4
  EXPECT_EQ(keep(1), Kept::stored);
  EXPECT_FALSE(syns.forget(flow(2)));
  EXPECT_TRUE(syns.forget(flow(1)));
  EXPECT_FALSE(syns.forget(flow(1)));
  EXPECT_TRUE(ended(now + 6s).empty());
  EXPECT_EQ(syns.size(), 0U);
}

TEST_F(StoredSynsTest, there_are_no_more_than_there_is_room_for) {
  for (std::uint16_t port = 1; port <= 4; ++port) EXPECT_EQ(keep(port), Kept::stored);
  EXPECT_EQ(keep(5), Kept::full);
  EXPECT_EQ(ended(now + 6s, 3).size(), 3U) << "a bounded number a call";
  EXPECT_EQ(keep(5, now + 6s), Kept::stored);
  EXPECT_EQ(ended(now + 12s).size(), 2U);
}

TEST_F(StoredSynsTest, only_what_an_error_quotes_is_kept) {
  frame.assign(1500, 1);
  EXPECT_EQ(keep(1), Kept::stored);
  EXPECT_EQ(ended(now + 6s).at(0).length, StoredSyns::frame_room);
}

}  // namespace
}  // namespace rgw::nat
