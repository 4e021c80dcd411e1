// SIP through the whole gateway (ALG-3, ALG-5): datagrams read by the control thread, media through pinholes.
//
//   a call from inside: addresses, media both ways, early media, media that an ordinary session has carried
//   before; its end closes them; what was corrupt or unreadable goes no further; a registered agent is
//   called, by the registrar alone; calls that strangers pretend leave room for others; a session lives as
//   long as what was agreed on over it; a long message is cut, not lost
#include <regex>

#include "scenario/support.hpp"
#include "whole/talk.hpp"

namespace rgw::test {
namespace {

constexpr unsigned inside = Gateway::inside, outside = Gateway::outside;
constexpr std::string_view agent = "10.0.0.42:5060", proxy = "203.0.113.10:5060";

std::string with_body(const std::string& head, const std::string& body) {
  return head + "Content-Type: application/sdp\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}
std::string sdp(std::string_view host, unsigned port) {
  const std::string at{host};
  return "v=0\r\no=- 1 1 IN IP4 " + at + "\r\ns=-\r\nc=IN IP4 " + at + "\r\nt=0 0\r\nm=audio " +
         std::to_string(port) + " RTP/AVP 0\r\n";
}
std::string head(const std::string& first_line, const std::string& method, unsigned sequence = 1) {
  return first_line +
         "\r\nVia: SIP/2.0/UDP 10.0.0.42:5060;branch=z9hG4bK1\r\nFrom: <sip:a@10.0.0.42>;tag=1\r\n"
         "To: <sip:b@203.0.113.10>\r\nCall-ID: 7@10.0.0.42\r\nCSeq: " +
         std::to_string(sequence) + " " + method + "\r\n";
}

class Sip : public testing::TestWithParam<unsigned> {
 protected:
  /// What comes out at the other side, as text: "" where nothing does.
  std::string says(unsigned side, std::string_view from, std::string_view to, std::string_view text) {
    gateway.put(side, udp(from, to).payload(Bytes{text.begin(), text.end()}).ip());
    gateway.turn_all();
    const auto seen = gateway.take(1 - side);
    if (!seen) return "";
    EXPECT_TRUE(seen->checksums_right());
    source = net::Endpoint{seen->source(), seen->source_port()}.to_string();
    destination = net::Endpoint{seen->destination(), seen->destination_port()}.to_string();
    return {seen->bytes().begin() + static_cast<std::ptrdiff_t>(seen->l4() + sizeof(net::UdpHeader)),
            seen->bytes().end()};
  }
  std::string agent_says(std::string_view text) { return says(inside, agent, proxy, text); }
  /// An INVITE from inside; the media endpoint that it announces outside.
  std::string invite() {
    const std::string seen = agent_says(
        with_body(head("INVITE sip:b@203.0.113.10 SIP/2.0", "INVITE") + "Contact: <sip:a@10.0.0.42:5060>\r\n",
                  sdp("10.0.0.42", 4000)));
    EXPECT_EQ(seen.find("10.0.0."), std::string::npos) << seen;
    agent_outside = source;
    std::smatch found;
    if (!std::regex_search(seen, found, std::regex{"m=audio (\\d+)"})) return "none";
    return "198.51.100.1:" + found[1].str();
  }
  /// The answer to the INVITE, written as the proxy would: by what it was told.
  std::string answer(const std::string& status, const std::string& body) {
    const std::string text = with_body("SIP/2.0 " + status + "\r\nVia: SIP/2.0/UDP " + agent_outside +
                                           ";branch=z9hG4bK1\r\nFrom: <sip:a@198.51.100.1>;tag=1\r\n"
                                           "To: <sip:b@203.0.113.10>;tag=2\r\nCall-ID: 7@198.51.100.1\r\n"
                                           "CSeq: 1 INVITE\r\nContact: <sip:b@203.0.113.20:5060>\r\n",
                                       body);
    return says(outside, proxy, agent_outside, text);
  }
  void bye() {
    EXPECT_NE(agent_says(head("BYE sip:b@203.0.113.20:5060 SIP/2.0", "BYE", 2) + "Content-Length: 0\r\n\r\n"),
              "");
  }

  /// Nothing is said for so long.
  void silence(std::chrono::seconds time) {
    for (std::chrono::seconds passed{}; passed < time; passed += std::chrono::seconds{1})
      gateway.pass(std::chrono::seconds{1});
  }

  WholeGateway gateway{alg_realm(), GetParam()};
  std::string source, destination, agent_outside;
};
INSTANTIATE_TEST_SUITE_P(on, Sip, testing::Values(1U, 2U, 4U), workers_name);

TEST_P(Sip, a_call_from_inside_has_media_in_both_directions) {
  const std::string media = invite();
  ASSERT_NE(media, "none");
  const std::string got = answer("200 OK", sdp("203.0.113.20", 9000));
  EXPECT_NE(got.find("Via: SIP/2.0/UDP 10.0.0.42:5060"), std::string::npos) << got;
  EXPECT_NE(got.find("m=audio 9000"), std::string::npos);
  EXPECT_NE(got.find("Call-ID: 7@10.0.0.42"), std::string::npos);

  EXPECT_EQ(says(outside, "203.0.113.20:9000", media, "rtp in"), "rtp in");
  EXPECT_EQ(destination, "10.0.0.42:4000");
  EXPECT_EQ(says(inside, "10.0.0.42:4000", "203.0.113.20:9000", "rtp out"), "rtp out");
  EXPECT_EQ(source, media) << "symmetric (RFC 4961)";
  const auto port = endpoint(media).port;
  EXPECT_EQ(port % 2, 0) << "RFC 3550 section 11";
  EXPECT_EQ(says(outside, "203.0.113.20:9001", at("198.51.100.1", port + 1U), "rtcp"), "rtcp");
  EXPECT_EQ(destination, "10.0.0.42:4001");
  bye();
}

// RFC 3891: the transfer of a call names it; both sides know it by their own name.
TEST_P(Sip, a_call_that_is_transferred_is_named_as_its_reader_knows_it) {
  invite();
  answer("200 OK", sdp("203.0.113.20", 9000));
  const auto refer = [](const std::string& ids, std::string_view address) {
    return "REFER sip:b@203.0.113.10 SIP/2.0\r\n" + ids + "Refer-To: <sip:carol@203.0.113.10?Replaces=7%40" +
           std::string{address} + "%3Bto-tag%3D2%3Bfrom-tag%3D1>\r\nContent-Length: 0\r\n\r\n";
  };
  const std::string out = agent_says(refer(
      "Via : SIP / 2.0 / UDP 10.0.0.42\t: 5060;branch=z9hG4bK3\r\nCall-ID: 8@10.0.0.42\r\nCSeq: 1\tREFER\r\n",
      "10.0.0.42"));
  EXPECT_EQ(out.find("10.0.0."), std::string::npos) << out;
  EXPECT_NE(out.find("Replaces=7%40198.51.100.1%3Bto-tag"), std::string::npos) << out;
  EXPECT_NE(out.find("Via : SIP / 2.0 / UDP " + agent_outside + ";branch"), std::string::npos) << out;
  const std::string in =
      says(outside, proxy, agent_outside,
           refer("Via: SIP/2.0/UDP 203.0.113.10:5060;branch=z9\r\nCall-ID: 9\r\nCSeq: 1 REFER\r\n",
                 "198.51.100.1"));
  EXPECT_NE(in.find("Replaces=7%4010.0.0.42%3Bto-tag"), std::string::npos) << in;
  bye();
}

// RFC 9143 section 7; RFC 4975 section 8.
TEST_P(Sip, bundled_media_have_one_port_and_a_path_names_it) {
  const std::string seen = agent_says(with_body(
      head("INVITE sip:b@203.0.113.10 SIP/2.0", "INVITE"),
      "v=0\r\no=- 1 1 IN IP4 10.0.0.42\r\ns=-\r\nc=IN IP4 10.0.0.42\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n"
      "m=audio 4000 RTP/SAVPF 0\r\nm=video 4000 RTP/SAVPF 96\r\nm=message 2855 TCP/MSRP *\r\n"
      "a=path:msrp://10.0.0.42:2855/s1;tcp\r\n"));
  EXPECT_EQ(seen.find("10.0.0."), std::string::npos) << seen;
  std::smatch found;
  ASSERT_TRUE(std::regex_search(seen, found,
                                std::regex{"m=audio (\\d+) [^]*m=video (\\d+) [^]*m=message (\\d+) [^]*"
                                           "a=path:msrp://198.51.100.1:(\\d+)/s1"}))
      << seen;
  EXPECT_EQ(found[1], found[2]);
  EXPECT_EQ(found[3], found[4]);
  EXPECT_EQ(says(outside, "203.0.113.20:9000", "198.51.100.1:" + found[1].str(), "rtp"), "rtp");
  EXPECT_EQ(destination, "10.0.0.42:4000");
}

TEST_P(Sip, media_that_the_agent_sends_first_leave_by_the_announced_port) {
  const std::string media = invite();
  answer("183 Session Progress", sdp("203.0.113.20", 9000));
  EXPECT_EQ(says(inside, "10.0.0.42:4000", "203.0.113.20:9000", "rtp"), "rtp");
  EXPECT_EQ(source, media);
  EXPECT_EQ(says(outside, "203.0.113.20:9000", media, "back"), "back");
}

// POOL-14: the remote's media wait for no answer, nor do the agent's.
TEST_P(Sip, media_that_the_agent_sends_before_its_answer_has_passed_take_nothing_from_the_call) {
  EXPECT_EQ(says(inside, "10.0.0.42:4000", "203.0.113.20:9000", "rtp"), "rtp") << "an ordinary session";
  EXPECT_EQ(says(inside, "10.0.0.42:4001", "203.0.113.20:9001", "rtcp"), "rtcp");
  const std::string early = source;
  const std::string media = invite();
  answer("200 OK", sdp("203.0.113.20", 9000));
  const std::string control = at("198.51.100.1", endpoint(media).port + 1U);
  EXPECT_EQ(says(inside, "10.0.0.42:4000", "203.0.113.20:9000", "rtp"), "rtp");
  EXPECT_EQ(source, media);
  EXPECT_EQ(says(inside, "10.0.0.42:4001", "203.0.113.20:9001", "rtcp"), "rtcp");
  EXPECT_EQ(source, control);
  EXPECT_EQ(says(outside, "203.0.113.20:9000", media, "rtp back"), "rtp back");
  EXPECT_EQ(destination, "10.0.0.42:4000");
  EXPECT_EQ(says(outside, "203.0.113.20:9001", control, "rtcp back"), "rtcp back");
  EXPECT_EQ(destination, "10.0.0.42:4001");
  EXPECT_EQ(gateway.count(Counter::session_conflict), 0U);
  bye();
}

// The last packet of a call comes behind its BYE, and the next call has the same ports.
TEST_P(Sip, a_packet_behind_the_end_of_a_call_takes_nothing_from_the_next) {
  const std::string first = invite();
  answer("200 OK", sdp("203.0.113.20", 9000));
  EXPECT_EQ(says(inside, "10.0.0.42:4001", "203.0.113.20:9001", "rtcp"), "rtcp");
  bye();
  EXPECT_EQ(says(inside, "10.0.0.42:4001", "203.0.113.20:9001", "goodbye"), "goodbye");
  EXPECT_NE(source, at("198.51.100.1", endpoint(first).port + 1U));
  const std::string media = invite();
  answer("200 OK", sdp("203.0.113.20", 9000));
  const std::string control = at("198.51.100.1", endpoint(media).port + 1U);
  EXPECT_EQ(says(outside, "203.0.113.20:9001", control, "rtcp"), "rtcp");
  EXPECT_EQ(destination, "10.0.0.42:4001");
  EXPECT_EQ(says(inside, "10.0.0.42:4001", "203.0.113.20:9001", "rtcp"), "rtcp");
  EXPECT_EQ(source, control);
  bye();
}

TEST_P(Sip, the_end_of_a_call_closes_its_media) {
  const std::string media = invite();
  answer("200 OK", sdp("203.0.113.20", 9000));
  EXPECT_EQ(says(outside, "203.0.113.20:9000", media, "rtp"), "rtp");
  bye();
  EXPECT_EQ(says(outside, "203.0.113.20:9000", media, "rtp"), "") << "its session ends too";
  EXPECT_EQ(gateway.count(Counter::session_ended), 1U);
  EXPECT_EQ(says(outside, "203.0.113.99:9000", media, "rtp"), "");
}

TEST_P(Sip, an_operator_sees_the_pinholes_of_a_call) {
  const auto listed = [&] {
    std::vector<std::string> all;
    for (unsigned i = 0; i < gateway.workers(); ++i) {
      nat::PinholeInfo rows[16];
      std::uint32_t count = 0;
      const auto& context = gateway.worker(i).context();
      EXPECT_TRUE(context.admission.list_pinholes(0, rows, count, context.now).last);
      for (std::uint32_t n = 0; n < count; ++n) {
        rows[n].worker = 0;
        if (rows[n].ports == 2) all.push_back(gateway.controller().algs().book().describe(rows[n]));
      }
    }
    return all;
  };
  const std::string media = invite();
  const std::string before =
      R"({"protocol":"udp","arrival":"outside","inside":"10.0.0.42:4000","external":")" + media +
      R"(","ports":2,"remote":)";
  const std::string conversation =
      R"("alg":"sip","conversation":{"host":"10.0.0.42:5060","remote":"203.0.113.10:5060"}})";
  EXPECT_EQ(listed(), std::vector{before + R"(null,"worker":0,"sessions":0,"used":false,"expires_s":300,)" +
                                  conversation});
  answer("200 OK", sdp("203.0.113.20", 9000));
  EXPECT_EQ(says(outside, "203.0.113.20:9000", media, "rtp"), "rtp");
  EXPECT_EQ(
      listed(),
      std::vector{before + R"("203.0.113.20:9000","worker":0,"sessions":1,"used":true,"expires_s":7200,)" +
                  conversation});
  bye();
  EXPECT_TRUE(listed().empty());
}

TEST_P(Sip, a_failure_closes_them_too) {
  const std::string media = invite();
  answer("486 Busy Here", "");
  EXPECT_EQ(says(outside, "203.0.113.20:9000", media, "rtp"), "");
}

TEST_P(Sip, a_registered_agent_is_called_by_the_registrar_alone) {
  const std::string seen =
      agent_says(head("REGISTER sip:203.0.113.10 SIP/2.0", "REGISTER") +
                 "Contact: <sip:a@10.0.0.42:5060>;expires=60\r\nContent-Length: 0\r\n\r\n");
  agent_outside = source;
  EXPECT_NE(seen.find("Contact: <sip:a@" + agent_outside + ">"), std::string::npos) << seen;
  const auto invite = [&](std::string_view from) {
    return says(
        outside, from, agent_outside,
        with_body("INVITE sip:a@" + agent_outside + " SIP/2.0\r\nVia: SIP/2.0/UDP " + std::string{from} +
                      ";branch=z9hG4bK9\r\nFrom: <sip:b@203.0.113.10>;tag=5\r\nTo: <sip:a@198.51.100.1>\r\n"
                      "Call-ID: 99\r\nCSeq: 1 INVITE\r\nContact: <sip:b@" +
                      std::string{from} + ">\r\n",
                  sdp("203.0.113.20", 9000)));
  };
  const std::string same = invite(proxy);
  EXPECT_NE(same.find("INVITE sip:a@10.0.0.42:5060"), std::string::npos) << same;
  const std::string other_port = invite("203.0.113.10:5080");
  EXPECT_NE(other_port.find("INVITE sip:a@10.0.0.42:5060"), std::string::npos) << other_port;
  EXPECT_EQ(invite("203.0.113.66:5060"), "");
}

// The proxy speaks to the port that it was told, hours later too; nobody else may have it by then.
TEST_P(Sip, a_session_lives_as_long_as_the_registration_over_it) {
  agent_says(head("REGISTER sip:203.0.113.10 SIP/2.0", "REGISTER") +
             "Contact: <sip:a@10.0.0.42:5060>;expires=1200\r\nContent-Length: 0\r\n\r\n");
  agent_outside = source;
  const std::string granted =
      "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP " + agent_outside +
      ";branch=z9hG4bK1\r\nFrom: <sip:a@198.51.100.1>;tag=1\r\n"
      "To: <sip:b@203.0.113.10>;tag=2\r\nCall-ID: 7@198.51.100.1\r\nCSeq: 1 REGISTER\r\n"
      "Contact: <sip:a@" +
      agent_outside + ">;expires=1200\r\nContent-Length: 0\r\n\r\n";
  EXPECT_NE(says(outside, proxy, agent_outside, granted), "");
  silence(std::chrono::seconds{1100});
  const std::string options =
      "OPTIONS sip:b@203.0.113.10 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.43:5060;branch=z9hG4bK4\r\n"
      "From: <sip:c@c>;tag=1\r\nTo: <sip:b@b>\r\nCall-ID: 8\r\nCSeq: 1 OPTIONS\r\n"
      "Content-Length: 0\r\n\r\n";
  EXPECT_NE(says(inside, "10.0.0.43:5060", proxy, options), "");
  EXPECT_NE(source, agent_outside);
  const std::string ping = "OPTIONS sip:a@" + agent_outside +
                           " SIP/2.0\r\nVia: SIP/2.0/UDP 203.0.113.10:5060;branch=z9\r\n"
                           "From: <sip:b@b>;tag=1\r\nTo: <sip:a@a>\r\nCall-ID: 9\r\nCSeq: 1 OPTIONS\r\n"
                           "Content-Length: 0\r\n\r\n";
  EXPECT_NE(says(outside, proxy, agent_outside, ping), "");
  EXPECT_EQ(destination, agent);
  silence(std::chrono::seconds{500});
  EXPECT_EQ(gateway.sessions(), 0U) << "the registration has ended, and so do its session and its pinhole";
  EXPECT_EQ(gateway.controller().algs().book().size(), 0U);
}

TEST_P(Sip, a_session_lives_as_long_as_the_call_over_it) {
  invite();
  answer("200 OK", sdp("203.0.113.20", 9000));
  silence(std::chrono::minutes{30});
  const std::string before = agent_outside;
  bye();
  EXPECT_EQ(source, before);
  silence(std::chrono::seconds{33});
  EXPECT_EQ(gateway.controller().algs().book().size(), 0U) << "the Contact ends with its last transaction";
  silence(std::chrono::seconds{300});
  EXPECT_EQ(gateway.sessions(), 0U);
}

// A call that is quiet for longer than its session's timer, and speaks again at any moment about its end.
TEST(SipAtPoolAddress, a_request_is_not_lost_about_the_end_of_its_session) {
  config::Realm realm = alg_realm();
  realm.timers.udp = std::chrono::seconds{1};
  WholeGateway gateway{realm};
  const std::string external = Resolver{gateway}.look_up("udp5060.hosta.foo");
  const auto send = [&](unsigned from, std::string_view text) {
    gateway.put(from, (from == outside ? udp("203.0.113.20:5060", external + ":5060")
                                       : udp("10.0.0.42:5060", "203.0.113.20:5060"))
                          .payload(Bytes{text.begin(), text.end()})
                          .ip());
    gateway.turn_all();
    const auto seen = gateway.take(1 - from);
    return seen ? seen->to_string() : "";
  };
  const std::string ids =
      "Via: SIP/2.0/UDP 203.0.113.20:5060;branch=z9hG4bK1\r\nFrom: <sip:b@b>;tag=5\r\nTo: <sip:a@a>";
  const std::string in = "udp 203.0.113.20:5060 > 10.0.0.42:5060";
  const std::string out = "udp " + external + ":5060 > 203.0.113.20:5060";
  for (unsigned n = 1; n < 40; ++n) {
    const std::string call = "\r\nCall-ID: 1\r\nCSeq: " + std::to_string(n) + " INVITE\r\n";
    EXPECT_EQ(send(outside, "INVITE sip:x@" + external + " SIP/2.0\r\n" + ids + call +
                                "Contact: <sip:b@203.0.113.20:5060>\r\nContent-Length: 0\r\n\r\n"),
              in)
        << n;
    EXPECT_EQ(send(inside, "SIP/2.0 200 OK\r\n" + ids + ";tag=6" + call +
                               "Contact: <sip:a@10.0.0.42:5060>\r\nContent-Length: 0\r\n\r\n"),
              out)
        << n;
    if (n == 1) {
      EXPECT_EQ(send(outside, "ACK sip:x@" + external + " SIP/2.0\r\n" + ids +
                                  ";tag=6\r\nCall-ID: 1\r\nCSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n"),
                in);
    }
    gateway.pass(std::chrono::milliseconds{800 + 20 * n});
  }
  send(inside,
       "BYE sip:b@203.0.113.20:5060 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.42:5060;branch=z9hG4bK2\r\nFrom: "
       "<sip:a@a>;tag=6\r\nTo: <sip:b@b>;tag=5\r\nCall-ID: 1\r\nCSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n");
}

TEST_P(Sip, what_cannot_be_read_goes_no_further) {
  EXPECT_EQ(agent_says("INVITE sip:b@203.0.113.10 SIP/2.0\r\nno header\r\n\r\n"), "");
  EXPECT_EQ(gateway.control_count(Counter::alg_refused), 1U);
  EXPECT_EQ(agent_says("\r\n\r\n"), "\r\n\r\n") << "a keep-alive does (RFC 5626 section 3.5)";
}

// A message that grows beyond the MTU is the gateway's own to cut, whether or not its sender forbade it.
TEST_P(Sip, a_message_that_grows_too_long_is_cut) {
  std::string text =
      head("OPTIONS sip:b@203.0.113.10 SIP/2.0", "OPTIONS") + "Contact: <sip:a@10.0.0.42:5060>\r\nX: ";
  const std::string end = "\r\nContent-Length: 0\r\n\r\n";
  text += std::string(1500 - 28 - text.size() - end.size(), 'x') + end;
  gateway.put(inside, udp(agent, proxy).df().payload(Bytes{text.begin(), text.end()}).ip());
  gateway.turn_all();
  const auto pieces = take_all(gateway, outside);
  ASSERT_EQ(pieces.size(), 2U);
  const Seen whole{reassemble(pieces)};
  ASSERT_FALSE(whole.bytes().empty());
  EXPECT_TRUE(whole.checksums_right());
}

TEST_P(Sip, a_flood_of_signalling_takes_nothing_from_others) {
  const std::string text =
      head("OPTIONS sip:b@203.0.113.10 SIP/2.0", "OPTIONS") + "Content-Length: 0\r\n\r\n";
  for (unsigned n = 0; n < 2000; ++n) {
    gateway.put(inside, udp(agent, proxy).payload(Bytes{text.begin(), text.end()}).ip());
    if (n % 500 == 499) gateway.turn();  // control stands still
  }
  EXPECT_GT(gateway.count(Counter::alg_ring_full), 0U);
  EXPECT_EQ(gateway.count(Counter::punt_ring_full), 0U);
  EXPECT_NE(gateway.leaves(udp("10.0.0.43:1000", "203.0.113.20:2000").payload(4)), "");
  gateway.turn_all();
  EXPECT_FALSE(take_all(gateway, outside).empty());
}

// POOL-3: the pool may give E to another host while the one before is still announced there.
TEST(SipAtPoolAddress, a_reservation_comes_before_the_contact_of_the_host_before) {
  config::Realm realm = alg_realm();
  realm.pool.addresses = {address("198.51.100.10")};
  WholeGateway gateway{realm};
  const std::string external = Resolver{gateway}.look_up("udp5060.hosta.foo");
  const auto invite = [&](std::string_view from, std::string_view call) {
    const std::string text = "INVITE sip:x@" + external + " SIP/2.0\r\nVia: SIP/2.0/UDP " +
                             std::string{from} + ";branch=z9hG4bK1\r\nFrom: <sip:b@b>;tag=5\r\nTo: <sip:x@" +
                             external + ">\r\nCall-ID: " + std::string{call} +
                             "\r\nCSeq: 1 INVITE\r\nContact: <sip:b@" + std::string{from} +
                             ">\r\nContent-Length: 0\r\n\r\n";
    gateway.put(outside, udp(from, external + ":5060").payload(Bytes{text.begin(), text.end()}).ip());
    gateway.turn_all();
    const auto seen = gateway.take(inside);
    return seen ? seen->to_string() : "";
  };
  EXPECT_EQ(invite("203.0.113.20:5060", "1"), "udp 203.0.113.20:5060 > 10.0.0.42:5060");
  const std::string ringing =
      "SIP/2.0 180 Ringing\r\nVia: SIP/2.0/UDP 203.0.113.20:5060;branch=z9hG4bK1\r\n"
      "From: <sip:b@b>;tag=5\r\nTo: <sip:x@" +
      external +
      ">;tag=6\r\nCall-ID: 1\r\n"
      "CSeq: 1 INVITE\r\nContact: <sip:a@10.0.0.42:5060>\r\nContent-Length: 0\r\n\r\n";
  gateway.put(inside,
              udp("10.0.0.42:5060", "203.0.113.20:5060").payload(Bytes{ringing.begin(), ringing.end()}).ip());
  gateway.turn_all();
  ASSERT_TRUE(gateway.take(outside));
  ASSERT_EQ(gateway.controller().algs().book().size(), 1U) << "the Contact has a pinhole";
  gateway.pass(std::chrono::seconds{1});
  ASSERT_EQ(Resolver{gateway}.look_up("udp5060.hostb.foo"), external);
  EXPECT_EQ(invite("203.0.113.21:5060", "2"), "udp 203.0.113.21:5060 > 10.0.0.43:5060");
  EXPECT_EQ(invite("203.0.113.22:5060", "3"), "udp 203.0.113.22:5060 > 10.0.0.42:5060")
      << "and then it is the Contact's";
}

// A telephone accepts whatever calls it. Each INVITE with a forged source had two ports for two hours, and a
// thousand of them took the media of every later call of that host.
TEST(SipAtPoolAddress, calls_that_nobody_acknowledges_leave_room_for_the_next) {
  config::Realm realm = alg_realm();
  realm.pool.addresses = {address("198.51.100.10")};
  realm.alg.max_pinholes_per_host = 16;
  WholeGateway gateway{realm};
  const std::string external = Resolver{gateway}.look_up("udp5060.hosta.foo");
  const auto send = [&](unsigned side, const net::Endpoint& from, const net::Endpoint& to,
                        const std::string& text) {
    gateway.put(side, udp(from.to_string(), to.to_string()).payload(Bytes{text.begin(), text.end()}).ip());
    gateway.turn_all();
    return !take_all(gateway, 1 - side).empty();
  };
  const auto telephone = endpoint(agent), door = endpoint(external + ":5060");
  /// Has its answer come out?
  const auto call = [&](const net::Endpoint& from, bool acknowledged) {
    const std::string ids = "Via: SIP/2.0/UDP " + from.to_string() +
                            ";branch=z9hG4bK1\r\nFrom: <sip:b@b>;tag=5\r\n" + "Call-ID: " + from.to_string() +
                            "\r\nCSeq: 1 ";
    EXPECT_TRUE(
        send(outside, from, door,
             with_body("INVITE sip:x@" + external + " SIP/2.0\r\n" + ids + "INVITE\r\nTo: <sip:x@x>\r\n",
                       sdp("203.0.113.20", 9000))));
    const bool answered = send(inside, telephone, from,
                               with_body("SIP/2.0 200 OK\r\n" + ids + "INVITE\r\nTo: <sip:x@x>;tag=6\r\n" +
                                             "Contact: <sip:a@10.0.0.42:5060>\r\n",
                                         sdp("10.0.0.42", 4000)));
    if (acknowledged) {
      EXPECT_TRUE(send(outside, from, door,
                       "ACK sip:x@" + external + " SIP/2.0\r\n" + ids +
                           "ACK\r\nTo: <sip:x@x>;tag=6\r\nContent-Length: 0\r\n\r\n"));
    }
    return answered;
  };
  const auto silence = [&](unsigned seconds) {
    for (unsigned n = 0; n < seconds; ++n) gateway.pass(std::chrono::seconds{1});
  };

  EXPECT_TRUE(call(endpoint("203.0.113.20:5060"), true));
  unsigned accepted = 0;
  for (unsigned n = 0; n < 20; ++n) accepted += call(endpoint(at("203.0.113.66", 1000 + n)), false) ? 1 : 0;
  EXPECT_EQ(accepted, 14U) << "16 without the Contact and the call before";
  EXPECT_EQ(gateway.controller().algs().book().size(), 16U);
  silence(34);
  EXPECT_EQ(gateway.controller().algs().book().size(), 2U) << "the call that stands has its own";
  EXPECT_TRUE(call(endpoint("203.0.113.21:5060"), true));
  silence(3600);
  EXPECT_EQ(gateway.controller().algs().book().size(), 3U);
  silence(4000);
  EXPECT_EQ(gateway.controller().algs().book().size(), 0U);
}

}  // namespace
}  // namespace rgw::test
