// The section `siit` (SIIT-1, OPS-1):
// - prefix, maps and the address for errors are read
// - what contradicts RFC 6052 or RFC 7757 is refused with its place
#include "realmgw/config/loader.hpp"

#include <gtest/gtest.h>

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
  EXPECT_EQ(siit.icmp_source, net::IpAddress::parse("192.0.2.1"));
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

}  // namespace
}  // namespace rgw::config
