// pcp: mappings that hosts ask for (RFC 6887).
#include "support.hpp"

namespace rgw::config {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(PcpSection, is_off_unless_written) {
  EXPECT_FALSE(realm_with("").pcp.on);
  EXPECT_FALSE(realm_with("pcp: false\n").pcp.on);
  EXPECT_TRUE(realm_with("pcp: true\n").pcp.on);
}

TEST(PcpSection, a_map_means_on_and_has_limits) {
  const Pcp pcp =
      realm_with(
          "pcp: { min_lifetime: 5m, max_lifetime: 2h, max_mappings: 4k, max_mappings_per_host: 32,\n"
          "       low_ports: true }\n")
          .pcp;
  EXPECT_TRUE(pcp.on);
  EXPECT_EQ(pcp.min_lifetime, 5min);
  EXPECT_EQ(pcp.max_lifetime, 2h);
  EXPECT_EQ(pcp.max_mappings, 4000U);
  EXPECT_EQ(pcp.max_mappings_per_host, 32U);
  EXPECT_TRUE(pcp.low_ports);
}

TEST(PcpSection, begins_with_the_defaults_of_the_rfc) {  // RFC 6887 section 15
  const Pcp pcp = realm_with("pcp: {}\n").pcp;
  EXPECT_EQ(pcp.min_lifetime, 120s);
  EXPECT_EQ(pcp.max_lifetime, 24h);
  EXPECT_FALSE(pcp.low_ports);
}

TEST(PcpSection, refuses_what_cannot_be) {
  EXPECT_THAT(problems_with("pcp: { min_lifetime: 1500ms }\n"),
              ElementsAre(HasSubstr("pcp.min_lifetime: a lifetime is of whole seconds")));
  EXPECT_THAT(problems_with("pcp: { min_lifetime: 3h, max_lifetime: 2h }\n"),
              ElementsAre("f:8:40: pcp.max_lifetime: is less than pcp.min_lifetime"));
  EXPECT_THAT(problems_with("pcp: { max_mappings: 10, max_mappings_per_host: 11 }\n"),
              ElementsAre("f:8:49: pcp.max_mappings_per_host: 11 is more than pcp.max_mappings, 10"));
  EXPECT_THAT(problems_with("pcp: { third_party: true }\n"), ElementsAre(HasSubstr("pcp.third_party")));
  EXPECT_THAT(problems_with("pcp: true\nsiit: { prefix: 'fd65::/96' }\n"),
              ElementsAre("f:8:6: pcp: there is no external address, so nothing can be mapped"));
}

TEST(PcpSection, warns_of_lifetimes_beyond_the_rfcs) {  // RFC 6887 section 15
  EXPECT_THAT(warnings_with("pcp: { min_lifetime: 119s, max_lifetime: 25h }\n"),
              ElementsAre("f:8:22: pcp.min_lifetime: below the 120s of RFC 6887 section 15",
                          "f:8:42: pcp.max_lifetime: above the 24h of RFC 6887 section 15"));
  EXPECT_THAT(warnings_with("pcp: { min_lifetime: 120s, max_lifetime: 24h }\n"), IsEmpty());
}

}  // namespace
}  // namespace rgw::config
