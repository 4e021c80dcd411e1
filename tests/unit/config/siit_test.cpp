// The section `siit` (SIIT-1, OPS-1):
// - prefix, maps and the address for errors are read
// - a file of maps, a line each: a million of them, and what is wrong by file and line
// - alone it makes a plain stateless translator, for which one port is enough
// - what contradicts RFC 6052 or RFC 7757 is refused with its place
#include "realmgw/config/loader.hpp"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <unistd.h>

#include <gmock/gmock.h>

namespace rgw::config {
namespace {

constexpr const char* head =
    "realm: foo\n"
    "ports:\n"
    "  inside:  { device: \"net_ring0\", addresses: [\"2001:db8:42::77/64\"] }\n"
    "  outside: { device: \"net_ring1\", addresses: [10.0.0.77/24] }\n";

TEST(SiitSection, reads_prefix_maps_and_source) {
  const auto loaded = load_text(std::string{head} +
                                    "siit:\n"
                                    "  prefix: \"2001:db8:23::/96\"\n"
                                    "  maps:\n"
                                    "    - { ipv4: 10.0.1.42, ipv6: \"2001:db8:42::42\" }\n"
                                    "    - { ipv4: 10.0.2.0/24, ipv6: \"2001:db8:42:2::/64\" }\n"
                                    "  icmp_source: 192.0.2.1\n",
                                "siit.yaml");
  ASSERT_TRUE(loaded.realm) << loaded.to_string();
  const Siit& siit = loaded.realm->siit;
  EXPECT_EQ(siit.prefix, net::Prefix::parse("2001:db8:23::/96"));
  ASSERT_EQ(siit.maps.size(), 2U);
  EXPECT_EQ(siit.maps[0].ipv4, *net::Prefix::parse("10.0.1.42"));
  EXPECT_EQ(siit.maps[1].ipv6, *net::Prefix::parse("2001:db8:42:2::/64"));
  EXPECT_EQ(siit.icmp_source, std::vector{*net::Prefix::parse("192.0.2.1")});
  EXPECT_EQ(siit.hairpin, Siit::Hairpin::intrinsic);
  EXPECT_TRUE(siit.alone);
}

TEST(SiitSection, refuses_what_the_rfcs_forbid) {  // RFC 6052 section 2.2, RFC 7757 section 3.2
  const auto loaded = load_text(std::string{head} +
                                    "siit:\n"
                                    "  prefix: \"2001:db8:23::/80\"\n"
                                    "  maps:\n"
                                    "    - { ipv4: 10.0.0.0/8, ipv6: \"2001:db8:42::/120\" }\n"
                                    "    - { ipv4: \"2001:db8::1\", ipv6: \"2001:db8::2\" }\n",
                                "siit.yaml");
  EXPECT_FALSE(loaded.realm);
  const std::string said = loaded.to_string();
  EXPECT_NE(said.find("siit.yaml:6:"), std::string::npos) << said;
  EXPECT_NE(said.find("siit.yaml:8:"), std::string::npos) << said;
  EXPECT_NE(said.find("fewer suffix bits"), std::string::npos) << said;
  EXPECT_NE(said.find("siit.yaml:9:"), std::string::npos) << said;
}

// RFC 7757 section 5: the longest prefix decides, both ways; the same one twice cannot be told apart.
TEST(SiitSection, maps_an_address_once_and_a_part_of_a_prefix_too) {
  const auto with = [](const std::string& maps) {
    return load_text(std::string{head} + "siit:\n  maps:\n" + maps, "siit.yaml").to_string();
  };
  EXPECT_EQ(with("    - { ipv4: 10.0.2.0/24, ipv6: \"2001:db8:2::/120\" }\n"
                 "    - { ipv4: 10.0.2.9, ipv6: \"2001:db8:9::9\" }\n"
                 "    - { ipv4: 10.0.3.9, ipv6: \"2001:db8:2::9\" }\n")
                .find("twice"),
            std::string::npos);
  EXPECT_THAT(with("    - { ipv4: 10.0.2.1, ipv6: \"2001:db8:2::1\" }\n"
                   "    - { ipv4: 10.0.2.1, ipv6: \"2001:db8:2::2\" }\n"
                   "    - { ipv4: 10.0.2.3, ipv6: \"2001:db8:2::1\" }\n"
                   "    - { ipv4: 10.0.2.1/32, ipv6: \"2001:db8:2::1/128\" }\n"),
              testing::AllOf(
                  testing::HasSubstr("siit.yaml:8:7: siit.maps[1]: 10.0.2.1/32 is mapped twice (first in "
                                     "siit.maps[0])"),
                  testing::HasSubstr("siit.yaml:9:7: siit.maps[2]: 2001:db8:2::1/128 is mapped twice (first "
                                     "in siit.maps[0])"),
                  testing::HasSubstr("siit.yaml:10:7: siit.maps[3]: 10.0.2.1/32 is mapped twice"),
                  testing::HasSubstr("siit.yaml:10:7: siit.maps[3]: 2001:db8:2::1/128 is mapped twice")));
  EXPECT_THAT(with("    - { ipv4: 10.0.2.0/24, ipv6: \"2001:db8:2::/120\" }\n"
                   "    - { ipv4: 10.0.2.0/24, ipv6: \"2001:db8:3::/120\" }\n"),
              testing::HasSubstr("10.0.2.0/24 is mapped twice"));
}

TEST(SiitSection, cuts_to_no_less_than_ipv6_carries) {  // RFC 8200 section 5, RFC 7915 section 4
  for (const std::string mtu : {"1279", "9217", "0"}) {
    const auto loaded =
        load_text(std::string{head} + "siit: { lowest_ipv6_mtu: " + mtu + " }\n", "siit.yaml");
    EXPECT_FALSE(loaded.realm);
    const std::string said = loaded.to_string();
    EXPECT_NE(said.find("siit.lowest_ipv6_mtu: \"" + mtu + "\" is not a number from 1280 to 9216"),
              std::string::npos)
        << said;
  }
  const auto loaded = load_text(std::string{head} + "siit: { prefix: \"2001:db8:23::/96\" }\n", "siit.yaml");
  ASSERT_TRUE(loaded.realm) << loaded.to_string();
  EXPECT_EQ(loaded.realm->siit.lowest_ipv6_mtu, 1280);
}

TEST(SiitSection,
     reads_a_pool_for_errors_and_the_choices) {  // RFC 6791, RFC 7757 section 4, RFC 7915 section 4.1
  const auto loaded = load_text(std::string{head} +
                                    "siit:\n"
                                    "  prefix: \"2001:db8:23::/96\"\n"
                                    "  icmp_source: [192.0.2.1, 192.0.2.16/28]\n"
                                    "  hairpin: simple\n"
                                    "  traffic_class: ignore\n"
                                    "  lowest_ipv6_mtu: 1400\n"
                                    "  untranslatable: drop\n"
                                    "  destinations: [0.0.0.0/0, 192.0.2.1]\n"
                                    "outbound: { max_sessions: 1024 }\n",
                                "siit.yaml");
  ASSERT_TRUE(loaded.realm) << loaded.to_string();
  const Siit& siit = loaded.realm->siit;
  EXPECT_EQ(siit.icmp_source.size(), 2U);
  EXPECT_EQ(siit.hairpin, Siit::Hairpin::simple);
  EXPECT_EQ(siit.traffic_class, Siit::TrafficClass::ignore);
  EXPECT_EQ(siit.lowest_ipv6_mtu, 1400);
  EXPECT_EQ(siit.untranslatable, Siit::Untranslatable::drop);
  EXPECT_EQ(siit.destinations,
            (std::vector{*net::Prefix::parse("0.0.0.0/0"), *net::Prefix::parse("192.0.2.1")}));
  EXPECT_FALSE(siit.alone) << "NAT was asked for";
}

TEST(SiitSection, destinations_need_a_prefix_that_stands_for_them) {  // RFC 6877
  const auto loaded = load_text(std::string{head} + "siit: { destinations: 0.0.0.0/0 }\n", "siit.yaml");
  EXPECT_FALSE(loaded.realm);
  EXPECT_NE(loaded.to_string().find("siit.destinations: needs a siit.prefix"), std::string::npos)
      << loaded.to_string();
  const auto v6 = load_text(
      std::string{head} + "siit: { prefix: \"2001:db8:23::/96\", destinations: \"::/0\" }\n", "siit.yaml");
  EXPECT_NE(v6.to_string().find("is not an IPv4 address or prefix"), std::string::npos) << v6.to_string();
  const auto plain = load_text(std::string{head} + "siit: { prefix: \"2001:db8:23::/96\" }\n", "siit.yaml");
  ASSERT_TRUE(plain.realm) << plain.to_string();
  EXPECT_EQ(plain.realm->siit.untranslatable, Siit::Untranslatable::reject);
}

TEST(SiitSection, alone_it_needs_one_port_and_takes_no_external_address) {  // SIIT-2
  const auto loaded = load_text(
      "realm: foo\n"
      "ports:\n"
      "  inside: { device: \"net_ring0\", addresses: [\"2001:db8:42::77/64\", 10.0.0.77/24] }\n"
      "siit: { prefix: \"2001:db8:23::/96\" }\n",
      "siit.yaml");
  ASSERT_TRUE(loaded.realm) << loaded.to_string();
  EXPECT_TRUE(loaded.realm->outbound.addresses.empty());
  const auto both = load_text(
      "realm: foo\n"
      "ports:\n"
      "  inside: { device: \"net_ring0\", addresses: [\"2001:db8:42::77/64\", 10.0.0.77/24] }\n"
      "siit: { prefix: \"2001:db8:23::/96\" }\n"
      "outbound: {}\n",
      "siit.yaml");
  EXPECT_NE(both.to_string().find("there is no outside port"), std::string::npos) << both.to_string();
}

// A realm file with a maps file beside it, in a directory that goes with the test.
class MapsFile : public testing::Test {
 protected:
  MapsFile() { std::filesystem::create_directory(directory); }
  ~MapsFile() override { std::filesystem::remove_all(directory); }
  LoadResult load(std::string_view maps) {
    std::ofstream{directory / "realm.yaml"} << head << "siit: { maps_file: maps.txt }\n";
    std::ofstream{directory / "maps.txt"} << maps;
    return load_file(directory / "realm.yaml");
  }
  const std::filesystem::path directory =
      std::filesystem::temp_directory_path() / ("realmgw-maps-" + std::to_string(::getpid()));
};

TEST_F(MapsFile, holds_a_map_a_line) {  // SIIT-1
  const auto loaded = load(
      "# comment\n"
      "10.0.1.42 2001:db8:42::42\n"
      "\n"
      "10.0.2.0/24,2001:db8:42:2::/64  # a network\r\n"
      "10.0.3.1\t2001:db8:42::3");
  ASSERT_TRUE(loaded.realm) << loaded.to_string();
  const auto& maps = loaded.realm->siit.maps;
  ASSERT_EQ(maps.size(), 3U);
  EXPECT_EQ(maps[1].ipv4, *net::Prefix::parse("10.0.2.0/24"));
  EXPECT_EQ(maps[1].ipv6, *net::Prefix::parse("2001:db8:42:2::/64"));
  EXPECT_EQ(maps[2].ipv6, *net::Prefix::parse("2001:db8:42::3"));
}

TEST_F(MapsFile, names_each_bad_line) {  // OPS-1
  const auto loaded = load(
      "10.0.1.42 2001:db8:42::42\n"
      "10.0.1.300 2001:db8:42::43\n"
      "10.0.1.44\n"
      "10.0.0.0/8 2001:db8:42::/120\n"
      "10.0.1.45 2001:db8:42::45 more\n");
  EXPECT_FALSE(loaded.realm);
  const std::string said = loaded.to_string();
  for (const char* part :
       {"maps.txt:2:1: siit.maps_file: \"10.0.1.300\" is not an IPv4", "maps.txt:3:1:",
        "maps.txt:4:1: siit.maps_file: 2001:db8:42::/120 has fewer suffix bits", "maps.txt:5:1:"}) {
    EXPECT_NE(said.find(part), std::string::npos) << part << "\n" << said;
  }
}

TEST_F(MapsFile, maps_an_address_once_and_not_what_the_realm_file_maps) {
  std::ofstream{directory / "realm.yaml"} << head
                                          << "siit:\n  maps_file: maps.txt\n"
                                             "  maps: { ipv4: 10.0.1.1, ipv6: \"2001:db8:42::1\" }\n";
  std::ofstream{directory / "maps.txt"}
      << "10.0.1.2 2001:db8:42::2\n\n10.0.1.1 2001:db8:42::3\n10.0.1.4 2001:db8:42::2\n";
  const std::string said = load_file(directory / "realm.yaml").to_string();
  EXPECT_THAT(said, testing::HasSubstr(
                        "maps.txt:3:1: siit.maps_file: 10.0.1.1/32 is mapped twice (first in siit.maps)"));
  EXPECT_THAT(said, testing::HasSubstr(
                        "maps.txt:4:1: siit.maps_file: 2001:db8:42::2/128 is mapped twice (first in "));
  EXPECT_THAT(said, testing::HasSubstr("maps.txt:1)"));
}

TEST_F(MapsFile, that_is_not_there_is_named) {
  const auto loaded = load_text(std::string{head} + "siit: { maps_file: nowhere.txt }\n",
                                (directory / "realm.yaml").string());
  EXPECT_FALSE(loaded.realm);
  EXPECT_NE(loaded.to_string().find("nowhere.txt cannot be opened"), std::string::npos) << loaded.to_string();
  const auto folder =
      load_text(std::string{head} + "siit: { maps_file: . }\n", (directory / "realm.yaml").string());
  EXPECT_NE(folder.to_string().find("is no regular file"), std::string::npos) << folder.to_string();
}

TEST_F(MapsFile, of_a_million_lines_is_read_to_the_last) {  // SIIT-1
  std::string text;
  text.reserve(std::size_t{40} << 20);
  char line[64];
  for (unsigned n = 0; n < 1U << 20; ++n) {
    std::snprintf(line, sizeof line, "10.%u.%u.%u 2001:db8:42::%x:%x\n", n >> 16, n >> 8 & 255, n & 255,
                  n >> 16, n & 0xffff);
    text += line;
  }
  const auto loaded = load(text);
  ASSERT_TRUE(loaded.realm) << loaded.to_string().substr(0, 1000);
  EXPECT_EQ(loaded.realm->siit.maps.size(), 1U << 20);
  EXPECT_EQ(loaded.realm->siit.maps.back().ipv6, *net::Prefix::parse("2001:db8:42::f:ffff"));
  EXPECT_NE(load(text + "11.0.0.0 2001:db8::\n")
                .to_string()
                .find("maps.txt:1048577:1: siit.maps_file: more than 1048576 maps"),
            std::string::npos);
}

}  // namespace
}  // namespace rgw::config
