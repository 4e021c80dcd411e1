// ICMP errors through NAT and by the gateway (OUT-5; RFC 5508, RFC 792, RFC 1812), with 1, 2 and 4 workers
// where steering matters:
// - errors about UDP, TCP, ping and SCTP, both ways, whole and cut to 8 bytes: inner packet, addresses and
// checksums
// - an error shows no inside address; one about nothing, with a wrong checksum, from a martian or unreadable,
// does not pass
// - it neither opens, nor ends, nor moves a session
// - Time Exceeded by the gateway: it quotes what was sent, comes at the rate allowed, and never about an
// error
#include "scenario/support.hpp"
#include <gtest/gtest.h>

namespace rgw::test {
namespace {

using net::Protocol;

/// Sessions of one host with one remote, and what packets of each look like on both sides.
struct Conversation {
  const char* name;
  PacketBuilder inside_out, outside_out;  ///< from the host, before and after translation
  PacketBuilder outside_in, inside_in;    ///< from the remote, likewise
};
std::vector<Conversation> conversations() {
  const std::string h = "10.0.0.42:5000", e = "198.51.100.1:5000", r = "203.0.113.10:80";
  return {{"udp", udp(h, r).payload(40), udp(e, r).payload(40), udp(r, e).payload(40), udp(r, h).payload(40)},
          {"udp without checksum", udp(h, r).payload(40).no_udp_checksum(),
           udp(e, r).payload(40).no_udp_checksum(), udp(r, e).payload(40).no_udp_checksum(),
           udp(r, h).payload(40).no_udp_checksum()},
          {"tcp", tcp(h, r).syn().payload(40), tcp(e, r).syn().payload(40), tcp(r, e).syn_ack().payload(40),
           tcp(r, h).syn_ack().payload(40)},
          {"ping", ping("10.0.0.42", "203.0.113.10", 5000).payload(40),
           ping("198.51.100.1", "203.0.113.10", 5000).payload(40),
           pong("203.0.113.10", "198.51.100.1", 5000).payload(40),
           pong("203.0.113.10", "10.0.0.42", 5000).payload(40)},
          {"sctp", sctp(h, r).payload(40), sctp(e, r).payload(40), sctp(r, e).payload(40),
           sctp(r, h).payload(40)}};
}
const std::size_t cuts[] = {28, 32, 36, 40, 1000};  // header and 8 bytes; up to and past TCP's checksum; all

/// The quoted packet as the receiver of the error sent it, byte for byte: checksums recomputed by the
/// builder, not moved.
void expect_quotes(const std::optional<Seen>& error, const PacketBuilder& original, std::size_t cut_to,
                   std::string_view what) {
  ASSERT_TRUE(error) << what;
  EXPECT_TRUE(error->checksums_right()) << what;
  EXPECT_EQ(error->inner().bytes(), cut(original.ip(), cut_to)) << what << ", cut to " << cut_to;
}

TEST(IcmpErrors, from_outside_they_reach_the_host_with_the_packet_that_it_sent) {  // OUT-5, RFC 5508 REQ-4
  for (const auto& c : conversations()) {
    Gateway gateway;
    ASSERT_TRUE(gateway.out(c.inside_out)) << c.name;
    for (const auto& [type, code] : {std::pair{3, 1}, {3, 3}, {3, 4}, {3, 13}, {4, 0}, {11, 0}, {12, 0}}) {
      for (const std::size_t size : cuts) {
        const auto error =
            gateway.in(icmp_error("192.0.2.77", "198.51.100.1", static_cast<std::uint8_t>(type),
                                  static_cast<std::uint8_t>(code), cut(c.outside_out.ip(), size), 1400));
        expect_quotes(error, c.inside_out, size, c.name);
        EXPECT_EQ(error->source(), address("192.0.2.77")) << "whichever router it was";
        EXPECT_EQ(error->destination(), address("10.0.0.42"));
        EXPECT_EQ(error->icmp().type, type);
        EXPECT_EQ(error->icmp().code, code);
        EXPECT_EQ(error->icmp().sequence.host(), 1400) << "the MTU that it tells";
      }
    }
  }
}

TEST(IcmpErrors, from_inside_they_reach_the_remote_and_show_no_inside_address) {  // OUT-5, RFC 5508 REQ-5
  for (const auto& c : conversations()) {
    Gateway gateway;
    ASSERT_TRUE(gateway.out(c.inside_out));
    ASSERT_TRUE(gateway.in(c.outside_in));
    for (const std::string_view router : {"10.0.0.42", "10.0.0.77"}) {
      for (const std::size_t size : cuts) {
        const auto error = gateway.out(icmp_error(router, "203.0.113.10", 3, 3, cut(c.inside_in.ip(), size)));
        expect_quotes(error, c.outside_in, size, c.name);
        EXPECT_EQ(text(error), "icmp3 198.51.100.1 > 203.0.113.10");
      }
    }
  }
}

TEST(IcmpErrors, the_corner_cases_of_one_s_complement_hold_in_inner_packets_too) {  // RFC 1624
  Gateway gateway;
  for (unsigned port = 1025; port < 65536; port += 1009) {
    const std::string h = at("10.0.0.42", port), e = at("198.51.100.1", port),
                      r = at("203.0.113.10", port ^ 1);
    ASSERT_TRUE(gateway.out(udp(h, r)));
    for (std::uint8_t byte = 0; byte < 8; ++byte) {
      expect_quotes(
          gateway.in(icmp_error("192.0.2.77", "198.51.100.1", 3, 3, udp(e, r).payload(7, byte).ip())),
          udp(h, r).payload(7, byte), 1000, e);
    }
  }
}

class IcmpErrorsOverWorkers : public WithWorkers {};
RGW_WITH_WORKERS(IcmpErrorsOverWorkers);

TEST_P(IcmpErrorsOverWorkers, they_find_the_session_on_whichever_worker_it_lives) {  // OUT-5
  Gateway gateway{lab_realm(), GetParam()};
  gateway.bind("198.51.100.10", {}, "10.0.0.42");
  gateway.turn();
  for (unsigned i = 0; i < 8; ++i) {
    const std::string h = at("10.0.0.42", 7000 + 2 * i);
    const auto out = gateway.out(udp(h, "203.0.113.10:53").payload(20));
    ASSERT_TRUE(out);
    const auto error = gateway.in(icmp_error("192.0.2.77", "198.51.100.1", 3, 1, out->bytes()));
    ASSERT_EQ(text(error), "icmp3 192.0.2.77 > 10.0.0.42");
    EXPECT_EQ(error->inner().to_string(), "udp " + h + " > 203.0.113.10:53");
  }
  const unsigned port = GetParam() == 1 ? 1024 : foreign_port(gateway, "198.51.100.10", "10.0.0.42");
  ASSERT_TRUE(gateway.in(udp("203.0.113.10:4000", at("198.51.100.10", port))));
  const Bytes answer = udp(at("198.51.100.10", port), "203.0.113.10:4000").payload(9).ip();
  EXPECT_EQ(text(gateway.in(icmp_error("192.0.2.77", "198.51.100.10", 11, 0, answer))),
            "icmp11 192.0.2.77 > 10.0.0.42")
      << "over the signpost";
}

TEST(IcmpErrors, what_cannot_be_trusted_does_not_pass) {  // OUT-5, OUT-8, RFC 5508 REQ-3
  Gateway gateway;
  ASSERT_TRUE(gateway.out(udp("10.0.0.42:5000", "203.0.113.10:80")));
  const Bytes inner = udp("198.51.100.1:5000", "203.0.113.10:80").payload(20).ip();
  const auto error = [&](std::string_view from) { return icmp_error(from, "198.51.100.1", 3, 3, inner); };
  const auto refused = [&](const PacketBuilder& packet, Counter why) {
    EXPECT_FALSE(gateway.in(packet)) << info(why).name;
    EXPECT_EQ(gateway.count(why), 1U) << info(why).name;
  };
  refused(error("203.0.113.10").corrupt_transport_checksum(), Counter::parse_icmp_checksum);
  refused(icmp_error("203.0.113.10", "198.51.100.1", 3, 3, udp("198.51.100.1:5000", "203.0.113.10:81").ip()),
          Counter::icmp_no_session);
  refused(icmp_error("203.0.113.10", "198.51.100.1", 3, 3, cut(inner, 27)), Counter::parse_icmp_inner);
  refused(error("127.0.0.1"), Counter::martian_source);
  refused(error("10.0.0.43"), Counter::inside_source_outside);
  refused(error("198.51.100.10"), Counter::spoofed_own_source);
  EXPECT_EQ(gateway.sessions(), 1U);
  EXPECT_TRUE(gateway.in(error("203.0.113.10")));
}

TEST(IcmpErrors, from_inside_a_spoofed_one_does_not_leave) {  // OUT-8
  Gateway gateway;
  ASSERT_TRUE(gateway.out(udp("10.0.0.42:5000", "203.0.113.10:80")));
  const Bytes inner = udp("203.0.113.10:80", "10.0.0.42:5000").ip();
  EXPECT_FALSE(gateway.out(icmp_error("192.0.2.1", "203.0.113.10", 3, 3, inner)));
  EXPECT_EQ(gateway.count(Counter::spoofed_inside_source), 1U);
}

TEST(IcmpErrors, they_move_no_state_and_end_no_session) {  // OUT-5, RFC 5508 REQ-6: a hard error may be a lie
  Gateway gateway;
  ASSERT_TRUE(gateway.out(tcp("10.0.0.42:5000", "203.0.113.10:80").syn()));
  ASSERT_TRUE(gateway.in(tcp("203.0.113.10:80", "198.51.100.1:5000").syn_ack()));
  ASSERT_TRUE(gateway.in(icmp_error("203.0.113.10", "198.51.100.1", 3, 3,
                                    tcp("198.51.100.1:5000", "203.0.113.10:80").rst().ip())));
  ASSERT_TRUE(gateway.out(tcp("10.0.0.42:5000", "203.0.113.10:80").ack()));
  pass(gateway, 7000s);
  EXPECT_EQ(gateway.sessions(), 1U);
}

// ---- by the gateway

TEST(TimeExceeded, the_gateway_is_a_hop_seen_from_inside) {  // OUT-5, RFC 1812 section 5.3.1
  Gateway gateway;
  for (const auto& probe :
       {udp("10.0.0.42:5000", "203.0.113.10:33434").payload(32).ttl(1),
        tcp("10.0.0.42:5000", "203.0.113.10:80").syn().ttl(1), ping("10.0.0.42", "203.0.113.10", 4).ttl(1),
        udp("10.0.0.42:5000", "203.0.113.10:33434").payload(1400).ttl(0)}) {
    gateway.put(Gateway::inside, probe.ip());
    gateway.turn();
    const auto error = gateway.take(Gateway::inside);
    ASSERT_EQ(text(error), "icmp11 10.0.0.1 > 10.0.0.42");
    EXPECT_TRUE(error->checksums_right());
    EXPECT_LE(error->bytes().size(), 576U) << "RFC 1812 section 4.3.2.3";
    EXPECT_EQ(error->inner().bytes(), cut(probe.ip(), error->inner().bytes().size())) << "as it was sent";
    EXPECT_GE(error->inner().bytes().size(), std::min<std::size_t>(probe.ip().size(), 548));
  }
  EXPECT_FALSE(gateway.take(Gateway::outside));
  EXPECT_EQ(gateway.count(Counter::hop_limit_exceeded), 4U);
}

TEST(TimeExceeded,
     the_gateway_is_a_hop_seen_from_outside) {  // OUT-5: of a session; see inbound for reservations
  Gateway gateway;
  ASSERT_TRUE(gateway.out(udp("10.0.0.42:5000", "203.0.113.10:80")));
  const Bytes probe = udp("203.0.113.10:80", "198.51.100.1:5000").payload(20).ttl(1).ip();
  gateway.put(Gateway::outside, probe);
  gateway.turn();
  EXPECT_FALSE(gateway.take(Gateway::inside));
  const auto error = gateway.take(Gateway::outside);
  ASSERT_EQ(text(error), "icmp11 198.51.100.1 > 203.0.113.10");
  EXPECT_EQ(error->inner().bytes(), probe);
  EXPECT_TRUE(error->checksums_right());
}

TEST(TimeExceeded, a_packet_for_the_gateway_itself_needs_no_hops) {  // OUT-9
  Gateway gateway;
  EXPECT_FALSE(gateway.out(udp("10.0.0.42:5000", "10.0.0.1:53").ttl(1)));
  EXPECT_FALSE(gateway.in(udp("203.0.113.10:5000", "198.51.100.1:53").ttl(1)));
  EXPECT_EQ(gateway.count(Counter::to_kernel), 2U);
  EXPECT_EQ(gateway.count(Counter::hop_limit_exceeded), 0U);
}

TEST(TimeExceeded, the_next_hop_gets_what_has_two_left) {
  Gateway gateway;
  const auto out = gateway.out(udp("10.0.0.42:5000", "203.0.113.10:33434").ttl(2));
  ASSERT_TRUE(out);
  EXPECT_EQ(out->ttl(), 1);
  EXPECT_TRUE(out->checksums_right());
}

TEST(TimeExceeded, errors_come_at_the_rate_allowed) {  // OUT-5, RFC 1812 section 4.3.2.8
  Gateway gateway;
  unsigned errors = 0;
  for (int i = 0; i < 250; ++i) {
    gateway.put(Gateway::inside, udp("10.0.0.42:5000", "203.0.113.10:33434").ttl(1).ip());
    gateway.turn();
    errors += gateway.take(Gateway::inside).has_value() ? 1 : 0;
  }
  EXPECT_EQ(errors, 100U);
  EXPECT_EQ(gateway.count(Counter::icmp_error_sent), 100U);
  EXPECT_EQ(gateway.count(Counter::icmp_rate_limited), 150U);
  EXPECT_EQ(gateway.count(Counter::hop_limit_exceeded), 250U);
}

TEST(TimeExceeded, no_error_is_sent_about_an_error_or_a_later_fragment) {  // OUT-5, RFC 1122 section 3.2.2
  Gateway gateway;
  ASSERT_TRUE(gateway.out(udp("10.0.0.42:5000", "203.0.113.10:80")));
  EXPECT_FALSE(gateway.in(
      icmp_error("192.0.2.77", "198.51.100.1", 3, 3, udp("198.51.100.1:5000", "203.0.113.10:80").ip())
          .ttl(1)));
  EXPECT_FALSE(gateway.take(Gateway::outside));
  for (const auto& piece : udp("10.0.0.42:5000", "203.0.113.10:80").payload(200).ttl(1).fragments(104)) {
    gateway.put(Gateway::inside, piece);
  }
  gateway.turn();
  EXPECT_EQ(take_all(gateway, Gateway::inside).size(), 1U) << "about the first one";
}

}  // namespace
}  // namespace rgw::test
