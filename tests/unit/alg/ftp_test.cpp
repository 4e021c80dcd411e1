// ALG-2: PORT, EPRT, 227, 229 with the client inside and outside, on the four family pairs; AUTH TLS;
// bounces; replies that nobody asked for, and replies of several lines; lines that are split, joined, or too
// long; what is no FTP opens nothing.
#include "realmgw/alg/ftp.hpp"

#include "realmgw/alg/stream_editor.hpp"

#include <map>

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
    if (greeted_) (void)server("220 Ready");
  }
  /// A conversation in which nothing has been said yet.
  void silent(Side opener) {
    greeted_ = false;
    v4(opener);
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
  bool greeted_ = true;
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
  v4(Side::outside);
  (void)client("PASV");
  EXPECT_EQ(server("227 Entering Passive Mode (10,0,0,7,200,1)"), "425 Can't open data connection.\r\n");
  for (const Side opener : {Side::inside, Side::outside}) {
    v4(opener);
    (void)client("PASV");
    EXPECT_EQ(server("227 Entering Passive Mode (10,0,0,5,3,255)"), "425 Can't open data connection.\r\n")
        << "RFC 2577: a well-known port";
  }
  EXPECT_EQ(book_.opened, 0u);
}

// Clients do the same where nobody does it for them: a server behind a NAT of its own names an address that
// nobody outside can reach.
TEST_F(Ftp, an_outside_server_is_reached_where_it_is_whatever_address_it_announces) {
  for (const char* address : {"192,168,1,2", "10,0,0,5", "0,0,0,0", "198,18,0,1"}) {
    v4(Side::inside);
    (void)client("PASV");
    EXPECT_EQ(server("227 Entering Passive Mode (" + std::string{address} + ",200,1)"),
              "227 Entering Passive Mode (203,0,113,9,200,1)\r\n");
  }
  EXPECT_EQ(alg_->tally().refused, 4u);
  nat64(Side::inside);
  (void)client("EPSV");
  EXPECT_EQ(server("227 (192,168,1,2,200,1)"), "229 Entering Extended Passive Mode (|||51201|)\r\n");
  EXPECT_EQ(book_.opened, 0u);
}

TEST_F(Ftp, an_inside_server_that_was_told_another_public_address_means_itself) {
  v4(Side::outside);
  (void)client("PASV");
  EXPECT_EQ(server("227 (192,0,2,77,200,1)"), "227 (198,51,100,1,156,64)\r\n");
  EXPECT_EQ(only_pinhole().request.target, endpoint("10.0.0.5:51201"));
}

// RFC 959 section 4.2: all lines are one reply. RFC 1123 section 4.1.2.6: the numbers are anywhere in it.
TEST_F(Ftp, the_numbers_stand_in_any_line_of_a_passive_reply) {
  v4(Side::outside);
  for (const auto& [said, seen] : std::map<std::string, std::string>{
           {"227-listen socket created\r\n227 (10,0,0,5,156,64)", "227-listen socket created\r\n227 (E)"},
           {"227-(10,0,0,5,156,64)\r\n227 End", "227-(E)\r\n227 End"},
           {"227-One\r\n227 is not the end? 10,0,0,5,156,64", "227-One\r\n227 is not the end? E"},
           {"227-One\r\n  10,0,0,5,156,64\r\n226 Two\r\n227 Three", "227-One\r\n  E\r\n226 Two\r\n227 Three"},
           {"227-10,0,0,5,156,64\n227 10,0,0,5,156,64.", "227-E\n227 E."}}) {
    const std::size_t before = book_.opened;
    (void)client("PASV");
    std::string expected = seen;
    const std::string numbers =
        "198,51,100,1," + std::to_string(book_.next_port >> 8) + "," + std::to_string(book_.next_port & 255);
    for (std::size_t at; (at = expected.find("E")) != std::string::npos && expected.substr(at, 2) != "En";)
      expected.replace(at, 1, numbers);
    EXPECT_EQ(server(said), expected + "\r\n");
    EXPECT_EQ(book_.opened, before + 1);
    EXPECT_EQ(only_pinhole().request.target, endpoint("10.0.0.5:40000"));
  }
  (void)client("EPSV");
  const std::string port = std::to_string(book_.next_port);
  EXPECT_EQ(server("229-Wait\r\n229-(really)\r\n229 Here (|||40000|)"),
            "229 Entering Extended Passive Mode (|||" + port + "|)\r\n");
  EXPECT_EQ(server("200 Ok"), "200 Ok\r\n") << "each reply has been told apart";
}

TEST_F(Ftp, a_reply_of_several_lines_is_translated_across_families_too) {
  nat64(Side::inside);
  (void)client("EPSV");
  EXPECT_EQ(server("227-Here\r\n227 203,0,113,9,200,1"),
            "229 Entering Extended Passive Mode (|||51201|)\r\n");
  nat46(Side::inside);
  (void)client("PASV");
  EXPECT_EQ(server("229-Here\r\n229 (|||51201|)"), "227 Entering Passive Mode (192,168,66,9,200,1)\r\n");
  nat64(Side::outside);
  (void)client("PASV");
  EXPECT_EQ(server("229-Here\r\n229 (|||51202|)"), "227 Entering Passive Mode (198,51,100,1,156,64)\r\n");
}

TEST_F(Ftp, a_reply_of_several_lines_waits_for_its_last_one) {
  v4(Side::outside);
  (void)client("PASV");
  const std::string reply = "227-listen\r\n227-(10,0,0,5,156,64)\r\n227 end\r\n";
  for (std::size_t size = 1; size < reply.size(); ++size)
    EXPECT_EQ(say(Side::inside, reply.substr(0, size)), "<held>") << size;
  EXPECT_EQ(say(Side::inside, reply + "226 Next\r\n"),
            "227-listen\r\n227-(198,51,100,1,156,64)\r\n227 end\r\n226 Next\r\n");
  (void)client("PASV");
  EXPECT_EQ(say(Side::inside, "227-" + std::string(4100, 'x') + "\r\n227 (10,0,0,5,156,64)\r\n"),
            "227-" + std::string(4100, 'x') + "\r\n227 (10,0,0,5,156,64)\r\n");
  EXPECT_EQ(alg_->tally().over_limit, 1u) << "too long: it opens nothing";
  EXPECT_EQ(book_.opened, 1u);
}

TEST_F(Ftp, a_reply_that_names_two_places_is_a_failure) {
  v4(Side::outside);
  (void)client("PASV");
  EXPECT_EQ(server("227-(10,0,0,5,156,64)\r\n227 (10,0,0,5,156,66)"), "425 Can't open data connection.\r\n");
  EXPECT_EQ(book_.opened, 0u);
}

TEST_F(Ftp, long_addresses_of_rfc1639_are_refused) {
  v4(Side::inside);
  EXPECT_EQ(client("LPRT 4,4,10,0,0,5,2,19,136"), "LPRT 0\r\n");
  v4(Side::outside);
  (void)client("LPSV");
  EXPECT_EQ(server("228 Entering Long Passive Mode (4,4,10,0,0,5,2,19,136)"),
            "425 Can't open data connection.\r\n");
  EXPECT_EQ(book_.opened, 0u);
}

// RFC 959 section 5.4: the server speaks first. A page on the web can make a browser post such a form.
TEST_F(Ftp, nothing_is_opened_before_the_server_has_said_220) {
  silent(Side::inside);
  EXPECT_EQ(client("PORT 10,0,0,5,31,144"), "PORT 0,0,0,0,0,0\r\n");
  (void)server("120 Soon");
  EXPECT_EQ(client("PORT 10,0,0,5,31,144"), "PORT 0,0,0,0,0,0\r\n");
  (void)server("220-Welcome\r\n10,0,0,5,31,144\r\n220-all");
  EXPECT_EQ(client("EPRT |1|10.0.0.5|8080|"), "EPRT |1|0.0.0.0|0|\r\n") << "it goes on";
  (void)server("220 Now");
  EXPECT_EQ(book_.opened, 0u);
  EXPECT_EQ(client("PORT 10,0,0,5,31,144"), "PORT 198,51,100,1,156,64\r\n");
  EXPECT_FALSE(finished_);
  silent(Side::outside);
  (void)client("PASV");
  EXPECT_EQ(server("421 Too many"), "421 Too many\r\n");
  EXPECT_EQ(server("227 (10,0,0,5,31,144)"), "227 (10,0,0,5,31,144)\r\n");
  EXPECT_EQ(book_.opened, 1u);
}

TEST_F(Ftp, what_is_no_command_sets_the_session_aside_for_good) {
  for (const bool greeted : {false, true}) {
    for (const char* text :
         {"POST / HTTP/1.1\r\nHost: x:21\r\n\r\n", "GET / HTTP/1.0\r\n", "EHLO x\r\n", "NICK x\r\n", "\r\n",
          " PORT\r\n", "PORT:\r\n", "X-Y: z\r\n", "\x16\x03\x01\x02\x01\n", "INVITE sip:x SIP/2.0\r\n"}) {
      const auto before = alg_->tally().malformed;
      greeted_ = greeted;
      v4(Side::inside);
      const std::string all = std::string{text} + "PORT 10,0,0,5,31,144\r\n";
      EXPECT_EQ(say(Side::inside, all), all);
      EXPECT_TRUE(finished_) << text;
      EXPECT_EQ(alg_->tally().malformed, before + 1);
    }
  }
  EXPECT_EQ(book_.opened, 0u);
}

TEST_F(Ftp, what_is_no_reply_sets_the_session_aside_for_good) {
  for (const char* text :
       {"HTTP/1.1 400 Bad Request", "SSH-2.0-x", "2200 x", "22", "200 hello", "331 who?"}) {
    silent(Side::outside);
    (void)client("PASV");
    (void)server(text);
    EXPECT_TRUE(finished_) << text;
  }
  greeted_ = true;
  v4(Side::outside);
  (void)client("PASV");
  (void)server("227 (10,0,0,5,31,144)");
  EXPECT_EQ(book_.pinholes.size(), 1u);
  (void)server("<html>");
  EXPECT_TRUE(finished_);
  EXPECT_TRUE(book_.pinholes.empty()) << "what was opened closes";
}

TEST_F(Ftp, every_command_in_use_is_known_in_any_case) {
  v4(Side::inside);
  for (const char* text : {"user a", "Pass b", "FEAT", "OPTS UTF8 ON", "CLNT x", "HOST ftp.example", "MLSD",
                           "SITE CHMOD 644 x", "XCRC x", "xsha256 x",
                           "\xff\xf4\xff\xf2"
                           "ABOR",
                           "\xff\xfd\x01NOOP", "QUIT"}) {
    EXPECT_EQ(client(text), std::string{text} + "\r\n");
    EXPECT_FALSE(finished_) << text;
  }
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
  const std::string filler = "STOR " + std::string(5000, 'x');
  EXPECT_EQ(say(Side::inside, filler), filler);
  EXPECT_EQ(say(Side::inside, "PORT 10,0,0,5,19,136\r\n"), "PORT 10,0,0,5,19,136\r\n")
      << "still the same line";
  EXPECT_EQ(alg_->tally().over_limit, 1u);
  EXPECT_EQ(client("PORT 10,0,0,5,19,136"), "PORT 198,51,100,1,156,64\r\n");
  EXPECT_EQ(say(Side::inside, std::string(5000, 'x')), std::string(5000, 'x'));
  EXPECT_TRUE(finished_) << "it begins with no command";
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
