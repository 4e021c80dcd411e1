// Mappings that hosts ask for (RFC 6887), through the whole gateway: the request to control, the wish to the
// host's home worker, its answer, and packets.
// - anybody reaches the host by its mapping, of each pair of families; the host's answers and what it sends
//   first from there leave by it
// - when it ends, by its time or by deletion, nobody new comes in; what has begun goes on
// - its port rests before another host may have it, and comes back to the same one
// - a mapping that the host's sessions have made is the one that it is given
// - a suggestion is heeded where it can be; who insists gets it or an error; ports below 1024 by choice alone
// - the limit of ports, and of mappings, is told; the gateway and the outside get none
// - a forward of the realm file is told; a port that DNS has promised to another's clients goes to them
// - inside hosts reach it, too
#include "unit/pcp/requests.hpp"
#include "whole/talk.hpp"
#include "whole/workers.hpp"

namespace rgw::test {
namespace {

using namespace std::chrono_literals;
using pcp::test::map_tcp;
using pcp::test::map_udp;
using pcp::test::RequestBuilder;

constexpr std::uint32_t lifetime = 120;

config::Realm pcp_realm() {
  config::Realm realm = whole_realm();
  realm.pcp.on = true;
  realm.outbound.addresses.push_back(address("2001:db8:100::1"));
  realm.nat64.prefix = net::Prefix::parse("fd00:64::/96");
  realm.nat46.proxies = net::Prefix::parse("172.31.0.0/16");
  realm.hosts[0].addresses.push_back(address("fd00:10::42"));
  return realm;
}

/// A host that asks for mappings.
class Asker {
 public:
  Asker(WholeGateway& gateway, std::string_view host) : gateway_{gateway}, host_{address(host)} {
    way_ = gateway.controller().pcp()->add_way(
        [this](const net::Endpoint& to, std::span<const std::uint8_t> bytes) {
          EXPECT_EQ(to, (net::Endpoint{host_, 40000}));
          answers_.emplace_back(bytes);
        });
  }
  Asker(const Asker&) = delete;
  Asker& operator=(const Asker&) = delete;

  /// What it is told, as text: "RESULT LIFETIME EXTERNAL".
  std::string ask(const RequestBuilder& request) {
    answers_.clear();
    gateway_.controller().pcp()->receive(request.bytes(), {way_, {host_, 40000}});
    gateway_.turn_all();
    if (answers_.size() > 1) return "several answers";
    return answers_.empty() ? "" : answers_[0].to_string();
  }
  /// The external endpoint, or what was the matter.
  std::string external(const RequestBuilder& request) {
    const std::string answer = ask(request);
    return answer.starts_with("0 ") && answers_[0].lifetime() != 0 ? answers_[0].external() : answer;
  }

 private:
  WholeGateway& gateway_;
  net::IpAddress host_;
  std::size_t way_;
  std::vector<pcp::test::Seen> answers_;
};

class Pcp : public WithWorkers {
 protected:
  static RequestBuilder map_to(std::string_view host, std::uint8_t protocol, std::uint16_t port,
                               std::string_view suggested) {
    return RequestBuilder{pcp::Opcode::map, host, lifetime}.map(protocol, port, suggested);
  }
};
RGW_WITH_WORKERS(Pcp);

TEST_P(Pcp, anybody_reaches_the_host_by_its_mapping_until_it_ends) {  // RFC 6887 sections 11, 15
  WholeGateway gateway{pcp_realm(), GetParam()};
  Asker hosta{gateway, "10.0.0.42"};
  const std::string external = hosta.external(map_udp("10.0.0.42", 6881, lifetime));
  ASSERT_TRUE(external.starts_with("198.51.100.1:")) << external;
  EXPECT_EQ(gateway.arrives(udp("203.0.113.10:5000", external)), "udp 203.0.113.10:5000 > 10.0.0.42:6881");
  EXPECT_EQ(gateway.arrives(udp("203.0.113.20:5000", external)), "udp 203.0.113.20:5000 > 10.0.0.42:6881");
  EXPECT_EQ(gateway.leaves(udp("10.0.0.42:6881", "203.0.113.10:5000")),
            "udp " + external + " > 203.0.113.10:5000");
  gateway.pass(119s);
  EXPECT_EQ(gateway.arrives(udp("203.0.113.30:5000", external)), "udp 203.0.113.30:5000 > 10.0.0.42:6881");
  gateway.pass(1s);
  EXPECT_EQ(gateway.arrives(udp("203.0.113.40:5000", external)), "");
  EXPECT_EQ(gateway.count(Counter::filtered), 1U);
  EXPECT_EQ(gateway.arrives(udp("203.0.113.30:5000", external)), "udp 203.0.113.30:5000 > 10.0.0.42:6881")
      << "what has begun goes on";
}

TEST_P(Pcp, a_tcp_server_is_reached_until_its_mapping_is_deleted) {  // RFC 6887 section 15.1
  WholeGateway gateway{pcp_realm(), GetParam()};
  Asker hosta{gateway, "10.0.0.42"};
  const std::string external = hosta.external(map_tcp("10.0.0.42", 22, lifetime));
  TcpTalk first{gateway, Gateway::outside, "203.0.113.10:5000", external};
  ASSERT_TRUE(first.connect());
  EXPECT_EQ(first.server_address(), "10.0.0.42:22");
  EXPECT_EQ(hosta.ask(map_tcp("10.0.0.42", 22, 0)), "0 0 0.0.0.0:0");
  gateway.turn_all();
  TcpTalk second{gateway, Gateway::outside, "203.0.113.20:5000", external};
  EXPECT_FALSE(second.connect());
  EXPECT_EQ(first.client_says("still here"), "still here");
}

TEST_P(Pcp, a_mapping_is_of_its_protocol_alone) {  // RFC 6887 section 11.3
  WholeGateway gateway{pcp_realm(), GetParam()};
  Asker hosta{gateway, "10.0.0.42"};
  const std::string tcp_at = hosta.external(map_tcp("10.0.0.42", 6881, lifetime));
  EXPECT_EQ(gateway.arrives(udp("203.0.113.10:5000", tcp_at)), "");
  EXPECT_EQ(gateway.arrives(tcp("203.0.113.10:5000", tcp_at).syn()),
            "tcp 203.0.113.10:5000 > 10.0.0.42:6881");
  const std::string udp_at = hosta.external(map_udp("10.0.0.42", 6882, lifetime));
  EXPECT_EQ(gateway.arrives(tcp("203.0.113.10:5000", udp_at).syn()), "");
  EXPECT_EQ(gateway.arrives(udp("203.0.113.10:5000", udp_at)), "udp 203.0.113.10:5000 > 10.0.0.42:6882");
}

TEST_P(Pcp, neither_a_fin_nor_a_reset_shortens_a_mapping) {  // RFC 6887 section 15.1
  WholeGateway gateway{pcp_realm(), GetParam()};
  Asker hosta{gateway, "10.0.0.42"};
  const std::string external = hosta.external(map_tcp("10.0.0.42", 22, 3600));
  const std::string inside = "10.0.0.42:22";
  const auto comes = [&](std::string_view remote) {
    return gateway.arrives(tcp(remote, external).syn()) == "tcp " + std::string{remote} + " > " + inside;
  };
  for (const char* remote : {"203.0.113.10:5000", "203.0.113.20:5000"}) {
    ASSERT_TRUE(comes(remote));
    ASSERT_NE(gateway.leaves(tcp(inside, remote).syn_ack()), "");
  }
  ASSERT_NE(gateway.leaves(tcp(inside, "203.0.113.10:5000").rst()), "");
  ASSERT_NE(gateway.leaves(tcp(inside, "203.0.113.20:5000").fin()), "");
  ASSERT_NE(gateway.arrives(tcp("203.0.113.20:5000", external).fin()), "");
  EXPECT_TRUE(comes("203.0.113.30:5000"));
  gateway.pass(3599s);  // the sessions are long over
  EXPECT_TRUE(comes("203.0.113.40:5000"));
  gateway.pass(1s);
  EXPECT_FALSE(comes("203.0.113.50:5000"));
}

TEST_P(Pcp, each_pair_of_families_has_its_mappings) {  // RFC 6887 section 5
  WholeGateway gateway{pcp_realm(), GetParam()};
  gateway.learn(Gateway::inside, "fd00:10::42");
  gateway.learn(Gateway::outside, "2001:db8:100::fe");
  Asker v4{gateway, "10.0.0.42"}, v6{gateway, "fd00:10::42"};
  const std::string v4_v4 = v4.external(map_to("10.0.0.42", 17, 1001, "0.0.0.0:0"));
  const std::string v4_v6 = v4.external(map_to("10.0.0.42", 17, 1002, "[::]:0"));
  const std::string v6_v4 = v6.external(map_to("fd00:10::42", 17, 1003, "0.0.0.0:0"));
  const std::string v6_v6 = v6.external(map_to("fd00:10::42", 17, 1004, "[::]:0"));
  EXPECT_EQ(gateway.arrives(udp("203.0.113.10:5000", v4_v4)), "udp 203.0.113.10:5000 > 10.0.0.42:1001");
  EXPECT_NE(gateway.arrives(udp("[2001:db8:203::10]:5000", v4_v6)).find(":5000 > 10.0.0.42:1002"),
            std::string::npos)
      << v4_v6;
  EXPECT_EQ(
      gateway.arrives(udp("203.0.113.10:5000", v6_v4)),
      "udp " + net::Endpoint(address("fd00:64::203.0.113.10"), 5000).to_string() + " > [fd00:10::42]:1003");
  EXPECT_EQ(gateway.arrives(udp("[2001:db8:203::10]:5000", v6_v6)),
            "udp [2001:db8:203::10]:5000 > [fd00:10::42]:1004");
}

TEST_P(Pcp, a_family_that_nothing_translates_to_is_not_insisted_on) {
  auto realm = pcp_realm();
  realm.nat46.proxies.reset();
  WholeGateway gateway{std::move(realm), GetParam()};
  Asker hosta{gateway, "10.0.0.42"};
  EXPECT_TRUE(hosta.external(map_to("10.0.0.42", 17, 1002, "[::]:0")).starts_with("198.51.100.1:"));
}

TEST_P(Pcp, what_the_host_sends_first_from_there_leaves_by_it) {
  WholeGateway gateway{pcp_realm(), GetParam()};
  Asker hosta{gateway, "10.0.0.42"};
  const std::string external = hosta.external(map_udp("10.0.0.42", 6881, lifetime));
  for (const char* remote : {"203.0.113.10:1", "203.0.113.20:2", "203.0.113.10:3"})
    EXPECT_EQ(gateway.leaves(udp("10.0.0.42:6881", remote)), "udp " + external + " > " + remote);
}

TEST_P(Pcp, a_mapping_that_sessions_have_made_is_the_one_that_is_given) {  // RFC 6887 section 11.3
  auto realm = pcp_realm();
  realm.outbound.mapping = config::Outbound::Mapping::endpoint_independent;
  WholeGateway gateway{std::move(realm), GetParam()};
  Asker hosta{gateway, "10.0.0.42"};
  const std::string left = gateway.leaves(udp("10.0.0.42:6881", "203.0.113.10:1"));
  ASSERT_NE(left, "");
  const std::string external = hosta.external(map_udp("10.0.0.42", 6881, lifetime));
  EXPECT_EQ(left, "udp " + external + " > 203.0.113.10:1");
  EXPECT_EQ(gateway.arrives(udp("203.0.113.20:5000", external)), "udp 203.0.113.20:5000 > 10.0.0.42:6881");
  gateway.pass(120s);
  EXPECT_EQ(gateway.leaves(udp("10.0.0.42:6881", "203.0.113.30:1")), "udp " + external + " > 203.0.113.30:1")
      << "its sessions have it still";
}

TEST_P(Pcp, a_port_rests_before_another_host_may_have_it) {  // RFC 6888 REQ-8
  auto realm = pcp_realm();
  WholeGateway gateway{std::move(realm), GetParam()};
  Asker hosta{gateway, "10.0.0.42"};
  const std::size_t before = gateway.occupied_ports();
  const std::string external = hosta.external(map_udp("10.0.0.42", 6881, lifetime));
  EXPECT_EQ(gateway.occupied_ports(), before + 1);
  hosta.ask(map_udp("10.0.0.42", 6881, 0));
  gateway.pass(119s);
  EXPECT_EQ(gateway.occupied_ports(), before + 1);
  EXPECT_EQ(hosta.external(map_udp("10.0.0.42", 6881, lifetime)), external)
      << "it comes back to the same host";
  EXPECT_EQ(gateway.arrives(udp("203.0.113.20:5000", external)), "udp 203.0.113.20:5000 > 10.0.0.42:6881");
  hosta.ask(map_udp("10.0.0.42", 6881, 0));
  gateway.pass(120s);
  EXPECT_EQ(gateway.occupied_ports(), before + 1) << "its session has it still";
  gateway.pass(std::chrono::minutes{6});
  for (int turn = 0; turn < 256; ++turn) gateway.turn_all();  // a timer is seen to bit by bit
  EXPECT_EQ(gateway.occupied_ports(), before);
}

TEST_P(Pcp, a_suggested_port_is_given_where_it_can_be) {  // RFC 6887 sections 11.3, 13.2
  WholeGateway gateway{pcp_realm(), GetParam()};
  Asker hosta{gateway, "10.0.0.42"}, hostb{gateway, "10.0.0.43"};
  const std::string first = hosta.external(map_udp("10.0.0.42", 6881, lifetime));
  EXPECT_NE(hostb.external(map_to("10.0.0.43", 17, 1, first)), first) << "it is another's";
  EXPECT_EQ(hostb.ask(map_to("10.0.0.43", 17, 2, first).option(2)), "11 30");
  EXPECT_EQ(hostb.ask(map_to("10.0.0.43", 17, 2, "198.51.100.99:4000").option(2)), "11 30");
  const std::string own = hostb.external(map_to("10.0.0.43", 17, 3, "0.0.0.0:0"));
  hostb.ask(RequestBuilder{pcp::Opcode::map, "10.0.0.43", 0}.map(17, 3));
  gateway.pass(120s);
  EXPECT_EQ(hostb.external(map_to("10.0.0.43", 17, 4, own).option(2)), own);
  if (GetParam() != 1) return;  // of several workers only one may give a port out
  EXPECT_EQ(first, "198.51.100.1:6881");
  EXPECT_EQ(hostb.external(map_to("10.0.0.43", 6, 5, "198.51.100.1:7000")), "198.51.100.1:7000");
}

TEST_P(Pcp, a_port_below_1024_is_given_by_choice_alone) {
  for (const bool low : {false, true}) {
    auto realm = pcp_realm();
    realm.pcp.low_ports = low;
    WholeGateway gateway{std::move(realm), GetParam()};
    Asker hosta{gateway, "10.0.0.42"};
    const auto external = net::Endpoint::parse(hosta.external(map_tcp("10.0.0.42", 80, lifetime)));
    ASSERT_TRUE(external);
    EXPECT_EQ(external->port < 1024, low) << external->to_string();
    EXPECT_EQ(hosta.ask(map_to("10.0.0.42", 6, 81, "198.51.100.1:53").option(2)), "11 30")
        << "the gateway's own";
    EXPECT_EQ(hosta.external(map_to("10.0.0.42", 6, 82, "198.51.100.1:1023").option(2)) == "11 30",
              !low || GetParam() != 1)
        << "of several workers only one may give it out";
  }
}

TEST_P(Pcp, a_low_port_that_sessions_have_is_not_opened_to_everybody) {
  auto realm = pcp_realm();
  realm.outbound.mapping = config::Outbound::Mapping::endpoint_independent;
  WholeGateway gateway{std::move(realm), GetParam()};
  Asker hosta{gateway, "10.0.0.42"};
  ASSERT_NE(gateway.leaves(udp("10.0.0.42:443", "203.0.113.10:1")), "");
  EXPECT_EQ(hosta.ask(map_udp("10.0.0.42", 443, lifetime)), "8 30");
  EXPECT_EQ(hosta.ask(map_to("10.0.0.42", 17, 443, "198.51.100.1:443").option(2)), "11 30");
}

TEST_P(Pcp, the_limit_of_a_hosts_ports_holds_for_mappings) {  // RFC 6888 REQ-4, RFC 6887 section 17.2
  auto realm = pcp_realm();
  realm.outbound.max_ports_per_host = 2;
  realm.pcp.max_mappings_per_host = 3;
  WholeGateway gateway{std::move(realm), GetParam()};
  Asker hosta{gateway, "10.0.0.42"};
  EXPECT_TRUE(hosta.ask(map_udp("10.0.0.42", 1, lifetime)).starts_with("0 120 "));
  EXPECT_TRUE(hosta.ask(map_udp("10.0.0.42", 2, lifetime)).starts_with("0 120 "));
  EXPECT_EQ(hosta.ask(map_udp("10.0.0.42", 3, lifetime)), "10 30");
  EXPECT_EQ(gateway.leaves(udp("10.0.0.42:4", "203.0.113.10:1")), "") << "nor for sessions";
  hosta.ask(map_udp("10.0.0.42", 1, 0));
  gateway.pass(120s);
  EXPECT_NE(gateway.leaves(udp("10.0.0.42:4", "203.0.113.10:1")), "");
}

TEST_P(Pcp, the_gateway_and_the_outside_get_no_mapping) {  // RFC 6887 section 18.1
  WholeGateway gateway{pcp_realm(), GetParam()};
  Asker own{gateway, "10.0.0.1"}, stranger{gateway, "203.0.113.10"};
  EXPECT_EQ(own.ask(map_udp("10.0.0.1", 1, lifetime)), "2 1800");
  EXPECT_EQ(stranger.ask(map_udp("203.0.113.10", 1, lifetime)), "");
  EXPECT_EQ(gateway.control_count(Counter::pcp_ignored), 1U);
}

TEST_P(Pcp, a_forward_of_the_realm_file_is_told) {  // RFC 6887 section 11.3
  auto realm = pcp_realm();
  realm.static_mappings = {{net::Protocol::tcp, endpoint("198.51.100.1:2222"), endpoint("10.0.0.42:22")}};
  WholeGateway gateway{std::move(realm), GetParam()};
  Asker hosta{gateway, "10.0.0.42"};
  EXPECT_EQ(hosta.ask(map_tcp("10.0.0.42", 22, lifetime)), "0 4294967295 198.51.100.1:2222");
  EXPECT_EQ(hosta.ask(map_tcp("10.0.0.42", 22, 0)), "2 1800");
}

TEST_P(Pcp, a_port_that_dns_has_promised_is_kept_for_the_promise) {  // POOL-1, POOL-11
  auto realm = pcp_realm();
  realm.pool.addresses = {address("198.51.100.10")};
  realm.outbound.addresses = realm.pool.addresses;
  WholeGateway gateway{std::move(realm), GetParam()};
  Asker hostb{gateway, "10.0.0.43"};
  const std::string external = hostb.external(map_tcp("10.0.0.43", 8443, lifetime));
  const std::string service = "tcp" + std::to_string(endpoint(external).port) + ".hosta.foo";
  Resolver resolver{gateway};
  ASSERT_EQ(resolver.look_up(service), "198.51.100.10");
  gateway.turn_all();
  EXPECT_EQ(gateway.opens(tcp("203.0.113.10:5000", external).syn()),
            "tcp 203.0.113.10:5000 > 10.0.0.42:" + std::to_string(endpoint(external).port));
  EXPECT_EQ(gateway.arrives(tcp("203.0.113.20:5000", external).syn()),
            "tcp 203.0.113.20:5000 > 10.0.0.43:8443");
}

TEST_P(Pcp, an_inside_host_reaches_it_too) {  // OUT-4
  WholeGateway gateway{pcp_realm(), GetParam()};
  Asker hosta{gateway, "10.0.0.42"};
  const std::string external = hosta.external(map_udp("10.0.0.42", 6881, lifetime));
  gateway.put(Gateway::inside, udp("10.0.0.43:5000", external).ip());
  gateway.turn_all();
  const auto seen = gateway.take(Gateway::inside);
  ASSERT_TRUE(seen);
  EXPECT_NE(seen->to_string().find(" > 10.0.0.42:6881"), std::string::npos) << seen->to_string();
}

}  // namespace
}  // namespace rgw::test
