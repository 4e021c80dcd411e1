// guard: what whoever asks from outside must show (GUARD-1, GUARD-2, GUARD-4, GUARD-6, GUARD-7).
#include "support.hpp"

namespace rgw::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(GuardSection, asks_for_proof_by_load_unless_told_otherwise) {
  const Guard guard = realm_with("").guard;
  EXPECT_EQ(guard.challenge, Challenge::load);
  EXPECT_TRUE(guard.balance);
  EXPECT_THAT(guard.cookie_secrets, IsEmpty());
  EXPECT_EQ(realm_with("guard: { challenge: always }\n").guard.challenge, Challenge::always);
  EXPECT_EQ(realm_with("guard: { challenge: never, balance: false }\n").guard.challenge, Challenge::never);
}

TEST(GuardSection, takes_secrets_as_other_name_servers_write_them) {
  const auto secrets = realm_with(
                           "guard: { cookie_secrets: [e5e973e5a6b2a43f48e7dc849e37bfcf, "
                           "0xE5E973E5A6B2A43F48E7DC849E37BFCF] }\n")
                           .guard.cookie_secrets;
  ASSERT_EQ(secrets.size(), 2U);
  EXPECT_EQ(secrets[0][0], 0xe5);
  EXPECT_EQ(secrets[0][15], 0xcf);
  EXPECT_EQ(secrets[0], secrets[1]);
}

TEST(GuardSection, has_rates_unless_told_otherwise_and_trusts_nobody) {  // GUARD-4, GUARD-6
  const Guard guard = realm_with("").guard;
  EXPECT_EQ(guard.query_rate, 1000U);
  EXPECT_EQ(guard.flow_rate, 200U);
  EXPECT_EQ(guard.host_flow_rate, 1000U);
  EXPECT_TRUE(guard.alias);
  EXPECT_THAT(guard.trusted, IsEmpty());
  const Guard other =
      realm_with(
          "guard: { query_rate: 0, flow_rate: 7, host_flow_rate: 8, alias: false, trusted: 192.0.2.53 }\n")
          .guard;
  EXPECT_EQ(other.query_rate, 0U);
  EXPECT_EQ(other.flow_rate, 7U);
  EXPECT_EQ(other.host_flow_rate, 8U);
  EXPECT_FALSE(other.alias);
  EXPECT_THAT(other.trusted, ElementsAre(*net::Prefix::parse("192.0.2.53/32")));
  EXPECT_THAT(problems_with("guard: { trusted: ['::/0'] }\n"),
              ElementsAre(HasSubstr("everybody would be a trusted resolver")));
  EXPECT_THAT(problems_with("guard: { flow_rate: -1 }\n"), ElementsAre(HasSubstr("guard.flow_rate")));
}

TEST(GuardSection, refuses_what_cannot_be) {
  for (const auto* secret :
       {"e5e973e5a6b2a43f48e7dc849e37bfc", "e5e973e5a6b2a43f48e7dc849e37bfcg", "x", "'0x'"}) {
    EXPECT_THAT(problems_with("guard: { cookie_secrets: [" + std::string{secret} + "] }\n"),
                ElementsAre(HasSubstr("is not a cookie secret of 32 hexadecimal digits")))
        << secret;
  }
  EXPECT_THAT(problems_with("guard: { challenge: sometimes }\n"),
              ElementsAre(HasSubstr("load, always or never")));
  EXPECT_THAT(problems_with("guard: { host_pending: 0 }\n"), ElementsAre(HasSubstr("guard.host_pending")));
}

}  // namespace
}  // namespace rgw::config
