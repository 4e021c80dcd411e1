// The grammar of header fields (RFC 3261 section 25.1, RFC 2326 section 15.1), and addresses in any text.
#include "realmgw/alg/header_text.hpp"

#include "realmgw/alg/address_text.hpp"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rgw::alg {
namespace {

using testing::ElementsAre;

std::vector<std::string> values(std::string_view text) {
  std::vector<std::string> found;
  for (const auto& value : parse_values({text, 0})) {
    std::string one{value.head.text};
    for (const auto& [name, given] : value.parameters)
      one += "|" + std::string{name.text} + (given.empty() ? "" : "=" + std::string{given.text});
    found.push_back(one);
  }
  return found;
}

TEST(HeaderText, values_and_parameters_are_told_apart_whatever_white_space_is_between) {
  EXPECT_THAT(values("a;b=c;d, e"), ElementsAre("a|b=c|d", "e"));
  EXPECT_THAT(values(" a \t; b\r\n = c ;d\r\n\t,e "), ElementsAre("a|b=c|d", "e"));
  EXPECT_THAT(values("a;b= \"c;d,\\\" e\" ;f"), ElementsAre("a|b=c;d,\\\" e|f"));
  EXPECT_THAT(values("\"a,b;c\" <sip:x;y,z>;d=e"), ElementsAre("\"a,b;c\" <sip:x;y,z>|d=e"));
  EXPECT_THAT(values("a (b,c;(d)) ;e"), ElementsAre("a (b,c;(d))|e"));
  EXPECT_THAT(values(""), ElementsAre());
}

TEST(HeaderText, what_has_no_end_goes_to_the_end) {
  for (const char open : {'"', '<', '('}) {
    const std::string many(60'000, open);
    EXPECT_EQ(parse_values({many, 0}).size(), 1u);
  }
  EXPECT_LE(parse_values({std::string(60'000, ','), 0}).size(), 256u);
  EXPECT_LE(parse_value({std::string(60'000, ';'), 0}).parameters.size(), 256u);
}

TEST(HeaderText, a_sent_by_may_have_white_space_and_a_uri_may_not) {
  const std::string text = "[2001:db8::1] : 5060 ;x";
  const auto found = parse_sent_by({text, 100});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->host, "2001:db8::1");
  EXPECT_EQ(found->port, 5060);
  EXPECT_EQ(found->length, 20u);
  EXPECT_EQ(parse_host_port({text, 100})->length, 13u);
  EXPECT_FALSE(parse_sent_by({"h : 99999", 0}));
  EXPECT_FALSE(parse_sent_by({"", 0}));
}

TEST(HeaderText, uris_are_found_with_their_hosts) {
  const auto hosts = [](std::string_view text) {
    std::string all;
    for (const auto& place : find_uris({text, 7})) {
      EXPECT_EQ(text.substr(place.at - 7, place.host_length), text.substr(place.at - 7, place.host_length));
      all += std::string{place.host} + (place.port ? ":" + std::to_string(*place.port) : "") + " ";
    }
    return all;
  };
  EXPECT_EQ(hosts("<sip:a,b@h1:1>, sips:c@h2;x"), "h1:1 h2 ");
  EXPECT_EQ(hosts("<sip:a?b@h1?Replaces=c@h2>"), "h1 ");
  EXPECT_EQ(hosts("rtsp://h1/a@b rtsp://u:p@h2:554/x"), "h1 h2:554 ");
  EXPECT_EQ(hosts("SIP:h1"), "h1 ");
}

std::vector<std::string> addresses(std::string_view text) {
  std::vector<std::string> found;
  for (const auto& token : find_addresses(
           {text, 3}, [](const net::IpAddress& a) { return a.data()[0] == (a.is_v4() ? 10 : 0xfd); })) {
    for (const auto& place : token.places) {
      const auto [at, length] = token.raw_of(place.at, place.length);
      found.push_back(std::string{text.substr(at - 3, length)} + " in " + token.text);
    }
  }
  return found;
}

TEST(AddressText, addresses_are_found_in_any_text) {
  EXPECT_THAT(addresses("at 10.0.0.5, or 10.0.0.6."),
              ElementsAre("10.0.0.5 in 10.0.0.5", "10.0.0.6 in 10.0.0.6."));
  EXPECT_THAT(addresses("c2%4010.0.0.42%3Bto"), ElementsAre("10.0.0.42 in c2@10.0.0.42"));
  EXPECT_THAT(addresses("%31%30%2E0.0.5"), ElementsAre("%31%30%2E0.0.5 in 10.0.0.5"));
  EXPECT_THAT(addresses("x=10.0.0.5"), ElementsAre("10.0.0.5 in x=10.0.0.5"));
  EXPECT_THAT(addresses("abc10.0.0.5def"), ElementsAre("10.0.0.5 in abc10.0.0.5def"));
  EXPECT_THAT(addresses("http://[fd00::5]:80/ fd00::5 FD00:0:0:0:0:0:0:5 (fd00::10.0.0.5)"),
              ElementsAre("[fd00::5] in http://[fd00::5]:80/", "fd00::5 in fd00::5",
                          "FD00:0:0:0:0:0:0:5 in FD00:0:0:0:0:0:0:5", "fd00::10.0.0.5 in fd00::10.0.0.5"));
  EXPECT_THAT(addresses("::ffff:10.0.0.5"), ElementsAre("10.0.0.5 in ::ffff:10.0.0.5"));
  EXPECT_THAT(addresses("1.10.0.0.5 10.0.0 10.0.0.256 110.0.0.5 fd:00:05:11 10:00:00 %4"), ElementsAre());
}

TEST(AddressText, a_long_text_costs_no_more_than_its_length) {
  for (const char* part : {"1.", "::", "10.0.0.5.", "fd00::", "a:", "%31", "1:"}) {
    std::string text;
    while (text.size() < 60'000) text += part;
    (void)find_addresses({text, 0}, [](const net::IpAddress&) { return false; });
  }
}

}  // namespace
}  // namespace rgw::alg
