// The realm file as the daemon reads it (OPS-1): by the rules of all that serves it, and with what the
// machine holds.
#include "realmgw/app/realm_file.hpp"

#include "realmgw/nat/session_table.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <unistd.h>

#include <gtest/gtest.h>

namespace rgw::app {
namespace {

constexpr std::uint64_t gib = std::uint64_t{1} << 30;

TEST(DefaultSessions, fit_into_a_sixteenth_of_the_memory_and_have_bounds) {
  EXPECT_EQ(default_sessions(0), 65'536U);
  EXPECT_EQ(default_sessions(gib / 4), 65'536U);
  EXPECT_EQ(default_sessions(gib), 131'072U);
  EXPECT_EQ(default_sessions(4 * gib), 524'288U);
  EXPECT_EQ(default_sessions(8 * gib), 1'048'576U);
  EXPECT_EQ(default_sessions(1024 * gib), 1'048'576U);
  for (std::uint64_t memory = gib; memory <= 16 * gib; memory += gib / 3)
    EXPECT_LE(default_sessions(memory) * bytes_a_session, memory / 16) << memory;
}

TEST(DefaultSessions, reckon_with_no_less_than_a_session_takes) {
  Random random{1};
  constexpr std::uint32_t sessions = 65'536;
  const nat::SessionTable table{sessions, HashSalt{random}, Instant{}};
  EXPECT_LE(table.bytes() / sessions, bytes_a_session);
  EXPECT_GE(table.bytes() / sessions, bytes_a_session / 3) << "the reference would ask for too much";
}

TEST(UsableMemory, is_known_here) {
  EXPECT_GT(usable_memory(), std::uint64_t{64} << 20);
}

TEST(UsableMemory, is_no_more_than_any_control_group_above_has) {
  const auto mount = std::filesystem::temp_directory_path() / ("rgw-groups-" + std::to_string(::getpid()));
  const auto unit = mount / "system.slice" / "realmgw.service";
  std::filesystem::create_directories(unit);
  const auto limit = [&] { return group_memory(mount, "/system.slice/realmgw.service"); };
  EXPECT_EQ(limit(), 0U) << "no file: the controller is off";
  std::ofstream{unit / "memory.max"} << "max\n";
  EXPECT_EQ(limit(), 0U);
  std::ofstream{unit / "memory.max"} << "1073741824\n";
  EXPECT_EQ(limit(), gib);
  std::ofstream{unit.parent_path() / "memory.max"} << "536870912\n";
  EXPECT_EQ(limit(), gib / 2) << "a slice holds all its units";
  std::ofstream{mount / "memory.max"} << "268435456\n";
  EXPECT_EQ(limit(), gib / 4) << "the root of a container";
  EXPECT_EQ(group_memory(mount, "/"), gib / 4);
  std::filesystem::remove_all(mount);
}

TEST(LoadRealm, asks_all_that_will_serve_it) {
  const auto file =
      std::filesystem::temp_directory_path() / ("realmgw-load-" + std::to_string(::getpid()) + ".yaml");
  std::ofstream{file} << "realm: foo.example\n"
                         "ports:\n"
                         "  inside: { device: net_null0, addresses: 10.0.0.1/24 }\n"
                         "  outside: { device: net_null1, addresses: 198.51.100.1/24 }\n"
                         "zones: { foo.example: { records: { name: '*', type: A, data: 192.0.2.1 } } }\n";
  const auto loaded = load_realm(file);
  std::filesystem::remove(file);
  EXPECT_FALSE(loaded.realm);
  EXPECT_NE(loaded.to_string().find(":5:34: zones.foo.example.records: wildcards are not served"),
            std::string::npos)
      << loaded.to_string();
}

}  // namespace
}  // namespace rgw::app
