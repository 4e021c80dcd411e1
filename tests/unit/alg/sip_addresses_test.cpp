// ALG-3: which addresses and names each reader sees, in Via, Contact, routes, URIs and SDP, of both families.
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

TEST_F(Sip, no_inside_address_is_in_what_the_outside_reads) {
  const auto seen = invite();
  EXPECT_THAT(seen, Not(HasSubstr("10.0.0.5")));
  EXPECT_THAT(seen, HasSubstr("Via: SIP/2.0/UDP 198.51.100.1:6000;branch"));
  EXPECT_THAT(seen, HasSubstr("From: \"A\" <sip:alice@198.51.100.1>;tag=1"));
  EXPECT_THAT(seen, HasSubstr("Call-ID: abc@198.51.100.1\r\n"));
  EXPECT_THAT(seen, HasSubstr("Contact: <sip:alice@198.51.100.1:40000;ob>"));
  EXPECT_THAT(seen, HasSubstr("c=IN IP4 198.51.100.1\r\n"));
  EXPECT_THAT(seen, HasSubstr("m=audio 40002 RTP/AVP 0"));
  const auto body = seen.substr(seen.find("\r\n\r\n") + 4);
  EXPECT_THAT(seen, HasSubstr("Content-Length: " + std::to_string(body.size()) + "\r\n"));
}

TEST_F(Sip, the_answer_comes_back_as_the_caller_wrote_it) {
  (void)invite();
  const auto seen = answer(200);
  EXPECT_THAT(seen, HasSubstr("Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bK1;received=10.0.0.5;rport=5060"));
  EXPECT_THAT(seen, HasSubstr("<sip:alice@10.0.0.5>;tag=1"));
  EXPECT_THAT(seen, HasSubstr("Call-ID: abc@10.0.0.5\r\n"));
  EXPECT_THAT(seen, HasSubstr("Contact: <sip:bob@203.0.113.9>"));
  EXPECT_THAT(seen, HasSubstr("m=audio 7000 RTP/AVP 0")) << "media of the outside stay within a family";
}

// POOL-14: two that call each other from 5060 have two sessions; in the second the caller has another port
// inside.
TEST_F(Sip, a_caller_whose_port_is_translated_is_answered_along_its_session) {
  conversation_.opener = Side::outside;
  conversation_.remote_inside = endpoint("203.0.113.9:34566");
  inspector_ = alg_->inspect(conversation_, book_);
  const auto text = [&](const std::string& start, const std::string& sent_by, const std::string& parameters) {
    return message(start,
                   "Via: SIP/2.0/UDP " + sent_by + ";branch=z9" + parameters + "\r\n" + ids(1, "OPTIONS"));
  };
  EXPECT_THAT(say(Side::outside, text("OPTIONS sip:alice@198.51.100.1:6000 SIP/2.0", "203.0.113.9:5060", "")),
              HasSubstr("Via: SIP/2.0/UDP 203.0.113.9:34566;"));
  EXPECT_THAT(
      say(Side::outside, text("OPTIONS sip:alice@198.51.100.1:6000 SIP/2.0", "203.0.113.9", ";rport")),
      HasSubstr("Via: SIP/2.0/UDP 203.0.113.9:34566;branch=z9;rport\r\n"));
  const auto back = say(Side::inside, text("SIP/2.0 200 OK", "203.0.113.9:34566", ";rport=34566"));
  EXPECT_THAT(back, HasSubstr("Via: SIP/2.0/UDP 203.0.113.9;branch=z9;rport=5060\r\n"))
      << "as its sender wrote it";
}

// RFC 3261 section 18.2.1: whoever answers writes down whence the request came, as he saw it.
TEST_F(Sip, whence_a_request_came_is_written_as_its_sender_knows_himself) {
  book_.synthesized[test::address("203.0.113.9")] = test::address("fd64::203.0.113.9");
  book_.inside_family = net::Family::v6;
  conversation_.host = endpoint("[fd00::5]:5060");
  conversation_.remote_inside = endpoint("[fd64::203.0.113.9]:5060");
  inspector_ = alg_->inspect(conversation_, book_);
  const auto reply = [&](const std::string& received) {
    return say(Side::inside,
               message("SIP/2.0 200 OK", "Via: SIP/2.0/UDP 203.0.113.9:5060;branch=z9;rport=5060;received=" +
                                             received + "\r\n" + ids(1, "OPTIONS")));
  };
  EXPECT_THAT(reply("fd64::cb00:7109"), HasSubstr(";rport=5060;received=203.0.113.9\r\n"));
  EXPECT_THAT(reply("[fd64::cb00:7109]"), HasSubstr(";received=203.0.113.9\r\n")) << "RFC 5118 section 4.5";
}

TEST_F(Sip, whence_an_agent_behind_a_proxy_inside_came_is_for_the_proxy_alone) {
  const auto seen = say(
      Side::inside, message("OPTIONS sip:x SIP/2.0",
                            "Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z9a\r\n"
                            "Via: SIP/2.0/UDP 10.0.0.9:5070;branch=z9b;received=10.0.0.77;rport=5071\r\n" +
                                ids(1, "OPTIONS")));
  EXPECT_THAT(seen, Not(HasSubstr("10.0.0.")));
  const auto vias = seen.substr(seen.find("Via:"), seen.find("Call-ID") - seen.find("Via:"));
  const auto back = say(Side::outside, message("SIP/2.0 200 OK", vias + outside_ids(1, "OPTIONS")));
  EXPECT_THAT(back, HasSubstr("Via: SIP/2.0/UDP 10.0.0.9:5070;branch=z9b;received=10.0.0.77;rport=5071\r\n"));
}

// An agent shows it again elsewhere, as the canonical name of its RTCP.
TEST_F(Sip, what_a_caller_outside_calls_the_agent_stays) {
  const auto seen =
      say(Side::outside, message("INVITE sip:alice@198.51.100.1:6000 SIP/2.0",
                                 "From: <sip:bob@203.0.113.9>;tag=9\r\nTo: <sip:alice@198.51.100.1>\r\n"
                                 "Call-ID: in@203.0.113.9\r\nCSeq: 1 INVITE\r\n"));
  EXPECT_THAT(seen, HasSubstr("INVITE sip:alice@10.0.0.5:5060 SIP/2.0"));
  EXPECT_THAT(seen, HasSubstr("To: <sip:alice@198.51.100.1>\r\n"));
}

TEST_F(Sip, a_via_without_a_port_is_echoed_without_one) {
  const auto text = message("OPTIONS sip:x SIP/2.0", "v: SIP/2.0/UDP 10.0.0.5\r\n" + ids(1, "OPTIONS"));
  EXPECT_THAT(say(Side::inside, text), HasSubstr("v: SIP/2.0/UDP 198.51.100.1:6000\r\n"));
  const auto reply =
      message("SIP/2.0 200 OK", "Via: SIP/2.0/UDP 198.51.100.1:6000\r\n" + outside_ids(1, "OPTIONS"));
  EXPECT_THAT(say(Side::outside, reply), HasSubstr("Via: SIP/2.0/UDP 10.0.0.5\r\n"));
}

TEST_F(Sip, a_uri_in_angle_brackets_may_have_a_comma_in_its_user) {
  const auto seen = say(
      Side::inside,
      message("OPTIONS sip:x SIP/2.0", "From: \"B, A\" <sip:a,b;c@10.0.0.5>;tag=1\r\n" + ids(1, "OPTIONS")));
  EXPECT_THAT(seen, HasSubstr("From: \"B, A\" <sip:a,b;c@198.51.100.1>;tag=1\r\n"));
}

// Half the world has 10.0.0.0/8 at home.
TEST_F(Sip, what_the_outside_calls_itself_is_said_back_to_it_as_it_was_written) {
  const auto call =
      say(Side::outside, message("INVITE sip:alice@198.51.100.1:6000 SIP/2.0",
                                 "Via: SIP/2.0/UDP 10.0.0.7:5060;branch=z9;received=203.0.113.9\r\n"
                                 "Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z8\r\n"
                                 "From: <sip:bob@10.0.0.7>;tag=10.0.0.7-1\r\nTo: <sip:alice@198.51.100.1>\r\n"
                                 "Call-ID: q@10.0.0.7\r\nCSeq: 1 INVITE\r\n"
                                 "Contact: <sip:bob@10.0.0.7:5060;alias=203.0.113.9~5060>\r\n"));
  EXPECT_THAT(call, HasSubstr("Call-ID: q@10.0.0.7\r\n"));
  const auto answer =
      say(Side::inside,
          message("SIP/2.0 200 OK",
                  "Via: SIP/2.0/UDP 10.0.0.7:5060;branch=z9;received=203.0.113.9\r\n"
                  "Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z8\r\n"
                  "From: <sip:bob@10.0.0.7>;tag=10.0.0.7-1\r\nTo: <sip:alice@198.51.100.1>;tag=2\r\n"
                  "Call-ID: q@10.0.0.7\r\nCSeq: 1 INVITE\r\n"
                  "Contact: <sip:alice@10.0.0.5:5060>\r\n"));
  EXPECT_THAT(answer, HasSubstr("Via: SIP/2.0/UDP 10.0.0.7:5060;branch=z9;received=203.0.113.9\r\n"
                                "Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z8\r\n"
                                "From: <sip:bob@10.0.0.7>;tag=10.0.0.7-1\r\n"));
  EXPECT_THAT(answer, HasSubstr("Call-ID: q@10.0.0.7\r\n"));
  EXPECT_THAT(answer, HasSubstr("Contact: <sip:alice@198.51.100.1:"));
  const auto bye =
      say(Side::inside,
          message("BYE sip:bob@10.0.0.7:5060;alias=203.0.113.9~5060 SIP/2.0",
                  "Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z7\r\nFrom: <sip:alice@198.51.100.1>;tag=2\r\n"
                  "To: <sip:bob@10.0.0.7>;tag=10.0.0.7-1\r\nCall-ID: q@10.0.0.7\r\nCSeq: 1 BYE\r\n"));
  EXPECT_THAT(
      bye,
      HasSubstr(
          "BYE sip:bob@10.0.0.7:5060;alias=203.0.113.9~5060 SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.1:6000;"));
  EXPECT_THAT(bye, HasSubstr("To: <sip:bob@10.0.0.7>;tag=10.0.0.7-1\r\nCall-ID: q@10.0.0.7\r\n"));
}

TEST_F(Sip, no_inside_address_is_in_any_other_place_either) {
  const std::string request =
      "OPTIONS sip:10.0.0.5@example.org;maddr=10.0.0.6 SIP/2.0\r\n"
      "Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bK-10.0.0.5-7;maddr=10.0.0.5;x=10.0.0.5\r\n"
      "From: \"10.0.0.5\" <sip:10.0.0.5@10.0.0.5>;tag=10.0.0.5-3\r\n"
      "To: <sip:bob@example.org>\r\n" +
      ids(1, "OPTIONS") +
      "User-Agent: phone (10.0.0.5; fd00::5)\r\nCall-Info: <http://10.0.0.5:80/a.jpg>;purpose=icon\r\n"
      "Alert-Info: <http://[FD00:0:0::5]/x>\r\nWarning: 399 10.0.0.5 \"no\"\r\nX-10.0.0.5: "
      "::ffff:10.0.0.5.\r\n"
      "Refer-To: <sip:c@h?X=%31%30.0.0.5%2C10%2E0%2E0%2E6>\r\nVersion: 1.10.0.0 10.0.0 510.0.0.5\r\n"
      "i: second@10.0.0.5\r\nc: message/sipfrag\r\n\r\nSIP/2.0 200 OK\r\nContact: "
      "<sip:alice@10.0.0.5:5060>\r\n";
  const auto seen = say(Side::inside, request);
  EXPECT_THAT(seen, Not(HasSubstr("10.0.0.5\""))) << seen;
  EXPECT_THAT(seen, HasSubstr("Version: 1.10.0.0 10.0.0 510.0.0.5\r\n")) << "none of these is one";
  const auto rest = seen.substr(0, seen.find("Version")) + seen.substr(seen.find("i: second"));
  EXPECT_THAT(rest, Not(testing::ContainsRegex("10[.]0[.]0|[fF][dD]00|%31")));
  EXPECT_THAT(seen, HasSubstr("Call-Info: <http://198.51.100.1:80/a.jpg>"));
  EXPECT_THAT(seen, HasSubstr("Alert-Info: <http://198.51.100.1/x>"));
  EXPECT_THAT(seen, HasSubstr("OPTIONS sip:198.51.100.1@example.org;maddr=198.51.100.1 SIP/2.0\r\n"));

  // What is said back is what the agent wrote.
  const auto vias = seen.substr(seen.find("Via:"), seen.find("User-Agent") - seen.find("Via:"));
  const auto back = say(Side::outside, message("SIP/2.0 200 OK", vias));
  EXPECT_THAT(
      back,
      HasSubstr("Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bK-10.0.0.5-7;maddr=10.0.0.5;x=10.0.0.5\r\n"));
  EXPECT_THAT(back, HasSubstr("<sip:10.0.0.5@10.0.0.5>;tag=10.0.0.5-3\r\n"));
}

// RFC 3261 section 22.4: what is in a digest cannot be written anew. It is counted.
TEST_F(Sip, what_is_hashed_stays_and_is_counted) {
  const std::string field =
      "Authorization: Digest username=\"a\", realm=\"10.0.0.5\", uri=\"sip:10.0.0.5\"\r\n";
  EXPECT_THAT(say(Side::inside, message("OPTIONS sip:x SIP/2.0", ids(1, "OPTIONS") + field)),
              HasSubstr(field));
  EXPECT_EQ(alg_->tally().shown, 2u);
}

TEST_F(Sip, text_for_people_stays_as_they_wrote_it) {
  const std::string text =
      "OPTIONS sip:x SIP/2.0\r\n" + ids(1, "OPTIONS") + "Content-Type: text/plain\r\n\r\nI am at 10.0.0.5";
  EXPECT_THAT(say(Side::inside, text), HasSubstr("I am at 10.0.0.5"));
}

TEST_F(Sip, on_tcp_what_is_refused_shows_no_inside_address_either) {
  talk(net::Protocol::tcp);
  book_.limit = 0;
  const auto seen = say(
      Side::inside, message("INVITE sip:x SIP/2.0", "Via: SIP/2.0/TCP 10.0.0.5:5060\r\n" + ids(1, "INVITE"),
                            sdp("10.0.0.5", 4000)));
  EXPECT_THAT(seen, HasSubstr("INVITE sip:x"));
  EXPECT_THAT(seen, Not(HasSubstr("10.0.0.5")));
  const auto body = seen.substr(seen.find("\r\n\r\n") + 4);
  EXPECT_THAT(seen, HasSubstr("Content-Length: " + std::to_string(body.size()) + "\r\n"));
}

TEST_F(Sip, a_session_of_messages_is_announced_where_it_listens) {  // RFC 4975 section 8
  const auto seen = say(Side::inside, message("INVITE sip:x SIP/2.0", ids(1, "INVITE"),
                                              "c=IN IP4 10.0.0.5\r\nm=message 2855 TCP/MSRP *\r\n"
                                              "a=path:msrp://10.0.0.5:2855/s1;tcp\r\n"));
  EXPECT_THAT(seen, HasSubstr("m=message 40000 TCP/MSRP *\r\na=path:msrp://198.51.100.1:40000/s1;tcp\r\n"));
}

TEST_F(Sip, with_names_signalling_shows_the_public_name_and_media_the_address) {
  talk(net::Protocol::udp, AddressForm::fqdn);
  book_.names[conversation_.host.address] = "hosta.foo";
  const auto seen = invite();
  EXPECT_THAT(seen, HasSubstr("Via: SIP/2.0/UDP hosta.foo:5060;"));
  EXPECT_THAT(seen, HasSubstr("Contact: <sip:alice@hosta.foo:5060;ob>"));
  EXPECT_THAT(seen, HasSubstr("c=IN IP4 198.51.100.1"));
  EXPECT_THAT(say(Side::outside, message("BYE sip:alice@hosta.foo:5060 SIP/2.0", outside_ids(2, "BYE"))),
              HasSubstr("BYE sip:alice@10.0.0.5:5060 SIP/2.0"));
}

TEST_F(Sip, across_families_addresses_and_types_are_translated_both_ways) {
  book_.inside_family = net::Family::v6;
  book_.synthesized = {{test::address("203.0.113.9"), test::address("64:ff9b::cb00:7109")}};
  conversation_ = {net::Protocol::udp,           Side::inside,
                   endpoint("[fd00::5]:5060"),   endpoint("198.51.100.1:6000"),
                   endpoint("203.0.113.9:5060"), endpoint("[64:ff9b::cb00:7109]:5060")};
  inspector_ = alg_->inspect(conversation_, book_);
  const auto seen =
      say(Side::inside, message("INVITE sip:bob@[64:ff9b::cb00:7109] SIP/2.0",
                                "Via: SIP/2.0/UDP [fd00::5]:5060\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n",
                                "c=IN IP6 fd00::5\r\nm=audio 4000 RTP/AVP 0\r\n"));
  EXPECT_THAT(seen,
              HasSubstr("INVITE sip:bob@203.0.113.9 SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.1:6000\r\n"));
  EXPECT_THAT(seen, HasSubstr("c=IN IP4 198.51.100.1\r\n"));
  const auto back = say(Side::outside, message("SIP/2.0 200 OK",
                                               "Call-ID: 1\r\nCSeq: 1 INVITE\r\n"
                                               "Contact: <sip:bob@203.0.113.9:5080>\r\n",
                                               sdp("203.0.113.9", 7000)));
  EXPECT_THAT(back, HasSubstr("Contact: <sip:bob@[64:ff9b::cb00:7109]:5080>"));
  EXPECT_THAT(back, HasSubstr("c=IN IP6 64:ff9b::cb00:7109\r\n"));
}

}  // namespace
}  // namespace rgw::alg
