// The PCP server (RFC 6887), with mappings that the test hands out:
// - a host gets a mapping of its own address, once the packet path has answered; its repetition is silent
// - lifetimes are within the operator's bounds; a mapping is renewed, and ends by its time or by deletion
// - its nonce protects it; another host's address and another NAT's are refused
// - what ends rests, and comes back to who had it
// - quotas for each host and in all, and shortages of the packet path, are told
// - what the host insists on it gets, or an error
// - a mapping of the realm file is told and cannot be deleted
// - the epoch counts from the start
// - another realm has no place for some mappings: they end, and the epoch begins anew (OPS-2)
#include "realmgw/pcp/server.hpp"

#include "unit/pcp/requests.hpp"
#include <gtest/gtest.h>

namespace rgw::pcp {
namespace {

using namespace std::chrono_literals;
using test::Bytes;
using test::endpoint;
using test::RequestBuilder;
using test::Seen;

struct FakeMapper final : Mapper {
  std::optional<Wish> asked;
  Ticket ticket = 0;
  std::vector<LeaseKey> closed, released;
  bool takes = true;  ///< is there room in the ring?
  std::optional<net::Endpoint> forward;
  bool v6 = true;

  std::optional<net::Family> family_for(const net::IpAddress&, net::Family wanted) const override {
    return wanted == net::Family::v6 && !v6 ? net::Family::v4 : wanted;
  }
  std::optional<net::Endpoint> fixed(const LeaseKey&) const override { return forward; }
  bool ask(Ticket number, const Wish& wish) override {
    if (!takes) return false;
    asked = wish;
    ticket = number;
    return true;
  }
  bool close(const LeaseKey& key) override {
    if (takes) closed.push_back(key);
    return takes;
  }
  bool release(const LeaseKey& key) override {
    if (takes) released.push_back(key);
    return takes;
  }
};

class PcpServer : public testing::Test {
 protected:
  PcpServer() { server.emplace(Server::Limits{120s, 7200s, {4, 3}}, mapper, counters, now); }

  Seen send(const Bytes& bytes, std::string_view from = "10.0.0.42:40000") {
    mapper.asked.reset();
    return Seen{server->receive(bytes, {3, endpoint(from)}, now, room)};
  }
  /// The packet path's answer to the last wish, and the response.
  Seen give(std::string_view external) {
    const auto response = server->answer(mapper.ticket, {endpoint(external), Result::success}, now, room);
    if (!response) return Seen{{}};
    EXPECT_EQ(response->client.socket, 3U);
    return Seen{response->bytes};
  }
  Seen refuse(Result why) {
    const auto response = server->answer(mapper.ticket, {std::nullopt, why}, now, room);
    return Seen{response ? response->bytes : std::span<const std::uint8_t>{}};
  }
  /// A mapping that stands: udp6881 of 10.0.0.42.
  void map_one(std::uint32_t lifetime = 3600) {
    ASSERT_TRUE(send(test::map_udp("10.0.0.42", 6881, lifetime)).empty());
    ASSERT_TRUE(mapper.asked);
    ASSERT_EQ(give("198.51.100.1:6881").result(), Result::success);
  }
  void pass(Duration time) {
    now += time;
    server->tick(now);
  }
  [[nodiscard]] std::uint64_t count(Counter counter) const { return counters.get(counter); }

  FakeMapper mapper;
  CounterBlock counters;
  Instant now{1000s};
  std::array<std::uint8_t, longest_message> room{};
  std::optional<Server> server;
};

TEST_F(PcpServer, a_host_gets_a_mapping_when_the_packet_path_has_it) {  // RFC 6887 section 11.3
  EXPECT_TRUE(send(test::map_tcp("10.0.0.42", 22)).empty());
  ASSERT_TRUE(mapper.asked);
  EXPECT_EQ(mapper.asked->key,
            (LeaseKey{test::address("10.0.0.42"), net::Protocol::tcp, 22, net::Family::v4}));
  EXPECT_FALSE(mapper.asked->exact);
  EXPECT_TRUE(send(test::map_tcp("10.0.0.42", 22)).empty()) << "a repetition";
  EXPECT_FALSE(mapper.asked);
  EXPECT_EQ(give("198.51.100.1:2022").to_string(), "0 3600 198.51.100.1:2022");
  EXPECT_TRUE(give("198.51.100.1:2022").empty()) << "answered twice";
  EXPECT_EQ(count(Counter::pcp_mapped), 1U);
  EXPECT_EQ(count(Counter::pcp_requests), 2U);
}

TEST_F(PcpServer, the_wish_carries_what_the_client_suggests) {
  send(RequestBuilder{Opcode::map, "10.0.0.42", 600}.map(17, 5, "198.51.100.7:7777").option(2));
  ASSERT_TRUE(mapper.asked);
  EXPECT_EQ(mapper.asked->suggested, endpoint("198.51.100.7:7777"));
  EXPECT_TRUE(mapper.asked->exact);
}

TEST_F(PcpServer, lifetimes_are_within_bounds) {  // RFC 6887 section 15
  send(test::map_udp("10.0.0.42", 1, 1));
  EXPECT_EQ(give("198.51.100.1:1024").lifetime(), 120U);
  send(test::map_udp("10.0.0.42", 2, 0xffffffff));
  EXPECT_EQ(give("198.51.100.1:1026").lifetime(), 7200U);
}

TEST_F(PcpServer, a_mapping_is_renewed_and_ends_by_its_time) {  // RFC 6887 sections 11.2.1, 15
  map_one(600);
  pass(599s);
  EXPECT_EQ(send(test::map_udp("10.0.0.42", 6881, 1200)).to_string(), "0 1200 198.51.100.1:6881");
  EXPECT_FALSE(mapper.asked);
  EXPECT_EQ(count(Counter::pcp_renewed), 1U);
  pass(1199s);
  EXPECT_TRUE(mapper.closed.empty());
  pass(1s);
  ASSERT_EQ(mapper.closed.size(), 1U);
  EXPECT_EQ(count(Counter::pcp_expired), 1U);
  EXPECT_TRUE(mapper.released.empty());
  pass(Server::rest);
  EXPECT_EQ(mapper.released, mapper.closed);
  EXPECT_TRUE(server->leases().all().empty());
}

TEST_F(PcpServer, an_end_that_no_ring_takes_is_told_later) {
  map_one(600);
  mapper.takes = false;
  pass(600s);
  EXPECT_EQ(count(Counter::pcp_expired), 0U);
  EXPECT_EQ(send(test::map_udp("10.0.0.42", 6881, 0)).result(), Result::no_resources);
  EXPECT_EQ(send(test::map_udp("10.0.0.42", 7, 600)).result(), Result::no_resources);
  mapper.takes = true;
  pass(1s);
  EXPECT_EQ(mapper.closed.size(), 1U);
  EXPECT_EQ(server->leases().all().size(), 1U);
}

TEST_F(PcpServer, a_mapping_is_deleted) {  // RFC 6887 section 15.1
  map_one();
  const Seen seen = send(test::map_udp("10.0.0.42", 6881, 0));
  EXPECT_EQ(seen.result(), Result::success);
  EXPECT_EQ(seen.lifetime(), 0U);
  EXPECT_EQ(mapper.closed.size(), 1U);
  EXPECT_EQ(count(Counter::pcp_deleted), 1U);
  EXPECT_EQ(send(test::map_udp("10.0.0.42", 6881, 0)).result(), Result::success)
      << "what is gone is deleted, too";
  EXPECT_EQ(mapper.closed.size(), 1U);
}

TEST_F(PcpServer, all_ports_or_protocols_of_the_host_are_deleted_at_once) {  // RFC 6887 section 15.1
  map_one();
  send(test::map_tcp("10.0.0.42", 22));
  give("198.51.100.1:2022");
  send(test::map_tcp("10.0.0.43", 22), "10.0.0.43:1");
  give("198.51.100.1:2024");
  EXPECT_EQ(send(test::map_tcp("10.0.0.42", 0, 0)).result(), Result::success);
  ASSERT_EQ(mapper.closed.size(), 1U);
  EXPECT_EQ(mapper.closed[0].port, 22);
  EXPECT_EQ(send(RequestBuilder{Opcode::map, "10.0.0.42", 0}.map(0, 0)).result(), Result::success);
  ASSERT_EQ(mapper.closed.size(), 2U);
  EXPECT_EQ(mapper.closed[1].port, 6881);
  send(test::map_udp("10.0.0.42", 6882));
  give("198.51.100.1:6882");
  EXPECT_EQ(send(RequestBuilder{Opcode::map, "10.0.0.42", 0}.map(0, 77)).result(), Result::success);
  ASSERT_EQ(mapper.closed.size(), 3U) << "without a protocol the port is not looked at";
}

TEST_F(PcpServer, the_nonce_protects_a_mapping) {  // RFC 6887 section 11.3
  map_one(600);
  pass(100s);
  const auto other = [](std::uint32_t lifetime) {
    return RequestBuilder{Opcode::map, "10.0.0.42", lifetime}.map(17, 6881, "0.0.0.0:0", 2);
  };
  EXPECT_EQ(send(other(3600)).to_string(), "2 500");
  EXPECT_EQ(send(other(0)).to_string(), "2 500");
  EXPECT_EQ(send(RequestBuilder{Opcode::map, "10.0.0.42", 0}.map(0, 0, "0.0.0.0:0", 2)).to_string(), "2 500");
  EXPECT_TRUE(mapper.closed.empty());
  EXPECT_EQ(count(Counter::pcp_refused), 3U);
}

TEST_F(PcpServer, the_source_is_whom_the_client_takes_itself_for) {  // RFC 6887 sections 8.2, 18.1
  EXPECT_EQ(send(test::map_udp("10.0.0.42", 6881), "10.0.0.43:40000").to_string(), "12 1800");
  EXPECT_EQ(send(test::announce("10.0.0.42"), "10.0.0.43:40000").to_string(), "12 1800");
  EXPECT_FALSE(mapper.asked);
}

TEST_F(PcpServer, nobody_asks_for_another) {  // RFC 6887 sections 13.1, 18.1
  EXPECT_EQ(send(test::map_udp("10.0.0.42", 6881).option(1, Bytes(16))).to_string(), "5 1800");
  EXPECT_FALSE(mapper.asked);
}

TEST_F(PcpServer, other_protocols_and_all_ports_are_not_mapped) {  // RFC 6887 section 11.1
  for (const std::uint8_t protocol : {std::uint8_t{0}, std::uint8_t{1}, std::uint8_t{132}})
    EXPECT_EQ(
        send(RequestBuilder{Opcode::map, "10.0.0.42", 60}.map(protocol, protocol == 0 ? 0 : 5)).to_string(),
        "9 1800");
  EXPECT_EQ(send(test::map_tcp("10.0.0.42", 0)).to_string(), "9 1800");
}

TEST_F(PcpServer, a_mapping_that_rests_comes_back_to_its_host) {
  map_one(600);
  pass(600s);
  EXPECT_TRUE(send(RequestBuilder{Opcode::map, "10.0.0.42", 600}.map(17, 6881, "0.0.0.0:0", 2)).empty());
  ASSERT_TRUE(mapper.asked);
  EXPECT_EQ(give("198.51.100.1:6881").to_string(), "0 600 198.51.100.1:6881");
  pass(Server::rest);
  EXPECT_TRUE(mapper.released.empty());
}

TEST_F(PcpServer, a_mapping_that_rests_and_is_refused_goes_on_to_rest) {
  map_one(600);
  pass(600s);
  send(test::map_udp("10.0.0.42", 6881));
  EXPECT_EQ(refuse(Result::cannot_provide_external).to_string(), "11 30");
  pass(Server::rest);
  EXPECT_EQ(mapper.released.size(), 1U);
}

TEST_F(PcpServer, a_host_has_no_more_mappings_than_it_may) {  // RFC 6887 section 17.2
  for (std::uint16_t port = 1; port <= 3; ++port) {
    send(test::map_udp("10.0.0.42", port, 600));
    give("198.51.100.1:" + std::to_string(2000 + port));
  }
  EXPECT_EQ(send(test::map_udp("10.0.0.42", 4)).to_string(), "10 30");
  send(test::map_udp("10.0.0.42", 1, 0));
  EXPECT_EQ(send(test::map_udp("10.0.0.42", 4)).to_string(), "10 30") << "one that rests counts";
  pass(Server::rest);
  EXPECT_TRUE(send(test::map_udp("10.0.0.42", 4)).empty());
  EXPECT_TRUE(mapper.asked);
}

TEST_F(PcpServer, all_hosts_have_no_more_mappings_than_there_may_be) {
  for (std::uint16_t port = 1; port <= 4; ++port) {
    const std::string host = port < 4 ? "10.0.0.42" : "10.0.0.43";
    send(test::map_udp(host, port), host + ":1");
    give("198.51.100.1:" + std::to_string(2000 + port));
  }
  EXPECT_EQ(send(test::map_udp("10.0.0.44", 1), "10.0.0.44:1").to_string(), "8 30");
}

TEST_F(PcpServer, what_the_packet_path_refuses_leaves_nothing_behind) {
  send(test::map_udp("10.0.0.42", 1));
  EXPECT_EQ(refuse(Result::user_ex_quota).to_string(), "10 30");
  EXPECT_TRUE(server->leases().all().empty());
}

TEST_F(PcpServer, who_insists_gets_that_or_an_error) {  // RFC 6887 section 13.2
  map_one();
  const auto insists = [](std::string_view suggested) {
    return RequestBuilder{Opcode::map, "10.0.0.42", 600}.map(17, 6881, suggested).option(2);
  };
  EXPECT_EQ(send(insists("198.51.100.1:7000")).to_string(), "11 30");
  EXPECT_EQ(send(insists("198.51.100.2:6881")).to_string(), "11 30");
  EXPECT_EQ(send(insists("198.51.100.1:6881")).to_string(), "0 600 198.51.100.1:6881");
  EXPECT_EQ(send(insists("0.0.0.0:6881")).to_string(), "0 600 198.51.100.1:6881") << "on whichever address";
  EXPECT_EQ(send(insists("198.51.100.1:0")).to_string(), "6 1800") << "on no port";
}

TEST_F(PcpServer, a_mapping_of_the_realm_file_is_told_and_stays) {  // RFC 6887 sections 11.3, 15.1
  mapper.forward = endpoint("198.51.100.1:80");
  EXPECT_EQ(send(test::map_tcp("10.0.0.42", 8080)).to_string(), "0 4294967295 198.51.100.1:80") << "for ever";
  EXPECT_EQ(send(test::map_tcp("10.0.0.42", 8080, 0)).to_string(), "2 1800");
  EXPECT_EQ(send(RequestBuilder{Opcode::map, "10.0.0.42", 600}.map(6, 8080, "198.51.100.1:81").option(2))
                .to_string(),
            "11 30");
  EXPECT_FALSE(mapper.asked);
  EXPECT_TRUE(server->leases().all().empty());
}

TEST_F(PcpServer, a_host_may_have_a_mapping_to_each_family) {  // RFC 6887 section 11.1
  const auto to = [](std::string_view suggested) {
    return RequestBuilder{Opcode::map, "fd00:10::5", 600}.map(17, 9, suggested);
  };
  send(to("0.0.0.0:0"), "[fd00:10::5]:1");
  EXPECT_EQ(give("198.51.100.1:2000").external(), "198.51.100.1:2000");
  send(to("[::]:0"), "[fd00:10::5]:1");
  ASSERT_TRUE(mapper.asked);
  EXPECT_EQ(mapper.asked->key.outside, net::Family::v6);
  EXPECT_EQ(give("[2001:db8::1]:2000").external(), "[2001:db8::1]:2000");
  EXPECT_EQ(server->leases().all().size(), 2U);
}

TEST_F(PcpServer, where_the_family_cannot_be_had_the_port_is_still_a_wish) {
  mapper.v6 = false;
  send(RequestBuilder{Opcode::map, "10.0.0.42", 600}.map(17, 9, "[2001:db8::9]:7000"));
  ASSERT_TRUE(mapper.asked);
  EXPECT_EQ(mapper.asked->key.outside, net::Family::v4);
  EXPECT_TRUE(mapper.asked->suggested.address.is_unspecified());
  EXPECT_EQ(mapper.asked->suggested.port, 7000);
  const auto insists = RequestBuilder{Opcode::map, "10.0.0.42", 600}.map(17, 10, "[::]:7000").option(2);
  EXPECT_EQ(send(insists).to_string(), "11 30");
}

TEST_F(PcpServer, announce_tells_the_epoch) {  // RFC 6887 sections 8.5, 14.1
  pass(77s + 900ms);
  const Seen seen = send(test::announce("10.0.0.42"));
  ASSERT_EQ(seen.size(), 24U);
  EXPECT_EQ(seen.byte(1), 0x80);
  EXPECT_EQ(seen.result(), Result::success);
  EXPECT_EQ(seen.lifetime(), 0U);
  EXPECT_EQ(seen.epoch(), 77U);
}

TEST_F(PcpServer, what_cannot_be_read_is_counted) {
  EXPECT_TRUE(send({2}).empty());
  EXPECT_EQ(count(Counter::pcp_ignored), 1U);
  EXPECT_TRUE(send({2, 1, 0, 0}).empty());
  EXPECT_EQ(count(Counter::pcp_ignored), 2U);
  EXPECT_EQ(send(test::map_udp("10.0.0.42", 1).option(2)).to_string(), "6 1800");
  EXPECT_EQ(count(Counter::pcp_malformed), 1U);
  EXPECT_EQ(send({0, 0}).to_string(), "1 1800");
  EXPECT_EQ(count(Counter::pcp_refused), 1U);
}

// ---- OPS-2

TEST_F(PcpServer, a_mapping_that_the_next_realm_has_no_place_for_ends_and_the_epoch_begins_anew) {
  map_one();
  send(test::map_udp("10.0.0.42", 7000));
  give("198.51.100.2:7000");
  pass(50s);
  const auto stands = [](const LeaseKey& key, const net::Endpoint& external) {
    EXPECT_EQ(external.port, key.port);
    return external.address == test::address("198.51.100.2");
  };
  EXPECT_TRUE(server->change({120s, 7200s, {4, 3}}, stands, now));
  EXPECT_EQ(server->epoch(now), 0U);
  pass(0s);
  ASSERT_EQ(mapper.released.size(), 1U) << "and does not rest";
  EXPECT_EQ(mapper.released[0].port, 6881);
  ASSERT_EQ(server->leases().all().size(), 1U);
  EXPECT_EQ(server->leases().all().begin()->first.port, 7000);
  pass(7s);
  EXPECT_EQ(send(test::announce("10.0.0.42")).epoch(), 7U);
}

TEST_F(PcpServer, where_all_mappings_stand_the_epoch_goes_on) {
  map_one();
  pass(50s);
  EXPECT_FALSE(server->change(
      {120s, 7200s, {4, 3}}, [](const auto&, const auto&) { return true; }, now));
  EXPECT_EQ(server->epoch(now), 50U);
}

TEST_F(PcpServer, nobody_counts_on_a_mapping_that_is_over) {
  map_one();
  send(test::map_udp("10.0.0.42", 6881, 0));  // deleted, so it rests
  pass(10s);
  EXPECT_FALSE(server->change(
      {120s, 7200s, {4, 3}}, [](const auto&, const auto&) { return false; }, now));
  EXPECT_EQ(server->epoch(now), 10U);
  pass(0s);
  EXPECT_EQ(mapper.released.size(), 1U) << "its address is gone, too";
}

TEST_F(PcpServer, a_wish_under_way_is_answered_by_the_next_realm) {
  send(test::map_udp("10.0.0.42", 6881));
  EXPECT_FALSE(server->change(
      {120s, 7200s, {4, 3}}, [](const auto&, const auto&) { return false; }, now));
  EXPECT_EQ(give("198.51.100.2:6881").external(), "198.51.100.2:6881");
}

// Or its answer would bring the lost mapping to rest for two minutes more.
TEST_F(PcpServer, who_asks_for_a_lost_mapping_at_once_gets_another_one) {
  map_one();
  EXPECT_TRUE(server->change(
      {120s, 7200s, {4, 3}}, [](const auto&, const auto&) { return false; }, now));
  mapper.takes = false;
  EXPECT_EQ(send(test::map_udp("10.0.0.42", 6881)).result(), Result::no_resources);
  mapper.takes = true;
  EXPECT_TRUE(send(test::map_udp("10.0.0.42", 6881)).empty());
  EXPECT_EQ(mapper.released.size(), 1U) << "before the wish";
  ASSERT_TRUE(mapper.asked);
  EXPECT_EQ(give("198.51.100.2:6881").external(), "198.51.100.2:6881");
  pass(1s);
  EXPECT_EQ(mapper.released.size(), 1U);
}

TEST_F(PcpServer, other_limits_hold_for_new_mappings) {
  map_one();
  static_cast<void>(server->change(
      {120s, 300s, {4, 1}}, [](const auto&, const auto&) { return true; }, now));
  EXPECT_EQ(send(test::map_udp("10.0.0.42", 7000)).result(), Result::user_ex_quota);
  EXPECT_EQ(send(test::map_udp("10.0.0.42", 6881)).lifetime(), 300U) << "renewed";
}

}  // namespace
}  // namespace rgw::pcp
