// What is too much, comes too late, or cannot be read (ALG-5): each such packet is counted by name, and
// nothing of it stays.
#include "scenario/support.hpp"
#include "whole/talk.hpp"

namespace rgw::test {
namespace {

constexpr unsigned inside = Gateway::inside, outside = Gateway::outside;
constexpr std::string_view agent = "10.0.0.42:5060", proxy = "203.0.113.10:5060";

Bytes bytes(std::string_view text) {
  return {text.begin(), text.end()};
}

TEST(AlgLimits, a_session_for_which_there_is_no_room_is_refused) {
  config::Realm realm = alg_realm();
  realm.alg.max_sessions = 16;
  realm.alg.max_pinholes = 16;
  WholeGateway gateway{realm};
  const auto opens = [&gateway](std::string_view client) {
    gateway.put(inside, tcp(client, "203.0.113.10:21").syn().ip());
    gateway.turn_all();
    return gateway.take(outside).has_value();
  };
  for (unsigned n = 0; n < 16; ++n) EXPECT_TRUE(opens(at("10.0.0.42", 2000 + n)));
  EXPECT_FALSE(opens("10.0.0.42:3000"));
  EXPECT_EQ(gateway.count(Counter::alg_table_full), 1U);
  EXPECT_NE(gateway.leaves(tcp("10.0.0.42:3000", "203.0.113.10:80").syn()), "") << "others are not touched";
}

TEST(AlgLimits, a_fragment_of_signalling_is_dropped_by_name) {
  WholeGateway gateway{alg_realm()};
  for (const auto& piece : udp(agent, proxy).payload(3000).fragments(1400)) gateway.put(inside, piece);
  gateway.turn_all();
  EXPECT_EQ(gateway.count(Counter::alg_fragment), 3U);
  EXPECT_FALSE(gateway.take(outside));
}

TEST(AlgLimits, what_was_read_after_its_session_had_ended_goes_nowhere) {
  WholeGateway gateway{alg_realm()};
  gateway.put(inside, udp(agent, proxy).payload(bytes("\r\n\r\n")).ip());
  gateway.turn();  // with control
  ASSERT_EQ(gateway.count(Counter::alg_to_control), 1U);
  gateway.clock().advance(std::chrono::minutes{6});
  for (int n = 0; n < 256; ++n) gateway.turn();
  ASSERT_EQ(gateway.sessions(), 0U);
  gateway.turn_all();
  EXPECT_FALSE(gateway.take(outside));
  EXPECT_EQ(gateway.control_count(Counter::alg_session_gone), 1U);
}

TEST(AlgLimits, extension_headers_are_not_carried_over) {
  config::Realm realm = alg_realm();
  realm.outbound.addresses.push_back(address("2001:db8:100::1"));
  WholeGateway gateway{realm};
  gateway.learn(outside, "2001:db8:100::fe");
  Bytes packet = udp("[fd00:10::42]:5060", "[2001:db8:203::10]:5060").payload(bytes("\r\n\r\n")).ip();
  // Hop-by-hop options: a PadN of four bytes.
  const Bytes options{17, 0, 1, 4, 0, 0, 0, 0};
  packet.insert(packet.begin() + sizeof(net::Ipv6Header), options.begin(), options.end());
  auto& ip = net::header<net::Ipv6Header>(packet.data());
  ip.next_header = 0;
  ip.payload_length = be16{static_cast<std::uint16_t>(ip.payload_length.host() + options.size())};
  gateway.put(inside, packet);
  gateway.turn_all();
  EXPECT_EQ(gateway.control_count(Counter::alg_unreadable), 1U);
}

TEST(AlgLimits, an_edited_datagram_that_no_buffer_holds_is_dropped) {
  config::Realm realm = alg_realm();
  for (auto& port : realm.ports) port.mtu = 1500;
  WholeGateway gateway{realm};
  std::string text = "OPTIONS sip:b@203.0.113.10 SIP/2.0\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n";
  // Each address grows by three bytes; together they outgrow the buffer of 2048.
  while (text.size() < 1900) text += "Via: SIP/2.0/UDP 10.0.0.42\r\n";
  text += "Content-Length: 0\r\n\r\n";
  gateway.put(inside, udp("10.0.0.42:54321", proxy).payload(bytes(text)).ip());
  gateway.turn_all();
  EXPECT_EQ(gateway.control_count(Counter::alg_too_long), 1U);
}

TEST(AlgLimits, text_beyond_the_memory_for_it_waits_at_its_sender) {
  config::Realm realm = alg_realm();
  realm.alg.max_memory = 4096;
  WholeGateway gateway{realm};
  TcpTalk slow{gateway, inside, "10.0.0.42:40001", "203.0.113.10:5060"};
  ASSERT_TRUE(slow.connect());
  // A head that never ends is held back.
  slow.client_sends("OPTIONS sip:b SIP/2.0\r\nX: " + std::string(1300, 'x'));
  for (unsigned n = 0; n < 4; ++n) slow.client_sends(std::string(1300, 'x'));
  EXPECT_GE(gateway.controller().algs().memory(), 4096U);
  EXPECT_LE(gateway.controller().algs().memory(), 4096U + 1400U);
  EXPECT_GT(gateway.control_count(Counter::alg_over_memory), 0U);
}

// ALG-5: what nobody ends costs nothing for good. The gateway's destructor sees that no session, port,
// pinhole or held byte is left.
config::Realm roomy() {
  config::Realm realm = alg_realm();
  realm.outbound.max_sessions = 32768;
  realm.alg.max_pinholes_per_host = 65535;
  return realm;
}

TEST(AlgLimits, nothing_is_left_of_abandoned_sip_dialogues) {
  WholeGateway gateway{roomy()};
  for (unsigned n = 0; n < 10'000; ++n) {
    const std::string host = "10.0.0." + std::to_string(42 + n % 4), id = std::to_string(n);
    const std::string body = "v=0\r\no=- 1 1 IN IP4 " + host + "\r\ns=-\r\nc=IN IP4 " + host +
                             "\r\nt=0 0\r\nm=audio " + std::to_string(2000 + 2 * n) + " RTP/AVP 0\r\n";
    const std::string text =
        "INVITE sip:b@203.0.113.10 SIP/2.0\r\nVia: SIP/2.0/UDP " + host + ":5060;branch=z9hG4bK" + id +
        "\r\nFrom: <sip:a@" + host + ">;tag=1\r\nTo: <sip:b@203.0.113.10>\r\nCall-ID: " + id +
        "\r\nCSeq: 1 INVITE\r\nContact: <sip:a@" + host + ":" + std::to_string(10000 + n) +
        ">\r\nContent-Type: application/sdp\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
        body;
    gateway.put(inside,
                udp(host + ":5060", "203.0.113.10:5060").payload(Bytes{text.begin(), text.end()}).ip());
    gateway.turn_all();
    static_cast<void>(gateway.take(outside));
    if (n % 500 == 0) gateway.pass(std::chrono::seconds{1});
  }
  EXPECT_GT(gateway.controller().algs().book().leased_ports(), 4000U);
  EXPECT_LE(gateway.controller().algs().book().leased_ports(), 8000U);
  EXPECT_GT(gateway.control_count(Counter::alg_pinhole_refused), 0U);
}

TEST(AlgLimits, nothing_is_left_of_abandoned_rtsp_sessions) {
  WholeGateway gateway{roomy()};
  for (unsigned n = 0; n < 10'000; ++n) {
    const std::string host = "10.0.0." + std::to_string(42 + n % 4);
    TcpTalk control{gateway, inside, host + ":" + std::to_string(1024 + n), "203.0.113.10:554"};
    ASSERT_TRUE(control.connect());
    control.client_sends(
        "SETUP rtsp://203.0.113.10/a/1 RTSP/1.0\r\nCSeq: 3\r\nTransport: "
        "RTP/AVP;unicast;client_port=4588-4589\r\n\r\nPLAY rtsp://203");  // and never the rest
    if (n % 500 == 0) gateway.pass(std::chrono::seconds{5});
  }
  EXPECT_GT(gateway.controller().algs().book().leased_ports(), 4000U);
  EXPECT_LE(gateway.controller().algs().book().leased_ports(), 8000U);
}

// A head of 64 KiB, 10,000 fields, parts in parts: none of them is held, or holds anybody up.
TEST(AlgLimits, a_message_beyond_a_limit_is_counted_and_passes_as_it_is_on_tcp) {
  const std::string start = "INVITE sip:b@203.0.113.10 SIP/2.0\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n";
  std::string fields = start;
  for (unsigned n = 0; n < 10'000; ++n) fields += "X: y\r\n";
  fields += "\r\n";
  for (const std::string& text : {start + "X: " + std::string(66'000, 'x'), fields}) {
    WholeGateway gateway{alg_realm()};
    TcpTalk talk{gateway, inside, "10.0.0.42:40001", "203.0.113.10:5060"};
    ASSERT_TRUE(talk.connect());
    std::string got;
    for (std::size_t at = 0; at < text.size(); at += 1400) {
      got += talk.client_says(text.substr(at, 1400));
      EXPECT_LE(gateway.controller().algs().memory(), 2U * 68 * 1024);
    }
    EXPECT_EQ(got, text);
    EXPECT_NE(gateway.controller().algs().report().find("\"over_limit\":1"), std::string::npos);
    EXPECT_EQ(gateway.controller().algs().memory(), 0U);
  }
}

// One byte a second, for as long as the connection lives: what is held is one message, and the text of others
// does not wait for it.
TEST(AlgLimits, a_message_that_comes_drop_by_drop_holds_nobody_up) {
  WholeGateway gateway{alg_realm()};
  TcpTalk slow{gateway, inside, "10.0.0.42:40001", "203.0.113.10:5060"};
  ASSERT_TRUE(slow.connect());
  const std::string text = "OPTIONS sip:b@203.0.113.10 SIP/2.0\r\n" + std::string(400, 'x');
  for (const char byte : text) {
    slow.client_sends({&byte, 1});
    gateway.pass(std::chrono::seconds{1});
    while (gateway.take(outside)) {
    }
    ASSERT_LE(gateway.controller().algs().memory(), 2 * text.size());
  }
  TcpTalk other{gateway, inside, "10.0.0.43:40001", "203.0.113.10:21"};
  ASSERT_TRUE(other.connect());
  EXPECT_EQ(other.client_says("NOOP\r\n"), "NOOP\r\n");
}

}  // namespace
}  // namespace rgw::test
