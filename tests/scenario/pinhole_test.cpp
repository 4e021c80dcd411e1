// POOL-14: what an ALG has announced comes before an ordinary session of its inside end. With one worker and
// four, for every family pair:
// - a packet to the announced external port reaches the host, and the host's answers leave from there
// - where both ends are known, what the host sends next leaves from there, too: of RTP and of RTCP
// - sessions of the same host with others, or that have the announced end already, stay
// - TCP: a connection that stands goes on beside the new one, one that is over gives way
// - a pinhole that is closed or unknown ends nothing
#include "scenario/pairs.hpp"
#include <gtest/gtest.h>

namespace rgw::test {
namespace {

using net::Protocol;

constexpr unsigned media = 10000, remote_media = 9000;

config::Realm realm() {
  config::Realm realm = all_pairs_realm(false);
  for (auto& protocol : realm.alg.protocols) protocol.on = true;
  return realm;
}

class Announced : public WithWorkers {
 protected:
  struct World : AllPairs {
    World(unsigned workers, const Pair& of) : AllPairs{workers, realm()}, pair{of} {
      port = 50000;
      while (owner_of(*this, pair.external, port) != home_of(*this, pair.host)) port += 2;
    }
    /// Two ports, as for RTP and RTCP.
    void announce(Protocol protocol = Protocol::udp, bool from_remote = false, std::uint64_t id = 1) {
      nat::Pinhole hole{};
      hole.id = id;
      hole.inside = {address(pair.host), media};
      hole.external = {address(pair.external), port};
      hole.remote = {address(pair.remote_outside), 0};
      hole.one_remote = from_remote;
      hole.deadline = clock().now() + 60s;
      hole.protocol = protocol;
      hole.arrival = net::Side::outside;
      hole.ports = 2;
      tell(ring::PinholeOpen{hole});
      turn();
    }
    void meet(std::uint8_t nth = 0, std::uint64_t id = 1, unsigned remote_port = remote_media) {
      tell(ring::PinholeMet{id, nth, {address(pair.remote_inside), static_cast<std::uint16_t>(remote_port)}});
      turn();
    }
    [[nodiscard]] PacketBuilder outward(Protocol protocol, unsigned n = 0) const {
      return PacketBuilder{protocol, at(pair.host, media + n), at(pair.remote_inside, remote_media + n)}
          .payload(20);
    }
    [[nodiscard]] PacketBuilder inward(Protocol protocol, unsigned to, unsigned n = 0) const {
      return PacketBuilder{protocol, at(pair.remote_outside, remote_media + n), at(pair.external, to)}
          .payload(20);
    }
    [[nodiscard]] std::string at_host(unsigned n = 0) const {
      return "udp " + at(pair.remote_inside, remote_media + n) + " > " + at(pair.host, media + n);
    }
    [[nodiscard]] std::string at_remote(unsigned n = 0) const {
      return "udp " + at(pair.external, port + n) + " > " + at(pair.remote_outside, remote_media + n);
    }
    const Pair& pair;
    std::uint16_t port;  ///< what is announced, of the home's own
  };
  static Pairs pairs() { return {all_pairs[0], all_pairs[1], all_pairs[2], all_pairs[3]}; }
};
INSTANTIATE_TEST_SUITE_P(Workers, Announced, testing::Values(1U, 4U), workers_name);

TEST_P(Announced, a_packet_reaches_the_host_that_has_spoken_first) {
  for (const Pair& pair : pairs()) {
    for (const bool one_remote : {false, true}) {
      World world{GetParam(), pair};
      const auto before = world.out(world.outward(Protocol::udp));
      ASSERT_TRUE(before) << pair.name;
      world.announce(Protocol::udp, one_remote);
      EXPECT_EQ(text(world.in(world.inward(Protocol::udp, world.port))), world.at_host()) << pair.name;
      EXPECT_EQ(text(world.out(world.outward(Protocol::udp))), world.at_remote()) << pair.name;
      EXPECT_EQ(text(world.in(world.inward(Protocol::udp, world.port))), world.at_host()) << pair.name;
      EXPECT_FALSE(world.in(world.inward(Protocol::udp, before->source_port())))
          << pair.name << ": that session is over";
      EXPECT_EQ(world.sessions(), 1U);
      EXPECT_EQ(world.count(Counter::session_conflict), 0U);
      EXPECT_EQ(world.count(Counter::session_ended), 1U);
    }
  }
}

TEST_P(Announced, what_the_host_sends_next_leaves_from_there) {
  for (const Pair& pair : pairs()) {
    World world{GetParam(), pair};
    for (const unsigned n : {0U, 1U}) ASSERT_TRUE(world.out(world.outward(Protocol::udp, n))) << pair.name;
    world.announce();
    for (const unsigned n : {0U, 1U}) {
      world.meet(static_cast<std::uint8_t>(n), 1, remote_media + n);
      EXPECT_EQ(text(world.out(world.outward(Protocol::udp, n))), world.at_remote(n)) << pair.name;
      EXPECT_EQ(text(world.in(world.inward(Protocol::udp, world.port + n, n))), world.at_host(n))
          << pair.name;
    }
    EXPECT_EQ(world.count(Counter::session_ended), 2U);
    world.meet();
    EXPECT_EQ(world.sessions(), 2U) << "a session of the pinhole's own is none that gives way";
    pass(world, 10min);
    EXPECT_EQ(world.sessions(), 0U);
  }
}

TEST_P(Announced, sessions_with_others_stay) {
  for (const Pair& pair : pairs()) {
    World world{GetParam(), pair};
    const auto other = PacketBuilder{Protocol::udp, at(pair.host, media), at(pair.remote_inside, 3478)};
    const auto before = world.out(other);
    ASSERT_TRUE(before);
    world.announce();
    world.meet();
    EXPECT_EQ(text(world.out(other)), text(before)) << pair.name;
    EXPECT_EQ(world.count(Counter::session_ended), 0U);
  }
}

TEST_P(Announced, what_is_not_open_ends_nothing) {
  World world{GetParam(), all_pairs[0]};
  const auto before = world.out(world.outward(Protocol::udp));
  world.meet();
  EXPECT_EQ(text(world.out(world.outward(Protocol::udp))), text(before)) << "nothing has been announced";
  world.announce();
  world.tell(ring::PinholeMet{1, 0, endpoint("[2001:db8::1]:9")});
  world.tell(ring::PinholeClose{1});
  world.meet();
  EXPECT_EQ(text(world.out(world.outward(Protocol::udp))), text(before)) << "it is closed";
  world.announce(Protocol::udp, false, 2);
  world.advance(61s);
  world.meet(0, 2);
  EXPECT_EQ(text(world.out(world.outward(Protocol::udp))), text(before)) << "its time is over";
  EXPECT_EQ(world.count(Counter::session_ended), 0U);
}

TEST_P(Announced, a_connection_that_stands_goes_on_beside_the_new_one) {  // FTP's data, ALG-2
  for (const Pair& pair : pairs()) {
    World world{GetParam(), pair};
    const auto syn = world.out(world.outward(Protocol::tcp).syn());
    ASSERT_TRUE(syn) << pair.name;
    ASSERT_TRUE(world.in(world.inward(Protocol::tcp, syn->source_port()).syn_ack()));
    world.announce(Protocol::tcp);
    const auto in = world.in(world.inward(Protocol::tcp, world.port).syn());
    ASSERT_TRUE(in) << pair.name;
    EXPECT_EQ(in->destination(), address(pair.host));
    EXPECT_NE(in->source_port(), remote_media);
    EXPECT_TRUE(in->checksums_right());
    EXPECT_EQ(text(world.out(tcp(at(pair.host, media), at(pair.remote_inside, in->source_port())).syn_ack())),
              "tcp " + at(pair.external, world.port) + " > " + at(pair.remote_outside, remote_media))
        << pair.name;
    EXPECT_TRUE(world.in(world.inward(Protocol::tcp, syn->source_port()).ack())) << pair.name;
    EXPECT_EQ(world.count(Counter::session_ended), 0U);
  }
}

TEST_P(Announced, a_connection_that_is_over_gives_way) {  // ALG-2
  for (const Pair& pair : pairs()) {
    World world{GetParam(), pair};
    const auto syn = world.out(world.outward(Protocol::tcp).syn());
    ASSERT_TRUE(syn) << pair.name;
    ASSERT_TRUE(world.in(world.inward(Protocol::tcp, syn->source_port()).syn_ack()));
    ASSERT_TRUE(world.out(world.outward(Protocol::tcp).fin()));
    ASSERT_TRUE(world.in(world.inward(Protocol::tcp, syn->source_port()).fin()));
    world.announce(Protocol::tcp);
    const auto in = world.in(world.inward(Protocol::tcp, world.port).syn());
    EXPECT_EQ(text(in), "tcp " + at(pair.remote_inside, remote_media) + " > " + at(pair.host, media))
        << pair.name;
    EXPECT_EQ(text(world.out(world.outward(Protocol::tcp).syn_ack())),
              "tcp " + at(pair.external, world.port) + " > " + at(pair.remote_outside, remote_media))
        << pair.name;
    EXPECT_EQ(world.sessions(), 1U);
  }
}

}  // namespace
}  // namespace rgw::test
