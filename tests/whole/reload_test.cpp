// A changed realm file comes into force while the gateway runs (OPS-2), with one worker, two and four:
// - what the change does not concern goes on: sessions, reservations, queries that wait
// - hosts have identities: whatever the order of the file, a claim reaches the host that was promised, or
// nobody
// - what is gone ends: hosts, pool addresses, outbound addresses and their ranges, forwards, prefixes
// - what is new serves at once: hosts, addresses, forwards, routes, timers, zones, maps that the short way
//   remembers
// - all or nothing: mistakes, a dry run and what needs a restart change nothing
#include "realmgw/base/random.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>

#include "support/whole_gateway.hpp"
#include "whole/workers.hpp"
#include <gtest/gtest.h>

namespace rgw::test {
namespace {

using namespace std::chrono_literals;
using net::Protocol;
using Result = control::ReloadReport::Result;

class Reload : public WithWorkers {
 protected:
  static constexpr std::string_view remote = "203.0.113.10:4000";

  /// What is in force at first, to be changed.
  [[nodiscard]] config::Realm realm() { return gateway.snapshot().realm; }
  Result reload(const config::Realm& next) {
    last = gateway.reload(next);
    return last.result;
  }
  /// A connection from inside, which is open; its external end.
  std::string connect(std::string_view host, std::string_view to = remote) {
    const auto syn = gateway.out(tcp(host, to).syn());
    if (!syn) return "";
    const std::string external = syn->to_string().substr(4, syn->to_string().find(" > ") - 4);
    EXPECT_TRUE(gateway.in(tcp(to, external).syn_ack()));
    EXPECT_TRUE(gateway.out(tcp(host, to).ack()));
    return external;
  }
  /// Does it go on, both ways?
  bool lives(std::string_view host, const std::string& external, std::string_view to = remote) {
    while (gateway.take(Gateway::outside)) {  // refusals
    }
    return gateway.leaves(tcp(host, to).ack().payload(9)) == "tcp " + external + " > " + std::string{to} &&
           gateway.arrives(tcp(to, external).ack().payload(9)) ==
               "tcp " + std::string{to} + " > " + std::string{host};
  }
  static config::Host host(std::string name, std::string_view inside) {
    return {.name = std::move(name), .addresses = {address(inside)}, .services = {}, .www = false};
  }
  std::uint64_t ended() { return gateway.count(Counter::session_realm_changed); }

  WholeGateway gateway{whole_realm(), GetParam()};
  Resolver resolver{gateway};
  control::ReloadReport last;
};
RGW_WITH_WORKERS(Reload);

TEST_P(Reload, of_the_same_file_changes_nothing) {
  const auto external = connect("10.0.0.42:5000");
  EXPECT_EQ(reload(realm()), Result::unchanged);
  auto next = realm();
  std::ranges::reverse(next.hosts);
  EXPECT_EQ(reload(next), Result::unchanged) << "the order of hosts means nothing";
  EXPECT_TRUE(lives("10.0.0.42:5000", external));
}

TEST_P(Reload, what_the_change_does_not_concern_goes_on) {
  const auto external = connect("10.0.0.42:5000");
  ASSERT_EQ(resolver.look_up("tcp22.hostb.foo"), "198.51.100.10");
  ASSERT_NE(gateway.opens(tcp("203.0.113.10:4001", "198.51.100.10:22").syn()), "");
  ASSERT_NE(gateway.leaves(tcp("10.0.0.43:22", "203.0.113.10:4001").syn_ack()), "");
  ASSERT_EQ(resolver.look_up("tcp80.hostc.foo"), "198.51.100.10") << "pending over the change";
  for (int i = 0; i < 20; ++i) {
    auto next = realm();
    std::ranges::rotate(next.hosts, next.hosts.begin() + i % 4);
    next.hosts.insert(next.hosts.begin(), host("new" + std::to_string(i), "10.0.0.80"));
    next.pool.hold = i % 2 == 0 ? 3s : 2s;
    next.outbound.hairpin = i % 2 == 0;
    ASSERT_EQ(reload(next), Result::reloaded);
    EXPECT_EQ(last.sessions_ended, 0U);
    EXPECT_TRUE(lives("10.0.0.42:5000", external));
    EXPECT_EQ(gateway.arrives(tcp("203.0.113.10:4001", "198.51.100.10:22").ack().payload(3)),
              "tcp 203.0.113.10:4001 > 10.0.0.43:22");
  }
  EXPECT_EQ(gateway.opens(tcp("203.0.113.10:4002", "198.51.100.10:80").syn()),
            "tcp 203.0.113.10:4002 > 10.0.0.44:80");
  EXPECT_EQ(ended(), 0U);
}

// 10^4 files in another order, with hosts that come, go, move and exchange their addresses: no claim ever
// reaches another host than the one that its client was promised.
TEST_P(Reload, a_claim_reaches_whom_it_was_promised_whatever_the_file_says_meanwhile) {
#if defined(__SANITIZE_ADDRESS__) || !defined(NDEBUG)
  constexpr int rounds = 100;
#else
  constexpr int rounds = 3'400;  // with each number of workers
#endif
  const char* const given = std::getenv("RGW_SEED");
  const std::uint64_t seed = given == nullptr ? 11 : std::strtoull(given, nullptr, 0);
  SCOPED_TRACE("RGW_SEED=" + std::to_string(seed));
  Random random{seed};
  std::map<std::string, std::string> inside;  // of the hosts in force
  const auto next_realm = [&] {
    auto next = realm();
    next.hosts.clear();
    std::vector<unsigned> addresses{0, 1, 2, 3, 4, 5};
    for (std::size_t i = addresses.size(); i > 1; --i)
      std::swap(addresses[i - 1], addresses[random.below(static_cast<std::uint32_t>(i))]);
    for (unsigned i = 0; i < 6; ++i) {
      if (random.below(4) == 0) continue;
      const unsigned at = random.below(4) == 0 ? addresses[i] : i;
      const std::string where = "10.0.0." + std::to_string(60 + at);
      if (std::ranges::any_of(next.hosts,
                              [&](const auto& one) { return one.addresses[0] == address(where); }))
        continue;
      next.hosts.push_back(host("h" + std::to_string(i), where));
    }
    for (std::size_t i = next.hosts.size(); i > 1; --i)
      std::swap(next.hosts[i - 1], next.hosts[random.below(static_cast<std::uint32_t>(i))]);
    inside.clear();
    for (const auto& one : next.hosts) inside[one.name] = one.addresses[0].to_string();
    return next;
  };
  for (unsigned i = 0; i < 6; ++i) gateway.learn(Gateway::inside, "10.0.0." + std::to_string(60 + i));
  ASSERT_EQ(reload(next_realm()), Result::reloaded);
  unsigned reached = 0, refused = 0;
  for (int round = 0; round < rounds; ++round) {
    struct Promise {
      std::string name, external, host;
    };
    std::vector<Promise> promises;
    for (const auto& [name, where] : inside) {
      const auto port = std::to_string(20 + promises.size());
      const auto external = resolver.look_up("tcp" + port + "." + name + ".foo");
      if (external.starts_with("198.")) promises.push_back({name, external + ":" + port, where + ":" + port});
    }
    ASSERT_NE(reload(next_realm()), Result::mistakes);
    for (const auto& [name, external, where] : promises) {
      const std::string from = "203.0.113.77:" + std::to_string(1024 + random.below(60'000));
      const auto seen = gateway.opens(tcp(from, external).syn());
      seen.empty() ? ++refused : ++reached;
      const auto now = inside.find(name);
      const bool stays = now != inside.end() && where.starts_with(now->second + ":");
      ASSERT_EQ(!seen.empty(), stays) << "round " << round << ": " << name;
      if (stays) {
        ASSERT_EQ(seen, "tcp " + from + " > " + where) << "round " << round;
      }
      while (gateway.take(Gateway::outside)) {
      }
    }
    gateway.pass(1500ms);
  }
  EXPECT_GT(reached, static_cast<unsigned>(rounds));
  EXPECT_GT(refused, static_cast<unsigned>(rounds));
}

TEST_P(Reload, a_host_that_is_gone_has_no_name_no_reservation_and_no_session) {
  ASSERT_EQ(resolver.look_up("tcp22.hosta.foo"), "198.51.100.10");
  ASSERT_NE(gateway.opens(tcp(remote, "198.51.100.10:22").syn()), "");
  ASSERT_NE(gateway.leaves(tcp("10.0.0.42:22", remote).syn_ack()), "");
  ASSERT_EQ(resolver.look_up("tcp80.hosta.foo"), "198.51.100.10");
  const auto of_hostb = connect("10.0.0.43:5000"), outbound_of_hosta = connect("10.0.0.42:6000");
  auto next = realm();
  next.hosts.erase(next.hosts.begin());
  ASSERT_EQ(reload(next), Result::reloaded);
  EXPECT_EQ(last.sessions_ended, 1U) << "that came by its name; what the machine itself began goes on";
  EXPECT_EQ(resolver.look_up("tcp22.hosta.foo"), "rcode 3");
  EXPECT_EQ(gateway.arrives(tcp(remote, "198.51.100.10:22").ack()), "");
  EXPECT_EQ(gateway.opens(tcp("203.0.113.10:4001", "198.51.100.10:80").syn()), "");
  EXPECT_TRUE(lives("10.0.0.43:5000", of_hostb));
  EXPECT_TRUE(lives("10.0.0.42:6000", outbound_of_hosta));
  EXPECT_EQ(gateway.pool().use().claims, 0U);
  ASSERT_EQ(reload(realm()), Result::reloaded) << "it comes back";
  EXPECT_TRUE(resolver.look_up("tcp22.hosta.foo").starts_with("198.51.100."));
}

TEST_P(Reload, a_pledge_of_a_host_that_is_gone_ends_with_it) {  // GUARD-5
  ASSERT_EQ(resolver.look_up("tcp22.hosta.foo"), "198.51.100.10");
  ASSERT_NE(gateway.arrives(tcp(remote, "198.51.100.10:22").syn()), "");
  ASSERT_NE(gateway.leaves(tcp("10.0.0.42:22", remote).syn_ack()), "");
  auto next = realm();
  next.hosts.erase(next.hosts.begin());
  ASSERT_EQ(reload(next), Result::reloaded);
  EXPECT_EQ(last.sessions_ended, 1U);
  EXPECT_EQ(gateway.arrives(tcp(remote, "198.51.100.10:22").ack()), "");
  EXPECT_EQ(gateway.count(Counter::claim_made), 0U);
  for (unsigned i = 0; i < gateway.workers(); ++i)
    EXPECT_EQ(gateway.worker(i).context().bindings.pledges().size(), 0U);
}

TEST_P(Reload, a_handshake_goes_on) {  // GUARD-5
  ASSERT_EQ(resolver.look_up("tcp22.hosta.foo"), "198.51.100.10");
  ASSERT_NE(gateway.arrives(tcp(remote, "198.51.100.10:22").syn()), "");
  auto next = realm();
  next.pool.hold = 3s;
  ASSERT_EQ(reload(next), Result::reloaded);
  ASSERT_NE(gateway.leaves(tcp("10.0.0.42:22", remote).syn_ack()), "");
  EXPECT_EQ(gateway.count(Counter::claim_made), 0U);
  EXPECT_EQ(gateway.arrives(tcp(remote, "198.51.100.10:22").ack()), "tcp 203.0.113.10:4000 > 10.0.0.42:22");
  EXPECT_EQ(gateway.count(Counter::claim_made), 1U);
}

TEST_P(Reload, a_host_that_moves_is_reached_where_it_is) {
  ASSERT_EQ(resolver.look_up("tcp22.hosta.foo"), "198.51.100.10");
  ASSERT_NE(gateway.opens(tcp(remote, "198.51.100.10:22").syn()), "");
  auto next = realm();
  next.hosts[0].addresses = {address("10.0.0.81")};
  gateway.learn(Gateway::inside, "10.0.0.81");
  ASSERT_EQ(reload(next), Result::reloaded);
  EXPECT_EQ(last.sessions_ended, 1U);
  const auto external = resolver.look_up("tcp22.hosta.foo");
  EXPECT_EQ(gateway.opens(tcp("203.0.113.10:4001", external + ":22").syn()),
            "tcp 203.0.113.10:4001 > 10.0.0.81:22");
}

TEST_P(Reload, a_session_by_name_ends_where_its_address_becomes_another_hosts) {
  ASSERT_EQ(resolver.look_up("tcp22.hosta.foo"), "198.51.100.10");
  ASSERT_NE(gateway.opens(tcp(remote, "198.51.100.10:22").syn()), "");
  ASSERT_NE(gateway.leaves(tcp("10.0.0.42:22", remote).syn_ack()), "");
  auto next = realm();
  std::swap(next.hosts[0].addresses, next.hosts[1].addresses);
  ASSERT_EQ(reload(next), Result::reloaded);
  EXPECT_EQ(last.sessions_ended, 1U);
  const auto external = resolver.look_up("tcp22.hosta.foo");
  EXPECT_EQ(gateway.opens(tcp("203.0.113.10:4001", external + ":22").syn()),
            "tcp 203.0.113.10:4001 > 10.0.0.43:22");
}

// The first fragment came before, the others after: a datagram is one however the realm is.
TEST_P(Reload, fragments_that_wait_are_put_together) {
  auto next = realm();
  next.pool.hold = 3s;
  const auto packet = udp("10.0.0.42:7000", remote).payload(64);
  const auto parts = packet.fragments(24);
  ASSERT_EQ(parts.size(), 3U);
  gateway.put(Gateway::inside, parts[2]);
  gateway.put(Gateway::inside, parts[1]);
  gateway.turn();
  EXPECT_FALSE(gateway.take(Gateway::outside));
  ASSERT_EQ(reload(next), Result::reloaded);
  gateway.put(Gateway::inside, parts[0]);
  gateway.turn();
  for (int part = 0; part < 3; ++part) EXPECT_TRUE(gateway.take(Gateway::outside)) << part;
}

TEST_P(Reload, an_outbound_address_comes_and_goes_with_its_sessions) {
  const auto first = connect("10.0.0.42:5000");
  ASSERT_TRUE(first.starts_with("198.51.100.1:"));
  auto next = realm();
  next.outbound.addresses = {address("198.51.100.2")};
  ASSERT_EQ(reload(next), Result::reloaded);
  EXPECT_EQ(last.sessions_ended, 1U);
  EXPECT_EQ(gateway.leaves(tcp("10.0.0.42:5000", remote).ack()), "");
  const auto second = connect("10.0.0.42:5001");
  EXPECT_TRUE(second.starts_with("198.51.100.2:"));
  next.outbound.addresses = {address("198.51.100.3"), address("198.51.100.2")};
  ASSERT_EQ(reload(next), Result::reloaded);
  EXPECT_EQ(last.sessions_ended, 0U) << "another order and one more";
  EXPECT_TRUE(lives("10.0.0.42:5001", second));
  ASSERT_EQ(reload(realm()), Result::reloaded) << "back again";
  EXPECT_EQ(last.sessions_ended, 1U);
  EXPECT_TRUE(connect("10.0.0.42:5000").starts_with("198.51.100.1:"));
}

TEST_P(Reload, of_a_range_of_ports_the_sessions_beyond_it_end) {
  const auto low = connect("10.0.0.42:5000"), high = connect("10.0.0.42:50000");
  const auto port = [](const std::string& external) {
    return std::stoi(external.substr(external.find(':') + 1));
  };
  auto next = realm();
  const int middle = (port(low) + port(high)) / 2;
  next.outbound.ports = {{static_cast<std::uint16_t>(middle), 65535}};
  ASSERT_EQ(reload(next), Result::reloaded);
  const bool low_is_low = port(low) < port(high);
  EXPECT_EQ(last.sessions_ended, 1U);
  EXPECT_TRUE(low_is_low ? lives("10.0.0.42:50000", high) : lives("10.0.0.42:5000", low));
  for (unsigned i = 0; i < 20; ++i) {
    const auto external =
        connect("10.0.0.42:" + std::to_string(7000 + i), "203.0.113.20:" + std::to_string(80 + i));
    EXPECT_GE(port(external), middle);
  }
  ASSERT_EQ(reload(realm()), Result::reloaded);
}

TEST_P(Reload, a_pool_address_comes_and_goes_with_its_reservations) {
  ASSERT_EQ(resolver.look_up("hosta.foo"), "198.51.100.10");
  ASSERT_EQ(resolver.look_up("hostb.foo"), "198.51.100.11");
  auto next = realm();
  next.pool.addresses = {address("198.51.100.11"), address("198.51.100.20")};
  ASSERT_EQ(reload(next), Result::reloaded);
  EXPECT_EQ(gateway.opens(tcp(remote, "198.51.100.10:22").syn()), "") << "no longer ours";
  EXPECT_EQ(gateway.opens(tcp(remote, "198.51.100.11:22").syn()), "tcp 203.0.113.10:4000 > 10.0.0.43:22");
  EXPECT_EQ(resolver.look_up("hostc.foo"), "198.51.100.20");
  EXPECT_EQ(gateway.opens(tcp("203.0.113.10:4001", "198.51.100.20:22").syn()),
            "tcp 203.0.113.10:4001 > 10.0.0.44:22");
  ASSERT_EQ(reload(realm()), Result::reloaded);
  EXPECT_EQ(last.sessions_ended, 1U) << "hostc's";
  EXPECT_EQ(gateway.arrives(tcp(remote, "198.51.100.11:22").ack()), "tcp 203.0.113.10:4000 > 10.0.0.43:22");
}

TEST_P(Reload, a_query_that_waits_gets_the_address_that_comes) {
  for (const auto* name : {"hosta.foo", "hostb.foo", "hostc.foo"})
    ASSERT_NE(resolver.look_up(name), "no answer");
  ASSERT_EQ(resolver.look_up("hostd.foo"), "no answer") << "it waits";
  auto next = realm();
  next.pool.addresses.push_back(address("198.51.100.20"));
  ASSERT_EQ(reload(next), Result::reloaded);
  EXPECT_EQ(resolver.answered_address(), "198.51.100.20");
}

TEST_P(Reload, a_query_that_waits_for_a_host_that_goes_is_given_up) {
  for (const auto* name : {"hosta.foo", "hostb.foo", "hostc.foo"})
    ASSERT_NE(resolver.look_up(name), "no answer");
  ASSERT_EQ(resolver.look_up("hostd.foo"), "no answer");
  auto next = realm();
  next.hosts.pop_back();
  ASSERT_EQ(reload(next), Result::reloaded);
  EXPECT_EQ(gateway.pool().use().waiting, 0U);
  EXPECT_EQ(gateway.controller().dns().waiting(), 0U);
}

TEST_P(Reload, a_forward_comes_changes_and_goes) {
  auto next = realm();
  next.static_mappings = {{.protocol = Protocol::tcp,
                           .outside = endpoint("198.51.100.1:8080"),
                           .inside = endpoint("10.0.0.42:80")}};
  ASSERT_EQ(reload(next), Result::reloaded);
  ASSERT_EQ(gateway.opens(tcp(remote, "198.51.100.1:8080").syn()), "tcp 203.0.113.10:4000 > 10.0.0.42:80");
  ASSERT_NE(gateway.leaves(tcp("10.0.0.42:80", remote).syn_ack()), "");
  next.timers.udp = 100s;
  ASSERT_EQ(reload(next), Result::reloaded);
  EXPECT_EQ(gateway.arrives(tcp(remote, "198.51.100.1:8080").ack()), "tcp 203.0.113.10:4000 > 10.0.0.42:80");
  next.static_mappings[0].inside = endpoint("10.0.0.43:80");
  ASSERT_EQ(reload(next), Result::reloaded);
  EXPECT_EQ(last.sessions_ended, 1U);
  EXPECT_EQ(gateway.opens(tcp("203.0.113.10:4001", "198.51.100.1:8080").syn()),
            "tcp 203.0.113.10:4001 > 10.0.0.43:80");
  ASSERT_EQ(reload(realm()), Result::reloaded);
  EXPECT_EQ(last.sessions_ended, 1U);
  EXPECT_EQ(gateway.opens(tcp("203.0.113.10:4002", "198.51.100.1:8080").syn()), "");
}

TEST_P(Reload, a_forward_takes_its_port_from_the_session_that_has_it) {
  const auto external = connect("10.0.0.42:5000");
  auto next = realm();
  next.static_mappings = {
      {.protocol = Protocol::tcp, .outside = endpoint(external), .inside = endpoint("10.0.0.43:80")}};
  ASSERT_EQ(reload(next), Result::reloaded);
  EXPECT_EQ(last.sessions_ended, 1U);
  EXPECT_EQ(gateway.opens(tcp("203.0.113.10:4001", external).syn()), "tcp 203.0.113.10:4001 > 10.0.0.43:80");
  ASSERT_EQ(reload(realm()), Result::reloaded);
}

TEST_P(Reload, packets_of_open_sessions_take_the_new_route) {
  const auto external = connect("10.0.0.42:5000");
  auto next = realm();
  next.routes.clear();
  ASSERT_EQ(reload(next), Result::reloaded);
  EXPECT_EQ(last.sessions_ended, 0U);
  EXPECT_EQ(gateway.leaves(tcp("10.0.0.42:5000", remote).ack()), "");
  EXPECT_GE(gateway.count(Counter::no_route), 1U);
  while (gateway.take(Gateway::inside)) {
  }
  next.routes = {{net::Prefix::all(net::Family::v4), address("198.51.100.50")}};
  ASSERT_EQ(reload(next), Result::reloaded);
  for (int i = 0; i < 3; ++i) {  // the walk, then the short way
    gateway.put(Gateway::inside, tcp("10.0.0.42:5000", remote).ack().ip());
    gateway.turn();
    const auto frame = gateway.take_frame(Gateway::outside);
    ASSERT_TRUE(frame);
    EXPECT_EQ(net::header<net::EthernetHeader>(frame->data()).destination,
              Gateway::mac_of(address("198.51.100.50")));
  }
  ASSERT_EQ(reload(realm()), Result::reloaded);
  EXPECT_TRUE(lives("10.0.0.42:5000", external));
}

TEST_P(Reload, what_the_kernel_refuses_is_told_and_all_else_comes_into_force) {
  const auto external = connect("10.0.0.42:5000");
  auto next = realm();
  next.routes[0].via = address("198.51.100.50");
  next.hosts.pop_back();
  gateway.kernel(Gateway::outside).refuses_routes = true;
  ASSERT_EQ(reload(next), Result::reloaded);
  ASSERT_EQ(last.warnings.size(), 1U);
  EXPECT_TRUE(last.warnings[0].starts_with("routes: rgw-outside: ")) << last.warnings[0];
  EXPECT_EQ(resolver.look_up("hostd.foo"), "rcode 3");
  EXPECT_TRUE(lives("10.0.0.42:5000", external));
}

TEST_P(Reload, timers_apply_from_the_next_packet_on) {
  ASSERT_NE(gateway.leaves(udp("10.0.0.42:5000", remote)), "");
  auto next = realm();
  next.timers.udp = 120s;
  ASSERT_EQ(reload(next), Result::reloaded);
  const auto pass = [&](Duration time) {
    gateway.clock().advance(time);
    for (int turn = 0; turn < 64; ++turn) gateway.turn_all();  // a bounded part of the timers each
  };
  pass(200s);
  ASSERT_NE(gateway.leaves(udp("10.0.0.42:5000", remote)), "") << "it had 300 s";
  EXPECT_EQ(gateway.count(Counter::session_expired), 0U);
  pass(125s);
  EXPECT_EQ(gateway.count(Counter::session_expired), 1U);
}

TEST_P(Reload, records_and_services_of_hosts_are_served_at_once) {
  auto next = realm();
  next.zones[0].records.push_back({.name = "mail", .type = "A", .ttl = 60, .data = "203.0.113.99"});
  next.hosts[0].services = {{Protocol::tcp, 22}};
  EXPECT_EQ(resolver.look_up("mail.foo"), "rcode 3");
  ASSERT_EQ(reload(next), Result::reloaded);
  EXPECT_EQ(resolver.look_up("mail.foo"), "203.0.113.99");
  EXPECT_EQ(resolver.look_up("tcp80.hosta.foo"), "rcode 3");
  EXPECT_EQ(resolver.look_up("tcp22.hosta.foo"), "198.51.100.10");
}

TEST_P(Reload, mistakes_change_nothing_and_all_are_told) {
  const auto external = connect("10.0.0.42:5000");
  const auto report = gateway.reload_broken({"campus.yaml", 14, 12, "pool.hold", "is no duration"});
  EXPECT_EQ(report.result, Result::mistakes);
  ASSERT_EQ(report.problems.size(), 1U);
  EXPECT_EQ(report.problems[0], "campus.yaml:14:12: pool.hold: is no duration");
  EXPECT_TRUE(lives("10.0.0.42:5000", external));
  EXPECT_EQ(resolver.look_up("tcp22.hosta.foo"), "198.51.100.10");
}

TEST_P(Reload, what_needs_a_restart_is_not_half_done) {
  auto next = realm();
  next.hosts.pop_back();
  next.outbound.max_sessions *= 2;
  EXPECT_EQ(reload(next), Result::restart);
  EXPECT_NE(resolver.look_up("hostd.foo"), "rcode 3");
  for (const auto& change :
       {+[](config::Realm& realm) { realm.ports[0].mtu = 1400; },
        +[](config::Realm& realm) { realm.workers.count = 7; },
        +[](config::Realm& realm) { realm.alg[net::AlgId::ftp].on = true; },
        +[](config::Realm& realm) { realm.pcp.on = true; },
        +[](config::Realm& realm) { realm.nat64.prefix = net::Prefix::parse("64:ff9b::/96"); },
        +[](config::Realm& realm) { realm.outbound.max_ports_per_host = 9; },
        +[](config::Realm& realm) {
          realm.outbound.mapping = config::Outbound::Mapping::endpoint_independent;
        },
        +[](config::Realm& realm) {
          realm.outbound.filtering = config::Outbound::Filtering::address_dependent;
        }}) {
    auto other = realm();
    change(other);
    EXPECT_EQ(reload(other), Result::restart);
  }
}

TEST_P(Reload, on_trial_tells_and_changes_nothing) {
  auto next = realm();
  next.hosts.pop_back();
  const auto report = gateway.reload(next, true);
  EXPECT_EQ(report.result, Result::would_apply);
  ASSERT_EQ(report.differences.size(), 1U);
  EXPECT_EQ(report.differences[0].key, "hosts");
  EXPECT_EQ(report.differences[0].change, config::Change::ends_sessions);
  EXPECT_NE(resolver.look_up("hostd.foo"), "rcode 3");
}

// ---- between families, and without sessions

config::Realm nat64_realm() {
  config::Realm realm = whole_realm();
  realm.nat64.prefix = net::Prefix::parse("fd64::/96");
  return realm;
}

class ReloadOfPrefixes : public WithWorkers {
 protected:
  WholeGateway gateway{nat64_realm(), GetParam()};
};
RGW_WITH_WORKERS(ReloadOfPrefixes);

TEST_P(ReloadOfPrefixes, sessions_through_the_former_one_end) {
  gateway.learn(Gateway::inside, "fd00:10::42");
  ASSERT_NE(gateway.leaves(udp("[fd00:10::42]:5000", "[fd64::203.0.113.10]:53")), "");
  auto next = gateway.snapshot().realm;
  next.nat64.prefix = net::Prefix::parse("fd46::/96");
  EXPECT_EQ(gateway.reload(next).sessions_ended, 1U);
  EXPECT_EQ(gateway.leaves(udp("[fd00:10::42]:5000", "[fd64::203.0.113.10]:53")), "");
  const auto seen = gateway.leaves(udp("[fd00:10::42]:5000", "[fd46::203.0.113.10]:53"));
  ASSERT_NE(seen, "");
  EXPECT_EQ(gateway.arrives(udp("203.0.113.10:53", seen.substr(4, seen.find(" > ") - 4))),
            "udp [fd46::cb00:710a]:53 > [fd00:10::42]:5000");
}

config::Realm siit_realm() {
  config::Realm realm = whole_realm();
  realm.siit.maps = {{*net::Prefix::parse("203.0.113.200"), *net::Prefix::parse("fd00:10::6")}};
  realm.siit.prefix = net::Prefix::parse("fd64::/96");
  return realm;
}

class ReloadOfMaps : public WithWorkers {
 protected:
  WholeGateway gateway{siit_realm(), GetParam()};
};
RGW_WITH_WORKERS(ReloadOfMaps);

TEST_P(ReloadOfMaps, what_the_short_way_remembers_of_the_former_ones_is_forgotten) {
  for (const auto* host : {"fd00:10::6", "fd00:10::7"}) gateway.learn(Gateway::inside, host);
  const auto packet = udp("198.51.100.50:4000", "203.0.113.200:53");
  for (int i = 0; i < 3; ++i)
    ASSERT_EQ(gateway.arrives(packet), "udp [fd64::c633:6432]:4000 > [fd00:10::6]:53");
  auto next = gateway.snapshot().realm;
  next.siit.maps[0].ipv6 = *net::Prefix::parse("fd00:10::7");
  ASSERT_EQ(gateway.reload(next).result, Result::reloaded);
  for (int i = 0; i < 3; ++i)
    ASSERT_EQ(gateway.arrives(packet), "udp [fd64::c633:6432]:4000 > [fd00:10::7]:53");
  next.siit.maps.clear();
  ASSERT_EQ(gateway.reload(next).result, Result::reloaded);
  EXPECT_EQ(gateway.arrives(packet), "");
}

}  // namespace
}  // namespace rgw::test
