// DNS straight off the ring, from the wire and back to it (DNS-1, POOL-1, OUT-9):
// - a query in a plain datagram is answered past the kernel, from outside and from inside, in both families
// - what it reserves lets the first packet in, though the answer has just left
// - a query that has to wait is answered when an address comes free (POOL-8)
// - TCP, fragments, options, other ports and addresses on which no names are served are the kernel's
#include "support/whole_gateway.hpp"
#include "whole/workers.hpp"
#include <gtest/gtest.h>

namespace rgw::test {
namespace {

class OffTheRing : public WithWorkers {};
RGW_WITH_WORKERS(OffTheRing);

using dns::RrType;

config::Realm realm_with_names(std::initializer_list<std::string_view> pool = {"198.51.100.10",
                                                                               "198.51.100.11"}) {
  config::Realm realm = whole_realm(pool);
  for (const char* own : {"10.0.0.1", "fd00:10::1", "198.51.100.1", "2001:db8:100::1"})
    realm.dns.listen.push_back(address(own));
  return realm;
}

std::string at(std::string_view host, unsigned port) {
  return std::string{host} + ':' + std::to_string(port);
}

Bytes question(std::string_view name, std::uint16_t id, RrType type = RrType::a) {
  return dns::test::query(name).type(type).id(id).edns(1232).bytes();
}

/// The next answer that left through a port, after its packet has been looked at.
std::optional<dns::test::Answer> answer_at(WholeGateway& gateway, unsigned port, std::string_view ends) {
  gateway.turn_all();
  const auto seen = gateway.take(port);
  if (!seen) return std::nullopt;
  EXPECT_EQ(seen->to_string(), ends);
  EXPECT_TRUE(seen->checksums_right());
  return dns::test::decode(std::span{seen->bytes()}.subspan(seen->l4() + sizeof(net::UdpHeader)));
}

std::size_t frames_for_the_kernel(WholeGateway& gateway) {
  return gateway.kernel(0).got.size() + gateway.kernel(1).got.size();
}

TEST_P(OffTheRing, a_query_is_answered_past_the_kernel) {
  WholeGateway gateway{realm_with_names(), GetParam()};
  struct Row {
    unsigned port;
    const char *client, *server;
    const char* address;
  };
  for (const auto& [port, client, server, wanted] :
       {Row{Gateway::outside, "203.0.113.53:4000", "198.51.100.1:53", "198.51.100.10"},
        Row{Gateway::outside, "[2001:db8:9::53]:4000", "[2001:db8:100::1]:53", "198.51.100.10"},
        Row{Gateway::inside, "10.0.0.42:4000", "10.0.0.1:53", "10.0.0.42"},
        Row{Gateway::inside, "[fd00:10::42]:4000", "[fd00:10::1]:53", "10.0.0.42"},
        Row{Gateway::inside, "10.0.0.42:4001", "198.51.100.1:53", "10.0.0.42"}}) {
    gateway.put(port, udp(client, server).payload(question("hosta.foo", 7)).ip());
    const auto answer = answer_at(gateway, port, std::string{"udp "} + server + " > " + client);
    ASSERT_TRUE(answer) << client;
    EXPECT_EQ(answer->id, 7);
    ASSERT_EQ(answer->answer.size(), 1U);
    EXPECT_TRUE(answer->answer[0].ends_with(wanted)) << answer->answer[0];
  }
  EXPECT_EQ(frames_for_the_kernel(gateway), 0U);
  EXPECT_EQ(gateway.count(Counter::to_dns), 5U);
  EXPECT_EQ(gateway.control_count(Counter::dns_answers), 5U);
  EXPECT_EQ(gateway.sessions(), 0U);
}

TEST_P(OffTheRing, what_an_answer_names_is_reserved_when_it_leaves) {  // POOL-1, POOL-5
  WholeGateway gateway{realm_with_names(), GetParam()};
  for (std::uint16_t id = 1; id < 100; ++id) {
    const std::string port = std::to_string(1000 + id);
    gateway.put(Gateway::outside, udp(at("203.0.113.53", 4000U + id), "198.51.100.1:53")
                                      .payload(question("udp" + port + ".hosta.foo", id))
                                      .ip());
    const auto answer =
        answer_at(gateway, Gateway::outside, "udp 198.51.100.1:53 > " + at("203.0.113.53", 4000U + id));
    ASSERT_TRUE(answer);
    ASSERT_EQ(answer->answer.size(), 1U);
    const auto external = answer->answer[0].substr(answer->answer[0].rfind(' ') + 1);
    EXPECT_EQ(gateway.arrives(udp("203.0.113.10:5000", external + ":" + port)),
              "udp 203.0.113.10:5000 > 10.0.0.42:" + port);
  }
  EXPECT_EQ(gateway.count(Counter::claim_made), 99U);
}

TEST_P(OffTheRing, a_query_that_waits_is_answered_when_an_address_comes_free) {  // POOL-8
  WholeGateway gateway{realm_with_names({"198.51.100.10"}), GetParam()};
  const auto ask = [&](std::string_view client, std::string_view name) {
    gateway.put(Gateway::outside, udp(client, "198.51.100.1:53").payload(question(name, 1)).ip());
  };
  ask("203.0.113.53:1", "hosta.foo");
  ASSERT_TRUE(answer_at(gateway, Gateway::outside, "udp 198.51.100.1:53 > 203.0.113.53:1"));
  ask("203.0.113.54:2", "hostb.foo");
  EXPECT_FALSE(answer_at(gateway, Gateway::outside, ""));
  EXPECT_EQ(gateway.controller().dns().waiting(), 1U);
  EXPECT_NE(gateway.arrives(udp("203.0.113.10:5000", "198.51.100.10:99")), "");
  const auto answer = answer_at(gateway, Gateway::outside, "udp 198.51.100.1:53 > 203.0.113.54:2");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->answer, std::vector<std::string>{"hostb.foo. 0 A 198.51.100.10"});
}

TEST_P(OffTheRing, a_garbled_query_gets_no_answer_and_costs_no_buffer) {
  WholeGateway gateway{realm_with_names(), GetParam()};
  Bytes query = question("hosta.foo", 1);
  gateway.put(Gateway::outside, udp("203.0.113.53:4000", "198.51.100.1:53").payload(Bytes(5)).ip());
  gateway.put(Gateway::outside, udp("203.0.113.53:4000", "198.51.100.1:53").payload(Bytes{}).ip());
  gateway.put(Gateway::outside,
              udp("203.0.113.53:4000", "198.51.100.1:53").payload(query).corrupt_transport_checksum().ip());
  query[2] |= 0x80;  // a response
  gateway.put(Gateway::outside, udp("203.0.113.53:4000", "198.51.100.1:53").payload(query).ip());
  EXPECT_FALSE(answer_at(gateway, Gateway::outside, ""));
  EXPECT_EQ(gateway.control_count(Counter::dns_malformed), 2U);
  EXPECT_EQ(gateway.control_count(Counter::dns_bad_checksum), 1U);
  EXPECT_EQ(gateway.control_count(Counter::dns_not_query), 1U);
  EXPECT_EQ(gateway.reservations(), 0U);
  EXPECT_EQ(frames_for_the_kernel(gateway), 0U);
}

TEST_P(OffTheRing, a_source_that_no_packet_may_have_gets_no_answer) {  // OUT-8
  WholeGateway gateway{realm_with_names(), GetParam()};
  for (const char* source :
       {"127.0.0.1:9", "224.0.0.1:9", "198.51.100.255:9", "198.51.100.1:53", "10.0.0.42:9"}) {
    gateway.put(Gateway::outside, udp(source, "198.51.100.1:53").payload(question("hosta.foo", 1)).ip());
  }
  gateway.turn_all();
  EXPECT_EQ(gateway.count(Counter::to_dns), 0U);
  EXPECT_EQ(gateway.control_count(Counter::dns_queries), 0U);
}

TEST_P(OffTheRing, all_else_to_the_gateway_is_the_kernels) {  // OUT-9
  config::Realm realm = realm_with_names();
  realm.dns.listen = {address("198.51.100.1"), address("10.0.0.1")};
  WholeGateway gateway{realm, GetParam()};
  const Bytes query = question("hosta.foo", 1);
  const std::vector<Bytes> packets{
      tcp("203.0.113.53:4000", "198.51.100.1:53").syn().ip(),
      udp("203.0.113.53:4000", "198.51.100.1:53").payload(query).ip_options({1, 1, 1, 1}).ip(),
      udp("[2001:db8:9::53]:4000", "[2001:db8:100::1]:53").payload(query).ip(),
      udp("[2001:db8:9::53]:53", "[2001:db8:100::1]:54").payload(query).ip()};
  std::size_t sent = 0;
  for (const Bytes& packet : packets) {
    gateway.put(Gateway::outside, packet);
    gateway.turn_all();
    EXPECT_EQ(gateway.kernel(Gateway::outside).got.size(), ++sent);
  }
  for (const Bytes& piece : udp("203.0.113.53:4000", "198.51.100.1:53").payload(query).fragments(16))
    gateway.put(Gateway::outside, piece);
  gateway.turn_all();
  EXPECT_GT(gateway.kernel(Gateway::outside).got.size(), sent + 1);
  gateway.put(Gateway::inside, udp("10.0.0.42:53", "10.0.0.1:123").payload(query).ip());
  gateway.turn_all();
  EXPECT_EQ(gateway.kernel(Gateway::inside).got.size(), 1U);
  EXPECT_EQ(gateway.count(Counter::to_dns), 0U);
}

}  // namespace
}  // namespace rgw::test
