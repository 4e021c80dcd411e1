// alg: which protocols are read (ALG-5); the keys are those of the list of ALGs.
#include "unit/config/support.hpp"

namespace rgw::config {
namespace {

using net::AlgId;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(AlgSection, is_off_unless_written) {  // RFC 4787 REQ-10, RFC 5382 REQ-6
  EXPECT_FALSE(realm_with("").alg.any());
  EXPECT_FALSE(realm_with("alg: { max_sessions: 100 }\n").alg.any());
}

TEST(AlgSection, switches_each_by_itself) {  // RFC 4787 REQ-10a
  for (const auto& alg : net::alg_infos) {
    const std::string name{alg.name};
    const Realm realm = realm_with("alg: { " + name + ": true }\n");
    for (std::size_t i = 0; i < net::alg_infos.size(); ++i)
      EXPECT_EQ(realm.alg.protocols[i].on, net::alg_infos[i].name == alg.name) << name;
    EXPECT_FALSE(realm_with("alg: { " + name + ": false }\n").alg.any());
  }
}

TEST(AlgSection, a_map_means_on_and_has_ports) {
  for (const auto& alg : net::alg_infos) {
    const std::string name{alg.name};
    const Realm realm = realm_with("alg: { " + name + ": { ports: [2000, 3000] } }\n");
    for (std::size_t i = 0; i < net::alg_infos.size(); ++i) {
      if (net::alg_infos[i].name != alg.name) continue;
      EXPECT_TRUE(realm.alg.protocols[i].on);
      EXPECT_THAT(realm.alg.protocols[i].ports, ElementsAre(2000, 3000));
    }
  }
  const Realm realm = realm_with("alg: { sip: { address_form: fqdn } }\n");
  EXPECT_TRUE(realm.alg[AlgId::sip].on);
  EXPECT_EQ(realm.alg.sip_address_form, Alg::AddressForm::fqdn);
}

TEST(AlgSection, refuses_what_no_alg_has) {
  EXPECT_THAT(problems_with("alg: { gopher: true }\n"), ElementsAre(HasSubstr("alg.gopher")));
  EXPECT_THAT(problems_with("alg: { ftp: { address_form: fqdn } }\n"),
              ElementsAre(HasSubstr("alg.ftp.address_form")));
  EXPECT_THAT(problems_with("alg: { pinhole_ports: 50000-50001 }\n"),
              ElementsAre(HasSubstr("alg.pinhole_ports")));
}

// RFC 6335 section 6, and what Linux, Windows and macOS choose from.
TEST(AlgSection, has_pinhole_ports_that_are_nobody_s_ephemeral_ports) {
  const Alg alg;
  EXPECT_GE(alg.first_port, 1024);
  EXPECT_LT(alg.last_port, 32'768);
  EXPECT_EQ(alg.last_port - alg.first_port + 1, 8000);
  EXPECT_EQ(alg.first_port % 2, 0) << "RTP has the even port of a pair (RFC 3550 section 11)";
}

}  // namespace
}  // namespace rgw::config
