// POOL-14: what is let in while its two ends inside are another session's. The remote has another port
// towards the host then, and the session that was there goes on. With one worker and four, for every family
// pair:
// - UDP, TCP and ping (its identifier), by a service's reservation and by a plain one
// - ICMP errors about such a session both ways, its fragments, its retransmissions
// - by a static mapping, an endpoint-independent one, and hairpinned
// - SCTP, whose checksum covers the ports, is refused
#include "scenario/pairs.hpp"
#include <gtest/gtest.h>

namespace rgw::test {
namespace {

using net::Protocol;

config::Realm realm() {
  config::Realm realm = all_pairs_realm(false);
  realm.pool.addresses.push_back(address("2001:db8:100::10"));
  return realm;
}
const char* pool_address(const Pair& pair) {
  return address(pair.external).is_v4() ? "198.51.100.10" : "2001:db8:100::10";
}
Pairs pairs_with_sessions() {
  return {all_pairs[0], all_pairs[1], all_pairs[2], all_pairs[3]};
}

/// A packet of `protocol`; of ICMP a query or its answer, with `identifier`.
PacketBuilder packet(Protocol protocol, std::string_view source, unsigned source_port,
                     std::string_view destination, unsigned destination_port, unsigned identifier = 0,
                     bool answer = false) {
  if (protocol == Protocol::icmp)
    return (answer ? pong : ping)(source, destination, static_cast<std::uint16_t>(identifier), 1).payload(24);
  return PacketBuilder{protocol, at(source, source_port), at(destination, destination_port)}.payload(24);
}
PacketBuilder opening(PacketBuilder built, Protocol protocol) {
  return protocol == Protocol::tcp ? built.syn() : built;
}

PacketBuilder error_about(const Seen& quoted, std::string_view from, std::string_view to) {
  return icmp_error(from, to, quoted.v4() ? 3 : 1, quoted.v4() ? 1 : 3, quoted.bytes());
}

class TakenEnds : public WithWorkers {};
INSTANTIATE_TEST_SUITE_P(Workers, TakenEnds, testing::Values(1U, 4U), workers_name);

/// What a remote and a host say to each other by a claim, and by a session that the host had with the same
/// ends.
struct Meeting {
  Gateway& gateway;
  const Pair& pair;
  Protocol protocol;
  unsigned port;
  unsigned renamed = 0;  ///< the remote's port as the host sees it; of a ping its identifier

  [[nodiscard]] bool query() const { return protocol == Protocol::icmp; }
  [[nodiscard]] std::string name() const {
    return std::string{pair.name} + " " + net::to_string(protocol) + " " + std::to_string(port);
  }
  [[nodiscard]] PacketBuilder inward() const {
    return packet(protocol, pair.remote_outside, port, pool_address(pair), port, port);
  }
  [[nodiscard]] PacketBuilder outward() const {
    return packet(protocol, pair.host, port, pair.remote_inside, renamed, renamed, true);
  }
  [[nodiscard]] unsigned seen_port(const Seen& seen) const {
    return query() ? seen.icmp().identifier.host() : seen.source_port();
  }

  void expect_to_host(const std::optional<Seen>& in) {
    ASSERT_TRUE(in) << name();
    EXPECT_EQ(in->destination(), address(pair.host)) << name();
    EXPECT_EQ(in->source(), address(pair.remote_inside)) << name();
    EXPECT_TRUE(in->checksums_right()) << name();
    if (!query()) {
      EXPECT_EQ(in->destination_port(), port) << name();
    }
    const unsigned seen = seen_port(*in);
    EXPECT_NE(seen, port) << name();
    EXPECT_EQ(seen % 2, port % 2) << name();
    EXPECT_EQ(seen < 1024, port < 1024) << name();
    if (renamed != 0) {
      EXPECT_EQ(seen, renamed) << name();
    }
    renamed = seen;
  }
  void expect_to_remote(const std::optional<Seen>& out) const {
    ASSERT_TRUE(out) << name();
    EXPECT_EQ(out->source(), address(pool_address(pair))) << name();
    EXPECT_EQ(out->destination(), address(pair.remote_outside)) << name();
    EXPECT_TRUE(out->checksums_right()) << name();
    EXPECT_EQ(seen_port(*out), port) << name();
    if (!query()) {
      EXPECT_EQ(out->destination_port(), port) << name();
    }
  }
  /// An ICMP error about what was sent quotes it as its sender sent it.
  void expect_error_quotes(const std::optional<Seen>& error, const PacketBuilder& sent) const {
    ASSERT_TRUE(error) << name();
    EXPECT_TRUE(error->checksums_right()) << name();
    const Seen quoted = error->inner(), original{sent.ip()};
    EXPECT_EQ(quoted.to_string(), original.to_string()) << name();
    EXPECT_TRUE(quoted.checksums_right()) << name();
    if (query()) {
      EXPECT_EQ(quoted.icmp().identifier, original.icmp().identifier) << name();
    }
  }
};

TEST_P(TakenEnds, a_claim_reaches_a_host_that_has_a_session_with_its_remote) {  // POOL-5, POOL-14
  for (const Pair& pair : pairs_with_sessions()) {
    for (const Protocol protocol : {Protocol::udp, Protocol::tcp, Protocol::icmp}) {
      for (const unsigned port : {5060U, 5062U, 5065U, 500U}) {
        for (const bool plain : {false, true}) {
          AllPairs gateway{GetParam(), realm()};
          Meeting meeting{gateway, pair, protocol, port};
          const auto own = packet(protocol, pair.host, port, pair.remote_inside, port, port);
          const auto left = gateway.out(opening(own, protocol));
          ASSERT_TRUE(left) << meeting.name();
          const auto number = static_cast<std::uint16_t>(meeting.query() ? 0 : port);
          gateway.bind(pool_address(pair), plain ? net::Service{} : net::Service{protocol, number},
                       pair.host);

          meeting.expect_to_host(gateway.in(opening(meeting.inward(), protocol)));
          if (HasFatalFailure() || meeting.renamed == 0) return;
          auto answer = meeting.outward();
          const auto out = gateway.out(protocol == Protocol::tcp ? answer.syn_ack() : answer);
          meeting.expect_to_remote(out);
          const auto in = gateway.in(meeting.inward());
          meeting.expect_to_host(in);
          ASSERT_TRUE(in && out);
          EXPECT_EQ(gateway.count(Counter::claim_made), 1U);

          // What each has sent comes back in errors, from a router outside and from the host.
          const char* router = out->v4() ? "192.0.2.77" : "2001:db8:7::7";
          meeting.expect_error_quotes(gateway.in(error_about(*out, router, pool_address(pair))), answer);
          meeting.expect_error_quotes(gateway.out(error_about(*in, pair.host, pair.remote_inside)),
                                      meeting.inward());

          // The session that was there goes on both ways.
          const unsigned external = meeting.query() ? left->icmp().identifier.host() : left->source_port();
          auto back = packet(protocol, pair.remote_outside, port, pair.external, external, external, true);
          const auto old = gateway.in(protocol == Protocol::tcp ? back.syn_ack() : back);
          ASSERT_TRUE(old) << meeting.name();
          EXPECT_EQ(meeting.seen_port(*old), port) << meeting.name();
          EXPECT_EQ(old->destination(), address(pair.host)) << meeting.name();
          const auto again = gateway.out(own);
          ASSERT_TRUE(again) << meeting.name();
          EXPECT_EQ(again->source(), left->source()) << meeting.name();
          EXPECT_EQ(gateway.count(Counter::session_conflict), 0U);
          EXPECT_EQ(gateway.count(Counter::session_ended), 0U);
          gateway.unbind(pool_address(pair), plain ? net::Service{} : net::Service{protocol, number});
          pass(gateway, std::chrono::hours{3});
          pass(gateway, std::chrono::hours{3});
          EXPECT_EQ(gateway.sessions(), 0U);
        }
      }
    }
  }
}

TEST_P(TakenEnds, its_fragments_pass_in_any_order) {  // OUT-7
  for (const Pair& pair : pairs_with_sessions()) {
    for (const bool reversed : {false, true}) {
      AllPairs gateway{GetParam(), realm()};
      ASSERT_TRUE(gateway.out(udp(at(pair.host, 5060), at(pair.remote_inside, 5060))));
      gateway.bind(pool_address(pair), {Protocol::udp, 5060}, pair.host);
      auto pieces =
          udp(at(pair.remote_outside, 5060), at(pool_address(pair), 5060)).payload(300).fragments(104);
      if (reversed) std::ranges::reverse(pieces);
      for (const auto& piece : pieces) gateway.put(outside, piece);
      gateway.turn();
      const Bytes whole = reassemble(take_all(gateway, inside));
      ASSERT_FALSE(whole.empty()) << pair.name;
      const Seen there{whole};
      EXPECT_NE(there.source_port(), 5060) << pair.name;
      EXPECT_TRUE(there.checksums_right()) << pair.name;
      const auto out = gateway.out(udp(at(pair.host, 5060), at(pair.remote_inside, there.source_port())));
      EXPECT_EQ(text(out), "udp " + at(pool_address(pair), 5060) + " > " + at(pair.remote_outside, 5060))
          << pair.name;
    }
  }
}

TEST_P(TakenEnds, a_remote_that_comes_by_two_static_mappings_has_two_sessions) {  // OUT-2, POOL-14
  auto two = realm();
  two.static_mappings = {{Protocol::tcp, endpoint("198.51.100.1:8080"), endpoint("10.0.0.42:80")},
                         {Protocol::tcp, endpoint("198.51.100.11:8081"), endpoint("10.0.0.42:80")}};
  AllPairs gateway{GetParam(), std::move(two)};
  ASSERT_TRUE(gateway.in(tcp("203.0.113.7:4000", "198.51.100.1:8080").syn()));
  const auto second = gateway.in(tcp("203.0.113.7:4000", "198.51.100.11:8081").syn());
  ASSERT_TRUE(second);
  EXPECT_EQ(second->destination(), address("10.0.0.42"));
  EXPECT_NE(second->source_port(), 4000);
  EXPECT_EQ(text(gateway.out(tcp("10.0.0.42:80", at("203.0.113.7", second->source_port())).syn_ack())),
            "tcp 198.51.100.11:8081 > 203.0.113.7:4000");
  EXPECT_EQ(text(gateway.out(tcp("10.0.0.42:80", "203.0.113.7:4000").syn_ack())),
            "tcp 198.51.100.1:8080 > 203.0.113.7:4000");
}

TEST_P(TakenEnds, a_remote_that_comes_by_a_mapping_after_a_claim_has_two_sessions) {  // OUT-1, POOL-14
  auto open = realm();
  open.outbound.mapping = config::Outbound::Mapping::endpoint_independent;
  open.outbound.filtering = config::Outbound::Filtering::endpoint_independent;
  AllPairs gateway{GetParam(), std::move(open)};
  gateway.bind("198.51.100.10", {Protocol::udp, 5060}, "10.0.0.42");
  ASSERT_TRUE(gateway.in(udp("203.0.113.7:5060", "198.51.100.10:5060")));
  const auto out = gateway.out(udp("10.0.0.42:5060", "203.0.113.99:1"));
  ASSERT_TRUE(out);
  const auto external = at("198.51.100.1", out->source_port());
  const auto in = gateway.in(udp("203.0.113.7:5060", external));
  ASSERT_TRUE(in);
  EXPECT_NE(in->source_port(), 5060);
  EXPECT_EQ(text(gateway.out(udp("10.0.0.42:5060", at("203.0.113.7", in->source_port())))),
            "udp " + external + " > 203.0.113.7:5060");
  EXPECT_EQ(text(gateway.out(udp("10.0.0.42:5060", "203.0.113.7:5060"))),
            "udp 198.51.100.10:5060 > 203.0.113.7:5060");
}

TEST_P(TakenEnds, two_hosts_inside_call_each_other_at_external_addresses) {  // OUT-4, POOL-14
  auto forwarding = realm();
  forwarding.static_mappings = {{Protocol::udp, endpoint("198.51.100.1:5060"), endpoint("10.0.0.43:5060")}};
  AllPairs gateway{GetParam(), std::move(forwarding)};
  const auto round = [&](const PacketBuilder& packet) {
    gateway.put(inside, packet.ip());
    gateway.turn();
    return gateway.take(inside);
  };
  const auto called = round(udp("10.0.0.42:5060", "198.51.100.1:5060").payload(24));
  ASSERT_TRUE(called);
  gateway.bind("198.51.100.10", {Protocol::udp, 5060}, "10.0.0.42");
  const auto calls = round(udp("10.0.0.43:5060", "198.51.100.10:5060").payload(24));
  ASSERT_TRUE(calls);
  EXPECT_EQ(calls->destination(), address("10.0.0.42"));
  EXPECT_EQ(calls->source(), address("198.51.100.1"));
  EXPECT_NE(calls->source_port(), 5060);
  EXPECT_TRUE(calls->checksums_right());
  EXPECT_EQ(text(round(udp("10.0.0.42:5060", at("198.51.100.1", calls->source_port())).payload(24))),
            "udp 198.51.100.10:5060 > 10.0.0.43:5060");
  const auto error = round(icmp_error("10.0.0.42", "198.51.100.1", 3, 3, calls->bytes()));
  ASSERT_EQ(text(error), "icmp3 198.51.100.10 > 10.0.0.43");
  EXPECT_EQ(error->inner().to_string(), "udp 10.0.0.43:5060 > 198.51.100.10:5060");
  EXPECT_TRUE(error->inner().checksums_right());
}

TEST_P(TakenEnds, sctp_keeps_its_ports_and_is_refused) {  // RFC 9260 section 6.8
  AllPairs gateway{GetParam(), realm()};
  gateway.bind("198.51.100.10", {Protocol::sctp, 5060}, "10.0.0.42", 1);
  gateway.bind("198.51.100.11", {Protocol::sctp, 5060}, "10.0.0.42", 2);
  ASSERT_TRUE(gateway.in(sctp("203.0.113.7:5060", "198.51.100.10:5060").payload(24)));
  EXPECT_FALSE(gateway.in(sctp("203.0.113.7:5060", "198.51.100.11:5060").payload(24)));
  EXPECT_EQ(gateway.count(Counter::session_conflict), 1U);
  EXPECT_TRUE(gateway.in(sctp("203.0.113.7:5061", "198.51.100.11:5060").payload(24)))
      << "the reservation is still there";
}

TEST_P(TakenEnds, with_no_port_left_for_the_remote_the_claim_is_not_spent) {  // every search has a bound
  auto one = realm();
  one.outbound.max_sessions_per_host = 1;
  AllPairs gateway{GetParam(), std::move(one)};
  ASSERT_TRUE(gateway.out(udp("10.0.0.42:5060", "203.0.113.7:5060")));
  gateway.bind("198.51.100.10", {Protocol::udp, 5060}, "10.0.0.42");
  EXPECT_FALSE(gateway.in(udp("203.0.113.7:5060", "198.51.100.10:5060")));
  EXPECT_EQ(gateway.count(Counter::session_host_limit), 1U);
  EXPECT_EQ(gateway.count(Counter::claim_made), 0U);
}

}  // namespace
}  // namespace rgw::test
