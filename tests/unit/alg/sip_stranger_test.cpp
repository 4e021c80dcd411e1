// ALG-3: what the INVITE of a stranger outside holds, and for how long.
#include <algorithm>

#include "unit/alg/sip_talk.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rgw::alg {
namespace {

using namespace std::chrono_literals;
using test::endpoint;
using test::Sip;

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

}  // namespace
}  // namespace rgw::alg
