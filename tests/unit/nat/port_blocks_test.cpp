// Blocks of ports that hosts have for themselves (outbound.port_blocks; RFC 6888 REQ-14):
// - a host's ports come from its blocks, nobody else's do; a block has whole pairs that one worker owns
// - a host has no more than it may, and fills those that it has first; each is told of once at both its ends
// - a block stays while a session or a mapping is on it, and for `hold` after the last; then another may have
// it
// - ports below 1024, those that others hold and those out of range are in no block that is given for them
// - a long random life: the tellings alone say whose each port is
#include "realmgw/nat/port_blocks.hpp"

#include "realmgw/nat/external_ports.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

#include "support/packet_builder.hpp"
#include <gtest/gtest.h>

namespace rgw::nat {
namespace {

using namespace std::chrono_literals;
using net::Protocol;
using test::address;

constexpr PortBlocks::Place place = 0;

struct World {
  explicit World(unsigned workers = 1, Policy::PortBlocks rules = {64, 4, 1min}, net::PortRange range = {})
      : law{workers, salt},
        ports{law.own_ports(external, WorkerId{}), PortSet::Kind::ports, range},
        blocks{rules, static_cast<std::uint16_t>(workers), 1024, salt} {
    blocks.hear([this](const PortBlock& block, bool began) {
      EXPECT_EQ(block.workers, law.workers());
      for (unsigned port = block.first; port <= block.last; ++port) {
        if ((port / 2 - block.first / 2) % block.workers != 0) continue;
        if (began) {
          EXPECT_TRUE(whose.emplace(port, block.host.to_string()).second) << port << " is another's";
        } else {
          EXPECT_EQ(whose[port], block.host.to_string());
          whose.erase(port);
        }
      }
      ++(began ? begun : ended);
    });
  }

  /// A port for a session of a host, which counts from now on.
  std::optional<std::uint16_t> open(const std::string& host, std::uint16_t preferred,
                                    bool towards_any = true) {
    const auto taken = [&](std::uint16_t) { return towards_any; };
    const auto within = [&](const PortSet::Stretch& stretch) {
      return ports.lease_shared(stretch, preferred, random, taken);
    };
    auto lease = blocks.lease_or_give(address(host), external, place, ports, random, now, within);
    if (!lease) return std::nullopt;
    const std::uint16_t port = lease->keep();
    blocks.use(place, ports.own().index(port));
    return port;
  }
  void close(std::uint16_t port) {
    ports.unuse(port);
    blocks.unuse(place, ports.own().index(port));
  }
  void pass(Duration time) {
    now += time;
    blocks.expire(now);
  }

  net::IpAddress external = address("198.51.100.1");
  Random random{7};
  HashSalt salt{random};
  Ownership law;
  PortSet ports;
  PortBlocks blocks;
  Instant now{1000s};
  std::map<unsigned, std::string> whose;  ///< by what was told
  unsigned begun = 0, ended = 0;
};

TEST(PortBlocks, a_hosts_ports_are_its_own_whatever_the_number_of_workers) {
  for (const unsigned workers : {1U, 2U, 3U, 4U}) {
    World world{workers};
    for (unsigned i = 0; i < 400; ++i) {
      const std::string host = "10.0.0." + std::to_string(1 + i % 20);
      const auto port = world.open(host, static_cast<std::uint16_t>(1024 + i));
      ASSERT_TRUE(port);
      EXPECT_EQ(world.whose.at(*port), host);
      EXPECT_EQ(world.law.owner_out(world.external, *port), WorkerId{}) << "the law of ownership";
      EXPECT_GE(*port, 1024);
      EXPECT_EQ(*port % 2, i % 2) << "RFC 4787 section 4.2.2";
    }
    EXPECT_EQ(world.begun, 20U) << "each host has one block: the ports are shared towards other remotes";
    EXPECT_EQ(world.whose.size(), 20U * 64);
  }
}

TEST(PortBlocks, a_host_fills_its_block_before_it_gets_another_and_has_no_more_than_it_may) {  // REQ-4
  World world{1, {16, 2, 1min}};
  std::vector<std::uint16_t> ports;
  const auto open = [&] {  // exclusive: as mappings
    const auto within = [&](const PortSet::Stretch& stretch) {
      return world.ports.lease_exclusive(stretch, 5000, world.random);
    };
    auto lease = world.blocks.lease_or_give(address("10.0.0.1"), world.external, place, world.ports,
                                            world.random, world.now, within);
    if (!lease) return false;
    ports.push_back(lease->keep());
    world.blocks.use(place, world.ports.own().index(ports.back()));
    return true;
  };
  for (unsigned i = 0; i < 16; ++i) ASSERT_TRUE(open());
  EXPECT_EQ(world.begun, 1U);
  for (unsigned i = 0; i < 16; ++i) ASSERT_TRUE(open());
  EXPECT_EQ(world.begun, 2U);
  EXPECT_FALSE(open()) << "per_host";
  EXPECT_EQ(std::set<unsigned>(ports.begin(), ports.end()).size(), 32U);
}

TEST(PortBlocks, a_block_stays_while_it_is_used_and_for_hold_after_that) {
  World world;
  const auto first = world.open("10.0.0.1", 5000), second = world.open("10.0.0.1", 5001);
  ASSERT_TRUE(first && second);
  world.close(*first);
  world.pass(10min);
  EXPECT_EQ(world.ended, 0U) << "a session is there";
  world.close(*second);
  world.pass(59s);
  const auto third = world.open("10.0.0.1", 5000);
  world.pass(10min);
  EXPECT_EQ(world.ended, 0U) << "it was used again in time";
  ASSERT_TRUE(third);
  world.close(*third);
  world.pass(61s);
  EXPECT_EQ(world.ended, 1U);
  EXPECT_EQ(world.blocks.size(), 0U);
  EXPECT_TRUE(world.whose.empty());
}

TEST(PortBlocks, a_port_that_is_held_stays_with_its_holder) {
  World world{1, {16, 4096, 1min}};
  for (unsigned port = 1024; port < 65536; ++port) {
    if (port % 16 != 3) {
      ASSERT_TRUE(world.ports.hold(static_cast<std::uint16_t>(port)));
    }
  }
  for (unsigned i = 0; i < 200; ++i) {
    const auto port = world.open("10.0.0.1", 5001);
    ASSERT_TRUE(port);
    EXPECT_EQ(*port % 16, 3);
  }
}

TEST(PortBlocks, of_an_address_with_few_ports_blocks_are_within_them) {
  World world{1, {64, 4096, 1min}, {4096, 4223}};
  EXPECT_TRUE(world.open("10.0.0.1", 5000));
  EXPECT_TRUE(world.open("10.0.0.2", 5000));
  EXPECT_FALSE(world.open("10.0.0.3", 5000)) << "two blocks are all";
  for (const auto& [port, host] : world.whose) EXPECT_TRUE(port >= 4096 && port <= 4223) << port;
}

TEST(PortBlocks, what_a_host_had_elsewhere_is_its_own_again_or_another_has_it) {
  World world;
  ASSERT_TRUE(world.blocks.claim(address("10.0.0.1"), world.external, place, world.ports, 5000, world.now));
  EXPECT_EQ(world.whose.at(5000), "10.0.0.1");
  EXPECT_TRUE(world.blocks.claim(address("10.0.0.1"), world.external, place, world.ports, 5001, world.now));
  EXPECT_FALSE(world.blocks.claim(address("10.0.0.2"), world.external, place, world.ports, 5002, world.now));
  EXPECT_FALSE(world.blocks.claim(address("10.0.0.2"), world.external, place, world.ports, 80, world.now));
}

TEST(PortBlocks, blocks_are_given_in_no_order) {  // RFC 6888 REQ-15, RFC 6056
  World world;
  std::vector<unsigned> firsts;
  for (unsigned i = 0; i < 64; ++i) {
    const auto port = world.open("10.0.1." + std::to_string(i), 5000);
    ASSERT_TRUE(port);
    firsts.push_back(*port / 64);
  }
  unsigned in_a_row = 0;
  for (std::size_t i = 1; i < firsts.size(); ++i) in_a_row += firsts[i] == firsts[i - 1] + 1 ? 1 : 0;
  EXPECT_LE(in_a_row, 6U) << "a stranger could guess whose the next one is";
}

TEST(PortBlocks, by_what_is_told_each_port_in_use_is_its_hosts_through_a_long_random_life) {
  World world{3, {32, 3, 5s}};
  std::vector<std::pair<std::uint16_t, std::string>> open;
  unsigned refused = 0;
  for (unsigned i = 0; i < 40'000; ++i) {
    if (world.random.below(100) < 52) {
      const std::string host =
          "10.0." + std::to_string(world.random.below(3)) + "." + std::to_string(world.random.below(200));
      const auto port = world.open(host, static_cast<std::uint16_t>(world.random.below(65536)));
      if (!port) {
        ++refused;
        continue;
      }
      open.emplace_back(*port, host);
    } else if (!open.empty()) {
      const auto at = world.random.below(static_cast<std::uint32_t>(open.size()));
      world.close(open[at].first);
      open[at] = open.back();
      open.pop_back();
    }
    world.pass(std::chrono::milliseconds{world.random.below(20)});
    if (i % 500 != 0) continue;
    for (const auto& [port, host] : open) ASSERT_EQ(world.whose.at(port), host);
  }
  EXPECT_GT(world.ended, 100U);
  for (const auto& [port, host] : open) world.close(port);
  world.pass(6s);
  EXPECT_EQ(world.begun, world.ended);
  EXPECT_TRUE(world.whose.empty());
}

}  // namespace
}  // namespace rgw::nat
