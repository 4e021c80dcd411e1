// What packets from outside do for a session's life (RFC 4787 REQ-6, RFC 6146 section 5.3), on the short way
// and on the walk, of each family pair:
//   on_they_do: the default
//   off_packets_from_outside_keep_no_session_alive, those from inside do
//   a_connection_still_opens_from_outside: what moves a TCP connection sets its timer
//   a_claim_lives_by_what_its_host_says
#include "scenario/pairs.hpp"

namespace rgw::test {
namespace {

constexpr std::size_t local_services = 4;  // two ports of each of two addresses

config::Realm realm_of(bool refresh) {
  config::Realm realm = all_pairs_realm();
  realm.outbound.inbound_refresh = refresh;
  return realm;
}

struct Realm : AllPairs {
  explicit Realm(bool refresh) : AllPairs{1, realm_of(refresh)} {}

  /// Sends a packet by the short way, or behind one that is no packet of anybody's and makes the burst walk.
  bool send(unsigned port, const PacketBuilder& packet, bool walks) {
    const auto before = count(Counter::short_way);
    if (walks) {
      Bytes obstacle = udp("10.0.0.42:9", "203.0.113.7:9").ip();
      obstacle[10] ^= 0x55;  // its header checksum
      put(port, obstacle);
    }
    put(port, packet.ip());
    turn();
    EXPECT_EQ(count(Counter::short_way) - before, walks ? 0U : 1U);
    return take(port == inside ? outside : inside).has_value();
  }
};

struct Way {
  Pair pair;
  net::Protocol protocol;
  bool walks;
  [[nodiscard]] PacketBuilder outbound() const {
    return {protocol, at(pair.host, 5000), at(pair.remote_inside, 80)};
  }
  [[nodiscard]] PacketBuilder inbound() const {
    return {protocol, at(pair.remote_outside, 80), at(pair.external, 5000)};
  }
  [[nodiscard]] bool is_tcp() const { return protocol == net::Protocol::tcp; }
  [[nodiscard]] Duration lifetime() const { return is_tcp() ? 7440s : 300s; }
};

void open(Realm& gateway, const Way& way) {
  ASSERT_TRUE(gateway.out(way.is_tcp() ? way.outbound().syn() : way.outbound()));
  if (!way.is_tcp()) return;
  ASSERT_TRUE(gateway.in(way.inbound().syn_ack()));
}

PacketBuilder data(PacketBuilder packet, const Way& way) {
  return way.is_tcp() ? packet.ack() : packet;
}

std::vector<Way> ways() {
  std::vector<Way> all;
  for (const Pair& pair : all_pairs) {
    if (pair.mapped) continue;
    for (const bool walks : {false, true}) {
      all.push_back({pair, net::Protocol::udp, walks});
      all.push_back({pair, net::Protocol::tcp, walks});
    }
  }
  return all;
}

class InboundRefresh : public testing::TestWithParam<Way> {};
INSTANTIATE_TEST_SUITE_P(by, InboundRefresh, testing::ValuesIn(ways()), [](const auto& of) {
  const Way& way = of.param;
  return std::string{way.pair.name} + (way.is_tcp() ? "_tcp" : "_udp") + (way.walks ? "_walk" : "_short_way");
});

TEST_P(InboundRefresh, on_they_do) {  // RFC 4787 REQ-6a
  const Way& way = GetParam();
  Realm gateway{true};
  open(gateway, way);
  pass(gateway, way.lifetime() - 2s);
  ASSERT_TRUE(gateway.send(outside, data(way.inbound(), way), way.walks));
  pass(gateway, way.lifetime() - 2s);
  EXPECT_EQ(gateway.sessions(), 1U);
}

TEST_P(InboundRefresh, off_packets_from_outside_keep_no_session_alive) {  // RFC 6146 section 5.3
  const Way& way = GetParam();
  Realm gateway{false};
  open(gateway, way);
  pass(gateway, way.lifetime() - 2s);
  // From inside they must (RFC 4787 REQ-6).
  ASSERT_TRUE(gateway.send(inside, data(way.outbound(), way), way.walks));
  pass(gateway, way.lifetime() - 2s);
  ASSERT_EQ(gateway.sessions(), 1U);
  ASSERT_TRUE(gateway.send(outside, data(way.inbound(), way), way.walks)) << "it passes all the same";
  pass(gateway, 4s);
  expect_nothing_left(gateway, local_services);
}

TEST(InboundRefreshOff, a_connection_still_opens_from_outside) {  // RFC 6146 section 3.5.2.2
  const Way way{all_pairs[0], net::Protocol::tcp, true};
  Realm gateway{false};
  open(gateway, way);
  pass(gateway, 7000s);
  EXPECT_EQ(gateway.sessions(), 1U) << "the SYN from outside has established it";
  // And closes: four minutes from the last FIN.
  ASSERT_TRUE(gateway.out(way.outbound().fin()));
  ASSERT_TRUE(gateway.in(way.inbound().fin()));
  pass(gateway, 239s);
  EXPECT_EQ(gateway.sessions(), 1U);
  pass(gateway, 2s);
  expect_nothing_left(gateway, local_services);
}

TEST(InboundRefreshOff, a_ping_s_answers_do_not_prolong_it) {  // RFC 6146 section 5.3
  Realm gateway{false};
  ASSERT_TRUE(gateway.out(ping("10.0.0.42", "203.0.113.7", 7)));
  pass(gateway, 59s);
  ASSERT_TRUE(gateway.in(pong("203.0.113.7", "198.51.100.1", 7)));
  pass(gateway, 2s);
  expect_nothing_left(gateway, local_services);
}

TEST(InboundRefreshOff, a_claim_lives_by_what_its_host_says) {  // POOL-5, RFC 6146 section 5.3
  Realm gateway{false};
  gateway.bind("198.51.100.10", {net::Protocol::udp, 5060}, "10.0.0.42");
  const std::string remote = "203.0.113.10:4000", external = "198.51.100.10:5060";
  ASSERT_TRUE(gateway.in(udp(remote, external)));
  pass(gateway, 200s);
  ASSERT_TRUE(gateway.in(udp(remote, external)));
  ASSERT_TRUE(gateway.out(udp("10.0.0.42:5060", remote)));
  pass(gateway, 200s);
  ASSERT_TRUE(gateway.in(udp(remote, external)));
  pass(gateway, 99s);
  EXPECT_EQ(gateway.sessions(), 1U);
  pass(gateway, 2s);
  expect_nothing_left(gateway, local_services);
}

}  // namespace
}  // namespace rgw::test
