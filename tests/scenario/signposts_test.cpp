// Signposts that lead to no session (docs/ownership.md), with two workers and more, and every pair of
// families:
// - whatever is lost and whoever floods, they are gone after six seconds at most; one that leads to a session
// stays
// - one whose first packet goes no further is gone at once
// - late word of a session does not end the signpost in its place
#include "scenario/pairs.hpp"
#include "scenario/support.hpp"
#include <gtest/gtest.h>

namespace rgw::test {
namespace {

using net::Protocol;

class Signposts : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(on, Signposts, testing::Values(2U, 3U, 4U), workers_name);

constexpr unsigned forwards = 12;
/// The first of the pair's forwards: hosts of both families share the external addresses.
std::uint16_t first_forward(const Pair& pair) {
  return address(pair.host).is_v4() ? 8000 : 9000;
}

/// Forwards to the hosts of each pair, of whose ports some belong to other workers than the hosts' homes.
config::Realm realm_of_forwards(std::uint32_t sessions_per_host = 16384) {
  config::Realm realm = all_pairs_realm(false);
  realm.outbound.max_sessions = 65536;
  realm.outbound.max_sessions_per_host = sessions_per_host;
  for (const Pair& pair : all_pairs) {
    if (pair.mapped) continue;
    for (unsigned port{first_forward(pair)}; port < first_forward(pair) + forwards; ++port) {
      for (const auto protocol : {Protocol::tcp, Protocol::udp}) {
        realm.static_mappings.push_back(
            {protocol, endpoint(at(pair.external, port)), endpoint(at(pair.host, port))});
      }
    }
  }
  return realm;
}

/// A forward of the pair's host whose packets belong to another worker than the host's home.
struct ForeignForward {
  std::uint16_t port;
  WorkerId owner, home;

  ForeignForward(Gateway& gateway, const Pair& pair)
      : port{foreign_port(gateway, pair.external, pair.host, first_forward(pair))},
        owner{owner_of(gateway, pair.external, port)},
        home{home_of(gateway, pair.host)} {
    EXPECT_LT(port, first_forward(pair) + forwards);
  }
  /// The first packet of a flow to it.
  [[nodiscard]] PacketBuilder packet(const Pair& pair, Protocol protocol, unsigned remote_port) const {
    PacketBuilder first{protocol, at(pair.remote_outside, remote_port), at(pair.external, port)};
    return protocol == Protocol::tcp ? first.syn() : first;
  }
};

/// Calls `test(pair, protocol)` for each that sessions carry.
void for_each_pair(const std::invocable<const Pair&, Protocol> auto& test) {
  for (const Pair& pair : all_pairs) {
    if (pair.mapped) continue;
    for (const auto protocol : {Protocol::tcp, Protocol::udp}) {
      SCOPED_TRACE(std::string{pair.name} + (protocol == Protocol::tcp ? " TCP" : " UDP"));
      test(pair, protocol);
    }
  }
}

/// What home has said to the owner is lost; packets are not. Returns how often it has said `word`.
unsigned lose_words(Gateway& gateway, WorkerId home, WorkerId owner, dataplane::PeerMessage::Word word) {
  auto& ring = gateway.worker(0).context().peers.ring(home, owner);
  unsigned lost = 0;
  for (unsigned waiting = ring.size(); waiting != 0; --waiting) {
    dataplane::PeerMessage message{};
    EXPECT_TRUE(ring.pop(message));
    if (message.packet != nullptr) {
      EXPECT_TRUE(ring.push(message));
    } else if (message.word == word) {
      ++lost;
    }
  }
  return lost;
}

TEST_P(Signposts, a_flood_that_home_refuses_leaves_no_signposts) {
  for_each_pair([](const Pair& pair, Protocol protocol) {
    AllPairs gateway{GetParam(), realm_of_forwards(1)};
    const ForeignForward forward{gateway, pair};
    ASSERT_TRUE(gateway.out(udp(at(pair.host, 5000), at(pair.remote_inside, 80)))) << "all that it may have";
    for (unsigned second = 0; second < 6; ++second) {
      for (unsigned flow = 0; flow < 100; ++flow)
        gateway.put(outside, forward.packet(pair, protocol, 1000 + flow).ip());
      gateway.turn();
      EXPECT_EQ(gateway.sessions(), 1U);
      gateway.advance(1s);
    }
    EXPECT_EQ(gateway.count(Counter::session_host_limit), 600U);
    EXPECT_EQ(gateway.count(Counter::signpost_created), 600U);
  });
}

// Home's word is lost each time, and packets go on to come by the signposts.
TEST_P(Signposts, a_flood_whose_refusals_are_not_heard_leaves_no_signposts_after_six_seconds) {
  for_each_pair([](const Pair& pair, Protocol protocol) {
    AllPairs gateway{GetParam(), realm_of_forwards(1)};
    const ForeignForward forward{gateway, pair};
    ASSERT_TRUE(gateway.out(udp(at(pair.host, 5000), at(pair.remote_inside, 80))));
    for (unsigned second = 0; second < 6; ++second) {
      for (unsigned flow = 0; flow < 100; ++flow)
        gateway.put(outside, forward.packet(pair, protocol, 1000 + flow).ip());
      unsigned lost = 0;
      for (unsigned round = 0; round < 20; ++round) {
        for (unsigned i = 0; i < GetParam(); ++i) {
          gateway.worker(i).step();
          lost += lose_words(gateway, forward.home, forward.owner, dataplane::PeerMessage::Word::ended);
        }
      }
      EXPECT_GE(lost, 100U);
      EXPECT_EQ(gateway.sessions(), 101U);
      gateway.clock().advance(1s);
    }
    EXPECT_EQ(gateway.count(Counter::signpost_created), 100U);
    pass(gateway, 200ms);
    EXPECT_EQ(gateway.sessions(), 1U);
  });
}

TEST_P(Signposts, a_signpost_whose_first_packet_found_no_room_in_the_ring_is_gone) {
  for_each_pair([](const Pair& pair, Protocol protocol) {
    // Each worker has a queue of its own, so that the owner needs nobody to get its packets.
    Gateway gateway{realm_of_forwards(), GetParam(), GetParam()};
    for (const char* host : {"10.0.0.42", "fd00:10::5"}) gateway.learn(inside, host);
    const ForeignForward forward{gateway, pair};
    gateway.turn();
    constexpr unsigned flows = 3000;
    for (unsigned flow = 0; flow < flows; ++flow) {
      gateway.put(outside, forward.packet(pair, protocol, 1000 + flow).ip(), forward.owner.value());
      if (flow % 32 == 31) gateway.worker(forward.owner.value()).step();  // home rests
    }
    gateway.worker(forward.owner.value()).step();
    const auto full = gateway.count(Counter::steer_peer_full);
    EXPECT_GT(full, 0U);
    EXPECT_EQ(gateway.sessions(), flows - full) << "signposts whose packets wait for home";
    gateway.turn();
    EXPECT_EQ(gateway.count(Counter::session_created_inbound), flows - full);
    EXPECT_EQ(gateway.sessions(), 2 * (flows - full)) << "sessions and their signposts";
    static_cast<void>(take_all(gateway, inside));
    pass(gateway, 301s);
    EXPECT_EQ(gateway.sessions(), 0U);
  });
}

TEST_P(Signposts, a_packet_that_may_go_no_further_leaves_no_signpost) {
  for_each_pair([](const Pair& pair, Protocol protocol) {
    AllPairs gateway{GetParam(), realm_of_forwards()};
    const ForeignForward forward{gateway, pair};
    auto buffer = ring::PacketBuffer::copy_of(
        gateway.frame(outside, forward.packet(pair, protocol, 1000).ip()), gateway.packets());
    auto& note = buffer.note();
    note = {};
    note.purpose = ring::Purpose::forward;
    note.port = PortId{outside};
    note.from = forward.home;
    note.hops = dataplane::Context::max_hops;
    note.signpost = ring::no_signpost;
    ASSERT_TRUE(gateway.worker(0)
                    .context()
                    .peers.ring(forward.home, forward.owner)
                    .push({buffer.release(), ring::no_signpost, dataplane::PeerMessage::Word::noted, {}}));
    gateway.turn();
    EXPECT_EQ(gateway.count(Counter::steer_too_many_hops), 1U);
    EXPECT_EQ(gateway.sessions(), 0U);
  });
}

TEST_P(Signposts, a_signpost_that_has_not_heard_of_its_session_asks_with_the_next_packet) {
  for_each_pair([](const Pair& pair, Protocol protocol) {
    AllPairs gateway{GetParam(), realm_of_forwards()};
    const ForeignForward forward{gateway, pair};
    gateway.put(outside, forward.packet(pair, protocol, 1000).ip());
    unsigned lost = 0;
    for (unsigned round = 0; round < 10; ++round) {
      for (unsigned i = 0; i < GetParam(); ++i) {
        gateway.worker(i).step();
        lost += lose_words(gateway, forward.home, forward.owner, dataplane::PeerMessage::Word::lives);
      }
    }
    EXPECT_EQ(lost, 1U);
    static_cast<void>(take_all(gateway, inside));
    pass(gateway, 5s);
    ASSERT_EQ(gateway.sessions(), 2U);
    ASSERT_TRUE(gateway.in(forward.packet(pair, protocol, 1000)));
    pass(gateway, 200s);
    EXPECT_EQ(gateway.sessions(), 2U) << "the session and its signpost";
    ASSERT_TRUE(gateway.in(forward.packet(pair, protocol, 1000)));
    EXPECT_EQ(gateway.count(Counter::signpost_created), 1U);
    EXPECT_EQ(gateway.count(Counter::session_created_inbound), 1U);
  });
}

TEST_P(Signposts, late_word_of_a_session_does_not_end_the_signpost_in_its_place) {
  Gateway gateway{lab_realm(), GetParam()};
  gateway.bind("198.51.100.10", {}, "10.0.0.42");
  gateway.turn();
  const unsigned port = foreign_port(gateway, "198.51.100.10", "10.0.0.42");
  ASSERT_TRUE(gateway.in(udp("203.0.113.10:4000", at("198.51.100.10", port))));
  const WorkerId home = home_of(gateway, "10.0.0.42"),
                 holder = owner_of(gateway, "198.51.100.10", static_cast<std::uint16_t>(port));
  const auto signpost = [&] { return gateway.worker(holder.value()).context().sessions[0].signpost_id(); };
  const auto say_ended = [&](std::uint32_t id) {
    auto& ring = gateway.worker(0).context().peers.ring(home, holder);
    ASSERT_TRUE(ring.push({nullptr, id, dataplane::PeerMessage::Word::ended, {}}));
    gateway.turn();
  };
  const auto first = signpost();
  say_ended(first);
  EXPECT_EQ(gateway.sessions(), 1U);
  gateway.bind("198.51.100.10", {}, "10.0.0.42", 2);
  ASSERT_TRUE(
      gateway.in(udp("203.0.113.10:4000", at("198.51.100.10", port))));  // the same flow, the same record
  ASSERT_NE(signpost(), first);
  say_ended(first);
  EXPECT_EQ(gateway.sessions(), 2U);
  say_ended(signpost());
  EXPECT_EQ(gateway.sessions(), 1U);
}

}  // namespace
}  // namespace rgw::test
