// SDP: o=, c=, m=, a=rtcp and candidates; one c= line for all or one each; across families; what cannot be
// read.
#include "realmgw/alg/sdp.hpp"

#include "unit/alg/book.hpp"
#include <gtest/gtest.h>

namespace rgw::alg {
namespace {

/// Media move to 198.51.100.1 (or what is set), ports by +1000.
class View final : public SdpView {
 public:
  std::optional<IpAddress> address(const IpAddress&) override { return first; }
  std::optional<Place> media(const SdpStream& stream) override {
    streams.push_back(stream);
    if (stream.media.port == 0 || refuse) return std::nullopt;
    Place place{{stream.index == 0 ? first : rest, static_cast<std::uint16_t>(stream.media.port + 1000)}, {}};
    if (stream.rtcp) place.rtcp = Endpoint{first, 7};
    return place;
  }
  bool shows(const IpAddress& a) const override {
    return a != test::address("10.0.0.5") && a != test::address("fd00::5");
  }
  IpAddress none() const override { return none_of(first.family()); }

  IpAddress first = test::address("198.51.100.1");
  IpAddress rest = first;
  bool refuse = false;
  std::vector<SdpStream> streams;
};

class Sdp : public testing::Test {
 protected:
  std::string translated(const std::string& body) {
    Decision decision;
    decision.decided = body.size();
    result_ = translate_sdp(body, 0, view_, decision.edits);
    EXPECT_TRUE(well_formed(decision, body.size()));
    return edited(decision, body);
  }
  View view_;
  SdpResult result_{};
};

TEST_F(Sdp, one_connection_line_speaks_for_all_media) {
  EXPECT_EQ(translated("v=0\r\no=- 1 1 IN IP4 10.0.0.5\r\nc=IN IP4 10.0.0.5\r\nm=audio 4000 RTP/AVP 0\r\n"
                       "m=video 5000 RTP/SAVPF 96\r\n"),
            "v=0\r\no=- 1 1 IN IP4 198.51.100.1\r\nc=IN IP4 198.51.100.1\r\nm=audio 5000 RTP/AVP 0\r\n"
            "m=video 6000 RTP/SAVPF 96\r\n");
  ASSERT_EQ(view_.streams.size(), 2u);
  EXPECT_EQ(view_.streams[0].media, test::endpoint("10.0.0.5:4000"));
  EXPECT_EQ(view_.streams[1].ports, 2) << "RTP and RTCP";
}

TEST_F(Sdp, a_medium_that_goes_elsewhere_gets_a_line_of_its_own) {
  view_.rest = test::address("198.51.100.2");
  EXPECT_EQ(translated("c=IN IP4 10.0.0.5\r\nm=audio 4000 RTP/AVP 0\r\nm=video 5000 RTP/AVP 96\r\na=x\r\n"),
            "c=IN IP4 198.51.100.1\r\nm=audio 5000 RTP/AVP 0\r\nm=video 6000 RTP/AVP 96\r\n"
            "c=IN IP4 198.51.100.2\r\na=x\r\n");
}

TEST_F(Sdp, the_address_type_follows_the_family) {
  view_.first = view_.rest = test::address("2001:db8::1");
  EXPECT_EQ(translated("m=audio 4000 RTP/AVP 0\nc=IN IP4 10.0.0.5/127\n"),
            "m=audio 5000 RTP/AVP 0\nc=IN IP6 2001:db8::1\n");
}

TEST_F(Sdp, rtcp_of_its_own_is_told_apart_from_the_port_that_follows) {
  EXPECT_EQ(translated("c=IN IP4 10.0.0.5\r\nm=audio 4000 RTP/AVP 0\r\na=rtcp:4001\r\n"),
            "c=IN IP4 198.51.100.1\r\nm=audio 5000 RTP/AVP 0\r\na=rtcp:5001\r\n");
  EXPECT_FALSE(view_.streams[0].rtcp);
  EXPECT_EQ(translated("c=IN IP4 10.0.0.5\r\nm=audio 4000 RTP/AVP 0\r\na=rtcp:9 IN IP4 10.0.0.6\r\n"),
            "c=IN IP4 198.51.100.1\r\nm=audio 5000 RTP/AVP 0\r\na=rtcp:7 IN IP4 198.51.100.1\r\n");
  EXPECT_EQ(view_.streams[1].rtcp, test::endpoint("10.0.0.6:9"));
}

TEST_F(Sdp, an_old_hold_a_name_and_a_group_stay) {
  for (const char* address : {"0.0.0.0", "media.example", "224.1.2.3/127"}) {
    const std::string body = std::string{"c=IN IP4 "} + address + "\r\nm=audio 4000 RTP/AVP 0\r\n";
    EXPECT_EQ(translated(body), body);
  }
  EXPECT_TRUE(view_.streams.empty());
}

// GStreamer's RTSP server says c=IN IP4 0.0.0.0, and a player makes its sockets by that.
TEST_F(Sdp, the_zero_address_is_of_the_readers_family) {
  view_.first = test::address("2001:db8::1");
  EXPECT_EQ(translated("o=- 1 1 IN IP4 0.0.0.0\r\nc=IN IP4 0.0.0.0\r\nm=audio 0 RTP/AVP 0\r\n"
                       "m=video 0 RTP/AVP 26\r\nc=IN IP4 0.0.0.0\r\n"),
            "o=- 1 1 IN IP4 0.0.0.0\r\nc=IN IP6 ::\r\nm=audio 0 RTP/AVP 0\r\n"
            "m=video 0 RTP/AVP 26\r\nc=IN IP6 ::\r\n");
  EXPECT_EQ(translated("m=audio 4000 RTP/AVP 0\r\nc=IN IP6 ::\r\n"),
            "m=audio 4000 RTP/AVP 0\r\nc=IN IP6 ::\r\n");
}

TEST_F(Sdp, brackets_do_not_hide_an_address) {
  view_.first = test::address("2001:db8::1");
  EXPECT_EQ(translated("o=u 1 1 IN IP6 [fd00::5]\r\nc=IN IP6 [fd00::5]\r\nm=audio 0 RTP/AVP 0\r\n"),
            "o=u 1 1 IN IP6 2001:db8::1\r\nc=IN IP6 2001:db8::1\r\nm=audio 0 RTP/AVP 0\r\n");
}

TEST_F(Sdp, a_rejected_medium_is_told_of_and_opens_nothing) {
  EXPECT_EQ(translated("c=IN IP4 10.0.0.5\r\nm=audio 0 RTP/AVP 0\r\n"),
            "c=IN IP4 198.51.100.1\r\nm=audio 0 RTP/AVP 0\r\n");
  ASSERT_EQ(view_.streams.size(), 1u);
  EXPECT_EQ(view_.streams[0].media.port, 0);
}

TEST_F(Sdp, candidates_that_show_an_inside_address_are_taken_out) {
  EXPECT_EQ(
      translated("m=audio 4000 RTP/AVP 0\r\nc=IN IP4 10.0.0.5\r\n"
                 "a=candidate:1 1 UDP 2130706431 10.0.0.5 4000 typ host\r\n"
                 "a=candidate:2 1 UDP 1694498815 192.0.2.3 45664 typ srflx raddr 10.0.0.5 rport 4000\r\n"
                 "a=candidate:3 1 UDP 1694498815 192.0.2.3 45664 typ relay\r\na=z\r\n"),
      "m=audio 5000 RTP/AVP 0\r\nc=IN IP4 198.51.100.1\r\n"
      "a=candidate:3 1 UDP 1694498815 192.0.2.3 45664 typ relay\r\na=z\r\n");
}

TEST_F(Sdp, canonical_names_that_show_an_inside_address_are_taken_out) {  // RFC 5576 section 6.1
  EXPECT_EQ(translated("m=audio 4000 RTP/AVP 0\r\nc=IN IP4 10.0.0.5\r\n"
                       "a=ssrc:1 cname:sip:a@10.0.0.5;transport=udp\r\na=ssrc:2 cname:sip:a@[fd00::5]\r\n"
                       "a=ssrc:3 cname:a@10.0.0.5\r\na=ssrc:4 cname:a@example.org\r\n"
                       "a=ssrc:5 msid:10.0.0.5\r\n"),
            "m=audio 5000 RTP/AVP 0\r\nc=IN IP4 198.51.100.1\r\na=ssrc:4 cname:a@example.org\r\n"
            "a=ssrc:5 msid:198.51.100.1\r\n");
}

// RFC 4975 section 8: the URI of the path names the port of the m= line.
TEST_F(Sdp, a_mediums_own_place_is_translated_in_any_attribute) {
  EXPECT_EQ(translated("c=IN IP4 10.0.0.5\r\nm=message 2855 TCP/MSRP *\r\n"
                       "a=path:msrp://10.0.0.5:2855/s1;tcp\r\na=x-at:10.0.0.5:2855 10.0.0.5\r\n"
                       "a=path:msrps://203.0.113.1:2855/r;tcp msrp://10.0.0.5:2855/s;tcp\r\n"),
            "c=IN IP4 198.51.100.1\r\nm=message 3855 TCP/MSRP *\r\n"
            "a=path:msrp://198.51.100.1:3855/s1;tcp\r\na=x-at:198.51.100.1:3855 198.51.100.1\r\n"
            "a=path:msrps://203.0.113.1:2855/r;tcp msrp://198.51.100.1:3855/s;tcp\r\n");
  view_.first = view_.rest = test::address("2001:db8::1");
  EXPECT_EQ(
      translated("m=message 2855 TCP/MSRP *\r\nc=IN IP4 10.0.0.5\r\na=path:msrp://10.0.0.5:2855/s1;tcp\r\n"),
      "m=message 3855 TCP/MSRP *\r\nc=IN IP6 2001:db8::1\r\na=path:msrp://[2001:db8::1]:3855/s1;tcp\r\n");
  view_.first = view_.rest = test::address("198.51.100.1");
  EXPECT_EQ(
      translated("m=message 2855 TCP/MSRP *\r\nc=IN IP6 fd00::5\r\na=path:msrp://[fd00::5]:2855/s1;tcp\r\n"),
      "m=message 3855 TCP/MSRP *\r\nc=IN IP4 198.51.100.1\r\na=path:msrp://198.51.100.1:3855/s1;tcp\r\n");
}

TEST_F(Sdp, an_attribute_that_shows_another_inside_place_is_taken_out) {
  EXPECT_EQ(translated("c=IN IP4 10.0.0.5\r\nm=audio 4000 RTP/AVP 0\r\na=x:10.0.0.5:9\r\na=y\r\n"),
            "c=IN IP4 198.51.100.1\r\nm=audio 5000 RTP/AVP 0\r\na=y\r\n");
  view_.first = view_.rest = test::address("2001:db8::1");
  EXPECT_EQ(translated("c=IN IP4 10.0.0.5\r\nm=audio 4000 RTP/AVP 0\r\na=source-filter: incl IN IP4 * "
                       "10.0.0.5\r\na=y\r\n"),
            "c=IN IP6 2001:db8::1\r\nm=audio 5000 RTP/AVP 0\r\na=y\r\n");
}

TEST_F(Sdp, media_of_one_port_are_one_place) {  // RFC 9143 section 7
  (void)translated(
      "c=IN IP4 10.0.0.5\r\na=group:BUNDLE a d\r\nm=application 4000 UDP/DTLS/SCTP webrtc-datachannel\r\n"
      "m=audio 4000 UDP/TLS/RTP/SAVPF 0\r\nm=video 4002 RTP/AVP 96\r\n");
  ASSERT_EQ(view_.streams.size(), 3u);
  EXPECT_EQ(view_.streams[0].ports, 2) << "as many as the one that needs most";
  EXPECT_EQ(view_.streams[1].ports, 2);
}

TEST_F(Sdp, ports_that_are_counted_are_asked_for_in_pairs) {
  (void)translated(
      "c=IN IP4 10.0.0.5\r\nm=audio 4000/2 RTP/AVP 0\r\nm=image 5000 udptl t38\r\nm=x 6000 TCP/MSRP *\r\n");
  EXPECT_EQ(view_.streams[0].ports, 4);
  EXPECT_EQ(view_.streams[1].ports, 1);
  EXPECT_EQ(view_.streams[2].protocol, net::Protocol::tcp);
}

TEST_F(Sdp, what_cannot_be_read_or_has_no_end_is_refused) {
  for (const char* body : {"m=\r\n", "m=audio x RTP/AVP 0\r\n", "m=audio 70000 RTP/AVP 0\r\n",
                           "m=audio 4000/9 RTP/AVP\r\n", "m=a 1 RTP/AVP\r\na=rtcp:x\r\n"}) {
    (void)translated(body);
    EXPECT_EQ(result_, SdpResult::malformed) << body;
  }
  std::string many = "c=IN IP4 10.0.0.5\r\n";
  for (int i = 0; i < 100; ++i) many += "m=audio 4000 RTP/AVP 0\r\n";
  (void)translated(many);
  EXPECT_EQ(result_, SdpResult::over_limit);
  view_.refuse = true;
  (void)translated("c=IN IP4 10.0.0.5\r\nm=audio 4000 RTP/AVP 0\r\n");
  EXPECT_EQ(result_, SdpResult::refused);
}

}  // namespace
}  // namespace rgw::alg
