// ALG-2: PORT, EPRT, 227, 229 with the client inside and outside, on the four family pairs; AUTH TLS;
// bounces; replies that nobody asked for; lines that are split, joined, or too long.
#include "realmgw/alg/ftp.hpp"

#include "realmgw/alg/stream_editor.hpp"

#include "unit/alg/book.hpp"
#include <gtest/gtest.h>

namespace rgw::alg {
namespace {

using namespace std::chrono_literals;
using test::endpoint;

class Ftp : public testing::Test {
 protected:
  void talk(Side opener, const char* host, const char* host_outside, const char* remote,
            const char* remote_inside) {
    conversation_ = {net::Protocol::tcp,     opener,           endpoint(host),
                     endpoint(host_outside), endpoint(remote), endpoint(remote_inside)};
    book_.inside_family = conversation_.host.address.family();
    book_.outside_family = conversation_.remote.address.family();
    inspector_ = alg_->inspect(conversation_, book_);
  }
  void v4(Side opener) {
    talk(opener, "10.0.0.5:2000", "198.51.100.1:3000", "203.0.113.9:21", "203.0.113.9:21");
  }
  void nat64(Side opener) {
    talk(opener, "[fd00::5]:2000", "198.51.100.1:3000", "203.0.113.9:21", "[64:ff9b::cb00:7109]:21");
  }
  void nat46(Side opener) {
    talk(opener, "10.0.0.5:2000", "[2001:db8:e::1]:3000", "[2001:db8:9::9]:21", "192.168.66.9:21");
  }
  void nat66(Side opener) {
    talk(opener, "[fd00::5]:2000", "[2001:db8:e::1]:3000", "[2001:db8:9::9]:21", "[2001:db8:9::9]:21");
  }

  std::string say(Side from, const std::string& text) {
    const auto decision = inspector_->on_bytes(from, text, now_);
    EXPECT_TRUE(well_formed(decision, text.size()));
    finished_ = decision.finished;
    return edited(decision, text) + (decision.decided < text.size() ? "<held>" : "");
  }
  std::string client(const std::string& line) { return say(conversation_.opener, line + "\r\n"); }
  std::string server(const std::string& line) { return say(net::other(conversation_.opener), line + "\r\n"); }
  const test::Book::Held& only_pinhole() {
    EXPECT_EQ(book_.pinholes.size(), 1u);
    return book_.pinholes.begin()->second;
  }

  test::Book book_;
  std::unique_ptr<Alg> alg_ = make_ftp({});
  Conversation conversation_;
  std::unique_ptr<Inspector> inspector_;
  Instant now_{1000s};
  bool finished_ = false;
};

TEST_F(Ftp, active_from_inside_announces_an_external_port_for_one_connection_of_the_server) {
  v4(Side::inside);
  EXPECT_EQ(client("PORT 10,0,0,5,19,136"), "PORT 198,51,100,1,156,64\r\n");
  const auto& hole = only_pinhole();
  EXPECT_EQ(hole.request.target, endpoint("10.0.0.5:5000"));
  EXPECT_EQ(hole.request.from, conversation_.remote.address);
  EXPECT_EQ(hole.request.arrival, Side::outside);
  EXPECT_EQ(hole.request.protocol, net::Protocol::tcp);
  EXPECT_TRUE(hole.request.single_use);
  EXPECT_EQ(hole.deadline, now_ + 60s);
}

TEST_F(Ftp, an_extended_active_command_keeps_its_form_within_a_family) {
  nat66(Side::inside);
  EXPECT_EQ(client("EPRT |2|fd00::5|5000|"), "EPRT |2|2001:db8:e::1|40000|\r\n");
  v4(Side::inside);
  EXPECT_EQ(client("eprt !1!10.0.0.5!5000!"), "EPRT |1|198.51.100.1|40002|\r\n");
}

TEST_F(Ftp, active_across_families_is_said_in_the_servers_way_rfc6384) {
  nat64(Side::inside);
  EXPECT_EQ(client("EPRT |2|fd00::5|5000|"), "PORT 198,51,100,1,156,64\r\n");
  nat46(Side::inside);
  EXPECT_EQ(client("PORT 10,0,0,5,19,136"), "EPRT |2|2001:db8:e::1|40002|\r\n");
}

TEST_F(Ftp, active_from_outside_lets_the_inside_server_out_from_its_own_external_address) {
  v4(Side::outside);
  EXPECT_EQ(client("PORT 203,0,113,9,19,136"), "PORT 203,0,113,9,19,136\r\n");
  EXPECT_EQ(only_pinhole().request.arrival, Side::inside);
  EXPECT_EQ(only_pinhole().request.external, conversation_.host_outside.address);
  nat64(Side::outside);
  EXPECT_EQ(client("PORT 203,0,113,9,19,136"), "EPRT |2|64:ff9b::cb00:7109|5000|\r\n");
  nat46(Side::outside);
  EXPECT_EQ(client("EPRT |2|2001:db8:9::9|5000|"), "PORT 192,168,66,9,19,136\r\n");
}

TEST_F(Ftp, a_port_command_for_a_third_party_is_refused_by_the_server_itself) {
  v4(Side::inside);
  EXPECT_EQ(client("PORT 10,0,0,6,19,136"), "PORT 0,0,0,0,0,0\r\n");
  EXPECT_EQ(client("PORT 10,0,0,5,0,22"), "PORT 0,0,0,0,0,0\r\n") << "RFC 2577: a well-known port";
  v4(Side::outside);
  EXPECT_EQ(client("EPRT |1|10.0.0.7|5000|"), "EPRT |1|0.0.0.0|0|\r\n");
  EXPECT_EQ(book_.opened, 0u);
  EXPECT_EQ(alg_->tally().refused, 3u);
}

TEST_F(Ftp, passive_to_an_outside_server_needs_no_change_within_a_family) {
  v4(Side::inside);
  EXPECT_EQ(client("PASV"), "PASV\r\n");
  EXPECT_EQ(server("227 Entering Passive Mode (203,0,113,9,200,1)."),
            "227 Entering Passive Mode (203,0,113,9,200,1).\r\n");
  EXPECT_EQ(book_.opened, 0u);
}

TEST_F(Ftp, passive_across_families_is_translated_both_ways_rfc6384) {
  nat64(Side::inside);
  EXPECT_EQ(client("EPSV"), "PASV\r\n");
  EXPECT_EQ(server("227 Entering Passive Mode (203,0,113,9,200,1)"),
            "229 Entering Extended Passive Mode (|||51201|)\r\n");
  EXPECT_EQ(client("EPSV ALL"), "NOOP\r\n");
  nat46(Side::inside);
  EXPECT_EQ(client("PASV"), "EPSV\r\n");
  EXPECT_EQ(server("229 Extended (|||51201|)"), "227 Entering Passive Mode (192,168,66,9,200,1)\r\n");
}

TEST_F(Ftp, passive_to_an_inside_server_opens_a_pinhole_for_the_client_alone) {
  v4(Side::outside);
  (void)client("PASV");
  EXPECT_EQ(server("227 Entering Passive Mode (10,0,0,5,200,1)."),
            "227 Entering Passive Mode (198,51,100,1,156,64).\r\n");
  EXPECT_EQ(only_pinhole().request.target, endpoint("10.0.0.5:51201"));
  EXPECT_EQ(only_pinhole().request.from, conversation_.remote.address);
  (void)client("EPSV");
  EXPECT_EQ(server("229 Ok (|||51202|)"), "229 Entering Extended Passive Mode (|||40002|)\r\n");
  EXPECT_EQ(only_pinhole().request.target, endpoint("10.0.0.5:51202")) << "one data port at a time";
  nat46(Side::outside);
  (void)client("EPSV");
  EXPECT_EQ(server("227 =10,0,0,5,200,1"), "229 Entering Extended Passive Mode (|||40004|)\r\n");
  nat64(Side::outside);
  (void)client("PASV");
  EXPECT_EQ(server("229 Ok (|||51202|)"), "227 Entering Passive Mode (198,51,100,1,156,70)\r\n");
}

TEST_F(Ftp, a_reply_that_keeps_its_port_is_left_untouched) {
  book_.keep_ports = true;
  v4(Side::outside);
  (void)client("EPSV");
  EXPECT_EQ(server("229 Ok (|||51202|)"), "229 Ok (|||51202|)\r\n");
  EXPECT_EQ(book_.pinholes.size(), 1u);
}

TEST_F(Ftp, a_server_that_announces_its_external_address_is_understood) {
  v4(Side::outside);
  (void)client("PASV");
  EXPECT_EQ(server("227 (198,51,100,1,200,1)"), "227 (198,51,100,1,156,64)\r\n");
  EXPECT_EQ(only_pinhole().request.target, endpoint("10.0.0.5:51201"));
}

TEST_F(Ftp, a_passive_reply_for_a_third_party_becomes_a_failure) {
  for (const Side opener : {Side::inside, Side::outside}) {
    v4(opener);
    (void)client("PASV");
    EXPECT_EQ(server("227 Entering Passive Mode (10,0,0,7,200,1)"), "425 Can't open data connection.\r\n");
  }
  EXPECT_EQ(book_.opened, 0u);
}

TEST_F(Ftp, a_passive_reply_that_nobody_asked_for_opens_nothing) {
  v4(Side::outside);
  EXPECT_EQ(server("227 (10,0,0,5,200,1)"), "227 (10,0,0,5,200,1)\r\n");
  (void)client("HELP");
  (void)server("214-Help");
  EXPECT_EQ(server("227 (10,0,0,5,200,1)"), "227 (10,0,0,5,200,1)\r\n") << "within a reply of several lines";
  (void)server("214 End");
  (void)client("PASV");
  (void)server("150 Opening");
  EXPECT_NE(server("227 (10,0,0,5,200,1)"), "227 (10,0,0,5,200,1)\r\n") << "150 was preliminary";
  EXPECT_EQ(book_.opened, 1u);
}

TEST_F(Ftp, pipelined_commands_find_their_replies) {
  v4(Side::outside);
  (void)client("USER a\r\nTYPE I\r\nPASV");
  (void)server("331 Password");
  (void)server("200 Type");
  EXPECT_EQ(server("227 (10,0,0,5,200,1)"), "227 (198,51,100,1,156,64)\r\n");
}

TEST_F(Ftp, after_auth_tls_is_accepted_nothing_is_read) {
  v4(Side::inside);
  (void)client("AUTH TLS");
  EXPECT_FALSE(finished_);
  (void)server("534 No");
  EXPECT_FALSE(finished_);
  (void)client("AUTH TLS");
  (void)server("234 Go ahead");
  EXPECT_TRUE(finished_);
}

TEST_F(Ftp, a_line_in_parts_is_held_and_two_lines_in_one_window_are_both_read) {
  v4(Side::inside);
  EXPECT_EQ(say(Side::inside, "PORT 10,0,0"), "<held>");
  EXPECT_EQ(say(Side::inside, "PORT 10,0,0,5,19,136\r\nSTOR x\r\nRE"),
            "PORT 198,51,100,1,156,64\r\nSTOR x\r\n<held>");
}

TEST_F(Ftp, through_the_stream_editor_a_command_typed_byte_by_byte_arrives_edited) {
  v4(Side::inside);
  StreamEditor editor{*inspector_};
  const std::string command = "PORT 10,0,0,5,19,136\r\n";
  std::string server;
  TcpSegment segment;
  segment.flags = TcpSegment::ack_flag | TcpSegment::psh;
  for (std::size_t i = 0; i < command.size(); ++i) {
    segment.seq = 1000 + static_cast<std::uint32_t>(i);
    segment.payload = command.substr(i, 1);
    for (const auto& output : editor.on_segment(Side::inside, segment, now_)) {
      if (output.towards == Side::outside) server += output.segment.payload;
    }
  }
  EXPECT_EQ(server, "PORT 198,51,100,1,156,64\r\n");
  EXPECT_EQ(book_.opened, 1u);
}

TEST_F(Ftp, a_line_too_long_passes_unread_to_its_end) {
  v4(Side::inside);
  const std::string filler(5000, 'x');
  EXPECT_EQ(say(Side::inside, filler), filler);
  EXPECT_EQ(say(Side::inside, "PORT 10,0,0,5,19,136\r\n"), "PORT 10,0,0,5,19,136\r\n")
      << "still the same line";
  EXPECT_EQ(alg_->tally().over_limit, 1u);
  EXPECT_EQ(client("PORT 10,0,0,5,19,136"), "PORT 198,51,100,1,156,64\r\n");
}

TEST_F(Ftp, a_session_that_ends_leaves_no_pinhole) {
  v4(Side::inside);
  (void)client("PORT 10,0,0,5,19,136");
  inspector_.reset();
  EXPECT_TRUE(book_.pinholes.empty());
}

TEST_F(Ftp, without_a_free_port_the_command_is_refused) {
  book_.limit = 0;
  v4(Side::inside);
  EXPECT_EQ(client("PORT 10,0,0,5,19,136"), "PORT 0,0,0,0,0,0\r\n");
}

TEST(FtpText, what_is_not_an_endpoint_is_refused) {
  for (const char* text : {"", "1,2,3,4,5", "1,2,3,4,5,256", "1,2,3,4,5,", "1.2,3,4,5,6", " 1,2,3,4,5,6"})
    EXPECT_FALSE(ftp::parse_port(text)) << text;
  for (const char* text :
       {"", "|", "|1|10.0.0.5|5000", "|2|10.0.0.5|5000|", "|1|fd00::5|1|", "|1|10.0.0.5|70000|"})
    EXPECT_FALSE(ftp::parse_eprt(text)) << text;
  for (const char* text : {"", "(", "(|||", "(||5|)", "(|||x|)", "(|||99999|)"})
    EXPECT_FALSE(ftp::parse_epsv_reply(text)) << text;
}

}  // namespace
}  // namespace rgw::alg
