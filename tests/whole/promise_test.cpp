// What a client was promised, and what its former session says to it (POOL-14), between all families:
// - a session of UDP or of pings that was idle for longer than `hold` gives way to another host's claim of
// its
//   very service
// - one that runs keeps its packets, and takes nobody's claim; the host's packets keep it running, too
// - neither a wide reservation nor one for its own host makes a session give way, nor does TCP's
// - a client with a fixed port that is promised one host after the other reaches each of them
// - an address is lent to another host last where a session lives, and as any other when it has ended
#include "support/whole_gateway.hpp"
#include "whole/workers.hpp"
#include <gtest/gtest.h>

namespace rgw::test {
namespace {

using namespace std::chrono_literals;

struct Pair {
  const char *name, *client, *other_client, *external;
  std::array<const char*, 2> hosts, insides;
  [[nodiscard]] bool v4() const { return address(client).is_v4(); }
};
constexpr const char *client4 = "203.0.113.9", *other4 = "203.0.113.99", *external4 = "198.51.100.10";
constexpr const char *client6 = "2001:db8:9::9", *other6 = "2001:db8:9::99", *external6 = "2001:db8:100::10";
constexpr std::array pairs{
    Pair{"NAT44", client4, other4, external4, {"hosta", "hostb"}, {"10.0.0.42", "10.0.0.43"}},
    Pair{"NAT64", client4, other4, external4, {"hoste", "hostf"}, {"fd00:10::5", "fd00:10::6"}},
    Pair{"NAT46", client6, other6, external6, {"hosta", "hostb"}, {"10.0.0.42", "10.0.0.43"}},
    Pair{"NAT66", client6, other6, external6, {"hoste", "hostf"}, {"fd00:10::5", "fd00:10::6"}}};

config::Realm promise_realm(unsigned addresses = 1) {
  config::Realm realm = whole_realm();
  realm.pool.addresses.clear();
  for (unsigned i = 0; i < addresses; ++i) {
    realm.pool.addresses.push_back(address("198.51.100.1" + std::to_string(i)));
    realm.pool.addresses.push_back(address("2001:db8:100::1" + std::to_string(i)));
  }
  realm.hosts.push_back(
      {.name = "hoste", .addresses = {address("fd00:10::5")}, .services = {}, .www = false});
  realm.hosts.push_back(
      {.name = "hostf", .addresses = {address("fd00:10::6")}, .services = {}, .www = false});
  realm.nat64.prefix = net::Prefix::parse("fd64::/96");
  realm.nat46.proxies = net::Prefix::parse("100.64.0.0/16");
  return realm;
}

class World {
 public:
  explicit World(const Pair& pair, unsigned workers, config::Realm realm = promise_realm())
      : pair_{pair}, gateway_{std::move(realm), workers}, resolver_{gateway_} {
    for (const char* host : {"fd00:10::5", "fd00:10::6"}) gateway_.learn(Gateway::inside, host);
    gateway_.learn(Gateway::outside, "2001:db8:100::fe");
    gateway_.turn_all();
  }

  [[nodiscard]] WholeGateway& gateway() { return gateway_; }
  /// The address that a name of the pair's first or second host has for the client.
  std::string look_up(std::string_view service, unsigned host) {
    const std::string name = std::string{service} + (service.empty() ? "" : ".") + pair_.hosts[host] + ".foo";
    resolver_.send(name, pair_.v4() ? dns::RrType::a : dns::RrType::aaaa, ++last_id_);
    return resolver_.answered_address();
  }
  /// A packet of the client's fixed port to the address: where it comes out, and "" if nowhere.
  std::string sends(net::Protocol protocol, std::string_view to) { return sends(protocol, to, pair_.client); }
  std::string sends(net::Protocol protocol, std::string_view to, const char* from) {
    const auto source = at(from, 5001), destination = at(to, 5001);
    auto packet = protocol == net::Protocol::icmp
                      ? ping(from, to, 5001)
                      : PacketBuilder{protocol, source, destination}.syn().payload(4);
    const auto seen = gateway_.in(packet);
    if (!seen) return "";
    last_ = *seen;
    return seen->destination().to_string();
  }
  /// The host answers the last packet that came out.
  bool answers(net::Protocol protocol) {
    const auto host = last_->destination().to_string(), remote = last_->source().to_string();
    auto packet = protocol == net::Protocol::icmp
                      ? pong(host, remote, 5001)
                      : PacketBuilder{protocol, at(host, 5001), at(remote, last_->source_port())}.syn_ack();
    const auto seen = gateway_.out(packet);
    return seen && seen->destination() == address(pair_.client) && seen->source() == address(pair_.external);
  }
  /// The client's last segment of a TCP handshake.
  bool completes() {
    const auto source = at(pair_.client, 5001), destination = at(pair_.external, 5001);
    return gateway_.in(PacketBuilder{net::Protocol::tcp, source, destination}.ack().sequence(1001))
        .has_value();
  }

 private:
  static std::string at(std::string_view host, std::uint16_t port) {
    return net::Endpoint{address(host), port}.to_string();
  }
  const Pair& pair_;
  WholeGateway gateway_;
  Resolver resolver_;
  std::uint16_t last_id_ = 0;
  std::optional<Seen> last_;
};

class Promise : public WithWorkers {
 protected:
  /// Of each pair, and of UDP and pings.
  template <class Test>
  void each(Test&& test) {
    for (const Pair& pair : pairs) {
      for (const auto protocol : {net::Protocol::udp, net::Protocol::icmp}) {
        SCOPED_TRACE(std::string{pair.name} + " " + net::to_string(protocol));
        test(pair, protocol, protocol == net::Protocol::udp ? "udp5001" : "icmp");
      }
    }
  }
};
RGW_WITH_WORKERS(Promise);

TEST_P(Promise, an_idle_session_gives_way_to_another_hosts_claim_of_its_service) {  // POOL-14
  each([&](const Pair& pair, net::Protocol protocol, const char* service) {
    World world{pair, GetParam()};
    ASSERT_EQ(world.look_up(service, 0), pair.external);
    ASSERT_EQ(world.sends(protocol, pair.external), pair.insides[0]);
    ASSERT_TRUE(world.answers(protocol));
    world.gateway().pass(2500ms);
    ASSERT_EQ(world.look_up(service, 1), pair.external);
    EXPECT_EQ(world.sends(protocol, pair.external), pair.insides[1]);
    EXPECT_TRUE(world.answers(protocol));
    world.gateway().turn_all();
    EXPECT_EQ(world.gateway().reservations(), 0U) << "the claim is taken";
    world.gateway().pass(3s);
    EXPECT_EQ(world.sends(protocol, pair.external), pair.insides[1]);
  });
}

TEST_P(Promise, a_running_session_keeps_its_packets_and_takes_nobodys_claim) {  // POOL-14
  each([&](const Pair& pair, net::Protocol protocol, const char* service) {
    World world{pair, GetParam()};
    ASSERT_EQ(world.look_up(service, 0), pair.external);
    ASSERT_EQ(world.sends(protocol, pair.external), pair.insides[0]);
    world.gateway().pass(1900ms);
    ASSERT_EQ(world.look_up(service, 1), pair.external);
    EXPECT_EQ(world.sends(protocol, pair.external), pair.insides[0]);
    world.gateway().pass(1900ms);
    EXPECT_EQ(world.sends(protocol, pair.external), pair.insides[0]);
    EXPECT_EQ(world.sends(protocol, pair.external, pair.other_client), pair.insides[1])
        << "the claim was there";
  });
}

TEST_P(Promise, a_host_that_sends_keeps_its_session_running) {  // POOL-14
  each([&](const Pair& pair, net::Protocol protocol, const char* service) {
    World world{pair, GetParam()};
    ASSERT_EQ(world.look_up(service, 0), pair.external);
    ASSERT_EQ(world.sends(protocol, pair.external), pair.insides[0]);
    world.gateway().pass(1900ms);
    ASSERT_TRUE(world.answers(protocol));
    world.gateway().pass(1900ms);
    ASSERT_EQ(world.look_up(service, 1), pair.external);
    EXPECT_EQ(world.sends(protocol, pair.external), pair.insides[0]);
  });
}

TEST_P(Promise, nothing_else_makes_an_idle_session_give_way) {  // POOL-14
  each([&](const Pair& pair, net::Protocol protocol, const char* service) {
    const std::string bare = protocol == net::Protocol::udp ? "udp" : "";
    for (const auto& [other, host] :
         {std::pair{std::string{}, 1U}, {bare, 1U}, {std::string{service}, 0U}, {"tcp5001", 1U}}) {
      World world{pair, GetParam()};
      ASSERT_EQ(world.look_up(service, 0), pair.external);
      ASSERT_EQ(world.sends(protocol, pair.external), pair.insides[0]);
      world.gateway().pass(5s);
      ASSERT_EQ(world.look_up(other, host), pair.external);
      EXPECT_EQ(world.sends(protocol, pair.external), pair.insides[0]) << other;
      EXPECT_EQ(world.gateway().reservations(), 1U) << other;
    }
  });
}

TEST_P(Promise, a_client_of_the_whole_host_may_take_the_claim_of_the_service_and_leaves_his_own) {  // POOL-14
  each([&](const Pair& pair, net::Protocol protocol, const char* service) {
    World world{pair, GetParam()};
    ASSERT_EQ(world.look_up(service, 0), pair.external);
    ASSERT_EQ(world.sends(protocol, pair.external), pair.insides[0]);
    world.gateway().pass(3s);
    ASSERT_EQ(world.look_up("", 1), pair.external);
    ASSERT_EQ(world.look_up(service, 1), pair.external);
    EXPECT_EQ(world.sends(protocol, pair.external, pair.other_client), pair.insides[1]);
    EXPECT_EQ(world.sends(protocol, pair.external), pair.insides[1]);
  });
}

// Claims are not bound to who asked. Whose claim another has taken must not reach the former host instead.
TEST_P(Promise, with_its_claim_taken_a_packet_to_an_idle_session_is_lost_rather_than_led_astray) {  // POOL-14
  each([&](const Pair& pair, net::Protocol protocol, const char* service) {
    World world{pair, GetParam()};
    ASSERT_EQ(world.look_up(service, 0), pair.external);
    ASSERT_EQ(world.sends(protocol, pair.external), pair.insides[0]);
    world.gateway().pass(3s);
    ASSERT_EQ(world.look_up(service, 1), pair.external);
    ASSERT_EQ(world.sends(protocol, pair.external, pair.other_client), pair.insides[1]);
    world.gateway().turn_all();
    EXPECT_EQ(world.sends(protocol, pair.external), "");
    // Another worker than that host's has heard only that the reservation is over.
    EXPECT_EQ(world.gateway().count(Counter::claim_spent) + world.gateway().count(Counter::claim_expired),
              1U);
    world.gateway().pass(2100ms);  // what is spent is remembered for as long as a promise holds
    EXPECT_EQ(world.sends(protocol, pair.external), pair.insides[0]);
  });
}

TEST_P(Promise, a_session_that_was_idle_takes_the_short_way_again) {  // POOL-14
  World world{pairs[0], GetParam()};
  ASSERT_EQ(world.look_up("udp5001", 0), external4);
  ASSERT_EQ(world.sends(net::Protocol::udp, external4), "10.0.0.42");
  world.gateway().pass(10s);
  EXPECT_EQ(world.sends(net::Protocol::udp, external4), "10.0.0.42");
  const auto before = world.gateway().count(Counter::short_way);
  EXPECT_EQ(world.sends(net::Protocol::udp, external4), "10.0.0.42");
  EXPECT_EQ(world.gateway().count(Counter::short_way), before + 1);
}

TEST_P(Promise,
       where_inbound_packets_keep_nothing_alive_no_session_counts_as_idle) {  // POOL-14, RFC 7857 section 7
  auto realm = promise_realm();
  realm.outbound.inbound_refresh = false;
  World world{pairs[0], GetParam(), std::move(realm)};
  ASSERT_EQ(world.look_up("udp5001", 0), external4);
  ASSERT_EQ(world.sends(net::Protocol::udp, external4), "10.0.0.42");
  for (int second = 0; second < 4; ++second) {  // one-way media
    world.gateway().pass(1s);
    if (second == 2) {
      ASSERT_EQ(world.look_up("udp5001", 1), external4);
    }
    EXPECT_EQ(world.sends(net::Protocol::udp, external4), "10.0.0.42");
  }
}

TEST_P(Promise, a_tcp_connection_gives_way_when_it_has_ended) {  // POOL-5, POOL-14
  for (const Pair& pair : pairs) {
    SCOPED_TRACE(pair.name);
    World world{pair, GetParam()};
    ASSERT_EQ(world.look_up("tcp5001", 0), pair.external);
    ASSERT_EQ(world.sends(net::Protocol::tcp, pair.external), pair.insides[0]);
    ASSERT_TRUE(world.answers(net::Protocol::tcp));
    ASSERT_TRUE(world.completes());
    world.gateway().pass(10s);
    ASSERT_EQ(world.look_up("tcp5001", 1), pair.external);
    EXPECT_EQ(world.sends(net::Protocol::tcp, pair.external), pair.insides[0]) << "it may live";
  }
}

TEST_P(Promise, a_client_with_a_fixed_port_reaches_whom_it_was_promised_last) {  // POOL-14
  for (const unsigned addresses : {1U, 3U}) {
    each([&](const Pair& pair, net::Protocol protocol, const char* service) {
      World world{pair, GetParam(), promise_realm(addresses)};
      for (unsigned round = 0; round < 12; ++round) {
        const std::string external = world.look_up(service, round % 2);
        ASSERT_EQ(world.sends(protocol, external), pair.insides[round % 2]) << "round " << round;
        // With one address only a session that is idle gives way.
        world.gateway().pass(addresses == 1 ? 2500ms : 100ms);
      }
    });
  }
}

TEST_P(Promise, an_address_with_a_session_is_lent_to_another_host_last) {  // POOL-14
  WholeGateway gateway{promise_realm(3), GetParam()};
  Resolver resolver{gateway};
  ASSERT_EQ(resolver.look_up("udp5001.hosta.foo"), "198.51.100.10");
  ASSERT_NE(gateway.arrives(udp("203.0.113.9:5001", "198.51.100.10:5001")), "");
  for (int round = 0; round < 8; ++round) {
    gateway.pass(3s);
    EXPECT_NE(resolver.look_up("udp5001.hostb.foo"), "198.51.100.10") << round;
  }
  gateway.clock().advance(5min);
  for (int turn = 0; turn < 256; ++turn) gateway.turn_all();  // the session ends
  gateway.pass(1s);
  std::array<std::string, 3> lent;
  for (auto& external : lent) {
    gateway.pass(3s);
    external = resolver.look_up("udp5001.hostb.foo");
  }
  EXPECT_NE(std::ranges::find(lent, "198.51.100.10"), lent.end());
}

}  // namespace
}  // namespace rgw::test
