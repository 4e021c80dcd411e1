// dns.keys, dns.updates: who may change names by signed messages (DNS-6).
//   - a key's file holds base64 alone, or what tsig-keygen writes, and nobody else may read it
//   - a right names a key that there is, zones within the realm, prefixes that are inside
#include "../../../src/config/dns_keys.hpp"

#include <filesystem>
#include <fstream>

#include "support.hpp"

namespace rgw::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
namespace fs = std::filesystem;

constexpr auto secret = "iHC+ZcDQgHyjyPSMPzXbMu2ntHvGDMmqFFCdvMnDkbw=";

class DnsKeys : public testing::Test {
 protected:
  static std::string file(const std::string& text, unsigned mode = 0640,
                          const std::string& name = "dhcp.key") {
    const auto path = fs::path{testing::TempDir()} / name;
    std::ofstream{path} << text;
    fs::permissions(path, static_cast<fs::perms>(mode));
    return path.string();
  }
  static std::string with_key(const std::string& path, const std::string& more = "") {
    return "dns: { keys: { dhcp: { file: '" + path + "'" + more +
           " } }, updates: { key: dhcp, prefixes: 10.0.0.0/24 } }\n";
  }
};

TEST_F(DnsKeys, a_secret_stands_in_a_file_as_base64_or_as_tsig_keygen_writes_it) {  // DNS-6
  const auto plain = realm_with(with_key(file(std::string{secret} + "\n"))).dns;
  ASSERT_EQ(plain.keys.size(), 1U);
  EXPECT_EQ(plain.keys[0].name, "dhcp");
  EXPECT_EQ(plain.keys[0].algorithm, net::TsigAlgorithm::hmac_sha256);
  EXPECT_EQ(plain.keys[0].secret.size(), 32U);
  ASSERT_EQ(plain.updates.size(), 1U);
  EXPECT_EQ(plain.updates[0].key, "dhcp");
  EXPECT_THAT(plain.updates[0].zones, IsEmpty());
  EXPECT_EQ(plain.dynamic_hosts, 131'072U);
  const auto statement =
      std::string{"# made by tsig-keygen\nkey \"DHCP.\" {\n\talgorithm hmac-sha512;\n\tsecret \""} + secret +
      "\";\n};\n";
  const auto of_bind = realm_with(with_key(file(statement), ", algorithm: hmac-sha512")).dns;
  EXPECT_EQ(of_bind.keys[0].secret, plain.keys[0].secret);
  EXPECT_EQ(of_bind.keys[0].algorithm, net::TsigAlgorithm::hmac_sha512);
}

TEST_F(DnsKeys, a_file_that_others_may_read_is_refused_with_the_cure) {  // DNS-6
  for (const unsigned mode : {0644U, 0660U, 0604U, 0750U}) {
    EXPECT_THAT(problems_with(with_key(file(secret, mode))),
                ElementsAre(AllOf(HasSubstr("dns.keys.dhcp.file"), HasSubstr("chmod 0640"))))
        << mode;
  }
  for (const unsigned mode : {0640U, 0600U, 0400U, 0440U})
    EXPECT_THAT(problems_with(with_key(file(secret, mode))), IsEmpty()) << mode;
}

TEST_F(DnsKeys, a_file_that_holds_no_secret_of_this_key_is_refused) {
  const auto problem_of = [](const std::string& text) { return problems_with(with_key(file(text))); };
  EXPECT_THAT(problem_of(""), ElementsAre(HasSubstr("neither a secret in base64 nor")));
  EXPECT_THAT(problem_of("two words"), ElementsAre(HasSubstr("neither a secret in base64 nor")));
  EXPECT_THAT(problem_of("not*base64"), ElementsAre(HasSubstr("holds no secret in base64")));
  EXPECT_THAT(problem_of("iHC+ZcDQ"), ElementsAre(HasSubstr("less than 128 bits")));
  EXPECT_THAT(problem_of(std::string{"key other { secret "} + secret + "; };"),
              ElementsAre(HasSubstr("holds the key \"other\", not \"dhcp\"")));
  EXPECT_THAT(problem_of(std::string{"key dhcp { algorithm hmac-md5; secret "} + secret + "; };"),
              ElementsAre(HasSubstr("\"hmac-md5\", not for hmac-sha256")));
  EXPECT_THAT(problem_of("key dhcp { algorithm hmac-sha256; };"), ElementsAre(HasSubstr("holds no secret")));
  EXPECT_THAT(problems_with(with_key("/nonexistent/dhcp.key")), ElementsAre(HasSubstr("No such file")));
  EXPECT_THAT(problems_with(with_key("/tmp")), ElementsAre(HasSubstr("is no regular file")));
}

TEST_F(DnsKeys, sha1_and_md5_are_no_algorithms) {  // DNS-6
  for (const auto* name : {"hmac-sha1", "hmac-md5", "hmac-md5.sig-alg.reg.int"}) {
    EXPECT_THAT(problems_with(with_key(file(secret), std::string{", algorithm: "} + name)),
                testing::Contains(HasSubstr("hmac-sha224, hmac-sha256, hmac-sha384 or hmac-sha512")))
        << name;
  }
}

TEST_F(DnsKeys, a_right_is_of_a_key_that_there_is_and_of_what_is_the_realms) {  // DNS-6
  const auto problems_of = [](const std::string& right) {
    return problems_with("dns: { keys: { dhcp: { file: '" + file(secret) + "' } }, updates: [" + right +
                         "] }\n");
  };
  EXPECT_THAT(problems_of("{ key: dhcp, zones: lab.foo.example, prefixes: [10.0.0.128/25, 'fd00:10::/64'] }"),
              IsEmpty());
  EXPECT_THAT(problems_of("{ key: other, prefixes: 10.0.0.0/24 }"),
              ElementsAre(HasSubstr("there is no key \"other\"")));
  EXPECT_THAT(problems_of("{ key: dhcp, zones: bar.example, prefixes: 10.0.0.0/24 }"),
              ElementsAre(HasSubstr("\"bar.example\" is not within the realm")));
  EXPECT_THAT(problems_of("{ key: dhcp, prefixes: 198.51.100.0/24 }"),
              ElementsAre(HasSubstr("198.51.100.0/24 is neither on an inside port's link")));
  EXPECT_THAT(problems_of("{ key: dhcp }"), ElementsAre(HasSubstr("prefixes")));
}

}  // namespace
}  // namespace rgw::config
