// The TAP of a port, in a network namespace of its own: what the kernel sees, and frames both ways (OUT-9).
// Where namespaces may not be made, as without root, these tests are skipped.
#include "realmgw/control/tap.hpp"

#include "realmgw/control/netlink.hpp"
#include "realmgw/control/socket_address.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <ifaddrs.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <sched.h>
#include <set>
#include <sstream>
#include <string>
#include <sys/mount.h>
#include <sys/socket.h>
#include <system_error>
#include <thread>

#include "unit/control/support.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rgw::control {
namespace {

using namespace test;

/// Runs `body` in a fresh network namespace; false where that is not allowed.
bool in_a_namespace(const std::function<void()>& body) {
  bool allowed = false;
  std::thread{[&] {
    allowed = unshare(CLONE_NEWNET) == 0;
    if (allowed) body();
  }}.join();
  return allowed;
}

std::set<std::string> addresses_of(const std::string& interface) {
  std::set<std::string> found;
  ifaddrs* first = nullptr;
  if (getifaddrs(&first) != 0) return found;
  for (const ifaddrs* one = first; one != nullptr; one = one->ifa_next) {
    if (interface != one->ifa_name || one->ifa_addr == nullptr) continue;
    sockaddr_storage storage{};
    const bool v4 = one->ifa_addr->sa_family == AF_INET;
    if (!v4 && one->ifa_addr->sa_family != AF_INET6) continue;
    std::memcpy(&storage, one->ifa_addr, v4 ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
    found.insert(to_endpoint(storage)->address.to_string());
  }
  freeifaddrs(first);
  return found;
}

std::string file(const std::string& path) {
  std::ifstream stream{path};
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

/// The first frame of an EtherType that the kernel sends, within a second's worth of attempts.
Frame frame_of(Tap& tap, std::uint16_t ethertype) {
  std::array<std::uint8_t, 2048> room;
  for (int i = 0; i < 1000; ++i) {
    const std::size_t size = tap.read(room);
    if (size >= 14 && (room[12] << 8 | room[13]) == ethertype)
      return {room.begin(), room.begin() + static_cast<std::ptrdiff_t>(size)};
    if (size == 0) std::this_thread::yield();
  }
  return {};
}

class TapTest : public testing::Test {
 protected:
  static void run(const std::function<void()>& body) {
    if (!in_a_namespace(body)) GTEST_SKIP() << "no network namespace can be made here";
  }
  std::shared_ptr<const ring::Snapshot> snapshot = test::snapshot();
};

TEST_F(TapTest, the_kernel_sees_the_ports_mac_mtu_and_addresses) {
  run([this] {
    Tap tap{snapshot->port(outside_port)};
    tap.change_routes(snapshot->realm.routes);
    const auto addresses = addresses_of("rgw-outside");
    EXPECT_TRUE(addresses.contains("198.51.100.1"));
    EXPECT_TRUE(addresses.contains("2001:db8:100::1"));
    ifaddrs* first = nullptr;
    ASSERT_EQ(getifaddrs(&first), 0);
    bool seen = false;
    for (const ifaddrs* one = first; one != nullptr; one = one->ifa_next) {
      if (std::string{"rgw-outside"} != one->ifa_name || one->ifa_addr->sa_family != AF_PACKET) continue;
      const auto* link = reinterpret_cast<const sockaddr_ll*>(one->ifa_addr);
      seen = std::equal(own_outside_mac.bytes.begin(), own_outside_mac.bytes.end(), link->sll_addr) &&
             (one->ifa_flags & IFF_UP) != 0;
    }
    freeifaddrs(first);
    EXPECT_TRUE(seen);
  });
}

TEST_F(TapTest, the_realms_routes_lead_through_the_port_on_whose_link_their_next_hop_is) {
  run([this] {
    Tap inside{snapshot->port(inside_port)};
    inside.change_routes(snapshot->realm.routes);
    const std::string none = file("/proc/thread-self/net/route");
    EXPECT_EQ(none.find("rgw-inside\t00000000\t"), std::string::npos) << "a default route: " << none;
    Tap outside{snapshot->port(outside_port)};
    outside.change_routes(snapshot->realm.routes);
    // Interface, destination, gateway (198.51.100.254), in the byte order of the machine.
    EXPECT_NE(file("/proc/thread-self/net/route").find("rgw-outside\t00000000\tFE6433C6\t"),
              std::string::npos)
        << file("/proc/thread-self/net/route");
  });
}

// OPS-2
TEST_F(TapTest, changed_routes_are_the_kernels_and_the_former_ones_are_gone) {
  run([this] {
    Tap tap{snapshot->port(outside_port)};
    const auto to = [](const char* prefix, const char* via) {
      return config::Route{*net::Prefix::parse(prefix), ip(via)};
    };
    const auto has = [](const char* destination, const char* gateway) {
      const std::string row = std::string{"rgw-outside\t"} + destination + "\t" + gateway + "\t";
      return file("/proc/thread-self/net/route").find(row) != std::string::npos;
    };
    // As the kernel writes 198.51.100.254, 198.51.100.253, 203.0.113.0 and 192.0.2.0.
    const char *first = "FE6433C6", *second = "FD6433C6", *net_a = "007100CB", *net_b = "000200C0";
    tap.change_routes({to("203.0.113.0/24", "198.51.100.254"), to("192.0.2.0/24", "198.51.100.254")});
    EXPECT_TRUE(has(net_a, first) && has(net_b, first));
    tap.change_routes({to("203.0.113.0/24", "198.51.100.253"), to("10.9.0.0/16", "10.0.0.42")});
    EXPECT_TRUE(has(net_a, second)) << file("/proc/thread-self/net/route");
    EXPECT_FALSE(has(net_a, first)) << "it leads elsewhere";
    EXPECT_FALSE(has(net_b, first)) << "it is gone";
    EXPECT_FALSE(has("0000090A", "2A00000A")) << "its next hop is on another link";
    tap.change_routes({to("203.0.113.0/24", "198.51.100.253")});
    EXPECT_TRUE(has(net_a, second));
    tap.change_routes({});
    EXPECT_FALSE(has(net_a, second));
    tap.change_routes(snapshot->realm.routes);
    EXPECT_TRUE(has("00000000", first));
  });
}

// OPS-2
TEST_F(TapTest, a_route_that_the_kernel_refuses_stops_no_other_and_none_stays_behind) {
  run([this] {
    Tap tap{snapshot->port(outside_port)};
    const auto to = [](const char* prefix, const char* via) {
      return config::Route{*net::Prefix::parse(prefix), ip(via)};
    };
    const auto has = [](const std::string& destination) {
      return file("/proc/thread-self/net/route").find("rgw-outside\t" + destination + "\t") !=
             std::string::npos;
    };
    const char *net_a = "007100CB", *net_b = "000200C0", *net_c = "0000090A";
    // A broadcast address is no next hop for the kernel.
    EXPECT_THROW(
        tap.change_routes({to("203.0.113.0/24", "198.51.100.254"), to("192.0.2.0/24", "198.51.100.255"),
                           to("10.9.0.0/16", "198.51.100.254")}),
        std::system_error);
    EXPECT_TRUE(has(net_a) && has(net_c)) << file("/proc/thread-self/net/route");
    EXPECT_FALSE(has(net_b));
    tap.change_routes({to("10.9.0.0/16", "198.51.100.254")});
    EXPECT_FALSE(has(net_a)) << "it was remembered, though another one was refused";
    EXPECT_EQ(std::system("ip route del 10.9.0.0/16 2>/dev/null"), 0);
    tap.change_routes({});  // what is gone already is gone
    EXPECT_FALSE(has(net_c));
  });
}

TEST_F(TapTest, ipv6_routes_change_likewise) {
  run([this] {
    Tap tap{snapshot->port(outside_port)};
    const auto route = [](const char* via) {
      return std::vector{config::Route{*net::Prefix::parse("2001:db8:9::/48"), ip(via)}};
    };
    // Destination, its length, source, its length, gateway.
    const auto has = [](const std::string& gateway) {
      const std::string to = "20010db80009" + std::string(20, '0') + " 30 ";
      const std::string row = to + std::string(32, '0') + " 00 " + gateway;
      return file("/proc/thread-self/net/ipv6_route").find(row) != std::string::npos;
    };
    const std::string first = "20010db80100000000000000000000fe", second = "20010db80100000000000000000000fd";
    tap.change_routes(route("2001:db8:100::fe"));
    EXPECT_TRUE(has(first)) << file("/proc/thread-self/net/ipv6_route");
    tap.change_routes(route("2001:db8:100::fd"));
    EXPECT_TRUE(has(second));
    EXPECT_FALSE(has(first));
    tap.change_routes({});
    EXPECT_FALSE(has(second));
  });
}

TEST_F(TapTest, frames_pass_both_ways) {
  run([this] {
    Tap tap{snapshot->port(inside_port)};
    const FileDescriptor socket = bound_socket(SOCK_DGRAM, endpoint("10.0.0.1:5000"));
    const auto to = to_socket_address(endpoint("10.0.0.42:6000"));
    ASSERT_EQ(sendto(socket.get(), "hello", 5, 0, to.get(), to.length), 5);
    const Frame question = frame_of(tap, 0x0806);
    ASSERT_GE(question.size(), 42U) << "the kernel asks who has 10.0.0.42";
    ASSERT_TRUE(tap.write(arp(2, peer_mac, "10.0.0.42", "10.0.0.1", own_inside_mac)));
    const Frame datagram = frame_of(tap, 0x0800);
    ASSERT_EQ(datagram.size(), 14U + 20 + 8 + 5);
    EXPECT_TRUE(std::equal(peer_mac.bytes.begin(), peer_mac.bytes.end(), datagram.begin()));
  });
}

TEST_F(TapTest, it_goes_away_with_its_owner) {
  run([this] {
    { const Tap tap{snapshot->port(inside_port)}; }
    EXPECT_EQ(if_nametoindex("rgw-inside"), 0U);
    const Tap again{snapshot->port(inside_port)};
    EXPECT_NE(if_nametoindex("rgw-inside"), 0U);
    EXPECT_THROW((Tap{snapshot->port(inside_port)}), std::system_error) << "the name is taken";
  });
}

TEST_F(TapTest, a_port_whose_name_is_too_long_for_an_interface_is_refused) {
  ring::PortFacts facts = snapshot->port(inside_port);
  facts.name = "a-name-beyond-measure";
  EXPECT_THROW((Tap{facts}), std::invalid_argument);
}

// What cannot be set is not silently left: a kernel that takes routes from router advertisements, say.
TEST_F(TapTest, a_setting_that_does_not_take_is_told_by_name) {
  run([this] {
    if (unshare(CLONE_NEWNS) != 0 || mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        mount("/proc/sys", "/proc/sys", nullptr, MS_BIND, nullptr) != 0 ||
        mount(nullptr, "/proc/sys", nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr) != 0)
      GTEST_SKIP() << "nothing can be mounted here";
    try {
      const Tap tap{snapshot->port(inside_port)};
      FAIL() << "it goes on";
    } catch (const std::runtime_error& error) {
      EXPECT_THAT(error.what(),
                  testing::ContainsRegex("^/proc/sys/net/ipv6/conf/rgw-inside/accept_ra is 1, and "
                                         "cannot be set to 0: .*ProtectKernelTunables="));
    }
  });
}

TEST(NetlinkTest, tells_what_becomes_of_an_interface) {
  const bool allowed = in_a_namespace([] {
    Netlink kernel;
    const unsigned loopback = if_nametoindex("lo");
    ASSERT_TRUE(kernel.link(loopback));
    EXPECT_FALSE(kernel.link(loopback)->carrier) << "nobody has set it up";
    kernel.configure_link(loopback, {}, 65'000);
    EXPECT_TRUE(kernel.link(loopback)->carrier);
    EXPECT_FALSE(kernel.link(loopback)->has_xdp_program);
    EXPECT_FALSE(kernel.link(loopback + 100)) << "there is none of this number";
    EXPECT_TRUE(kernel.link(loopback)) << "and the conversation goes on";
  });
  if (!allowed) GTEST_SKIP() << "no network namespaces here";
}

}  // namespace
}  // namespace rgw::control
