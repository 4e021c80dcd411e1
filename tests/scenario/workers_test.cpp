// Ownership among workers (docs/ownership.md), on devices with one queue, so that the first worker receives
// and sends for all:
// - the owner by law gets each packet; whoever has no queue sends through one who has
// - a claim whose packets belong elsewhere than its host: one signpost, which ends with the session, also
//   when it is claimed anew; nothing opens by one that is about to end
// - the packets of a flow stay in order, by the short way too, which what is handed over goes at both ends;
// no
//   packet goes from worker to worker without end; a full ring drops and counts
// Signposts that lead to no session have a file of their own.
#include "scenario/pairs.hpp"
#include "scenario/support.hpp"
#include <gtest/gtest.h>

namespace rgw::test {
namespace {

using net::Protocol;

class Workers : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(on, Workers, testing::Values(2U, 3U, 4U), workers_name);

TEST_P(Workers, each_packet_reaches_the_owner_of_its_flow) {
  Gateway gateway{lab_realm(), GetParam()};
  for (unsigned i = 0; i < 32; ++i) {
    const std::string host = "10.0.0." + std::to_string(100 + i);
    gateway.learn(Gateway::inside, host);
    ASSERT_TRUE(gateway.out(udp(at(host, 5000), "203.0.113.10:53")));
    EXPECT_GE(gateway.worker(home_of(gateway, host).value()).context().sessions.size(), 1U);
  }
  unsigned with_sessions = 0;
  for (unsigned i = 0; i < GetParam(); ++i)
    with_sessions += gateway.worker(i).context().sessions.size() != 0 ? 1 : 0;
  EXPECT_EQ(with_sessions, GetParam()) << "32 hosts are spread over all";
  EXPECT_EQ(gateway.sessions(), 32U);
  const auto to_peers = gateway.count(Counter::steer_to_peer);
  EXPECT_GT(to_peers, 0U);
  EXPECT_LT(to_peers, 32U) << "some are at home where they arrive";
  EXPECT_EQ(gateway.count(Counter::steer_mine), 32U) << "one hop, then it is its owner's";
}

TEST_P(Workers, a_claim_from_afar_leaves_one_signpost) {  // POOL-5
  Gateway gateway{lab_realm(), GetParam()};
  gateway.bind("198.51.100.10", {}, "10.0.0.42");
  gateway.turn();
  const unsigned port = foreign_port(gateway, "198.51.100.10", "10.0.0.42");
  const std::string external = at("198.51.100.10", port), host = at("10.0.0.42", port),
                    r = "203.0.113.10:4000";
  ASSERT_EQ(text(gateway.in(tcp(r, external).syn())), "tcp " + r + " > " + host);
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(text(gateway.out(tcp(host, r).syn_ack())), "tcp " + external + " > " + r);
    ASSERT_EQ(text(gateway.in(tcp(r, external).ack())), "tcp " + r + " > " + host);
  }
  EXPECT_EQ(gateway.count(Counter::signpost_created), 1U);
  EXPECT_EQ(gateway.sessions(), 2U) << "the session and its signpost";
  EXPECT_EQ(gateway.worker(home_of(gateway, "10.0.0.42").value()).context().sessions.size(), 1U);
}

TEST_P(Workers,
       a_closed_connection_is_claimed_anew_for_another_host) {  // POOL-5: reconsidered, over the signpost
  Gateway gateway{lab_realm(), GetParam()};
  gateway.turn();
  const unsigned port = foreign_port(gateway, "198.51.100.10", "10.0.0.42");
  const std::string external = at("198.51.100.10", port), r = "203.0.113.10:4000";
  for (unsigned round = 1; round <= 8; ++round) {
    const std::string host = at(round % 2 == 1 ? "10.0.0.42" : "10.0.0.43", port);
    gateway.bind("198.51.100.10", {Protocol::tcp, static_cast<std::uint16_t>(port)}, host.substr(0, 9),
                 round);
    ASSERT_EQ(text(gateway.opens(tcp(r, external).syn())), "tcp " + r + " > " + host) << round;
    ASSERT_TRUE(gateway.out(tcp(host, r).fin()));
    ASSERT_TRUE(gateway.in(tcp(r, external).fin()));
    gateway.unbind("198.51.100.10", {Protocol::tcp, static_cast<std::uint16_t>(port)}, round);
    gateway.advance(100ms);
    EXPECT_FALSE(gateway.in(tcp(r, external).syn())) << "nothing lets it in: the old connection is over";
    while (gateway.take(Gateway::outside)) {
    }
  }
  EXPECT_LE(gateway.sessions(), 2U);
  pass(gateway, 241s);
  expect_nothing_left(gateway, 2);
}

// The signpost of a session that has ended is about to end too: what comes by it meanwhile opens nothing,
// since nobody would find that session again, but who has the tuple next (POOL-14).
TEST_P(Workers, a_packet_behind_the_end_of_a_session_opens_none_on_its_dying_signpost) {
  Gateway gateway{lab_realm(), GetParam()};
  const std::string old_host = "10.0.0.42", r = "203.0.113.10:4000";
  std::string next_host = "10.0.0.43";  // of the same home
  while (home_of(gateway, next_host) != home_of(gateway, old_host))
    next_host = "10.0.0." + std::to_string(std::stoi(next_host.substr(7)) + 1);
  for (const auto& host : {old_host, next_host}) gateway.learn(Gateway::inside, host);
  gateway.turn();
  const auto port = foreign_port(gateway, "198.51.100.10", old_host);
  const std::string external = at("198.51.100.10", port);
  gateway.bind("198.51.100.10", {Protocol::tcp, port}, old_host, 1);
  ASSERT_TRUE(gateway.opens(tcp(r, external).syn()));
  ASSERT_TRUE(gateway.out(tcp(at(old_host, port), r).fin()));
  ASSERT_TRUE(gateway.in(tcp(r, external).fin()));
  gateway.unbind("198.51.100.10", {Protocol::tcp, port}, 1);
  gateway.bind("198.51.100.10", {Protocol::tcp, port}, next_host, 2);
  gateway.turn();
  for (int i = 0; i < 2; ++i) gateway.put(Gateway::outside, tcp(r, external).syn().ip());  // in one burst
  gateway.turn();
  EXPECT_EQ(take_all(gateway, Gateway::inside).size(), 2U);
  ASSERT_TRUE(gateway.out(tcp(at(next_host, port), r).syn_ack()));
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(text(gateway.in(tcp(r, external).ack())), "tcp " + r + " > " + at(next_host, port)) << i;
  }
  EXPECT_EQ(gateway.sessions(), 2U) << "the session and its signpost";
  EXPECT_EQ(gateway.count(Counter::signpost_created), 2U);
}

TEST_P(Workers, a_claim_refused_at_home_leaves_no_signpost) {  // POOL-6: other workers learn of the claim
                                                               // from control alone
  Gateway gateway{lab_realm(), GetParam()};
  gateway.turn();
  const auto port = foreign_port(gateway, "198.51.100.10", "10.0.0.42");
  gateway.bind("198.51.100.10", {Protocol::tcp, port}, "10.0.0.42");
  ASSERT_TRUE(gateway.opens(tcp("203.0.113.10:4000", at("198.51.100.10", port)).syn()));
  for (unsigned i = 1; i <= 50; ++i) {
    EXPECT_FALSE(gateway.in(tcp(at("203.0.113.10", 4000 + i), at("198.51.100.10", port)).syn()));
  }
  EXPECT_EQ(gateway.count(Counter::claim_spent), 50U);
  EXPECT_EQ(gateway.sessions(), 2U);
}

TEST_P(Workers, the_packets_of_a_flow_stay_in_order) {
  Gateway gateway{lab_realm(), GetParam()};
  gateway.bind("198.51.100.10", {}, "10.0.0.42");
  gateway.turn();
  const unsigned port = foreign_port(gateway, "198.51.100.10", "10.0.0.42");
  const std::string external = at("198.51.100.10", port), host = at("10.0.0.42", port),
                    r = "203.0.113.10:4000";
  // From the very first one, which makes session and signpost, over several bursts, both ways at once.
  std::uint16_t sent = 0;
  for (int burst = 0; burst < 5; ++burst) {
    for (int i = 0; i < 40; ++i, ++sent) {
      gateway.put(Gateway::outside, udp(r, external).id(sent).ip());
      if (burst > 0) gateway.put(Gateway::inside, udp(host, r).id(sent).ip());
    }
    for (unsigned i = 0; i < GetParam(); ++i) gateway.worker(i).step();  // not all of it at once
  }
  gateway.turn();
  for (const unsigned side : {Gateway::inside, Gateway::outside}) {
    const auto seen = take_all(gateway, side);
    EXPECT_EQ(seen.size(), side == Gateway::inside ? 200U : 160U);
    for (std::size_t i = 1; i < seen.size(); ++i) {
      EXPECT_LT(seen[i - 1].ipv4().identification.host(), seen[i].ipv4().identification.host());
    }
  }
}

TEST_P(Workers, what_is_handed_over_goes_the_short_way_where_it_arrives) {
  Gateway gateway{lab_realm(), GetParam()};
  std::string host = "10.0.0.100";
  for (unsigned i = 101; home_of(gateway, host) == WorkerId{0}; ++i) host = "10.0.0." + std::to_string(i);
  gateway.learn(Gateway::inside, host);
  ASSERT_TRUE(gateway.out(udp(at(host, 5000), "203.0.113.10:53")));
  const auto before = gateway.count(Counter::short_way);
  const auto to_peers = gateway.count(Counter::steer_to_peer);
  for (unsigned i = 0; i < 100; ++i)
    gateway.put(Gateway::inside, udp(at(host, 5000), "203.0.113.10:53").ip());
  gateway.turn();
  EXPECT_EQ(gateway.count(Counter::short_way) - before, 100U);
  EXPECT_EQ(gateway.count(Counter::steer_to_peer) - to_peers, 100U);
  EXPECT_EQ(take_all(gateway, Gateway::outside).size(), 100U);
}

TEST_P(Workers, what_a_signpost_leads_home_goes_the_short_way_there_and_keeps_it_alive) {  // POOL-5
  Gateway gateway{lab_realm(), GetParam()};
  gateway.bind("198.51.100.10", {}, "10.0.0.42");
  gateway.turn();
  const unsigned port = foreign_port(gateway, "198.51.100.10", "10.0.0.42");
  const std::string external = at("198.51.100.10", port), r = "203.0.113.10:4000";
  ASSERT_TRUE(gateway.in(udp(r, external)));
  const unsigned from_first =
      owner_of(gateway, "198.51.100.10", static_cast<std::uint16_t>(port)) == WorkerId{0} ? 1 : 2;
  for (unsigned round = 1; round <= 20; ++round) {
    gateway.clock().advance(100s);  // of the 300 that the session lives without a packet; its signpost 600
    ASSERT_TRUE(
        gateway.in(udp(r, external)));  // the first after so long walks: it may be for another host (POOL-14)
    const auto short_before = gateway.count(Counter::short_way),
               mine_before = gateway.count(Counter::steer_mine),
               to_peers = gateway.count(Counter::steer_to_peer);
    for (unsigned i = 0; i < 10; ++i) gateway.put(Gateway::outside, udp(r, external).ip());
    gateway.turn();
    EXPECT_EQ(gateway.count(Counter::short_way) - short_before, 10U);
    EXPECT_EQ(gateway.count(Counter::steer_mine) - mine_before, 20U) << "the signpost's worker, and home";
    // The fixture's device has one queue: what home sends it hands to the first worker, which is not counted
    // here.
    EXPECT_EQ(gateway.count(Counter::steer_to_peer) - to_peers, 10U * from_first);
    EXPECT_EQ(take_all(gateway, Gateway::inside).size(), 10U);
    EXPECT_EQ(gateway.sessions(), 2U);
  }
  EXPECT_EQ(gateway.count(Counter::signpost_created), 1U);
}

TEST_P(Workers, a_session_that_its_host_began_hears_of_the_signpost_to_it) {  // both end together
  Gateway gateway{lab_realm(), GetParam()};
  gateway.bind("198.51.100.10", {}, "10.0.0.42");
  gateway.turn();
  const unsigned port = foreign_port(gateway, "198.51.100.10", "10.0.0.42");
  ASSERT_TRUE(gateway.in(udp("203.0.113.10:4000", at("198.51.100.10", port))));
  const WorkerId home = home_of(gateway, "10.0.0.42");
  auto& session = gateway.worker(home.value()).context().sessions[0];
  ASSERT_TRUE(session.posted);
  session.posted = false;  // as if the host had begun
  const auto before = gateway.count(Counter::short_way);
  ASSERT_TRUE(gateway.in(udp("203.0.113.10:4000", at("198.51.100.10", port))));
  EXPECT_TRUE(session.posted);
  EXPECT_EQ(gateway.count(Counter::short_way), before);
  ASSERT_TRUE(gateway.in(udp("203.0.113.10:4000", at("198.51.100.10", port))));
  EXPECT_EQ(gateway.count(Counter::short_way), before + 1);
}

TEST_P(Workers, no_packet_goes_round_without_end) {  // hops are counted
  Gateway gateway{lab_realm(), GetParam()};
  // A note that says the packet has gone as far as it may, on a worker that is not its owner.
  const WorkerId owner = home_of(gateway, "10.0.0.42");
  const WorkerId wrong{static_cast<std::uint8_t>((owner.value() + 1) % GetParam())};
  auto buffer = ring::PacketBuffer::copy_of(
      gateway.frame(Gateway::inside, udp("10.0.0.42:5000", "203.0.113.10:53").ip()), gateway.packets());
  auto& note = buffer.note();
  note = {};
  note.purpose = ring::Purpose::forward;
  note.port = PortId{Gateway::inside};
  note.from = owner;
  note.hops = 6;
  note.signpost = ring::no_signpost;
  ASSERT_TRUE(gateway.worker(0)
                  .context()
                  .peers.ring(owner, wrong)
                  .push({buffer.release(), ring::no_signpost, dataplane::PeerMessage::Word::noted, {}}));
  gateway.turn();
  EXPECT_EQ(gateway.count(Counter::steer_too_many_hops), 1U);
  EXPECT_FALSE(gateway.take(Gateway::outside));
}

TEST_P(Workers, a_full_ring_to_a_peer_drops_and_counts) {
  Gateway gateway{lab_realm(), GetParam()};
  std::string host = "10.0.0.100";
  for (unsigned i = 100; home_of(gateway, host) == WorkerId{0}; ++i) host = "10.0.0." + std::to_string(i);
  for (int i = 0; i < 3000; ++i) {
    gateway.put(Gateway::inside, udp(at(host, 5000), "203.0.113.10:53").ip());
    if (i % 32 == 31) gateway.worker(0).step();  // the others rest
  }
  EXPECT_GT(gateway.count(Counter::steer_peer_full), 0U);
  gateway.turn();
  EXPECT_EQ(take_all(gateway, Gateway::outside).size() + gateway.count(Counter::steer_peer_full), 3000U);
}

TEST_P(Workers, what_the_kernel_sends_reaches_the_owner_of_its_port) {  // OUT-9
  Gateway gateway{lab_realm(), GetParam()};
  for (unsigned port = 40000; port < 40016; ++port) {
    gateway.from_kernel(Gateway::outside, udp(at("198.51.100.1", port), "203.0.113.10:53").ip());
    ASSERT_EQ(text(gateway.take(Gateway::outside)), "udp " + at("198.51.100.1", port) + " > 203.0.113.10:53");
  }
  for (unsigned i = 0; i < GetParam(); ++i) EXPECT_GT(gateway.worker(i).context().sessions.size(), 0U) << i;
}

TEST_P(Workers,
       list_their_sessions_as_an_operator_wants_to_see_them) {  // OPS-3; a page a worker, signposts left out
  Gateway gateway{lab_realm(), GetParam()};
  gateway.bind("198.51.100.10", {}, "10.0.0.42");
  gateway.turn();
  const auto port = foreign_port(gateway, "198.51.100.10", "10.0.0.42");
  ASSERT_TRUE(gateway.in(udp("203.0.113.10:4000", at("198.51.100.10", port))));
  static_cast<void>(gateway.events());
  gateway.advance(100s);
  std::vector<nat::SessionInfo> listed;
  for (unsigned i = 0; i < GetParam(); ++i) {
    const auto page = std::make_unique<ring::SessionsPage>();
    ASSERT_TRUE(gateway.rings(i).events_to_worker.push(ring::SessionsQuery{page.get(), 0}));
    gateway.turn();
    const auto events = gateway.events();
    ASSERT_EQ(events.size(), 1U);
    EXPECT_TRUE(std::get<ring::SessionsPageFilled>(events[0]).last);
    listed.insert(listed.end(), page->rows, page->rows + page->count);
  }
  ASSERT_EQ(listed.size(), 1U);
  const auto& session = listed[0];
  EXPECT_EQ(session.protocol, Protocol::udp);
  EXPECT_EQ(session.origin, nat::SessionInfo::Origin::inbound);
  EXPECT_EQ(session.worker, home_of(gateway, "10.0.0.42").value());
  EXPECT_EQ(session.inside, endpoint(at("10.0.0.42", port)));
  EXPECT_EQ(session.external, endpoint(at("198.51.100.10", port)));
  EXPECT_EQ(session.remote, endpoint("203.0.113.10:4000"));
  EXPECT_EQ(session.remote_inside, session.remote);
  EXPECT_NEAR(session.age_s, 100, 1);
  EXPECT_NEAR(session.idle_s, 100, 1);
  EXPECT_NEAR(session.expires_s, 200, 1);
}

TEST(Workers, what_a_worker_leaves_behind_at_its_end_is_given_back) {  // the fixture counts the buffers
  Gateway gateway{lab_realm(), 4};
  gateway.put(
      Gateway::inside,
      udp("10.0.0.42:5000", "203.0.113.10:80").payload(300).fragments(104)[1]);  // waits for its first
  for (unsigned i = 0; i < 64; ++i)
    gateway.put(Gateway::inside, udp(at("10.0.0." + std::to_string(i + 2), 5000), "203.0.113.10:53").ip());
  gateway.worker(0).step();
  gateway.worker(0).step();
  gateway.worker(0).step();  // in the rings to the others
}

}  // namespace
}  // namespace rgw::test
