// Which hosts have live sessions where: POOL-14.
#include "realmgw/pool/live_services.hpp"

#include "realmgw/base/random.hpp"

#include <algorithm>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

namespace rgw::pool {
namespace {

using net::Protocol;
using net::Service;

constexpr HostId hosta{1}, hostb{2}, hostc{3};
constexpr Service ssh{Protocol::tcp, 22}, any_tcp{Protocol::tcp, 0}, whole{}, icmp{Protocol::icmp, 0};

class LiveServicesTest : public testing::Test {
 protected:
  [[nodiscard]] bool others(AddressSlot address, const Service& service, HostId host) const {
    return (live.of_others(address / 64, service, host) >> address % 64 & 1) != 0;
  }
  Random random{1};
  LiveServices live{1024, HashSalt{random}};
};

TEST_F(LiveServicesTest, a_session_is_in_the_way_of_all_that_covers_it_and_of_nothing_else) {
  live.began(70, ssh, hosta);
  for (const auto& service : {ssh, any_tcp, whole}) {
    EXPECT_TRUE(others(70, service, hostb));
    EXPECT_FALSE(others(70, service, hosta)) << "its own";
    EXPECT_FALSE(others(71, service, hostb));
  }
  EXPECT_FALSE(others(70, {Protocol::tcp, 23}, hostb));
  EXPECT_FALSE(others(70, {Protocol::udp, 22}, hostb));
  EXPECT_FALSE(others(70, {Protocol::udp, 0}, hostb));
  live.ended(70, ssh, hosta);
  EXPECT_TRUE(live.empty());
  EXPECT_FALSE(others(70, whole, hostb));
}

TEST_F(LiveServicesTest, icmp_has_no_ports) {
  live.began(0, icmp, hosta);
  EXPECT_TRUE(others(0, icmp, hostb));
  EXPECT_TRUE(others(0, whole, hostb));
  live.ended(0, icmp, hosta);
  EXPECT_TRUE(live.empty());
}

TEST_F(LiveServicesTest, of_two_hosts_each_is_another_to_the_other) {
  live.began(0, ssh, hosta);
  live.began(0, ssh, hosta);
  live.began(0, ssh, hostb);
  EXPECT_TRUE(others(0, ssh, hosta));
  EXPECT_TRUE(others(0, ssh, hostb));
  EXPECT_TRUE(others(0, ssh, hostc));
  live.ended(0, ssh, hostb);
  EXPECT_FALSE(others(0, ssh, hosta));
  live.ended(0, ssh, hosta);
  EXPECT_TRUE(others(0, ssh, hostc)) << "one session is left";
  live.ended(0, ssh, hosta);
  EXPECT_FALSE(others(0, ssh, hostc));
}

TEST_F(LiveServicesTest, what_there_is_no_room_for_is_not_seen_and_ends_without_harm) {
  for (std::uint32_t host = 0; host < 5000; ++host) live.began(host % 128, ssh, HostId{host});
  EXPECT_TRUE(others(0, ssh, HostId{9999}));
  for (std::uint32_t host = 0; host < 5000; ++host) live.ended(host % 128, ssh, HostId{host});
  EXPECT_TRUE(live.empty());
}

TEST_F(LiveServicesTest, it_says_what_a_list_of_sessions_says) {
  std::vector<std::tuple<AddressSlot, Service, HostId>> sessions;
  for (int step = 0; step < 20000; ++step) {
    if (random.below(100) < 50 && sessions.size() < 100) {
      const Service service{random.below(2) == 0 ? Protocol::tcp : Protocol::udp,
                            static_cast<std::uint16_t>(1 + random.below(3))};
      sessions.emplace_back(random.below(3) * 40, random.below(5) == 0 ? icmp : service,
                            HostId{random.below(3)});
      const auto& [address, used, host] = sessions.back();
      live.began(address, used, host);
    } else if (!sessions.empty()) {
      std::swap(sessions[random.below(static_cast<std::uint32_t>(sessions.size()))], sessions.back());
      const auto& [address, used, host] = sessions.back();
      live.ended(address, used, host);
      sessions.pop_back();
    }
    const AddressSlot at = random.below(3) * 40;
    for (const auto& service : {Service{Protocol::tcp, 1}, any_tcp, whole, icmp}) {
      for (const auto host : {HostId{0}, HostId{1}, HostId{7}}) {
        const bool expected = std::ranges::any_of(sessions, [&](const auto& session) {
          return std::get<0>(session) == at && service.covers(std::get<1>(session)) &&
                 std::get<2>(session) != host;
        });
        ASSERT_EQ(others(at, service, host), expected) << "step " << step;
      }
    }
  }
}

}  // namespace
}  // namespace rgw::pool
