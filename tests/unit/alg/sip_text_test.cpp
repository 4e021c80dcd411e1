// ALG-3: the text of messages: white space, case, folded fields, multipart bodies, TCP framing; what is
// malformed or beyond a limit.
#include "unit/alg/sip_talk.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rgw::alg {
namespace {

using namespace std::chrono_literals;
using test::Sip;
using testing::HasSubstr;
using testing::Not;

// RFC 3261 sections 7.3.1 and 25.1 (SLASH, COLON, SEMI, EQUAL, LWS); RFC 4475 section 3.1.1.1.
TEST_F(Sip, white_space_may_stand_around_every_separator) {
  const auto via = [&](const std::string& value) {
    const auto seen =
        say(Side::inside, message("OPTIONS sip:x SIP/2.0", "v:  " + value + "\r\n" + ids(1, "OPTIONS")));
    return seen.substr(seen.find("v:") + 4, seen.find("\r\nCall-ID") - seen.find("v:") - 4);
  };
  EXPECT_EQ(via("SIP / 2.0 / UDP 10.0.0.5:5060;branch=1"), "SIP / 2.0 / UDP 198.51.100.1:6000;branch=1");
  EXPECT_EQ(via("SIP/2.0/UDP 10.0.0.5 : 5060"), "SIP/2.0/UDP 198.51.100.1:6000");
  EXPECT_EQ(via("SIP/2.0/UDP\t10.0.0.5\t:\t5060 ; branch = 1"),
            "SIP/2.0/UDP\t198.51.100.1:6000 ; branch = 1");
  EXPECT_EQ(via("SIP\r\n /2.0\r\n /UDP\r\n\t10.0.0.5\r\n :\r\n 5060"),
            "SIP\r\n /2.0\r\n /UDP\r\n\t198.51.100.1:6000");
  EXPECT_EQ(via("SIP/2.0/UDP 10.0.0.5 ;branch=1 , SIP / 2.0 / UDP 192.0.2.2 : 99"),
            "SIP/2.0/UDP 198.51.100.1:6000 ;branch=1 , SIP / 2.0 / UDP 192.0.2.2 : 99");
  EXPECT_EQ(via("SIP/2.0/UDP 10.0.0.5;a=\"x, SIP/2.0/UDP y\";branch=1"),
            "SIP/2.0/UDP 198.51.100.1:6000;a=\"x, SIP/2.0/UDP y\";branch=1");
}

TEST_F(Sip, white_space_in_what_comes_back_hides_nothing) {
  (void)invite();
  const auto seen =
      say(Side::outside,
          message("SIP/2.0 200 OK",
                  "Via: SIP / 2.0 / UDP 198.51.100.1 : 6000 ;branch = z9hG4bK1 ; received\t= "
                  "198.51.100.1;\r\n rport = 6000\r\n"
                  "Call-ID : abc@198.51.100.1\r\nCSeq: 1\tINVITE\r\nContact:<sip:bob@203.0.113.9>\r\n",
                  sdp("203.0.113.9", 7000)));
  EXPECT_THAT(seen, HasSubstr("Via: SIP / 2.0 / UDP 10.0.0.5:5060 ;branch = z9hG4bK1 ; received\t= "
                              "10.0.0.5;\r\n rport = 5060\r\n"));
  EXPECT_THAT(seen, HasSubstr("Call-ID : abc@10.0.0.5\r\n"));
  (void)say(Side::inside,
            message("BYE sip:bob@203.0.113.9 SIP/2.0", "Call-ID: abc@10.0.0.5\r\nCSeq:\t2\r\n\tBYE\r\n"));
  EXPECT_TRUE(media().empty());
}

TEST_F(Sip, white_space_and_case_in_types_and_parameters_hide_no_body_and_no_time) {
  const std::string body = sdp("10.0.0.5", 4000);
  for (const char* type :
       {"application / sdp", "Application/SDP;charset=x", "application\t/\r\n sdp ; a = b"}) {
    const auto seen =
        say(Side::inside, "INVITE sip:x SIP/2.0\r\n" + ids(1, "INVITE") + "c: " + type +
                              "\r\nContent-Length : " + std::to_string(body.size()) + "\r\n\r\n" + body);
    EXPECT_THAT(seen, HasSubstr("m=audio 40000 ")) << type;
  }
  const std::string parts = "--b 1\r\nContent-Type :\r\n application/sdp\r\n\r\n" + body + "\r\n--b 1--\r\n";
  EXPECT_THAT(
      say(Side::inside, "INVITE sip:x SIP/2.0\r\n" + ids(2, "INVITE") +
                            "Content-Type: multipart / mixed ; a=b;\r\n Boundary = \"b 1\"\r\n\r\n" + parts),
      HasSubstr("m=audio 40000 "));

  (void)say(Side::inside,
            message("REGISTER sip:example.org SIP/2.0",
                    "Call-ID: r\r\nCSeq: 1 REGISTER\r\nContact: \"A, B\" <sip:alice@10.0.0.5:5062>\r\n"));
  ASSERT_EQ(book_.pinholes.size(), 2u);
  const std::string contact = "198.51.100.1:" + std::to_string(book_.pinholes.rbegin()->second.external.port);
  (void)say(Side::outside,
            message("SIP/2.0 200 OK", "Call-ID: r\r\nCSeq: 1 REGISTER\r\nContact: \"A, B\" <sip:alice@" +
                                          contact + "> ; expires = 7200\r\n"));
  EXPECT_GE(book_.pinholes.rbegin()->second.deadline, now_ + 7200s);
}

TEST_F(Sip, folded_fields_and_several_values_in_one_are_read) {
  const auto seen =
      say(Side::inside, message("OPTIONS sip:x SIP/2.0",
                                "VIA: SIP/2.0/UDP 10.0.0.5:5060;branch=1,\r\n SIP/2.0/UDP 10.0.0.6\r\n"
                                "rEcOrD-rOuTe: <sip:10.0.0.5;lr>,\r\n\t<sip:p.example;lr>\r\n" +
                                    ids(1, "OPTIONS")));
  EXPECT_THAT(seen, Not(HasSubstr("10.0.0.")));
  EXPECT_THAT(seen, HasSubstr("<sip:p.example;lr>"));
}

TEST_F(Sip, sdp_within_a_multipart_is_read) {
  const std::string body =
      "--b1\r\nContent-Type: text/plain\r\n\r\nhi\r\n--b1\r\nc: application/sdp\r\n\r\n" +
      sdp("10.0.0.5", 4000) + "\r\n--b1--\r\n";
  const auto text = "INVITE sip:x SIP/2.0\r\n" + ids(1, "INVITE") +
                    "Content-Type: multipart/mixed;boundary=\"b1\"\r\nl: " + std::to_string(body.size()) +
                    "\r\n\r\n" + body;
  EXPECT_THAT(say(Side::inside, text), HasSubstr("m=audio 40000 RTP/AVP 0"));
}

TEST_F(Sip, on_tcp_messages_are_framed_and_a_part_is_held) {
  talk(net::Protocol::tcp);
  const auto one =
      message("OPTIONS sip:x SIP/2.0", "Via: SIP/2.0/TCP 10.0.0.5:5060\r\n" + ids(1, "OPTIONS"), "body");
  const auto both = "\r\n\r\n" + one + one.substr(0, one.size() - 2);
  const auto decision = inspector_->on_bytes(Side::inside, both, now_);
  EXPECT_EQ(decision.decided, 4 + one.size());
  const auto rest = both.substr(decision.decided) + one.substr(one.size() - 2);
  EXPECT_THAT(say(Side::inside, rest), HasSubstr("Via: SIP/2.0/TCP 198.51.100.1:6000"));
}

TEST_F(Sip, a_stream_that_is_no_sip_passes_as_it_is) {
  talk(net::Protocol::tcp);
  EXPECT_EQ(say(Side::inside, "GET / HTTP/1.1\r\n"), "");
  EXPECT_TRUE(finished_);
}

TEST_F(Sip, keep_alives_on_udp_pass) {
  EXPECT_EQ(say(Side::inside, "\r\n\r\n"), "\r\n\r\n");
  EXPECT_EQ(say(Side::outside, std::string("\0\1\0\0", 4)), std::string("\0\1\0\0", 4));
}

TEST_F(Sip, what_is_malformed_or_too_large_costs_the_datagram_and_is_counted) {
  EXPECT_EQ(say(Side::inside, "INVITE sip:x SIP/2.0\r\nno end"), "<dropped>");
  EXPECT_EQ(say(Side::inside, "INVITE sip:x SIP/2.0\r\nCSeq: 1 INVITE\r\n\r\n"), "<dropped>") << "no Call-ID";
  EXPECT_EQ(say(Side::inside, "INVITE sip:x SIP/2.0\r\nContent-Length: 9\r\n\r\n"), "<dropped>") << "it lies";
  EXPECT_EQ(say(Side::inside, message("INVITE sip:x SIP/2.0", ids(1, "INVITE"), "m=audio x\r\n")),
            "<dropped>");
  EXPECT_EQ(alg_->tally().malformed, 4u);
  std::string many = "OPTIONS sip:x SIP/2.0\r\n";
  for (int i = 0; i < 10000; ++i) many += "a: 1\r\n";
  EXPECT_EQ(say(Side::inside, many + "\r\n"), "<dropped>");
  EXPECT_EQ(say(Side::inside, "OPTIONS sip:x SIP/2.0\r\na: " + std::string(70000, 'x') + "\r\n\r\n"),
            "<dropped>");
  std::string nested =
      "OPTIONS sip:x SIP/2.0\r\n" + ids(1, "OPTIONS") + "c: multipart/mixed;boundary=b\r\n\r\n";
  for (int i = 0; i < 10; ++i) {
    const std::string b(static_cast<std::size_t>(i) + 1, 'b');
    nested += "--" + b + "\r\nc: multipart/mixed;boundary=" + b + "b\r\n\r\n";
  }
  for (int i = 10; i > 0; --i) nested += "\r\n--" + std::string(static_cast<std::size_t>(i), 'b') + "--";
  EXPECT_EQ(say(Side::inside, nested), "<dropped>");
  EXPECT_EQ(alg_->tally().over_limit, 3u);
  EXPECT_TRUE(book_.pinholes.empty());
}

}  // namespace
}  // namespace rgw::alg
