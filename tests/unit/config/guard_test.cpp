// guard: what whoever asks from outside must show (GUARD-1, GUARD-2, GUARD-7).
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
