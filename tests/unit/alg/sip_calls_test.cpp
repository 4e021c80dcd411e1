// ALG-3: the pinholes of a call, through INVITE, re-INVITE, hold, failure, CANCEL, BYE and forgetting; and
// those of a registration.
#include "unit/alg/sip_talk.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rgw::alg {
namespace {

using namespace std::chrono_literals;
using test::endpoint;
using test::Sip;
using testing::HasSubstr;

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
