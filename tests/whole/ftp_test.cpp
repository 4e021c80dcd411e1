// FTP through the whole gateway (ALG-2, ALG-5): control connections read by the control thread, data
// connections through pinholes on the workers.
//
//   outbound: active and passive          inbound by the Circular Pool: passive and active
//   single use, from the other end alone, for a time; a bounce is refused
//   switched off for a host; what is corrupt stays corrupt; nothing is left of 10,000 abandoned dialogues
#include <cstdio>

#include "scenario/support.hpp"
#include "whole/talk.hpp"

namespace rgw::test {
namespace {

constexpr unsigned inside = Gateway::inside, outside = Gateway::outside;
constexpr std::string_view server = "203.0.113.10:21";

/// The endpoint in "h1,h2,h3,h4,p1,p2", or the port in "(|||p|)".
std::string endpoint_in(std::string_view text) {
  unsigned n[6]{};
  const std::string whole{text.substr(text.find_first_of("0123456789", text.find_first_of(" (")))};
  if (std::sscanf(whole.c_str(), "%u,%u,%u,%u,%u,%u", &n[0], &n[1], &n[2], &n[3], &n[4], &n[5]) != 6)
    return "none";
  return std::to_string(n[0]) + "." + std::to_string(n[1]) + "." + std::to_string(n[2]) + "." +
         std::to_string(n[3]) + ":" + std::to_string(n[4] * 256 + n[5]);
}

/// The connection, and what the server says first (RFC 959 section 5.4).
bool greets(TcpTalk& control) {
  return control.connect() && control.server_says("220 hello\r\n") == "220 hello\r\n";
}

class Ftp : public testing::TestWithParam<unsigned> {
 protected:
  WholeGateway gateway{alg_realm(), GetParam()};
  TcpTalk control{gateway, inside, "10.0.0.42:40001", server};
};
INSTANTIATE_TEST_SUITE_P(on, Ftp, testing::Values(1U, 2U, 4U), workers_name);

TEST_P(Ftp, active_data_connection_comes_in_by_a_pinhole) {
  ASSERT_TRUE(greets(control));
  const std::string port = control.client_says("PORT 10,0,0,42,195,80\r\n");
  EXPECT_EQ(port.substr(0, 18), "PORT 198,51,100,1,");
  EXPECT_EQ(control.server_says("200 ok\r\n"), "200 ok\r\n");
  EXPECT_EQ(control.client_says("LIST\r\n"), "LIST\r\n") << "the numbers behind the edit are right";

  TcpTalk data{gateway, outside, "203.0.113.10:20", endpoint_in(port)};
  ASSERT_TRUE(data.connect());
  EXPECT_EQ(data.server_address(), "10.0.0.42:50000");
  EXPECT_EQ(data.client_says("a list"), "a list");
  // RFC 959 section 3.2: one connection.
  TcpTalk second{gateway, outside, "203.0.113.10:1020", endpoint_in(port)};
  EXPECT_FALSE(second.connect());
}

TEST_P(Ftp, passive_data_connection_goes_out_as_ever) {
  ASSERT_TRUE(greets(control));
  EXPECT_EQ(control.client_says("PASV\r\n"), "PASV\r\n");
  EXPECT_EQ(control.server_says("227 Entering Passive Mode (203,0,113,10,200,10)\r\n"),
            "227 Entering Passive Mode (203,0,113,10,200,10)\r\n");
  EXPECT_EQ(gateway.controller().algs().book().size(), 0U);
}

TEST_P(Ftp, a_pinhole_is_for_the_other_end_alone) {
  ASSERT_TRUE(greets(control));
  const std::string port = control.client_says("PORT 10,0,0,42,195,80\r\n");
  TcpTalk stranger{gateway, outside, "203.0.113.99:20", endpoint_in(port)};
  EXPECT_FALSE(stranger.connect());
  TcpTalk data{gateway, outside, "203.0.113.10:20", endpoint_in(port)};
  EXPECT_TRUE(data.connect());
}

TEST_P(Ftp, a_pinhole_waits_for_a_minute) {
  ASSERT_TRUE(greets(control));
  const std::string port = control.client_says("PORT 10,0,0,42,195,80\r\n");
  gateway.pass(std::chrono::seconds{61});
  TcpTalk data{gateway, outside, "203.0.113.10:20", endpoint_in(port)};
  EXPECT_FALSE(data.connect());
  EXPECT_EQ(gateway.controller().algs().book().size(), 0U) << "unused, it is gone, and its port is free";
}

TEST_P(Ftp, a_bounce_is_refused) {
  ASSERT_TRUE(greets(control));
  EXPECT_EQ(control.client_says("PORT 10,0,0,43,195,80\r\n"), "PORT 0,0,0,0,0,0\r\n");
  EXPECT_EQ(gateway.controller().algs().book().size(), 0U);
}

TEST_P(Ftp, a_command_split_byte_by_byte_is_edited_whole) {
  ASSERT_TRUE(greets(control));
  std::string got;
  for (const char byte : std::string_view{"PORT 10,0,0,42,195,80\r\nNOOP\r\n"})
    got += control.client_says({&byte, 1});
  EXPECT_EQ(got.substr(0, 18), "PORT 198,51,100,1,");
  EXPECT_EQ(got.substr(got.size() - 8), "\r\nNOOP\r\n");
}

// A page on the web can make a browser inside post any text to any port. Nobody comes in by it.
TEST_P(Ftp, a_form_that_a_browser_posts_opens_nothing) {
  const std::string form =
      "POST / HTTP/1.1\r\nHost: ext1:21\r\nContent-Length: 22\r\n\r\nPORT 10,0,0,42,31,144\r\n";
  for (const bool greeted : {false, true}) {
    TcpTalk browser{gateway, inside, greeted ? "10.0.0.42:40002" : "10.0.0.42:40003", server};
    ASSERT_TRUE(greeted ? greets(browser) : browser.connect());
    EXPECT_EQ(browser.client_says(form), form);
    EXPECT_EQ(browser.server_says("220 hello\r\n"), "220 hello\r\n");
    const auto read = gateway.count(Counter::alg_to_control);
    EXPECT_EQ(browser.client_says("PORT 10,0,0,42,31,144\r\n"), "PORT 10,0,0,42,31,144\r\n");
    EXPECT_EQ(gateway.count(Counter::alg_to_control), read) << "it is not read any more";
  }
  EXPECT_EQ(gateway.controller().algs().book().size(), 0U);
  EXPECT_NE(gateway.controller().algs().report().find("\"malformed\":2"), std::string::npos);
}

TEST_P(Ftp, a_host_may_be_exempt) {
  config::Realm realm = alg_realm();
  realm.hosts[0].alg = false;
  WholeGateway other{realm, GetParam()};
  TcpTalk plain{other, inside, "10.0.0.42:40001", server};
  ASSERT_TRUE(plain.connect());
  EXPECT_EQ(plain.client_says("PORT 10,0,0,42,195,80\r\n"), "PORT 10,0,0,42,195,80\r\n");
  EXPECT_EQ(other.count(Counter::alg_session_opened), 0U);
}

TEST_P(Ftp, a_corrupt_segment_is_not_made_right) {
  ASSERT_TRUE(greets(control));
  gateway.put(inside, tcp("10.0.0.42:40001", server)
                          .sequence(1'000'001)
                          .payload(Bytes{'P', 'O', 'R', 'T', '\r', '\n'})
                          .corrupt_transport_checksum()
                          .ip());
  gateway.turn_all();
  EXPECT_FALSE(gateway.take(outside));
  EXPECT_EQ(gateway.control_count(Counter::alg_bad_checksum), 1U);
}

// POOL-1: the control connection itself came in by the Circular Pool.
class FtpServerInside : public Ftp {
 protected:
  void SetUp() override {
    external = Resolver{gateway}.look_up("hosta.foo");
    control.emplace(gateway, outside, "203.0.113.77:40001", external + ":21");
    ASSERT_TRUE(greets(*control));
    ASSERT_EQ(control->server_address(), "10.0.0.42:21");
  }
  std::string external;
  std::optional<TcpTalk> control;
};
INSTANTIATE_TEST_SUITE_P(on, FtpServerInside, testing::Values(1U, 2U, 4U), workers_name);

TEST_P(FtpServerInside, passive_data_connection_comes_in_by_a_pinhole) {
  EXPECT_EQ(control->client_says("PASV\r\n"), "PASV\r\n");
  const std::string reply = control->server_says("227 Entering Passive Mode (10,0,0,42,156,64)\r\n");
  const std::string announced = endpoint_in(reply.substr(4));
  EXPECT_EQ(announced.substr(0, announced.find(':')), external) << reply;
  TcpTalk data{gateway, outside, "203.0.113.77:40002", announced};
  ASSERT_TRUE(data.connect());
  EXPECT_EQ(data.server_address(), "10.0.0.42:40000");
  EXPECT_EQ(data.server_says("file"), "file");
}

// RFC 959 section 4.2, RFC 1123 section 4.1.2.6.
TEST_P(FtpServerInside, a_passive_reply_of_several_lines_opens_its_pinhole) {
  EXPECT_EQ(control->client_says("PASV\r\n"), "PASV\r\n");
  const std::string reply = control->server_says("227-listen socket created\r\n227 (10,0,0,42,156,64)\r\n");
  ASSERT_EQ(reply.substr(0, 32), "227-listen socket created\r\n227 (") << reply;
  const std::string announced = endpoint_in(reply.substr(31));
  EXPECT_EQ(announced.substr(0, announced.find(':')), external) << reply;
  TcpTalk data{gateway, outside, "203.0.113.77:40002", announced};
  ASSERT_TRUE(data.connect());
  EXPECT_EQ(data.server_address(), "10.0.0.42:40000");
}

TEST_P(FtpServerInside, a_passive_reply_that_comes_in_two_segments_opens_its_pinhole) {
  EXPECT_EQ(control->client_says("PASV\r\n"), "PASV\r\n");
  EXPECT_EQ(control->server_says("227-listen socket created\r\n"), "");
  const std::string reply = control->server_says("227 (10,0,0,42,156,64)\r\n");
  TcpTalk data{gateway, outside, "203.0.113.77:40002", endpoint_in(reply.substr(31))};
  ASSERT_TRUE(data.connect());
  EXPECT_EQ(control->client_says("NOOP\r\n"), "NOOP\r\n");
}

TEST_P(FtpServerInside, extended_passive_mode_announces_the_external_port) {
  EXPECT_EQ(control->client_says("EPSV\r\n"), "EPSV\r\n");
  const std::string reply = control->server_says("229 Entering Extended Passive Mode (|||40000|)\r\n");
  const std::string port = reply.substr(reply.find("|||") + 3, 5);
  TcpTalk data{gateway, outside, "203.0.113.77:40002", external + ":" + port};
  ASSERT_TRUE(data.connect());
  EXPECT_EQ(data.server_address(), "10.0.0.42:40000");
}

// RFC 959: the client expects the server's address, which is the pool's, not one of NAT's.
TEST_P(FtpServerInside, active_data_connection_leaves_from_the_address_of_the_control_connection) {
  EXPECT_EQ(control->client_says("PORT 203,0,113,77,200,10\r\n"), "PORT 203,0,113,77,200,10\r\n");
  TcpTalk data{gateway, inside, "10.0.0.42:20", "203.0.113.77:51210"};
  ASSERT_TRUE(data.connect());
  EXPECT_EQ(data.client_seen().substr(0, data.client_seen().find(':')), external);
}

TEST(FtpLimits, nothing_is_left_of_abandoned_dialogues) {
  config::Realm realm = alg_realm();
  realm.outbound.max_sessions = 32768;
  realm.alg.max_pinholes_per_host = 65535;
  WholeGateway gateway{realm};
  for (unsigned n = 0; n < 10'000; ++n) {
    const std::string host = "10.0.0." + std::to_string(42 + n % 4);
    TcpTalk control{gateway, inside, host + ":" + std::to_string(1024 + n), "203.0.113.10:21"};
    ASSERT_TRUE(control.connect());
    control.server_says("220 hello\r\n");
    const std::string comma = "10,0,0," + std::to_string(42 + n % 4);
    control.client_sends("PORT " + comma + ",195," + std::to_string(n % 200) + "\r\n");
    control.client_sends("PORT 10,0");  // and never the rest
    if (n % 500 == 0) gateway.pass(std::chrono::seconds{5});
  }
  EXPECT_LE(gateway.controller().algs().book().leased_ports(), 8000U);
  // The gateway's destructor sees that no session, port, pinhole or held byte is left.
}

}  // namespace
}  // namespace rgw::test
