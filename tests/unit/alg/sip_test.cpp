// ALG-3: what each reader sees of Via, Contact, routes, URIs, Call-ID and SDP; pinholes through INVITE,
// re-INVITE, hold, failure, CANCEL, BYE and forgetting; what a stranger's INVITE holds, and for how long;
// REGISTER; names; families; TCP framing; what is malformed or beyond a limit.
#include "realmgw/alg/sip.hpp"

#include <algorithm>

#include "unit/alg/book.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rgw::alg {
namespace {

using namespace std::chrono_literals;
using test::endpoint;
using testing::HasSubstr;
using testing::Not;

class Sip : public testing::Test {
 protected:
  void SetUp() override { talk(net::Protocol::udp); }

  void talk(net::Protocol protocol, AddressForm form = AddressForm::literal) {
    inspector_.reset();
    alg_ = make_sip({form});
    conversation_ = {protocol,
                     Side::inside,
                     endpoint("10.0.0.5:5060"),
                     endpoint("198.51.100.1:6000"),
                     endpoint("203.0.113.9:5060"),
                     endpoint("203.0.113.9:5060")};
    inspector_ = alg_->inspect(conversation_, book_);
  }
  std::string say(Side from, const std::string& text) {
    const auto decision = inspector_->on_bytes(from, text, now_);
    EXPECT_TRUE(well_formed(decision, text.size()));
    finished_ = decision.finished;
    return decision.drop ? "<dropped>" : edited(decision, text);
  }
  static std::string message(const std::string& start, const std::string& fields,
                             const std::string& body = "") {
    const std::string type = body.empty() ? "" : "Content-Type: application/sdp\r\n";
    return start + "\r\n" + fields + type + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
           body;
  }
  static std::string sdp(const std::string& address, int port, const std::string& more = "") {
    return "v=0\r\no=- 1 1 IN IP4 " + address + "\r\ns=-\r\nc=IN IP4 " + address + "\r\nt=0 0\r\nm=audio " +
           std::to_string(port) + " RTP/AVP 0\r\n" + more;
  }
  static std::string ids(int sequence, const std::string& method) {
    return "Call-ID: abc@10.0.0.5\r\nCSeq: " + std::to_string(sequence) + " " + method + "\r\n";
  }
  static std::string outside_ids(int sequence, const std::string& method) {
    return "Call-ID: abc@198.51.100.1\r\nCSeq: " + std::to_string(sequence) + " " + method + "\r\n";
  }
  std::string invite(int port = 4000, int sequence = 1) {
    return say(Side::inside,
               message("INVITE sip:bob@example.org SIP/2.0",
                       "Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bK1;rport\r\n"
                       "From: \"A\" <sip:alice@10.0.0.5>;tag=1\r\nTo: <sip:bob@example.org>\r\n" +
                           ids(sequence, "INVITE") + "Contact: <sip:alice@10.0.0.5:5060;ob>\r\n",
                       sdp("10.0.0.5", port)));
  }
  std::string answer(int status, int sequence = 1, const std::string& method = "INVITE") {
    const std::string body = status == 200 && method != "BYE" ? sdp("203.0.113.9", 7000) : "";
    return say(
        Side::outside,
        message("SIP/2.0 " + std::to_string(status) + " X",
                "Via: SIP/2.0/UDP 198.51.100.1:6000;branch=z9hG4bK1;received=198.51.100.1;rport=6000\r\n"
                "From: \"A\" <sip:alice@198.51.100.1>;tag=1\r\nTo: <sip:bob@example.org>;tag=2\r\n" +
                    outside_ids(sequence, method) + "Contact: <sip:bob@203.0.113.9>\r\n",
                body));
  }
  /// Pinholes for media: those of an even number of ports.
  std::vector<Endpoint> media() const {
    std::vector<Endpoint> found;
    for (const auto& [id, held] : book_.pinholes) {
      if (held.request.ports == 2) found.push_back(held.request.target);
    }
    return found;
  }
  void pass(Duration time) {
    now_ += time;
    alg_->on_time(now_);
  }

  test::Book book_;
  std::unique_ptr<Alg> alg_;
  Conversation conversation_;
  std::unique_ptr<Inspector> inspector_;
  Instant now_{1000s};
  bool finished_ = false;
};

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

// POOL-14: once both ends of a medium are known its pinholes hear of it, whoever told his first.
TEST_F(Sip, the_pinholes_of_a_medium_hear_who_is_at_its_other_end) {
  const auto met = [&](const char* inside) {
    std::map<unsigned, Endpoint> all;
    for (const auto& [id, held] : book_.pinholes) {
      if (held.request.target == endpoint(inside)) all = held.met;
    }
    return all;
  };
  (void)invite();
  EXPECT_TRUE(met("10.0.0.5:4000").empty());
  (void)answer(200);
  EXPECT_EQ(met("10.0.0.5:4000"), (std::map<unsigned, Endpoint>{{0, endpoint("203.0.113.9:7000")},
                                                                {1, endpoint("203.0.113.9:7001")}}));

  const auto incoming = [&](const std::string& start, const std::string& method, const std::string& body) {
    return message(
        start, "Via: SIP/2.0/UDP 203.0.113.9:5060;branch=z9\r\nCall-ID: theirs\r\nCSeq: 1 " + method + "\r\n",
        body);
  };
  (void)say(Side::outside, incoming("INVITE sip:alice@198.51.100.1:6000 SIP/2.0", "INVITE",
                                    sdp("203.0.113.9", 8000, "a=rtcp:8100\r\n")));
  (void)say(Side::inside, incoming("SIP/2.0 200 OK", "INVITE", sdp("10.0.0.5", 4100)));
  EXPECT_EQ(met("10.0.0.5:4100"), (std::map<unsigned, Endpoint>{{0, endpoint("203.0.113.9:8000")},
                                                                {1, endpoint("203.0.113.9:8100")}}));
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

TEST_F(Sip, a_uri_in_angle_brackets_may_have_a_comma_in_its_user) {
  const auto seen = say(
      Side::inside,
      message("OPTIONS sip:x SIP/2.0", "From: \"B, A\" <sip:a,b;c@10.0.0.5>;tag=1\r\n" + ids(1, "OPTIONS")));
  EXPECT_THAT(seen, HasSubstr("From: \"B, A\" <sip:a,b;c@198.51.100.1>;tag=1\r\n"));
}

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

// RFC 9143 section 7: bundled media have one port, whoever reads it.
TEST_F(Sip, media_of_one_port_share_a_pinhole) {
  const auto offer = [&](int sequence, const std::string& more) {
    return say(Side::inside,
               message("INVITE sip:x SIP/2.0", ids(sequence, "INVITE"),
                       "c=IN IP4 10.0.0.5\r\na=group:BUNDLE 0 1 2\r\nm=audio 4000 RTP/SAVPF 0\r\n"
                       "m=video 4000 RTP/SAVPF 96\r\nm=application 4000 UDP/DTLS/SCTP x\r\n" +
                           more));
  };
  const auto seen = offer(1, "");
  EXPECT_THAT(seen, HasSubstr("m=audio 40000 "));
  EXPECT_THAT(seen, HasSubstr("m=video 40000 "));
  EXPECT_THAT(seen, HasSubstr("m=application 40000 "));
  EXPECT_EQ(media().size(), 1u);
  (void)answer(200);
  EXPECT_THAT(offer(2, "m=video 4000 RTP/SAVPF 97\r\n"), HasSubstr("m=video 40000 RTP/SAVPF 97"));
  (void)answer(488, 2);
  EXPECT_EQ(media().size(), 1u) << "the others still use it";
  (void)say(Side::inside,
            message("INVITE sip:x SIP/2.0", ids(3, "INVITE"),
                    "c=IN IP4 10.0.0.5\r\nm=audio 0 RTP/SAVPF 0\r\nm=video 4000 RTP/SAVPF 96\r\n"
                    "m=application 0 UDP/DTLS/SCTP x\r\n"));
  (void)answer(200, 3);
  EXPECT_EQ(media().size(), 1u);
  (void)say(Side::outside, message("BYE sip:x SIP/2.0", outside_ids(4, "BYE")));
  EXPECT_TRUE(media().empty());
}

TEST_F(Sip, early_media_find_their_pinholes_before_the_answer) {
  (void)invite();
  EXPECT_THAT(media(), testing::ElementsAre(endpoint("10.0.0.5:4000")));
  (void)answer(183);
  EXPECT_EQ(media().size(), 1u);
}

TEST_F(Sip, a_call_that_fails_closes_its_media) {
  for (const int status : {404, 486, 487, 603}) {
    (void)invite();
    ASSERT_EQ(media().size(), 1u);
    (void)answer(status);
    EXPECT_TRUE(media().empty()) << status;
  }
}

TEST_F(Sip, a_bye_of_either_side_closes_the_media) {
  for (const Side side : {Side::inside, Side::outside}) {
    (void)invite();
    (void)answer(200);
    ASSERT_EQ(media().size(), 1u);
    (void)say(side,
              message("BYE sip:x SIP/2.0", side == Side::inside ? ids(2, "BYE") : outside_ids(2, "BYE")));
    EXPECT_TRUE(media().empty());
    EXPECT_THAT(answer(200, 2, "BYE"), HasSubstr("Call-ID: abc@10.0.0.5"))
        << "the dialogue outlives its media";
    pass(40s);
    EXPECT_TRUE(book_.pinholes.empty());
  }
}

TEST_F(Sip, a_cancelled_call_is_over_with_its_487_or_soon) {
  (void)invite();
  (void)say(Side::inside, message("CANCEL sip:bob@example.org SIP/2.0", ids(1, "CANCEL")));
  EXPECT_EQ(media().size(), 1u) << "a 200 may still win the race";
  pass(33s);
  EXPECT_TRUE(book_.pinholes.empty());
}

TEST_F(Sip, a_call_that_has_been_cancelled_rings_no_longer) {
  (void)invite();
  (void)say(Side::inside, message("CANCEL sip:bob@example.org SIP/2.0", ids(1, "CANCEL")));
  (void)answer(180);
  pass(33s);
  EXPECT_TRUE(book_.pinholes.empty());
}

TEST_F(Sip, a_call_without_any_response_is_over_with_its_transaction) {  // RFC 3261 section 17.1.1.2, timer B
  (void)invite();
  pass(31s);
  EXPECT_EQ(media().size(), 1u);
  pass(2s);
  EXPECT_TRUE(book_.pinholes.empty());

  (void)invite();
  (void)answer(180);
  (void)invite();  // repeated: its 180 may have been lost
  pass(299s);
  EXPECT_EQ(media().size(), 1u) << "it rings";
  pass(2s);
  EXPECT_TRUE(book_.pinholes.empty());
}

TEST_F(Sip, a_re_invite_moves_the_media_when_it_is_accepted) {
  (void)invite(4000);
  (void)answer(200);
  (void)invite(4100, 2);
  EXPECT_EQ(media().size(), 2u) << "both, until the answer";
  (void)answer(200, 2);
  EXPECT_THAT(media(), testing::ElementsAre(endpoint("10.0.0.5:4100")));
}

TEST_F(Sip, a_re_invite_that_fails_leaves_the_call_as_it_was) {
  (void)invite(4000);
  (void)answer(200);
  (void)invite(4100, 2);
  (void)answer(488, 2);
  EXPECT_THAT(media(), testing::ElementsAre(endpoint("10.0.0.5:4000")));
}

TEST_F(Sip, hold_keeps_the_pinhole_and_the_same_port_is_announced_again) {
  (void)invite();
  (void)answer(200);
  const auto held = say(Side::inside, message("INVITE sip:bob@203.0.113.9 SIP/2.0", ids(2, "INVITE"),
                                              sdp("10.0.0.5", 4000, "a=sendonly\r\n")));
  EXPECT_THAT(held, HasSubstr("m=audio 40002 "));
  (void)say(Side::inside,
            message("UPDATE sip:bob@203.0.113.9 SIP/2.0", ids(3, "UPDATE"), sdp("0.0.0.0", 4000)));
  EXPECT_EQ(media().size(), 1u);
}

TEST_F(Sip, a_call_from_outside_reaches_the_contact_and_the_answer_opens_media) {
  const auto call =
      message("INVITE sip:alice@198.51.100.1:6000 SIP/2.0",
              "Via: SIP/2.0/UDP 203.0.113.9;branch=z9\r\nCall-ID: out@203.0.113.9\r\nCSeq: 1 INVITE\r\n",
              sdp("203.0.113.9", 7000));
  EXPECT_THAT(say(Side::outside, call), HasSubstr("INVITE sip:alice@10.0.0.5:5060 SIP/2.0"));
  const auto reply =
      message("SIP/2.0 200 OK", "Call-ID: out@203.0.113.9\r\nCSeq: 1 INVITE\r\n", sdp("10.0.0.5", 4000));
  EXPECT_THAT(say(Side::inside, reply), HasSubstr("m=audio 40000 "));
  EXPECT_EQ(media().size(), 1u);
}

/// A call from outside, whose source anybody may have written.
class SipFromAStranger : public Sip {
 protected:
  static std::string request(const std::string& method, const std::string& to_tag, int sequence = 1,
                             const std::string& body = "") {
    return message(method + " sip:alice@198.51.100.1:6000 SIP/2.0",
                   "Via: SIP/2.0/UDP 203.0.113.9;branch=z9\r\nCall-ID: theirs\r\nTo: <sip:alice@hosta.foo>" +
                       to_tag + "\r\nCSeq: " + std::to_string(sequence) + " " + method + "\r\n",
                   body);
  }
  std::string response(int status, const std::string& tag, const std::string& more = "") {
    return say(Side::inside,
               message("SIP/2.0 " + std::to_string(status) + " X",
                       "Call-ID: theirs\r\nTo: \"A; tag=no\" <sip:alice@hosta.foo;tag=no>;x=y;tag=" + tag +
                           "\r\nCSeq: 1 INVITE\r\nContact: <sip:alice@10.0.0.5:5060>\r\n" + more,
                       status < 200 ? "" : sdp("10.0.0.5", 4000)));
  }
  void accepted(const std::string& tag = "us", const std::string& more = "") {
    (void)say(Side::outside, request("INVITE", "", 1, sdp("203.0.113.9", 7000)));
    (void)response(180, tag);
    (void)response(200, tag, more);
    ASSERT_EQ(media().size(), 1u);
  }
  /// How long the media may be begun with.
  [[nodiscard]] Duration left() const {
    for (const auto& [id, held] : book_.pinholes) {
      if (held.request.ports == 2) return held.deadline - now_;
    }
    return {};
  }
};

// RFC 3261 section 13.3.1.4: without an ACK the agent hangs up after 64*T1. The media of such calls held
// every port that their host may have, for two hours.
TEST_F(SipFromAStranger, holds_what_the_agent_accepts_no_longer_than_an_ack_may_take) {
  accepted();
  EXPECT_EQ(left(), 32s);
  pass(1s);
  for (const auto* tag : {"", ";tag=guessed", ";tag=", ";tag=us2"})
    (void)say(Side::outside, request("ACK", tag));
  (void)say(Side::outside, request("INVITE", "", 1, sdp("203.0.113.9", 7000)));
  (void)say(Side::outside, request("UPDATE", ";tag=guessed", 2));
  EXPECT_EQ(left(), 31s);
  (void)response(200, "us");
  EXPECT_EQ(left(), 31s) << "repeated";
  EXPECT_TRUE(inspector_->needs_session(now_));
  pass(32s);
  EXPECT_FALSE(inspector_->needs_session(now_));
  EXPECT_TRUE(std::ranges::none_of(book_.pinholes, [](const auto& hole) {
    return hole.second.request.signalling;
  })) << "nor the Contact";
}

TEST_F(SipFromAStranger, that_acknowledges_the_answer_is_a_caller) {
  for (const auto* method : {"ACK", "UPDATE", "INFO"}) {  // an ACK may be lost, or come by another way
    talk(net::Protocol::udp);
    book_.pinholes.clear();
    accepted();
    (void)say(Side::outside, request(method, " ; tag = us"));
    EXPECT_EQ(left(), 2h);
    (void)response(200, "us");
    EXPECT_EQ(left(), 2h) << "repeated, while the ACK was on its way";
    pass(1h);
    EXPECT_TRUE(inspector_->needs_session(now_));
  }
  talk(net::Protocol::udp);
  book_.pinholes.clear();
  accepted("us", "Session-Expires: 600\r\n");
  (void)say(Side::outside, request("ACK", ";tag=us"));
  EXPECT_EQ(left(), 632s);
}

TEST_F(SipFromAStranger, says_the_tag_as_the_outside_reads_it) {
  accepted("7-10.0.0.5-7");
  (void)say(Side::outside, request("ACK", ";tag=7-198.51.100.1-7"));
  EXPECT_EQ(left(), 2h);
}

TEST_F(SipFromAStranger, has_no_tag_to_say_where_the_agent_has_none) {  // RFC 2543
  (void)say(Side::outside, request("INVITE", "", 1, sdp("203.0.113.9", 7000)));
  (void)say(Side::inside,
            message("SIP/2.0 200 OK", "Call-ID: theirs\r\nCSeq: 1 INVITE\r\n", sdp("10.0.0.5", 4000)));
  EXPECT_EQ(left(), 32s);
  (void)say(Side::outside, request("ACK", ""));
  EXPECT_EQ(left(), 2h);
}

TEST_F(SipFromAStranger, may_acknowledge_to_the_agent_behind_the_proxy_that_answered) {
  accepted();
  const Conversation direct{net::Protocol::udp,        Side::outside,
                            endpoint("10.0.0.6:5060"), endpoint("198.51.100.1:6002"),
                            conversation_.remote,      conversation_.remote_inside};
  const auto agent = alg_->inspect(direct, book_);
  (void)agent->on_bytes(Side::outside, request("ACK", ";tag=us"), now_);
  EXPECT_EQ(left(), 2h);
}

TEST_F(SipFromAStranger, agrees_to_nothing_by_an_answer_that_nobody_has_asked_for) {
  for (const int status : {180, 200})
    (void)say(Side::outside, message("SIP/2.0 " + std::to_string(status) + " X",
                                     "Call-ID: theirs\r\nCSeq: 1 INVITE\r\n", sdp("203.0.113.9", 7000)));
  EXPECT_FALSE(inspector_->needs_session(now_)) << "the session would last as long as a call";
  (void)invite();
  (void)answer(200);
  EXPECT_TRUE(inspector_->needs_session(now_));
}

TEST_F(Sip, two_inside_agents_get_each_others_own_endpoints) {
  (void)invite();  // announces 198.51.100.1:40002 for 10.0.0.5:4000
  const Conversation other{net::Protocol::udp,        Side::inside,
                           endpoint("10.0.0.6:5060"), endpoint("198.51.100.1:6002"),
                           conversation_.remote,      conversation_.remote_inside};
  const auto callee = alg_->inspect(other, book_);
  const auto call = message("INVITE sip:bob@198.51.100.1:6002 SIP/2.0", outside_ids(1, "INVITE"),
                            sdp("198.51.100.1", 40002));
  const auto seen = edited(callee->on_bytes(Side::outside, call, now_), call);
  EXPECT_THAT(seen, HasSubstr("c=IN IP4 10.0.0.5\r\n"));
  EXPECT_THAT(seen, HasSubstr("m=audio 4000 "));
}

TEST_F(Sip, a_registration_lasts_as_long_as_the_registrar_says) {
  const auto enrol = [&](const std::string& contact) {
    return say(Side::inside, message("REGISTER sip:example.org SIP/2.0", ids(1, "REGISTER") + contact));
  };
  EXPECT_THAT(enrol("m: <sip:alice@10.0.0.5:5060>;expires=3600\r\n"),
              HasSubstr("<sip:alice@198.51.100.1:40000>"));
  const auto grant = [&](const std::string& contact) {
    return say(Side::outside, message("SIP/2.0 200 OK", outside_ids(1, "REGISTER") + contact));
  };
  EXPECT_THAT(grant("Contact: <sip:alice@198.51.100.1:40000>;expires=600\r\n"),
              HasSubstr("<sip:alice@10.0.0.5:5060>"));
  ASSERT_EQ(book_.pinholes.size(), 1u);
  const auto& held = book_.pinholes.begin()->second;
  EXPECT_EQ(held.request.from, conversation_.remote.address) << "calls come through the registrar";
  EXPECT_EQ(held.request.preferred_port, 6000);
  EXPECT_GE(held.deadline, now_ + 600s);
  pass(599s);
  EXPECT_EQ(book_.pinholes.size(), 1u);
  pass(60s);
  EXPECT_TRUE(book_.pinholes.empty());

  (void)enrol("Contact: <sip:alice@10.0.0.5:5060>\r\nExpires: 3600\r\n");
  (void)grant("Contact: <sip:alice@198.51.100.1:40002>;expires=3600\r\n");
  (void)enrol("Contact: *\r\nExpires: 0\r\n");
  (void)grant("");
  EXPECT_TRUE(book_.pinholes.empty()) << "unregistered";
}

TEST_F(Sip, calls_that_announce_one_contact_share_its_pinhole_until_the_last_one_ends) {
  const auto call = [&](const std::string& id, const std::string& method) {
    (void)say(Side::inside, message(method + " sip:x SIP/2.0", "Call-ID: " + id + "\r\nCSeq: 1 " + method +
                                                                   "\r\nContact: <sip:a@10.0.0.5:5060>\r\n"));
  };
  call("one", "INVITE");
  call("two", "INVITE");
  (void)say(Side::outside, message("SIP/2.0 180 Ringing", "Call-ID: two\r\nCSeq: 1 INVITE\r\n"));
  ASSERT_EQ(book_.pinholes.size(), 1u);
  const Instant ringing = book_.pinholes.begin()->second.deadline;
  call("one", "BYE");
  EXPECT_EQ(book_.pinholes.begin()->second.deadline, ringing) << "the other one still rings";
  pass(40s);
  EXPECT_EQ(book_.pinholes.size(), 1u);
  pass(300s);
  EXPECT_TRUE(book_.pinholes.empty());
}

// A BYE to the address of an earlier call was a second session between the same two, and went no further.
TEST_F(Sip, a_contact_is_announced_at_the_address_that_the_conversation_has) {
  const auto contact = [&](const std::string& id) {
    return say(Side::inside, message("INVITE sip:x SIP/2.0", "Call-ID: " + id + "\r\nCSeq: 1 INVITE\r\n" +
                                                                 "Contact: <sip:a@10.0.0.5:5060>\r\n"));
  };
  EXPECT_THAT(contact("one"), HasSubstr("sip:a@198.51.100.1:"));
  conversation_.host_outside = endpoint("198.51.100.2:6000");
  inspector_ = alg_->inspect(conversation_, book_);
  EXPECT_THAT(contact("two"), HasSubstr("sip:a@198.51.100.2:"));
  EXPECT_EQ(book_.pinholes.size(), 2u);
}

TEST_F(Sip, a_2xx_after_the_bye_revives_nothing) {
  (void)invite();
  (void)answer(200);
  (void)say(Side::inside, message("BYE sip:x SIP/2.0", ids(2, "BYE")));
  (void)answer(200);
  pass(40s);
  EXPECT_TRUE(book_.pinholes.empty());
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

TEST_F(Sip, without_a_free_port_an_offer_is_refused_and_nothing_stays_open) {
  book_.limit = 0;
  EXPECT_EQ(invite(), "<dropped>");
  EXPECT_TRUE(book_.pinholes.empty());
}

TEST_F(Sip, ten_thousand_abandoned_dialogues_leave_nothing_behind) {
  book_.limit = 100'000;
  for (int i = 0; i < 10'000; ++i) {
    (void)say(Side::inside,
              message("INVITE sip:x SIP/2.0", "Call-ID: " + std::to_string(i) + "\r\nCSeq: 1 INVITE\r\n",
                      sdp("10.0.0.5", 4000)));
  }
  EXPECT_EQ(book_.pinholes.size(), 10'000u);
  pass(301s);
  EXPECT_TRUE(book_.pinholes.empty());
}

}  // namespace
}  // namespace rgw::alg
