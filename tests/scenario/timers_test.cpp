// How long sessions live (OUT-3): the defaults of the RFCs, the realm file's own, the TCP states, what keeps
// a session alive and what does not; with 1, 2 and 4 workers where packets come over a signpost. After the
// end nothing is left.
#include "scenario/support.hpp"
#include <gtest/gtest.h>

namespace rgw::test {
namespace {

const std::string h = "10.0.0.42:5000", e = "198.51.100.1:5000", r = "203.0.113.10:80";

/// Is the gateway's only session over after `lifetime`, and not much sooner or later?
void expect_lifetime(Gateway& gateway, Duration lifetime) {
  pass(gateway, lifetime - 1s);
  EXPECT_EQ(gateway.sessions(), 1U) << "sooner than " << lifetime / 1s << " s";
  pass(gateway, 2s);
  expect_nothing_left(gateway, 2);
  EXPECT_EQ(gateway.count(Counter::session_expired), 1U);
}

TEST(Timers, a_udp_session_lasts_five_minutes) {  // OUT-3, RFC 4787 REQ-5
  Gateway gateway;
  ASSERT_TRUE(gateway.out(udp(h, r)));
  expect_lifetime(gateway, 300s);
}

TEST(Timers, packets_either_way_keep_a_udp_session_alive) {  // OUT-3, RFC 4787 REQ-6
  Gateway gateway;
  ASSERT_TRUE(gateway.out(udp(h, r)));
  for (int i = 0; i < 3; ++i) {
    pass(gateway, 299s);
    ASSERT_TRUE(gateway.in(udp(r, e)));
    pass(gateway, 299s);
    ASSERT_TRUE(gateway.out(udp(h, r)));
  }
  expect_lifetime(gateway, 300s);
}

TEST(Timers, a_ping_lasts_a_minute) {  // OUT-3, RFC 5508 REQ-2
  Gateway gateway;
  ASSERT_TRUE(gateway.out(ping("10.0.0.42", "203.0.113.10", 7)));
  pass(gateway, 59s);
  ASSERT_TRUE(gateway.in(pong("203.0.113.10", "198.51.100.1", 7)));
  expect_lifetime(gateway, 60s);
}

TEST(Timers, an_icmp_error_keeps_nothing_alive) {  // OUT-3, RFC 4787 REQ-12, RFC 5508 REQ-6
  Gateway gateway;
  ASSERT_TRUE(gateway.out(udp(h, r)));
  pass(gateway, 200s);
  ASSERT_TRUE(gateway.in(icmp_error("203.0.113.10", "198.51.100.1", 3, 3, udp(e, r).ip())));
  expect_lifetime(gateway, 100s);
}

TEST(Timers, the_realm_file_sets_them) {  // OUT-3
  Gateway gateway{realm_with([](auto& realm) {
    realm.timers.udp = 10s;
    realm.timers.tcp_transitory = 20s;
    realm.timers.tcp_established = 100s;
    realm.timers.icmp = 5s;
  })};
  ASSERT_TRUE(gateway.out(udp(h, r)));
  ASSERT_TRUE(gateway.out(ping("10.0.0.42", "203.0.113.10", 7)));
  ASSERT_TRUE(gateway.out(tcp(h, r).syn()));
  ASSERT_TRUE(gateway.out(tcp("10.0.0.43:1", r).syn()));
  ASSERT_TRUE(gateway.in(tcp(r, "198.51.100.1:1").syn_ack()));
  EXPECT_EQ(gateway.sessions(), 4U);
  pass(gateway, 6s);
  EXPECT_EQ(gateway.sessions(), 3U);
  pass(gateway, 5s);
  EXPECT_EQ(gateway.sessions(), 2U);
  pass(gateway, 10s);
  EXPECT_EQ(gateway.sessions(), 1U);
  pass(gateway, 80s);
  expect_nothing_left(gateway, 2);
}

// ---- TCP, RFC 6146 section 3.5.2.2. A story is what passes, one letter a packet: capitals from inside,
// small ones from outside; S a SYN, F a FIN, R a RST, A anything else.
struct Story {
  const char* packets;
  Duration lifetime;
  const char* why;
};
constexpr Duration transitory = 240s, established = 7440s;
constexpr Story stories[] = {
    {"S", transitory, "a SYN alone (RFC 5382 REQ-5)"},
    {"SS", transitory, "a SYN and its retransmission"},
    {"SA", transitory, "no SYN from the other side"},
    {"Ss", established, "a SYN from both (RFC 5382 REQ-5)"},
    {"SsAaA", established, "data"},
    {"SsAf", established, "half closed by the remote may last"},
    {"SsAF", established, "half closed by the host may last"},
    {"SsAFa", established, "data the other way meanwhile"},
    {"SsAFaf", transitory, "closed by both"},
    {"SsAFafAa", transitory, "the last acknowledgements do not prolong it"},
    {"SsAfFAfF", transitory, "nor do retransmitted FINs"},
    {"SsAr", transitory, "a RST from outside (RFC 7857 section 2.2)"},
    {"SsAR", transitory, "a RST from inside"},
    {"SsArA", established, "data after a RST: it was none of theirs (RFC 7857 section 2.2)"},
    {"SsArR", transitory, "two RSTs"},
    {"SsAFr", transitory, "a RST to a half closed one"},
    {"SsAFafS", transitory, "a port used again (RFC 6191)"},
    {"SsAFafSs", established, "and its connection"},
    {"SrS", transitory, "refused, then tried again"},
};

class TcpTimers : public testing::TestWithParam<Story> {};
INSTANTIATE_TEST_SUITE_P(of_rfc_6146, TcpTimers, testing::ValuesIn(stories),
                         [](const auto& story) { return std::string{story.param.packets}; });

TEST_P(TcpTimers, a_connection_lives_as_long_as_its_state_says) {  // OUT-3
  Gateway gateway;
  for (const char* letter = GetParam().packets; *letter != 0; ++letter) {
    const bool from_inside = *letter < 'a';
    auto packet = from_inside ? tcp(h, r) : tcp(r, e);
    switch (*letter & ~0x20) {
      case 'S':
        from_inside ? packet.syn() : packet.syn_ack();
        break;
      case 'F':
        packet.fin();
        break;
      case 'R':
        packet.rst();
        break;
      default:
        packet.ack();
    }
    pass(gateway, 10s);
    // The timer runs from the last packet that moves it; all of these stories end with one, or do not
    // prolong.
    ASSERT_TRUE(from_inside ? gateway.out(packet) : gateway.in(packet)) << *letter;
  }
  Duration lifetime = GetParam().lifetime;
  const std::string_view story = GetParam().packets;
  if (story == "SA" || story == "SsArR") lifetime -= 10s;
  if (story == "SsAf" || story == "SsAF") lifetime -= 10s;  // a FIN leaves the long timer as it runs
  if (story == "SsAFafAa" || story == "SsAfFAfF") lifetime -= story == "SsAfFAfF" ? 30s : 20s;
  SCOPED_TRACE(GetParam().why);
  expect_lifetime(gateway, lifetime);
}

TEST(Timers, a_syn_to_a_closed_connection_is_refused_unless_something_lets_it_in) {  // OUT-3, POOL-5, POOL-6
  Gateway gateway;
  gateway.bind("198.51.100.10", {net::Protocol::tcp, 22}, "10.0.0.42", 1);
  const std::string remote = "203.0.113.10:4000", external = "198.51.100.10:22";
  ASSERT_TRUE(gateway.opens(tcp(remote, external).syn()));
  ASSERT_TRUE(gateway.out(tcp("10.0.0.42:22", remote).fin()));
  ASSERT_TRUE(gateway.in(tcp(remote, external).fin()));
  gateway.advance(3s);
  EXPECT_FALSE(gateway.in(tcp(remote, external).syn()));
  EXPECT_EQ(gateway.count(Counter::unmatched), 1U);
  EXPECT_EQ(gateway.sessions(), 1U);
  gateway.bind("198.51.100.10", {net::Protocol::tcp, 22}, "10.0.0.43", 2);
  EXPECT_EQ(text(gateway.in(tcp(remote, external).syn())), "tcp " + remote + " > 10.0.0.43:22");
  EXPECT_EQ(gateway.sessions(), 1U);
}

TEST(Timers, a_connection_that_begins_anew_takes_the_rest_of_its_burst_along) {  // POOL-5: no packet follows
                                                                                 // an ended session
  Gateway gateway;
  gateway.bind("198.51.100.10", {net::Protocol::tcp, 22}, "10.0.0.42", 1);
  const std::string remote = "203.0.113.10:4000", external = "198.51.100.10:22";
  ASSERT_TRUE(gateway.opens(tcp(remote, external).syn()));
  ASSERT_TRUE(gateway.out(tcp("10.0.0.42:22", remote).fin()));
  ASSERT_TRUE(gateway.out(tcp("10.0.0.42:22", remote).rst()));
  gateway.bind("198.51.100.10", {net::Protocol::tcp, 22}, "10.0.0.43", 2);
  for (int i = 0; i < 2; ++i) gateway.put(Gateway::outside, tcp(remote, external).syn().ip());
  gateway.put(Gateway::outside, tcp(remote, external).ack().ip());
  gateway.turn();
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(text(gateway.take(Gateway::inside)), "tcp " + remote + " > 10.0.0.43:22");
  EXPECT_EQ(gateway.count(Counter::claim_incomplete), 1U)
      << "the ACK, which acknowledges nothing of this host's";
  EXPECT_EQ(gateway.count(Counter::unmatched), 0U);
}

// ---- over signposts

class SignpostTimers : public WithWorkers {};
RGW_WITH_WORKERS(SignpostTimers);

TEST_P(SignpostTimers,
       an_inbound_session_whose_packets_all_go_out_stays_reachable) {  // OUT-3: a stream, and one late report
  Gateway gateway{lab_realm(), GetParam()};
  gateway.bind("198.51.100.10", {}, "10.0.0.42");
  gateway.turn();
  const unsigned port = GetParam() == 1 ? 1024 : foreign_port(gateway, "198.51.100.10", "10.0.0.42");
  const std::string external = at("198.51.100.10", port), host = at("10.0.0.42", port);
  ASSERT_TRUE(gateway.in(udp("203.0.113.10:4000", external)));
  for (int i = 0; i < 20; ++i) {
    pass(gateway, 200s);
    ASSERT_TRUE(gateway.out(udp(host, "203.0.113.10:4000")));
  }
  EXPECT_EQ(text(gateway.in(udp("203.0.113.10:4000", external))), "udp 203.0.113.10:4000 > " + host);
  pass(gateway, 301s);
  expect_nothing_left(gateway, 2);
}

TEST_P(SignpostTimers, a_signpost_ends_with_its_session) {  // OUT-3
  Gateway gateway{lab_realm(), GetParam()};
  gateway.bind("198.51.100.10", {}, "10.0.0.42");
  gateway.turn();
  const unsigned port = GetParam() == 1 ? 1024 : foreign_port(gateway, "198.51.100.10", "10.0.0.42");
  ASSERT_TRUE(gateway.opens(tcp("203.0.113.10:4000", at("198.51.100.10", port)).syn()));
  ASSERT_TRUE(gateway.out(tcp(at("10.0.0.42", port), "203.0.113.10:4000").fin()));
  ASSERT_TRUE(gateway.in(tcp("203.0.113.10:4000", at("198.51.100.10", port)).fin()));
  EXPECT_EQ(gateway.count(Counter::signpost_created), GetParam() == 1 ? 0U : 1U);
  pass(gateway, 239s);
  EXPECT_EQ(gateway.sessions(), GetParam() == 1 ? 1U : 2U);
  pass(gateway, 2s);  // a signpost by itself would last for hours
  expect_nothing_left(gateway, 2);
  EXPECT_EQ(gateway.count(Counter::session_expired), 1U) << "a signpost is no session";
}

TEST_P(SignpostTimers, a_connection_that_is_silent_stays_reachable) {  // OUT-3
  Gateway gateway{lab_realm(), GetParam()};
  gateway.bind("198.51.100.10", {}, "10.0.0.42");
  gateway.turn();
  const unsigned port = GetParam() == 1 ? 1024 : foreign_port(gateway, "198.51.100.10", "10.0.0.42");
  const std::string remote = "203.0.113.10:4000";
  const std::string external = at("198.51.100.10", port), host = at("10.0.0.42", port);
  ASSERT_TRUE(gateway.in(tcp(remote, external).syn()));
  ASSERT_TRUE(gateway.out(tcp(host, remote).syn_ack()));
  ASSERT_TRUE(gateway.in(tcp(remote, external).ack()));
  for (int i = 0; i < 3; ++i) {
    pass(gateway, 120min);
    EXPECT_EQ(text(gateway.in(tcp(remote, external).ack())), "tcp " + remote + " > " + host);
  }
  EXPECT_EQ(gateway.count(Counter::signpost_created), GetParam() == 1 ? 0U : 1U);
  pass(gateway, 125min);
  expect_nothing_left(gateway, 2);
}

}  // namespace
}  // namespace rgw::test
