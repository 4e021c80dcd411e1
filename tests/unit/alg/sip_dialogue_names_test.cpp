// ALG-3: a dialogue has one name (Call-ID and tags), wherever a message names it and whoever reads it.
#include "unit/alg/sip_talk.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rgw::alg {
namespace {

using namespace std::chrono_literals;
using test::endpoint;
using test::Sip;
using testing::HasSubstr;
using testing::Not;

// RFC 3891, RFC 3911, RFC 4538, RFC 3261 sections 8.1.1.4, 19.1.1 and 20.21, RFC 4235 section 4.1: a dialogue
// has one name.
TEST_F(Sip, a_dialogue_has_one_name_wherever_it_is_named) {
  (void)invite();
  const auto named = [&](Side from, const std::string& address, const std::string& escaped) {
    const std::string id = "abc@" + address;
    const std::string body = "<dialog-info><dialog call-id=\"" + id + "\"/></dialog-info>";
    return say(from, "REFER sip:bob@example.org SIP/2.0\r\nCall-ID: other\r\nCSeq: 1 REFER\r\nReplaces: " +
                         id + ";to-tag=9;from-tag=1\r\nJoin:" + id + " ; to-tag=9\r\nTarget-Dialog: " + id +
                         ";local-tag=1\r\nIn-Reply-To: x@y, " + id + "\r\nEvent: dialog;call-id=\"" + id +
                         "\"\r\nRefer-To: <sip:carol@203.0.113.10?Replaces=abc%40" + escaped +
                         "%3Bto-tag%3D9%3Bfrom-tag%3D1>\r\nX: <sip:c@203.0.113.10?a=b&Replaces=abc@" +
                         escaped + ">\r\nContent-Type: application/dialog-info+xml\r\nContent-Length: " +
                         std::to_string(body.size()) + "\r\n\r\n" + body);
  };
  const auto count = [](const std::string& text, const std::string& what) {
    std::size_t found = 0;
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++found;
    return found;
  };
  const auto out = named(Side::inside, "10.0.0.5", "10.0.0.5");
  EXPECT_THAT(out, Not(HasSubstr("10.0.0.5")));
  EXPECT_EQ(count(out, "abc@198.51.100.1"), 7u) << out;
  EXPECT_THAT(out, HasSubstr("Replaces=abc%40198.51.100.1%3Bto-tag%3D9"));
  const auto in = named(Side::outside, "198.51.100.1", "198.51.100.1");
  EXPECT_THAT(in, Not(HasSubstr("198.51.100.1")));
  EXPECT_EQ(count(in, "abc@10.0.0.5"), 7u) << in;
  EXPECT_THAT(in, HasSubstr("Replaces=abc%4010.0.0.5%3Bto-tag%3D9"));
}

TEST_F(Sip, a_dialogue_keeps_its_name_at_another_external_address) {
  (void)invite();
  conversation_.host_outside = endpoint("198.51.100.2:6000");
  inspector_ = alg_->inspect(conversation_, book_);
  EXPECT_THAT(say(Side::inside, message("BYE sip:x SIP/2.0", ids(2, "BYE"))),
              HasSubstr("Call-ID: abc@198.51.100.1\r\n"));
  EXPECT_THAT(say(Side::outside, message("SIP/2.0 200 OK", outside_ids(2, "BYE"))),
              HasSubstr("Call-ID: abc@10.0.0.5\r\n"));
}

TEST_F(Sip, a_long_call_knows_its_name_and_its_last_branches) {
  for (int n = 1; n < 100; ++n) {
    const std::string branch = "z9hG4bK-10.0.0.5-" + std::to_string(n) + "\r\n";
    const auto seen =
        say(Side::inside, message("OPTIONS sip:x SIP/2.0",
                                  "Via: SIP/2.0/UDP 10.0.0.5:5060;branch=" + branch + ids(n, "OPTIONS")));
    const auto via = seen.substr(seen.find("Via"), seen.find("Call-ID") - seen.find("Via"));
    const auto back = say(Side::outside, message("SIP/2.0 200 OK", via + outside_ids(n, "OPTIONS")));
    EXPECT_THAT(back, HasSubstr(branch));
    EXPECT_THAT(back, HasSubstr("Call-ID: abc@10.0.0.5\r\n"));
  }
}

TEST_F(Sip, nobody_outside_gives_an_inside_name_another_meaning) {
  (void)invite();
  (void)say(Side::outside,
            message("OPTIONS sip:x SIP/2.0", "Call-ID: evil\r\nCSeq: 1 OPTIONS\r\nX: abc@10.0.0.5\r\n"));
  EXPECT_THAT(say(Side::inside, message("BYE sip:x SIP/2.0", ids(2, "BYE"))),
              HasSubstr("Call-ID: abc@198.51.100.1\r\n"));
}

TEST_F(Sip, a_name_may_be_escaped_in_its_own_field_too) {
  EXPECT_THAT(say(Side::inside, message("OPTIONS sip:x SIP/2.0", "i:q%4010.0.0.5\r\nCSeq: 1 OPTIONS\r\n")),
              HasSubstr("i:q%40198.51.100.1\r\n"));
  EXPECT_THAT(say(Side::outside, message("SIP/2.0 200 OK", "i:q%40198.51.100.1\r\nCSeq: 1 OPTIONS\r\n")),
              HasSubstr("i:q%4010.0.0.5\r\n"));
}

TEST_F(Sip, another_inside_agent_reads_the_name_that_its_maker_gave) {
  (void)invite();
  const Conversation other{net::Protocol::udp,        Side::inside,
                           endpoint("10.0.0.6:5060"), endpoint("198.51.100.1:6002"),
                           conversation_.remote,      conversation_.remote_inside};
  const auto agent = alg_->inspect(other, book_);
  const auto refer = message("REFER sip:x SIP/2.0",
                             "Call-ID: b@203.0.113.9\r\nCSeq: 1 REFER\r\nRefer-To: "
                             "<sip:alice@example.org?Replaces=abc%40198.51.100.1%3Bto-tag%3D9>\r\n");
  EXPECT_THAT(edited(agent->on_bytes(Side::outside, refer, now_), refer),
              HasSubstr("Replaces=abc%4010.0.0.5%3Bto-tag%3D9"));
}

}  // namespace
}  // namespace rgw::alg
