// Aliases as proof (GUARD-1): what is read is what was made here, and nothing else.
#include "realmgw/guard/alias_labels.hpp"

#include "realmgw/base/random.hpp"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

namespace rgw::guard {
namespace {

using namespace std::chrono_literals;
using net::Protocol;
using net::Service;

AskerPrefix asker(const char* address) {
  return AskerPrefix{*net::IpAddress::parse(address)};
}
std::string text(const AliasLabels::Label& label) {
  return {label.data(), label.size()};
}

class AliasLabelsTest : public testing::Test {
 protected:
  AliasLabels labels{SipKey{1, 2, 3}};
  Instant now{1000s};
  AskerPrefix who = asker("192.0.2.53");
};

TEST_F(AliasLabelsTest, a_label_says_the_host_and_the_service_it_was_made_for) {
  for (const Service& service :
       {Service{}, {Protocol::tcp, 22}, {Protocol::udp, 65535}, {Protocol::sctp, 1}, {Protocol::icmp, 0}}) {
    for (const std::uint32_t host : {0U, 77U, 0xffffffffU}) {
      const auto alias = labels.read(text(labels.make(HostId{host}, service, who, now)));
      ASSERT_TRUE(alias);
      EXPECT_EQ(alias->host, HostId{host});
      EXPECT_EQ(alias->service, service);
      EXPECT_TRUE(labels.proves(*alias, who, now));
    }
  }
}

TEST_F(AliasLabelsTest, it_is_one_label_of_letters_and_digits_whose_case_says_nothing) {  // RFC 1035, 0x20
  const auto label = text(labels.make(HostId{7}, {Protocol::tcp, 22}, who, now));
  EXPECT_LE(label.size(), 63U);
  EXPECT_TRUE(
      std::ranges::all_of(label, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }));
  std::string upper = label;
  for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  EXPECT_NE(upper, label);
  EXPECT_TRUE(labels.read(upper));
}

TEST_F(AliasLabelsTest, it_proves_for_five_seconds_and_for_its_askers_prefix_alone) {
  const auto alias = labels.read(text(labels.make(HostId{7}, {}, who, now)));
  ASSERT_TRUE(alias);
  EXPECT_TRUE(labels.proves(*alias, asker("192.0.2.99"), now + 5s)) << "of the same /24";
  EXPECT_FALSE(labels.proves(*alias, who, now + 6s));
  EXPECT_FALSE(labels.proves(*alias, who, now - 1s));
  EXPECT_FALSE(labels.proves(*alias, asker("192.0.3.53"), now));
  EXPECT_FALSE(labels.proves(*alias, asker("2001:db8::53"), now));
}

TEST_F(AliasLabelsTest, nobody_makes_one_who_has_not_the_key) {
  const auto made = text(labels.make(HostId{7}, {Protocol::tcp, 22}, who, now));
  EXPECT_FALSE(AliasLabels{SipKey{9}}.read(made));
  constexpr std::string_view letters = "0123456789abcdefghijklmnopqrstuvwxyz-_\0";
  for (std::size_t at = 0; at < made.size(); ++at) {
    for (const char other : letters) {
      std::string changed = made;
      changed[at] = other;
      EXPECT_EQ(labels.read(changed).has_value(), changed == made) << changed;
    }
  }
  for (const auto& other : {made + "0", made.substr(1), std::string{}, std::string(37, '0')})
    EXPECT_FALSE(labels.read(other));
}

}  // namespace
}  // namespace rgw::guard
