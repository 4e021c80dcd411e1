// Which external address and port a session gets (OUT-2), and how many a host may have:
// - preserved where free; else another of the same parity and range, not in a row; never one of a service
// - one port towards many remotes, one towards each remote (address-and-port-dependent mapping)
// - ports of a worker come back to that worker
// - a host keeps to one of several addresses, and goes to the next when its ports are gone
// - beside the pinhole ports of ALGs the ports that systems choose for themselves are preserved
// - no port left; the limits of a host and of the table, who is told, and what comes back when sessions end
#include <set>

#include "scenario/support.hpp"
#include <gtest/gtest.h>

namespace rgw::test {
namespace {

using Mapping = config::Outbound::Mapping;

std::string host(unsigned i) {
  return "10.0.0." + std::to_string(10 + i);
}

class Ports : public WithWorkers {};
RGW_WITH_WORKERS(Ports);

TEST_P(Ports, what_leaves_comes_back_whichever_port_it_got) {  // OUT-2, and the law of ownership
  Gateway gateway{lab_realm(), GetParam()};
  for (unsigned i = 0; i < 40; ++i) {
    gateway.learn(Gateway::inside, host(i));
    const auto out = gateway.out(udp(at(host(i), 5000), "203.0.113.10:53"));
    ASSERT_TRUE(out);
    const auto back = gateway.in(udp("203.0.113.10:53", at("198.51.100.1", out->source_port())));
    EXPECT_EQ(text(back), "udp 203.0.113.10:53 > " + at(host(i), 5000));
    const auto echo = gateway.out(ping(host(i), "203.0.113.10", 5000));
    ASSERT_TRUE(echo);
    const auto pong_back = gateway.in(pong("203.0.113.10", "198.51.100.1", echo->icmp().identifier.host()));
    ASSERT_TRUE(pong_back);
    EXPECT_EQ(pong_back->destination(), address(host(i)));
    EXPECT_EQ(pong_back->icmp().identifier.host(), 5000);
  }
  EXPECT_EQ(gateway.sessions(), 80U);
}

TEST_P(Ports,
       hosts_with_one_port_get_different_ones_of_its_parity_and_range) {  // OUT-2, RFC 4787 REQ-3, RFC 6056
  for (const unsigned port : {5000U, 5001U, 500U, 501U}) {
    Gateway gateway{lab_realm(), GetParam()};
    std::vector<unsigned> ports;
    for (unsigned i = 0; i < 40; ++i) {
      const auto out = gateway.out(tcp(at(host(i), port), "203.0.113.10:80").syn());
      ASSERT_TRUE(out);
      ports.push_back(out->source_port());
      EXPECT_EQ(ports.back() % 2, port % 2);
      EXPECT_EQ(ports.back() < 1024, port < 1024);
    }
    EXPECT_EQ(std::set<unsigned>(ports.begin(), ports.end()).size(), 40U)
        << "towards one remote each its own";
    unsigned in_a_row = 0;
    for (std::size_t i = 1; i < ports.size(); ++i)
      in_a_row += ports[i] > ports[i - 1] && ports[i] - ports[i - 1] <= 8 ? 1 : 0;
    EXPECT_LE(in_a_row, 10U) << "a stranger could guess them";
  }
}

TEST_P(Ports, of_a_service_that_the_gateway_keeps_no_one_gets_the_port) {  // OUT-9: tcp53, udp53
  Gateway gateway{lab_realm(), GetParam()};
  const auto out = gateway.out(udp("10.0.0.42:53", "203.0.113.10:53"));
  ASSERT_TRUE(out);
  EXPECT_NE(out->source_port(), 53);
  EXPECT_LT(out->source_port(), 1024);
  EXPECT_EQ(out->source_port() % 2, 1);
}

TEST(Ports,
     towards_different_remotes_one_port_serves_many_hosts) {  // OUT-1, OUT-2: not limited to 64 Ki sessions
  Gateway gateway;
  for (unsigned i = 0; i < 40; ++i) {
    const auto out = gateway.out(udp(at(host(i), 5000), at("203.0.113.10", 1000 + i)));
    ASSERT_TRUE(out);
    EXPECT_EQ(out->source_port(), 5000);
    gateway.learn(Gateway::inside, host(i));
    EXPECT_EQ(text(gateway.in(udp(at("203.0.113.10", 1000 + i), "198.51.100.1:5000"))),
              "udp " + at("203.0.113.10", 1000 + i) + " > " + at(host(i), 5000));
  }
}

TEST(Ports, a_host_keeps_to_one_of_several_addresses) {  // OUT-2, RFC 4787 REQ-2
  Gateway gateway{realm_with([](auto& realm) {
    realm.outbound.addresses = {address("198.51.100.1"), address("198.51.100.2"), address("198.51.100.3")};
  })};
  std::set<std::string> used;
  for (unsigned i = 0; i < 40; ++i) {
    std::set<std::string> of_host;
    for (unsigned n = 0; n < 4; ++n) {
      const auto out = gateway.out(udp(at(host(i), 5000 + n), at("203.0.113.10", 53 + n)));
      ASSERT_TRUE(out);
      of_host.insert(out->source().to_string());
    }
    EXPECT_EQ(of_host.size(), 1U);
    used.merge(of_host);
  }
  EXPECT_EQ(used.size(), 3U) << "and the hosts are spread";
}

TEST(Ports, where_an_address_has_no_port_left_the_next_one_serves) {  // OUT-2
  Gateway gateway{realm_with([](auto& realm) {
    realm.outbound.addresses = {address("198.51.100.1"), address("198.51.100.2")};
  })};
  // SCTP keeps its port, so an address has one for all.
  std::set<std::string> used;
  for (unsigned i = 0; i < 2; ++i) {
    const auto out = gateway.out(sctp(at(host(i), 5000), "203.0.113.10:3868"));
    ASSERT_TRUE(out);
    EXPECT_EQ(out->source_port(), 5000);
    used.insert(out->source().to_string());
  }
  EXPECT_EQ(used.size(), 2U);
  EXPECT_FALSE(gateway.out(sctp(at(host(2), 5000), "203.0.113.10:3868")));
  EXPECT_EQ(gateway.count(Counter::sctp_port_taken), 1U);
}

TEST(Ports, when_all_are_taken_a_new_session_is_refused_and_an_ended_one_makes_room) {  // OUT-2
  Gateway gateway{realm_with([](auto& realm) {
    realm.outbound.mapping = Mapping::endpoint_independent;  // a port for each inside endpoint alone
    realm.outbound.max_sessions = 70000;
    realm.outbound.max_sessions_per_host = 70000;
  })};
  // Who asks for a high port may have all of 1024 to 65535.
  constexpr unsigned high_ports = 65536 - 1024;
  unsigned open = 0;
  for (unsigned i = 0; i < 2; ++i) {
    for (unsigned port = 1024; port < 65536 && open < high_ports; ++port) {
      if (i == 0 && port % 2 == 0)
        continue;  // odd ports come first, so that the other parity has to help out
      gateway.put(Gateway::inside, udp(at(host(i), port), "203.0.113.10:53").ip());
      if (++open % 1024 != 0) continue;
      gateway.turn();
      while (gateway.take_frame(Gateway::outside)) {
      }
    }
  }
  gateway.turn();
  while (gateway.take_frame(Gateway::outside)) {
  }
  EXPECT_EQ(gateway.count(Counter::port_exhausted), 0U);
  EXPECT_EQ(gateway.sessions(), high_ports);
  EXPECT_FALSE(gateway.out(udp(at(host(2), 5000), "203.0.113.10:53")));
  EXPECT_EQ(gateway.count(Counter::port_exhausted), 1U);
  EXPECT_TRUE(gateway.out(udp(at(host(2), 500), "203.0.113.10:53"))) << "low ports are left";

  pass(gateway, 302s);
  for (int i = 0; i < 2000; ++i) gateway.worker(0).step();  // 64 at a time
  expect_nothing_left(gateway, 2);
  EXPECT_TRUE(gateway.out(udp(at(host(2), 5000), "203.0.113.10:53")));
}

TEST_P(Ports, a_host_has_no_more_sessions_than_its_limit) {  // OUT-2, RFC 6888 REQ-4
  Gateway gateway{realm_with([](auto& realm) { realm.outbound.max_sessions_per_host = 3; }), GetParam()};
  for (unsigned n = 0; n < 3; ++n) EXPECT_TRUE(gateway.out(udp(at(host(0), 5000 + n), "203.0.113.10:53")));
  EXPECT_FALSE(gateway.out(udp(at(host(0), 5003), "203.0.113.10:53")));
  EXPECT_EQ(gateway.count(Counter::session_host_limit), 1U);
  EXPECT_TRUE(gateway.out(udp(at(host(0), 5000), "203.0.113.10:53"))) << "those that it has go on";
  EXPECT_TRUE(gateway.out(udp(at(host(1), 5000), "203.0.113.10:53"))) << "and others have their own";
  EXPECT_EQ(gateway.occupied_ports(), 2U + 4U) << "the refused one holds no port";
  pass(gateway, 301s);
  EXPECT_TRUE(gateway.out(udp(at(host(0), 5003), "203.0.113.10:53")));
}

TEST_P(Ports, a_host_opens_no_more_sessions_a_second_than_it_may) {  // RFC 6888 REQ-4c
  Gateway gateway{realm_with([](auto& realm) { realm.outbound.max_new_sessions_per_host = 2; }), GetParam()};
  EXPECT_TRUE(gateway.out(udp(at(host(0), 5000), "203.0.113.10:53")));
  EXPECT_TRUE(gateway.out(udp(at(host(0), 5001), "203.0.113.10:53")));
  EXPECT_FALSE(gateway.out(udp(at(host(0), 5002), "203.0.113.10:53")));
  EXPECT_EQ(gateway.count(Counter::session_host_rate), 1U);
  EXPECT_TRUE(gateway.out(udp(at(host(0), 5000), "203.0.113.10:53"))) << "those that it has go on";
  EXPECT_TRUE(gateway.out(udp(at(host(1), 5000), "203.0.113.10:53"))) << "and others have their own";
  pass(gateway, 500ms);
  EXPECT_TRUE(gateway.out(udp(at(host(0), 5002), "203.0.113.10:53")));
}

TEST(Ports, a_full_table_refuses_new_sessions_and_keeps_the_others) {  // OUT-2
  Gateway gateway{realm_with([](auto& realm) { realm.outbound.max_sessions = 4; })};
  for (unsigned n = 0; n < 4; ++n) EXPECT_TRUE(gateway.out(udp(at(host(n), 5000), "203.0.113.10:53")));
  EXPECT_FALSE(gateway.out(udp(at(host(4), 5000), "203.0.113.10:53")));
  EXPECT_EQ(gateway.count(Counter::session_table_full), 1U);
  EXPECT_TRUE(gateway.out(udp(at(host(0), 5000), "203.0.113.10:53")));
  EXPECT_EQ(gateway.occupied_ports(), 2U + 4U);
  pass(gateway, 301s);
  expect_nothing_left(gateway, 2);
  EXPECT_TRUE(gateway.out(udp(at(host(4), 5000), "203.0.113.10:53")));
}

TEST(Ports, who_can_have_no_session_is_told) {  // RFC 6888 REQ-11 B, RFC 5508 REQ-8, RFC 6146 section 3.5.1
  Gateway gateway{realm_with([](auto& realm) {
    realm.nat64.prefix = net::Prefix::parse("fd64::/96");
    realm.outbound.max_sessions_per_host = 1;
  })};
  struct Case {
    std::string host, server, far_server, error;
    std::uint8_t code;
  };
  for (const Case& c :
       {Case{"10.0.0.42:5000", "203.0.113.10:80", "203.0.113.11:80", "icmp3 10.0.0.1 > 10.0.0.42", 1},
        Case{"[fd00:10::42]:5000", "[fd64::203.0.113.10]:80", "[fd64::203.0.113.11]:80",
             "icmp1 fd00:10::1 > fd00:10::42", 3}}) {
    ASSERT_TRUE(gateway.out(tcp(c.host, c.server).syn()));
    EXPECT_FALSE(gateway.out(tcp(c.host, c.far_server).syn()));
    const auto error = gateway.take(Gateway::inside);
    ASSERT_TRUE(error) << c.host;
    EXPECT_EQ(error->to_string(), c.error);
    EXPECT_EQ(error->icmp().code, c.code) << "host unreachable: not the end of a connection that opens";
    EXPECT_TRUE(error->checksums_right());
  }
  EXPECT_EQ(gateway.count(Counter::session_host_limit), 2U);
  EXPECT_EQ(gateway.count(Counter::icmp_error_sent), 2U);
}

// OUT-2, RFC 5382 REQ-7: hole punching lives on preserved ports, with an ALG or without. What systems choose
// from: RFC 6335 section 6 (Windows, macOS), Linux.
TEST(PortsBesidePinholes, of_every_system_are_preserved) {
  config::Realm realm = lab_realm();
  realm.alg[net::AlgId::ftp].on = realm.alg[net::AlgId::sip].on = true;
  Gateway gateway{realm};
  for (const unsigned port :
       {1024U, 5060U, 16'383U, 24'384U, 32'768U, 49'152U, 50'000U, 57'999U, 60'999U, 65'535U}) {
    for (const auto& packet : {udp(at("10.0.0.42", port), "203.0.113.10:4000"),
                               tcp(at("10.0.0.42", port), "203.0.113.10:4000").syn()}) {
      const auto out = gateway.out(packet);
      ASSERT_TRUE(out) << port;
      EXPECT_EQ(out->source_port(), port);
    }
  }
  for (const unsigned port : {16'384U, 20'000U, 24'383U}) {
    const auto out = gateway.out(udp(at("10.0.0.42", port), "203.0.113.10:4000"));
    ASSERT_TRUE(out) << port;
    EXPECT_FALSE(out->source_port() >= 16'384 && out->source_port() <= 24'383) << "a pinhole's";
  }
}

}  // namespace
}  // namespace rgw::test
