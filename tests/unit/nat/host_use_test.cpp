// How much each host uses (RFC 6888 REQ-4): sessions, ports of its own, and ports that its sessions share.
#include "realmgw/nat/host_use.hpp"

#include "realmgw/base/random.hpp"

#include "support/packet_builder.hpp"
#include <gtest/gtest.h>

namespace rgw::nat {
namespace {

using Room = HostUse::Room;
using namespace std::chrono_literals;

const net::IpAddress a = test::address("10.0.0.42"), b = test::address("fd00:10::5");

constexpr Instant now{1000s};

class HostUseTest : public testing::Test {
 protected:
  Random random{1};
  HashSalt salt{random};
  HostUse use{{.sessions = 3, .ports = 2}, 2, 16, salt};
};

TEST_F(HostUseTest, bounds_sessions_and_hosts) {
  for (int i = 0; i < 3; ++i) EXPECT_EQ(use.begin_session(a, now), Room::yes);
  EXPECT_EQ(use.begin_session(a, now), Room::enough);
  EXPECT_EQ(use.begin_session(a, now, false), Room::yes) << "the gateway's own";
  EXPECT_EQ(use.begin_session(b, now), Room::yes);
  EXPECT_EQ(use.begin_session(test::address("10.0.0.43"), now), Room::full);
  use.end_session(b);
  EXPECT_EQ(use.hosts(), 1U);
  use.end_session(a);
  use.end_session(a);
  EXPECT_EQ(use.begin_session(a, now), Room::yes);
}

TEST_F(HostUseTest, counts_a_shared_port_once) {
  ASSERT_EQ(use.begin_session(a, now), Room::yes);
  use.begin_share(a, 0, 5000);
  use.begin_share(a, 0, 5000);
  EXPECT_EQ(use.ports(a), 1U);
  use.begin_share(a, 1, 5000);  // another address or protocol
  EXPECT_FALSE(use.may_have_port(a));
  EXPECT_TRUE(use.shares(a, 0, 5000));
  EXPECT_FALSE(use.shares(b, 0, 5000));
  use.end_share(a, 0, 5000);
  EXPECT_EQ(use.ports(a), 2U);
  use.end_share(a, 0, 5000);
  EXPECT_EQ(use.ports(a), 1U);
  EXPECT_FALSE(use.shares(a, 0, 5000));
}

TEST_F(HostUseTest, a_mappings_port_counts_beside_them) {
  ASSERT_EQ(use.begin_session(a, now), Room::yes);
  use.begin_port(a);
  use.begin_share(a, 0, 1);
  EXPECT_FALSE(use.may_have_port(a));
  EXPECT_TRUE(use.may_have_port(b));
  use.end_port(a);
  EXPECT_TRUE(use.may_have_port(a));
}

TEST_F(HostUseTest, a_port_without_a_session_counts_too) {  // RFC 6887
  use.begin_port(a);
  ASSERT_EQ(use.begin_session(a, now), Room::yes);
  use.end_session(a);
  EXPECT_EQ(use.ports(a), 1U);
  use.begin_port(a);
  EXPECT_FALSE(use.may_have_port(a));
  use.end_port(a);
  use.end_port(a);
  EXPECT_EQ(use.hosts(), 0U);
}

TEST_F(HostUseTest, without_a_limit_nothing_is_counted) {
  HostUse free{{.sessions = 9, .ports = 0}, 2, 16, salt};
  ASSERT_EQ(free.begin_session(a, now), Room::yes);
  for (std::uint16_t port = 1; port < 100; ++port) free.begin_share(a, 0, port);
  free.begin_port(a);
  EXPECT_TRUE(free.may_have_port(a));
  EXPECT_EQ(free.ports(a), 0U);
}

TEST_F(HostUseTest, bounds_the_rate_of_new_sessions_by_host) {  // RFC 6888 REQ-4c
  HostUse slow{{.sessions = 100, .ports = 0, .new_sessions = 4}, 2, 16, salt};
  for (int i = 0; i < 4; ++i) EXPECT_EQ(slow.begin_session(a, now), Room::yes) << "after a rest";
  EXPECT_EQ(slow.begin_session(a, now), Room::too_fast);
  EXPECT_EQ(slow.begin_session(a, now, false), Room::yes) << "the gateway's own";
  EXPECT_EQ(slow.begin_session(b, now), Room::yes) << "another host";
  EXPECT_EQ(slow.begin_session(a, now + 250ms), Room::yes);
  EXPECT_EQ(slow.begin_session(a, now + 250ms), Room::too_fast);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(slow.begin_session(a, now + 1250ms), Room::yes);
  EXPECT_EQ(slow.begin_session(a, now + 1250ms), Room::too_fast);
}

// OPS-2: what a host has already counts against the new limits, and is not taken from it.
TEST_F(HostUseTest, goes_by_other_limits_from_now_on) {
  for (int i = 0; i < 3; ++i) ASSERT_EQ(use.begin_session(a, now), Room::yes);
  use.begin_port(a);
  use.begin_port(a);
  use.limit({.sessions = 2, .ports = 1});
  EXPECT_EQ(use.begin_session(a, now), Room::enough);
  EXPECT_EQ(use.ports(a), 2U);
  use.end_port(a);
  EXPECT_FALSE(use.may_have_port(a)) << "it has as many as it may still";
  use.end_session(a);
  EXPECT_EQ(use.begin_session(a, now), Room::enough);
  use.end_session(a);
  EXPECT_EQ(use.begin_session(a, now), Room::yes);
  use.limit({.sessions = 4, .ports = 3});
  EXPECT_EQ(use.begin_session(a, now), Room::yes);
  EXPECT_TRUE(use.may_have_port(a));
}

TEST_F(HostUseTest, goes_by_another_rate_from_now_on) {
  HostUse fast{{.sessions = 1000, .ports = 0}, 2, 16, salt};
  const auto opened = [&](Instant when) {
    unsigned count = 0;
    while (count < 100 && fast.begin_session(a, when) == Room::yes) ++count;
    return count;
  };
  EXPECT_EQ(opened(now), 100U) << "without a limit";
  fast.limit({.sessions = 1000, .ports = 0, .new_sessions = 5});
  EXPECT_EQ(opened(now + 2s), 5U);
  fast.limit({.sessions = 1000, .ports = 0, .new_sessions = 10});
  EXPECT_EQ(opened(now + 10s), 10U);
  fast.limit({.sessions = 1000, .ports = 0});
  EXPECT_EQ(opened(now + 10s), 100U);
}

}  // namespace
}  // namespace rgw::nat
