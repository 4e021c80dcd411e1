// ALG-4: SETUP with the client inside and outside, a pinhole for each track; TEARDOWN of one and of all;
// failure, timeout, interleaved frames, SDP and URLs, third parties, and what is malformed.
#include "realmgw/alg/rtsp.hpp"

#include "realmgw/net/alg_list.hpp"

#include "unit/alg/book.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rgw::alg {
namespace {

using namespace std::chrono_literals;
using test::endpoint;
using testing::HasSubstr;
using testing::Not;

class Rtsp : public testing::Test {
 protected:
  void SetUp() override { client(Side::inside); }

  void client(Side side) {
    inspector_.reset();
    const bool inside = side == Side::inside;
    conversation_ = {net::Protocol::tcp,
                     side,
                     endpoint(inside ? "10.0.0.5:50000" : "10.0.0.5:8554"),
                     endpoint(inside ? "198.51.100.1:50001" : "198.51.100.1:554"),
                     endpoint(inside ? "203.0.113.9:554" : "203.0.113.9:50000"),
                     endpoint(inside ? "203.0.113.9:554" : "203.0.113.9:50000")};
    inspector_ = alg_->inspect(conversation_, book_);
  }
  std::string say(Side from, const std::string& text) {
    const auto decision = inspector_->on_bytes(from, text, now_);
    EXPECT_TRUE(well_formed(decision, text.size()));
    finished_ = decision.finished;
    return edited(decision, text);
  }
  std::string ask(const std::string& method, const std::string& uri, int sequence,
                  const std::string& fields = "") {
    return say(conversation_.opener, method + " " + uri + " RTSP/1.0\r\nCSeq: " + std::to_string(sequence) +
                                         "\r\n" + fields + "\r\n");
  }
  std::string reply(int status, int sequence, const std::string& fields = "") {
    return say(net::other(conversation_.opener), "RTSP/1.0 " + std::to_string(status) + " X\r\nCSeq: " +
                                                     std::to_string(sequence) + "\r\n" + fields + "\r\n");
  }
  std::string setup(int track, int sequence, int port, int status = 200) {
    const std::string ports = std::to_string(port) + "-" + std::to_string(port + 1);
    const auto seen = ask("SETUP", "rtsp://203.0.113.9/m/track" + std::to_string(track), sequence,
                          "Transport: RTP/AVP;unicast;client_port=" + ports + "\r\n");
    const std::string transport =
        seen.substr(seen.find("Transport"), seen.find("\r\n\r\n") - seen.find("Transport"));
    reply_ = reply(status, sequence, "Session: 77;timeout=20\r\n" + transport + ";server_port=6000-6001\r\n");
    return seen;
  }
  void pass(Duration time) {
    now_ += time;
    inspector_->on_time(now_);
  }

  test::Book book_;
  std::unique_ptr<Alg> alg_ = make_rtsp({});
  Conversation conversation_;
  std::unique_ptr<Inspector> inspector_;
  Instant now_{1000s};
  bool finished_ = false;
  std::string reply_;
};

TEST_F(Rtsp, a_client_inside_announces_an_external_pair_and_reads_its_own_in_the_answer) {
  EXPECT_THAT(setup(1, 1, 4588), HasSubstr("client_port=40000-40001\r\n"));
  EXPECT_THAT(reply_, HasSubstr("client_port=4588-4589;server_port=6000-6001"));
  ASSERT_EQ(book_.pinholes.size(), 1u);
  const auto& held = book_.pinholes.begin()->second;
  EXPECT_EQ(held.request.target, endpoint("10.0.0.5:4588"));
  EXPECT_EQ(held.request.ports, 2);
  EXPECT_EQ(held.request.from, conversation_.remote.address);
  EXPECT_EQ(held.deadline, now_ + 50s) << "the session's timeout and a grace";
  EXPECT_EQ(held.met.at(0), endpoint("203.0.113.9:6000")) << "POOL-14";
  EXPECT_EQ(held.met.at(1), endpoint("203.0.113.9:6001"));
}

TEST_F(Rtsp, each_track_has_its_own_pinhole_and_teardown_closes_one_or_all) {
  (void)setup(1, 1, 4588);
  (void)setup(2, 2, 4590);
  EXPECT_EQ(book_.pinholes.size(), 2u);
  (void)ask("TEARDOWN", "rtsp://203.0.113.9/m/track1", 3, "Session: 77\r\n");
  EXPECT_EQ(book_.pinholes.size(), 2u) << "not before it is granted";
  (void)reply(200, 3);
  ASSERT_EQ(book_.pinholes.size(), 1u);
  EXPECT_EQ(book_.pinholes.begin()->second.request.target.port, 4590);
  (void)setup(1, 4, 4588);
  (void)ask("TEARDOWN", "rtsp://203.0.113.9/m", 5, "Session: 77\r\n");
  (void)reply(200, 5);
  EXPECT_TRUE(book_.pinholes.empty());
}

TEST_F(Rtsp, a_setup_that_fails_leaves_no_pinhole) {
  (void)setup(1, 1, 4588, 461);
  EXPECT_TRUE(book_.pinholes.empty());
}

TEST_F(Rtsp, a_second_setup_of_a_track_moves_it) {
  (void)setup(1, 1, 4588);
  (void)setup(1, 2, 4600);
  ASSERT_EQ(book_.pinholes.size(), 1u);
  EXPECT_EQ(book_.pinholes.begin()->second.request.target.port, 4600);
}

TEST_F(Rtsp, signalling_keeps_a_session_and_silence_leaves_it_to_its_deadline) {
  (void)setup(1, 1, 4588);
  pass(40s);
  (void)ask("GET_PARAMETER", "rtsp://203.0.113.9/m", 2, "Session: 77\r\n");
  EXPECT_EQ(book_.pinholes.begin()->second.deadline, now_ + 50s);
  pass(60s);
  inspector_.reset();
  EXPECT_EQ(book_.pinholes.size(), 1u) << "the book ends it, at a deadline that has passed";
  EXPECT_LT(book_.pinholes.begin()->second.deadline, now_);
}

TEST_F(Rtsp, a_control_connection_that_ends_closes_what_is_open) {
  (void)setup(1, 1, 4588);
  inspector_.reset();
  EXPECT_TRUE(book_.pinholes.empty());
}

TEST_F(Rtsp, a_server_inside_shows_external_ports_addresses_and_urls) {
  client(Side::outside);
  EXPECT_THAT(
      ask("SETUP", "rtsp://198.51.100.1/m/track1", 1, "Transport: RTP/AVP;unicast;client_port=4588-4589\r\n"),
      HasSubstr("SETUP rtsp://10.0.0.5:8554/m/track1 RTSP/1.0\r\nCSeq: 1\r\nTransport: RTP/AVP;unicast;"
                "client_port=4588-4589\r\n"));
  EXPECT_THAT(reply(200, 1,
                    "Session: 9\r\nTransport: RTP/AVP;unicast;client_port=4588-4589;source=10.0.0.5;"
                    "server_port=6000-6001\r\n"),
              HasSubstr("client_port=4588-4589;source=198.51.100.1;server_port=40000-40001\r\n"));
  ASSERT_EQ(book_.pinholes.size(), 1u);
  EXPECT_EQ(book_.pinholes.begin()->second.request.target, endpoint("10.0.0.5:6000"));
  EXPECT_THAT(reply(200, 2, "RTP-Info: url=rtsp://10.0.0.5:8554/m/track1;seq=1\r\n"),
              HasSubstr("url=rtsp://198.51.100.1:554/m/track1;seq=1"));
}

TEST_F(Rtsp, a_description_shows_no_inside_address_and_its_length_is_right) {
  client(Side::outside);
  const std::string body =
      "v=0\r\no=- 1 1 IN IP4 10.0.0.5\r\nc=IN IP4 10.0.0.5\r\nm=video 0 RTP/AVP 96\r\n"
      "a=control:rtsp://10.0.0.5:8554/m/track1\r\n";
  const auto seen = say(Side::inside,
                        "RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Base: rtsp://10.0.0.5:8554/m/\r\n"
                        "Content-Type: application/sdp\r\nContent-Length: " +
                            std::to_string(body.size()) + "\r\n\r\n" + body);
  EXPECT_THAT(seen, Not(HasSubstr("10.0.0.5")));
  const auto after = seen.substr(seen.find("\r\n\r\n") + 4);
  EXPECT_THAT(seen, HasSubstr("Content-Length: " + std::to_string(after.size())));
  EXPECT_THAT(after, HasSubstr("m=video 0 RTP/AVP 96"));
}

TEST_F(Rtsp, interleaved_transports_and_frames_are_untouched) {
  const std::string transport = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n";
  EXPECT_THAT(ask("SETUP", "rtsp://203.0.113.9/m", 1, transport), HasSubstr(transport));
  EXPECT_EQ(book_.opened, 0u);
  const std::string frame = std::string("$\0\0\x10", 4) + "RTSP/1.0 200 \r\n\r";
  const std::string all = frame + "RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n" + frame.substr(0, 9);
  EXPECT_EQ(say(Side::outside, all), all);
  EXPECT_EQ(say(Side::outside, frame.substr(9) + frame), frame.substr(9) + frame);
  EXPECT_EQ(alg_->tally().messages, 2u);
}

TEST_F(Rtsp, media_for_a_third_party_go_to_the_client_instead) {
  client(Side::outside);
  EXPECT_THAT(ask("SETUP", "rtsp://198.51.100.1/m", 1,
                  "Transport: RTP/AVP;unicast;destination=10.0.0.7;client_port=4588-4589\r\n"),
              HasSubstr(";destination=203.0.113.9;"));
  EXPECT_EQ(alg_->tally().refused, 1u);
}

TEST_F(Rtsp, of_several_transports_the_udp_one_is_rewritten) {
  EXPECT_THAT(ask("SETUP", "rtsp://203.0.113.9/m", 1,
                  "Transport: RTP/AVP/TCP;interleaved=0-1,RTP/AVP;client_port=4588-4589;mode=\"PLAY\"\r\n"),
              HasSubstr("interleaved=0-1,RTP/AVP;client_port=40000-40001;mode"));
}

// RFC 2326 section 12.39: the server may take any of them.
TEST_F(Rtsp, every_udp_alternative_is_rewritten) {
  const auto seen =
      ask("SETUP", "rtsp://203.0.113.9/m", 1,
          "Transport: x-pn-tng/tcp;mode=play,rtp/avp/tcp;unicast;mode=play,x-pn-tng/udp;client_port=6970;"
          "mode=play,rtp/avp;unicast;client_port=6970-6971;mode=play,RTP/AVP/UDP;client_port=7000-7001\r\n");
  EXPECT_THAT(seen,
              HasSubstr("x-pn-tng/tcp;mode=play,rtp/avp/tcp;unicast;mode=play,x-pn-tng/udp;client_port=40000;"
                        "mode=play,rtp/avp;unicast;client_port=40000-40001;mode=play,"
                        "RTP/AVP/UDP;client_port=40002-40003\r\n"));
  ASSERT_EQ(book_.pinholes.size(), 2u) << "alternatives of one port share it";
  EXPECT_THAT(
      reply(200, 1,
            "Session: 7\r\nTransport: rtp/avp;unicast;client_port=40000-40001;server_port=6000-6001\r\n"),
      HasSubstr("client_port=6970-6971;server_port=6000-6001"));
  ASSERT_EQ(book_.pinholes.size(), 1u) << "what the server did not take closes";
  EXPECT_EQ(book_.pinholes.begin()->second.request.target, endpoint("10.0.0.5:6970"));
  EXPECT_EQ(book_.pinholes.begin()->second.request.ports, 2);
}

TEST_F(Rtsp, the_last_alternative_may_be_the_one_that_is_taken) {
  (void)ask("SETUP", "rtsp://203.0.113.9/m", 1,
            "Transport: "
            "RTP/AVP;client_port=6970-6971,RTP/AVP/TCP;interleaved=0-1,RTP/AVP;client_port=7000-7001\r\n");
  EXPECT_THAT(reply(200, 1, "Session: 7\r\nTransport: RTP/AVP;client_port=40002-40003\r\n"),
              HasSubstr("client_port=7000-7001"));
  ASSERT_EQ(book_.pinholes.size(), 1u);
  EXPECT_EQ(book_.pinholes.begin()->second.request.target, endpoint("10.0.0.5:7000"));
}

TEST_F(Rtsp, an_answer_without_ports_keeps_all_that_was_offered) {
  (void)ask("SETUP", "rtsp://203.0.113.9/m", 1,
            "Transport: RTP/AVP;client_port=6970-6971,RTP/AVP;client_port=7000-7001\r\n");
  (void)reply(200, 1, "Session: 7\r\nTransport: RTP/AVP;unicast\r\n");
  EXPECT_EQ(book_.pinholes.size(), 2u);
  (void)ask("TEARDOWN", "rtsp://203.0.113.9/m", 2, "Session: 7\r\n");
  (void)reply(200, 2);
  EXPECT_TRUE(book_.pinholes.empty());
}

// RFC 3550 section 11: RTCP has the next port, whether or not the client wrote it.
TEST_F(Rtsp, one_client_port_stands_for_a_pair) {
  EXPECT_THAT(ask("SETUP", "rtsp://203.0.113.9/m", 1, "Transport: RTP/AVP;unicast;client_port=8523\r\n"),
              HasSubstr("client_port=40000\r\n"));
  ASSERT_EQ(book_.pinholes.size(), 1u);
  EXPECT_EQ(book_.pinholes.begin()->second.request.target, endpoint("10.0.0.5:8523"));
  EXPECT_EQ(book_.pinholes.begin()->second.request.ports, 2);
  EXPECT_THAT(
      reply(200, 1,
            "Session: 7\r\nTransport: RTP/AVP;unicast;client_port=40000-40001;server_port=6000-6001\r\n"),
      HasSubstr("client_port=8523-8524;server_port=6000-6001"));
  EXPECT_THAT(ask("SETUP", "rtsp://203.0.113.9/n", 2, "Transport: RTP/AVP;unicast;client_port=8600\r\n"),
              HasSubstr("client_port=40002\r\n"));
  EXPECT_THAT(reply(200, 2, "Session: 7\r\nTransport: RTP/AVP;unicast;client_port=40002\r\n"),
              HasSubstr("client_port=8600\r\n"));
  EXPECT_THAT(ask("SETUP", "rtsp://203.0.113.9/o", 3, "Transport: RTP/AVP;unicast;client_port=65535\r\n"),
              HasSubstr("client_port=40004\r\n"));
  EXPECT_EQ(book_.pinholes.rbegin()->second.request.ports, 1) << "there is none behind it";
}

TEST_F(Rtsp, one_server_port_stands_for_a_pair) {
  client(Side::outside);
  (void)ask("SETUP", "rtsp://198.51.100.1/m", 1, "Transport: RTP/AVP;unicast;client_port=4588-4589\r\n");
  EXPECT_THAT(
      reply(200, 1, "Session: 9\r\nTransport: RTP/AVP;unicast;client_port=4588-4589;server_port=6000\r\n"),
      HasSubstr("client_port=4588-4589;server_port=40000\r\n"));
  ASSERT_EQ(book_.pinholes.size(), 1u);
  EXPECT_EQ(book_.pinholes.begin()->second.request.ports, 2);
}

TEST_F(Rtsp, ports_of_several_layers_are_one_range) {
  EXPECT_THAT(ask("SETUP", "rtsp://203.0.113.9/m", 1, "Transport: RTP/AVP;unicast;client_port=6970-6973\r\n"),
              HasSubstr("client_port=40000-40003\r\n"));
  EXPECT_EQ(book_.pinholes.begin()->second.request.ports, 4);
  (void)ask("SETUP", "rtsp://203.0.113.9/m", 2, "Transport: RTP/AVP;unicast;client_port=6970-6990\r\n");
  EXPECT_EQ(alg_->tally().malformed, 1u);
}

// RFC 2326 section 15.1: between any two words.
TEST_F(Rtsp, white_space_may_stand_around_every_separator) {
  EXPECT_THAT(ask("SETUP", "rtsp://203.0.113.9/m", 1,
                  "Transport : RTP / AVP / TCP ; interleaved = 0-1 ,\r\n\tRTP / AVP ; unicast\t;\r\n "
                  "client_port\t= 4588 - 4589 "
                  "; mode = \"PLAY, x\"\r\n"),
              HasSubstr("interleaved = 0-1 ,\r\n\tRTP / AVP ; unicast\t;\r\n client_port\t= 40000-40001 ; "
                        "mode = \"PLAY, x\"\r\n"));
  EXPECT_THAT(reply(200, 1,
                    "Session: 77 ; timeout = 20\r\nTransport: RTP/AVP; client_port = 40000-40001 "
                    ";server_port=6000-6001\r\n"),
              HasSubstr("client_port = 4588-4589 ;server_port=6000-6001"));
  ASSERT_EQ(book_.pinholes.size(), 1u);
  EXPECT_EQ(book_.pinholes.begin()->second.deadline, now_ + 50s);
  (void)ask("TEARDOWN", "rtsp://203.0.113.9/m", 2, "Session:\t77 ;x\r\n");
  (void)reply(200, 2);
  EXPECT_TRUE(book_.pinholes.empty());
}

TEST_F(Rtsp, no_inside_address_is_in_any_other_place_either) {
  client(Side::outside);
  const std::string body =
      "v=0\r\ns=cam 10.0.0.5\r\nc=IN IP4 10.0.0.5\r\nm=video 0 RTP/AVP 96\r\na=x-dim:10.0.0.6\r\n"
      "a=control:rtsp://10.0.0.5:8554/m/track@1\r\n";
  const auto seen =
      say(Side::inside,
          "RTSP/1.0 200 OK\r\nCSeq: 1\r\nServer: cam (10.0.0.5)\r\nLocation: rtsp://10.0.0.5:8554/a@b\r\n"
          "X-Next: http://10.0.0.6:80/\r\nContent-Type: application / sdp ; charset=x\r\nContent-Length: " +
              std::to_string(body.size()) + "\r\n\r\n" + body);
  EXPECT_THAT(seen, Not(HasSubstr("10.0.0.")));
  EXPECT_THAT(seen, HasSubstr("rtsp://198.51.100.1:554/a@b"));
  EXPECT_THAT(seen, HasSubstr("a=control:rtsp://198.51.100.1:554/m/track@1"));
  const auto after = seen.substr(seen.find("\r\n\r\n") + 4);
  EXPECT_THAT(seen, HasSubstr("Content-Length: " + std::to_string(after.size())));
}

TEST_F(Rtsp, across_families_addresses_are_those_that_the_reader_knows) {
  book_.inside_family = net::Family::v6;
  conversation_ = {net::Protocol::tcp,          Side::inside,
                   endpoint("[fd00::5]:50000"), endpoint("198.51.100.1:50001"),
                   endpoint("203.0.113.9:554"), endpoint("[64:ff9b::cb00:7109]:554")};
  inspector_ = alg_->inspect(conversation_, book_);
  EXPECT_THAT(ask("DESCRIBE", "rtsp://[64:ff9b::cb00:7109]:554/m", 1), HasSubstr("rtsp://203.0.113.9:554/m"));
  EXPECT_THAT(reply(200, 1, "Content-Base: rtsp://203.0.113.9/m/\r\n"),
              HasSubstr("rtsp://[64:ff9b::cb00:7109]/m/"));
}

TEST_F(Rtsp, a_stream_that_is_no_rtsp_passes_and_requests_without_an_answer_are_bounded) {
  for (int i = 0; i < 100; ++i)
    (void)ask("SETUP", "rtsp://203.0.113.9/m", i, "Transport: RTP/AVP;client_port=4588-4589\r\n");
  EXPECT_EQ(book_.pinholes.size(), 32u);
  EXPECT_EQ(alg_->tally().over_limit, 68u);
  (void)say(Side::inside, "GET / HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(finished_);
}

TEST(Registry, each_alg_of_the_list_has_a_service_and_makes_itself) {
  ASSERT_EQ(registrations().size(), net::alg_infos.size());
  for (std::size_t i = 0; i < net::alg_infos.size(); ++i) {
    EXPECT_EQ(registrations()[i].name, net::alg_infos[i].name);
    EXPECT_FALSE(net::alg_infos[i].services.empty()) << net::alg_infos[i].name;
    EXPECT_TRUE(registrations()[i].make({})) << net::alg_infos[i].name;
  }
}

}  // namespace
}  // namespace rgw::alg
