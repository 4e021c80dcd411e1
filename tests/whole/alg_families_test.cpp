// ALGs where the families differ, and RTSP (ALG-2, ALG-4, RFC 6384): the whole gateway.
//
//   FTP: v6 to v6, v6 to v4, v4 to v6          RTSP: a track is set up, plays, and is torn down
#include <regex>

#include "scenario/support.hpp"
#include "whole/talk.hpp"

namespace rgw::test {
namespace {

constexpr unsigned inside = Gateway::inside, outside = Gateway::outside;

config::Realm families_realm() {
  config::Realm realm = alg_realm();
  realm.outbound.addresses.push_back(address("2001:db8:100::1"));
  realm.nat64.prefix = net::Prefix::parse("fd00:64::/96");
  realm.nat46.proxies = net::Prefix::parse("172.31.0.0/16");
  realm.hosts[0].addresses.push_back(address("fd00:10::42"));
  return realm;
}

class AlgFamilies : public testing::TestWithParam<unsigned> {
 protected:
  AlgFamilies() {
    gateway.learn(inside, "fd00:10::42");
    gateway.learn(outside, "2001:db8:100::fe");
  }
  static std::string found(const std::string& text, const char* pattern) {
    std::smatch match;
    return std::regex_search(text, match, std::regex{pattern}) ? match[1].str() : "none in " + text;
  }
  WholeGateway gateway{families_realm(), GetParam()};
};
INSTANTIATE_TEST_SUITE_P(on, AlgFamilies, testing::Values(1U, 2U, 4U), workers_name);

TEST_P(AlgFamilies, ftp_from_ipv6_to_ipv6) {
  TcpTalk control{gateway, inside, "[fd00:10::42]:40001", "[2001:db8:203::10]:21"};
  ASSERT_TRUE(control.connect());
  EXPECT_NE(control.server_says("220 hello\r\n"), "");
  const std::string port = control.client_says("EPRT |2|fd00:10::42|50000|\r\n");
  const std::string at = found(port, R"(EPRT \|2\|2001:db8:100::1\|(\d+)\|)");
  TcpTalk data{gateway, outside, "[2001:db8:203::10]:20", "[2001:db8:100::1]:" + at};
  ASSERT_TRUE(data.connect());
  EXPECT_EQ(data.server_address(), "[fd00:10::42]:50000");
}

TEST_P(AlgFamilies, ftp_from_ipv6_to_ipv4) {
  TcpTalk control{gateway, inside, "[fd00:10::42]:40001", "[fd00:64::203.0.113.10]:21"};
  ASSERT_TRUE(control.connect());
  EXPECT_NE(control.server_says("220 hello\r\n"), "");
  EXPECT_EQ(control.client_says("EPSV\r\n"), "PASV\r\n");
  EXPECT_EQ(control.server_says("227 Entering Passive Mode (203,0,113,10,200,10)\r\n"),
            "229 Entering Extended Passive Mode (|||51210|)\r\n");
  TcpTalk passive{gateway, inside, "[fd00:10::42]:40002", "[fd00:64::203.0.113.10]:51210"};
  EXPECT_TRUE(passive.connect());

  const std::string port = control.client_says("EPRT |2|fd00:10::42|50000|\r\n");
  const std::string high = found(port, R"(PORT 198,51,100,1,(\d+),\d+)"), low = found(port, R"(,(\d+)\r\n)");
  TcpTalk data{gateway, outside, "203.0.113.10:20",
               "198.51.100.1:" + std::to_string(std::stoi(high) * 256 + std::stoi(low))};
  ASSERT_TRUE(data.connect());
  EXPECT_EQ(data.server_address(), "[fd00:10::42]:50000");
  EXPECT_EQ(data.client_seen(), net::Endpoint(address("fd00:64::203.0.113.10"), 20).to_string());
}

TEST_P(AlgFamilies, ftp_from_ipv4_to_ipv6) {
  const auto remote = address("2001:db8:203::10");
  gateway.tell(ring::ProxyBind{address("172.31.0.9").v4(), remote.v6(),
                               gateway.clock().now() + std::chrono::minutes{5}});
  TcpTalk control{gateway, inside, "10.0.0.42:40001", "172.31.0.9:21"};
  ASSERT_TRUE(control.connect());
  EXPECT_NE(control.server_says("220 hello\r\n"), "");
  EXPECT_EQ(control.client_says("PASV\r\n"), "EPSV\r\n");
  EXPECT_EQ(control.server_says("229 Entering Extended Passive Mode (|||51210|)\r\n"),
            "227 Entering Passive Mode (172,31,0,9,200,10)\r\n");
  const std::string port = control.client_says("PORT 10,0,0,42,195,80\r\n");
  const std::string at = found(port, R"(EPRT \|2\|2001:db8:100::1\|(\d+)\|)");
  TcpTalk data{gateway, outside, "[2001:db8:203::10]:20", "[2001:db8:100::1]:" + at};
  ASSERT_TRUE(data.connect());
  EXPECT_EQ(data.server_address(), "10.0.0.42:50000");
}

TEST_P(AlgFamilies, rtsp_sets_up_a_track_and_tears_it_down) {
  TcpTalk control{gateway, inside, "10.0.0.42:40001", "203.0.113.10:554"};
  ASSERT_TRUE(control.connect());
  const std::string setup = control.client_says(
      "SETUP rtsp://203.0.113.10/a/1 RTSP/1.0\r\nCSeq: 3\r\nTransport: "
      "RTP/AVP;unicast;client_port=4588-4589\r\n\r\n");
  const std::string port = found(setup, R"(client_port=(\d+)-)");
  const std::string reply = control.server_says(
      "RTSP/1.0 200 OK\r\nCSeq: 3\r\nSession: 12;timeout=60\r\nTransport: RTP/AVP;unicast;client_port=" +
      port + "-" + std::to_string(std::stoi(port) + 1) + ";server_port=6970-6971\r\n\r\n");
  EXPECT_NE(reply.find("client_port=4588-4589"), std::string::npos) << reply;

  const auto rtp = [&] {
    return gateway.arrives(udp("203.0.113.10:6970", "198.51.100.1:" + port).payload(20));
  };
  EXPECT_EQ(rtp(), "udp 203.0.113.10:6970 > 10.0.0.42:4588");
  EXPECT_EQ(gateway.leaves(udp("10.0.0.42:4589", "203.0.113.10:6971").payload(20)),
            "udp 198.51.100.1:" + std::to_string(std::stoi(port) + 1) + " > 203.0.113.10:6971");
  control.client_says("TEARDOWN rtsp://203.0.113.10/a/1 RTSP/1.0\r\nCSeq: 4\r\nSession: 12\r\n\r\n");
  control.server_says("RTSP/1.0 200 OK\r\nCSeq: 4\r\nSession: 12\r\n\r\n");
  EXPECT_EQ(rtp(), "");
}

// RFC 2326 section 12.39: the server takes the last alternative. RFC 3550 section 11: RTCP has the next port,
// though the client wrote one alone.
TEST_P(AlgFamilies, rtsp_reaches_the_ports_of_the_alternative_that_the_server_takes) {
  TcpTalk control{gateway, inside, "10.0.0.42:40001", "203.0.113.10:554"};
  ASSERT_TRUE(control.connect());
  const std::string setup = control.client_says(
      "SETUP rtsp://203.0.113.10/a/1 RTSP/1.0\r\nCSeq: 3\r\nTransport: "
      "x-pn-tng/tcp;mode=play,rtp/avp/tcp;unicast,"
      "x-pn-tng/udp;client_port=6970;mode=play,rtp/avp ; unicast ; client_port = 8523 ;mode=play\r\n\r\n");
  const std::string first = found(setup, R"(udp;client_port=(\d+);)");
  const std::string port = found(setup, R"(; client_port = (\d+) ;)");
  EXPECT_EQ(setup.find("8523"), std::string::npos) << setup;
  EXPECT_EQ(setup.find("6970"), std::string::npos) << setup;
  const std::string next = std::to_string(std::stoi(port) + 1);
  const std::string reply = control.server_says(
      "RTSP/1.0 200 OK\r\nCSeq: 3\r\nSession: 12 ; timeout = 60\r\nTransport: rtp/avp;unicast;client_port=" +
      port + "-" + next + ";server_port=6970-6971\r\n\r\n");
  EXPECT_NE(reply.find("client_port=8523-8524;"), std::string::npos) << reply;
  const auto comes = [&](const std::string& from, const std::string& to) {
    return gateway.arrives(udp(from, "198.51.100.1:" + to).payload(20));
  };
  EXPECT_EQ(comes("203.0.113.10:6970", port), "udp 203.0.113.10:6970 > 10.0.0.42:8523");
  EXPECT_EQ(comes("203.0.113.10:6971", next), "udp 203.0.113.10:6971 > 10.0.0.42:8524");
  EXPECT_EQ(comes("203.0.113.10:6970", first), "") << "what was not taken is closed";
}

// POOL-14: as above, where client and server have spoken between the media's ports before.
TEST_P(AlgFamilies, rtsp_media_that_an_ordinary_session_has_carried_go_by_the_track) {
  for (const unsigned n : {0U, 1U})
    ASSERT_NE(gateway.leaves(udp(at("10.0.0.42", 4588 + n), at("203.0.113.10", 6970 + n)).payload(20)), "");
  TcpTalk control{gateway, inside, "10.0.0.42:40001", "203.0.113.10:554"};
  ASSERT_TRUE(control.connect());
  const std::string setup = control.client_says(
      "SETUP rtsp://203.0.113.10/a/1 RTSP/1.0\r\nCSeq: 3\r\nTransport: "
      "RTP/AVP;unicast;client_port=4588-4589\r\n\r\n");
  const auto port = static_cast<unsigned>(std::stoi(found(setup, R"(client_port=(\d+)-)")));
  control.server_says(
      "RTSP/1.0 200 OK\r\nCSeq: 3\r\nSession: 12;timeout=60\r\nTransport: RTP/AVP;unicast;client_port=" +
      std::to_string(port) + "-" + std::to_string(port + 1) + ";server_port=6970-6971\r\n\r\n");
  for (const unsigned n : {0U, 1U}) {
    EXPECT_EQ(gateway.leaves(udp(at("10.0.0.42", 4588 + n), at("203.0.113.10", 6970 + n)).payload(20)),
              "udp " + at("198.51.100.1", port + n) + " > " + at("203.0.113.10", 6970 + n));
    EXPECT_EQ(gateway.arrives(udp(at("203.0.113.10", 6970 + n), at("198.51.100.1", port + n)).payload(20)),
              "udp " + at("203.0.113.10", 6970 + n) + " > " + at("10.0.0.42", 4588 + n));
  }
}

// ALG-1: after AUTH TLS nothing is read any more; the worker adjusts the numbers of what was edited before.
TEST_P(AlgFamilies, a_session_that_is_encrypted_goes_back_to_the_fast_path) {
  TcpTalk control{gateway, inside, "10.0.0.42:40001", "203.0.113.10:21"};
  ASSERT_TRUE(control.connect());
  EXPECT_NE(control.server_says("220 hello\r\n"), "");
  EXPECT_NE(control.client_says("PORT 10,0,0,42,195,80\r\n"), "");
  EXPECT_NE(control.server_says("200 ok\r\n"), "");
  EXPECT_NE(control.client_says("AUTH TLS\r\n"), "");
  EXPECT_EQ(control.server_says("234 go on\r\n"), "234 go on\r\n");
  const auto read = gateway.count(Counter::alg_to_control);
  EXPECT_EQ(control.client_says("PORT 10,0,0,42,195,80\r\n"), "PORT 10,0,0,42,195,80\r\n")
      << "it is not read";
  EXPECT_EQ(control.server_says(std::string(1000, 'x')), std::string(1000, 'x'));
  EXPECT_EQ(gateway.count(Counter::alg_to_control), read);
}

}  // namespace
}  // namespace rgw::test
