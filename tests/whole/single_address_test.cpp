// One public address for everything: pool, service and outbound NAT (POOL-11):
// - tcp22.hosta, tcp80.hostb and udp22.hostb are open on it at once, beside outbound sessions and the
// gateway's own DNS
// - the lookup order: session, static mapping, local service, reservation, refusal
// - a service that the gateway or a port forward has on the address is not reserved for a host
// - an outbound session's port and a host's reserved one do not mix
#include "support/whole_gateway.hpp"
#include "whole/workers.hpp"
#include <gtest/gtest.h>

namespace rgw::test {
namespace {

using net::Protocol;

class SingleAddress : public WithWorkers {};
RGW_WITH_WORKERS(SingleAddress);

config::Realm single_address() {
  config::Realm realm = whole_realm({"198.51.100.1"});
  realm.static_mappings = {{Protocol::tcp, endpoint("198.51.100.1:2222"), endpoint("10.0.0.43:22")}};
  return realm;
}

/// Sends a packet out; the source that it leaves with. Of several workers each has its own ports
/// (docs/ownership.md).
std::string external_of(WholeGateway& gateway, const PacketBuilder& packet) {
  const auto seen = gateway.out(packet);
  return seen ? net::Endpoint{seen->source(), seen->source_port()}.to_string() : "nothing left";
}

std::size_t frames_for_the_kernel(WholeGateway& gateway) {
  gateway.turn_all();
  return gateway.kernel(Gateway::outside).got.size();
}

TEST_P(SingleAddress, three_services_of_two_hosts_are_open_on_it_at_once) {  // POOL-11, POOL-3
  WholeGateway gateway{single_address(), GetParam()};
  Resolver resolver{gateway};
  const std::string mapped = external_of(gateway, udp("10.0.0.44:5000", "203.0.113.10:6000"));
  ASSERT_EQ(resolver.look_up("tcp22.hosta.foo"), "198.51.100.1");
  ASSERT_EQ(resolver.look_up("tcp80.hostb.foo"), "198.51.100.1");
  ASSERT_EQ(resolver.look_up("udp22.hostb.foo"), "198.51.100.1");
  EXPECT_EQ(gateway.reservations(), 3U);
  EXPECT_EQ(gateway.arrives(udp("203.0.113.10:1", "198.51.100.1:22")), "udp 203.0.113.10:1 > 10.0.0.43:22");
  EXPECT_EQ(gateway.opens(tcp("203.0.113.10:2", "198.51.100.1:80").syn()),
            "tcp 203.0.113.10:2 > 10.0.0.43:80");
  EXPECT_EQ(gateway.opens(tcp("203.0.113.10:3", "198.51.100.1:22").syn()),
            "tcp 203.0.113.10:3 > 10.0.0.42:22");
  EXPECT_EQ(gateway.arrives(udp("203.0.113.10:6000", mapped)), "udp 203.0.113.10:6000 > 10.0.0.44:5000");
  EXPECT_EQ(gateway.leaves(tcp("10.0.0.42:22", "203.0.113.10:3").syn_ack()),
            "tcp 198.51.100.1:22 > 203.0.113.10:3");
  EXPECT_EQ(frames_for_the_kernel(gateway), 0U);
}

TEST_P(SingleAddress, a_session_comes_before_all_others) {  // POOL-11
  WholeGateway gateway{single_address(), GetParam()};
  Resolver resolver{gateway};
  const std::string mapped = external_of(gateway, udp("10.0.0.44:5000", "203.0.113.10:6000"));
  const std::string port = mapped.substr(mapped.rfind(':') + 1);
  ASSERT_EQ(resolver.look_up("udp" + port + ".hosta.foo"), "198.51.100.1");
  EXPECT_EQ(gateway.arrives(udp("203.0.113.10:6000", mapped)), "udp 203.0.113.10:6000 > 10.0.0.44:5000");
  EXPECT_EQ(gateway.arrives(udp("203.0.113.10:6001", mapped)), "udp 203.0.113.10:6001 > 10.0.0.42:" + port);
}

TEST_P(SingleAddress, a_port_forward_and_the_gateways_own_services_come_before_a_reservation) {  // POOL-11
  WholeGateway gateway{single_address(), GetParam()};
  Resolver resolver{gateway};
  ASSERT_EQ(resolver.look_up("hosta.foo"), "198.51.100.1");  // all of E, as far as it is free
  EXPECT_EQ(gateway.opens(tcp("203.0.113.10:1", "198.51.100.1:2222").syn()),
            "tcp 203.0.113.10:1 > 10.0.0.43:22");
  EXPECT_EQ(gateway.arrives(udp("203.0.113.10:2", "198.51.100.1:53")), "");
  EXPECT_EQ(gateway.opens(tcp("203.0.113.10:2", "198.51.100.1:53").syn()), "");
  EXPECT_EQ(gateway.arrives(ping("203.0.113.10", "198.51.100.1", 5)), "");
  EXPECT_EQ(frames_for_the_kernel(gateway), 3U);
  EXPECT_EQ(gateway.opens(tcp("203.0.113.10:3", "198.51.100.1:23").syn()),
            "tcp 203.0.113.10:3 > 10.0.0.42:23");
  EXPECT_EQ(gateway.opens(tcp("203.0.113.10:4", "198.51.100.1:23").syn()), "");
  EXPECT_EQ(gateway.refusal(), "tcp 198.51.100.1:23 > 203.0.113.10:4");
  EXPECT_EQ(frames_for_the_kernel(gateway), 3U);  // the kernel would have sent a reset of its own
}

TEST_P(SingleAddress, what_is_not_free_on_it_is_not_reserved) {  // POOL-11
  WholeGateway gateway{single_address(), GetParam()};
  Resolver resolver{gateway};
  EXPECT_EQ(resolver.look_up("udp53.hosta.foo"), "0 records");
  EXPECT_EQ(resolver.look_up("tcp2222.hosta.foo"), "0 records");
  EXPECT_EQ(gateway.reservations(), 0U);
}

TEST_P(SingleAddress, an_answer_of_the_gateways_own_dns_needs_no_session) {  // POOL-11, OUT-9
  WholeGateway gateway{single_address(), GetParam()};
  gateway.kernel(Gateway::outside)
      .sent.push_back(
          gateway.frame(Gateway::outside, udp("198.51.100.1:53", "203.0.113.53:40000").payload(40).ip()));
  gateway.turn_all();
  const auto seen = gateway.take(Gateway::outside);
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->to_string(), "udp 198.51.100.1:53 > 203.0.113.53:40000");
  EXPECT_EQ(gateway.sessions(), 0U);
}

TEST_P(SingleAddress, the_gateways_own_connection_never_meets_a_hosts) {  // OUT-9
  WholeGateway gateway{single_address(), GetParam()};
  const std::string hosts = external_of(gateway, udp("10.0.0.42:5000", "203.0.113.10:53"));
  // The gateway's resolver happens to use the same port towards the same server.
  gateway.kernel(Gateway::outside)
      .sent.push_back(gateway.frame(Gateway::outside, udp(hosts, "203.0.113.10:53").payload(8).ip()));
  gateway.turn_all();
  const auto seen = gateway.take(Gateway::outside);
  ASSERT_TRUE(seen);
  const std::string mapped = net::Endpoint{seen->source(), seen->source_port()}.to_string();
  EXPECT_NE(mapped, hosts);
  EXPECT_TRUE(seen->checksums_right());
  EXPECT_EQ(gateway.arrives(udp("203.0.113.10:53", hosts).payload(8)),
            "udp 203.0.113.10:53 > 10.0.0.42:5000");
  EXPECT_EQ(gateway.arrives(udp("203.0.113.10:53", mapped).payload(8)), "");
  ASSERT_EQ(frames_for_the_kernel(gateway), 1U);
  const Bytes& up = gateway.kernel(Gateway::outside).got.front();
  const Seen answer{Bytes(up.begin() + sizeof(net::EthernetHeader), up.end())};
  EXPECT_EQ(answer.to_string(), "udp 203.0.113.10:53 > " + hosts);
  EXPECT_TRUE(answer.checksums_right());
}

}  // namespace
}  // namespace rgw::test
