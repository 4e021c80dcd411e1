// DNS straight off the ring: frames that workers hand up, and the frames that go back.
//   the answer: to whom it is due, by which worker and port, at once or later, in both families
//   what is the kernel's after all, and what is nobody's (DNS-1, OUT-9)
//   the same bytes as through a socket, for every kind of query; whatever comes, no packet buffer is lost
#include "realmgw/control/dns_packets.hpp"

#include "realmgw/base/random.hpp"
#include "realmgw/control/controller.hpp"
#include "realmgw/control/dns_udp.hpp"
#include "realmgw/control/socket_address.hpp"

#include <algorithm>
#include <sys/socket.h>

#include "support/packet_builder.hpp"
#include "unit/control/support.hpp"
#include "unit/dns/support.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rgw::control {
namespace {

using namespace test;
using dns::RrType;
using dns::test::query;
using rgw::test::PacketBuilder;
using rgw::test::Seen;
using rgw::test::udp;

constexpr const char* client4 = "203.0.113.9:4000";
constexpr const char* server4 = "198.51.100.1:53";
constexpr const char* client6 = "[2001:db8:9::9]:4000";
constexpr const char* server6 = "[2001:db8:100::1]:53";

Frame frame_of(const Frame& ip_packet, const net::MacAddress& from = peer_mac) {
  Frame frame(sizeof(net::EthernetHeader));
  const bool v4 = ip_packet[0] >> 4 == 4;
  net::header<net::EthernetHeader>(frame.data()) = {own_outside_mac, from,
                                                    be16{static_cast<std::uint16_t>(v4 ? 0x0800 : 0x86dd)}};
  frame.insert(frame.end(), ip_packet.begin(), ip_packet.end());
  return frame;
}

/// The datagram's payload in a frame.
Frame message_in(std::span<const std::uint8_t> frame) {
  const std::size_t headers = 14 + (frame[14] >> 4 == 4 ? 20U : 40U) + 8;
  return {frame.begin() + static_cast<std::ptrdiff_t>(headers), frame.end()};
}

/// Answers "abc" with "cba", or waits where it begins with "w".
struct Backwards final : DnsHandler {
  std::vector<ReplyPath> asked;
  bool believes(const net::IpAddress&, const dns::ProxyHeader&) override { return false; }
  std::span<const std::uint8_t> answer(std::span<const std::uint8_t> bytes, const ReplyPath& path, Instant,
                                       std::span<std::uint8_t> room) override {
    asked.push_back(path);
    if (bytes.empty() || bytes[0] == 'w') return {};
    std::reverse_copy(bytes.begin(), bytes.end(), room.begin());
    return room.first(bytes.size());
  }
};

class DnsPacketsTest : public testing::Test {
 protected:
  /// Hands a packet up; what comes back is the kernel's.
  ring::PacketBuffer take(const Frame& frame, WorkerId from = WorkerId{1}) {
    return dns->take(packets.packet(frame, ring::Purpose::query, outside_port, from), clock.now());
  }
  void realm_with_mtu(std::uint16_t mtu) {
    config::Realm realm = test::realm();
    realm.ports[1].mtu = mtu;
    realm_in_force.replace(test::snapshot(std::move(realm)));
    dns.emplace(realm_in_force, links, counters, packets.pool(), handler);
  }
  std::uint64_t count(Counter counter) const { return counters.get(counter); }

  Packets packets;
  ManualClock clock;
  Backwards handler;
  CounterBlock counters;
  RealmInForce realm_in_force{test::snapshot()};
  Workers workers{2};
  WorkerLinks links{workers.links(), counters};
  std::optional<DnsPackets> dns{std::in_place, realm_in_force, links, counters, packets.pool(), handler};
};

TEST_F(DnsPacketsTest, an_answer_goes_back_by_the_worker_port_and_neighbour_that_brought_the_query) {
  for (const auto& packet : {udp(client4, server4).payload(Frame{'a', 'b', 'c'}).id(77),
                             udp(client6, server6).payload(Frame{'a', 'b', 'c'})}) {
    EXPECT_FALSE(take(frame_of(packet.ip())));
    EXPECT_FALSE(workers.packet(0));
    const auto answer = workers.packet(1);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer.note().purpose, ring::Purpose::transmit);
    EXPECT_EQ(answer.note().port, outside_port);
    const auto bytes = answer.bytes();
    const auto& ethernet = net::header<net::EthernetHeader>(bytes.data());
    EXPECT_EQ(ethernet.destination, peer_mac);
    EXPECT_EQ(ethernet.source, own_outside_mac);
    const Seen seen{Frame(bytes.begin() + 14, bytes.end())};
    EXPECT_EQ(ethernet.type.host(), seen.v4() ? 0x0800 : 0x86dd);
    EXPECT_EQ(seen.to_string(), seen.v4() ? "udp 198.51.100.1:53 > 203.0.113.9:4000"
                                          : "udp [2001:db8:100::1]:53 > [2001:db8:9::9]:4000");
    EXPECT_TRUE(seen.checksums_right());
    EXPECT_EQ(seen.ttl(), 64);
    EXPECT_EQ(message_in(bytes), (Frame{'c', 'b', 'a'}));
  }
  EXPECT_EQ(handler.asked[0].client, endpoint(client4));
  EXPECT_EQ(handler.asked[1].client, endpoint(client6));
  EXPECT_EQ(handler.asked[1].kind, dns::Transport::udp);
}

TEST_F(DnsPacketsTest, an_answer_may_not_be_cut_on_its_way) {  // RFC 9715 section 3.1
  static_cast<void>(take(frame_of(udp(client4, server4).payload(Frame{'a'}).ip())));
  const auto answer = workers.packet(1);
  ASSERT_TRUE(answer);
  EXPECT_TRUE(net::header<net::Ipv4Header>(answer.bytes().data() + 14).df());
}

TEST_F(DnsPacketsTest, link_padding_is_no_part_of_a_query) {
  Frame frame = frame_of(udp(client4, server4).payload(Frame{'a', 'b'}).ip());
  frame.resize(60);
  static_cast<void>(take(frame));
  const auto answer = workers.packet(1);
  ASSERT_TRUE(answer);
  EXPECT_EQ(message_in(answer.bytes()), (Frame{'b', 'a'}));
}

TEST_F(DnsPacketsTest, an_answer_may_come_later) {  // POOL-8
  static_cast<void>(take(frame_of(udp(client6, server6).payload(Frame{'w'}).ip())));
  EXPECT_FALSE(workers.packet(1));
  ASSERT_EQ(handler.asked.size(), 1U);
  handler.asked[0].transport->send(handler.asked[0], Frame{'l', 'a', 't', 'e'});
  const auto answer = workers.packet(1);
  ASSERT_TRUE(answer);
  EXPECT_EQ(message_in(answer.bytes()), (Frame{'l', 'a', 't', 'e'}));
  const auto bytes = answer.bytes();
  const Seen seen{Frame(bytes.begin() + 14, bytes.end())};
  EXPECT_EQ(seen.to_string(), "udp [2001:db8:100::1]:53 > [2001:db8:9::9]:4000");
  EXPECT_TRUE(seen.checksums_right());
  EXPECT_EQ(net::header<net::EthernetHeader>(bytes.data()).destination, peer_mac);
}

TEST_F(DnsPacketsTest, the_longest_answer_fits) {
  Frame longest(dns::edns_udp_size, 'x');
  static_cast<void>(take(frame_of(udp(client6, server6).payload(longest).ip())));
  const auto answer = workers.packet(1);
  ASSERT_TRUE(answer);
  EXPECT_EQ(message_in(answer.bytes()), longest);
}

TEST_F(DnsPacketsTest, over_ipv4_a_query_may_have_no_checksum) {  // RFC 768
  static_cast<void>(take(frame_of(udp(client4, server4).payload(Frame{'a'}).no_udp_checksum().ip())));
  EXPECT_TRUE(workers.packet(1));
}

TEST_F(DnsPacketsTest, a_query_with_a_wrong_checksum_is_nobodys) {
  for (const auto& packet :
       {udp(client4, server4).payload(Frame{'a'}).corrupt_transport_checksum(),
        udp(client6, server6).payload(Frame{'a'}).corrupt_transport_checksum(),
        udp(client6, server6).payload(Frame{'a'}).no_udp_checksum()}) {  // RFC 8200 section 8.1
    EXPECT_FALSE(take(frame_of(packet.ip())));
  }
  EXPECT_FALSE(workers.packet(1));
  EXPECT_EQ(count(Counter::dns_bad_checksum), 3U);
  EXPECT_TRUE(handler.asked.empty());
}

TEST_F(DnsPacketsTest, what_is_no_ordinary_datagram_is_the_kernels) {
  Frame shorter = udp(client4, server4).payload(20).ip();
  net::header<net::UdpHeader>(shorter.data() + 20).length = be16{9};
  const std::vector<Frame> frames{
      frame_of(shorter), frame_of(udp(client4, server4).payload(20).ip(), net::MacAddress::broadcast())};
  for (const Frame& frame : frames) {
    const auto refused = take(frame);
    ASSERT_TRUE(refused);
    EXPECT_TRUE(std::ranges::equal(refused.bytes(), frame)) << "as it came";
  }
  EXPECT_EQ(count(Counter::dns_to_kernel), 2U);
  EXPECT_TRUE(handler.asked.empty());
}

TEST_F(DnsPacketsTest, a_port_whose_mtu_might_not_take_the_answer_leaves_it_to_the_kernel) {
  const Frame frame = frame_of(udp(client4, server4).payload(Frame{'a'}).ip());
  realm_with_mtu(1279);
  EXPECT_TRUE(take(frame));
  realm_with_mtu(1280);
  EXPECT_FALSE(take(frame));
  EXPECT_TRUE(workers.packet(1));
}

TEST_F(DnsPacketsTest, an_answer_to_a_full_ring_is_given_up_by_name) {
  for (int i = 0; i < 300; ++i)
    static_cast<void>(take(frame_of(udp(client4, server4).payload(Frame{'a'}).ip())));
  EXPECT_GT(count(Counter::worker_ring_full), 0U);
  while (workers.packet(1)) {
  }
}

TEST_F(DnsPacketsTest, where_no_packet_buffer_is_free_a_late_answer_is_given_up_by_name) {
  static_cast<void>(take(frame_of(udp(client4, server4).payload(Frame{'w'}).ip())));
  std::vector<ring::PacketBuffer> all;
  while (rte_mbuf* mbuf = rte_pktmbuf_alloc(packets.pool())) all.emplace_back(mbuf);
  handler.asked.at(0).transport->send(handler.asked[0], Frame{'x'});
  EXPECT_EQ(count(Counter::no_mbuf), 1U);
}

// ---- the whole control thread, asked by packets and by a socket

/// A controller, its workers and its clock.
struct Side {
  static config::Realm the_realm() {
    config::Realm realm = test::realm();
    realm.dns.nsid = "gw";
    realm.zones[0].records = {{"mail", "A", 3600, "192.0.2.25"},
                              {"@", "MX", 3600, "10 mail"},
                              {"alias", "CNAME", 3600, "hosta"},
                              {"deep.down", "TXT", 3600, "\"text\""}};
    for (char c = 'a'; c < 'k'; ++c)
      realm.zones[0].records.push_back({"many", "TXT", 3600, '"' + std::string(200, c) + '"'});
    return realm;
  }
  static std::unique_ptr<KernelPort> no_kernel(const ring::PortFacts&) { return nullptr; }

  Packets packets;
  ManualClock clock;
  std::shared_ptr<const ring::Snapshot> snapshot = test::snapshot(the_realm());
  Workers workers{1};
  FixedPorts ports;
  Controller controller{Surroundings{clock,
                                     snapshot,
                                     workers.links(),
                                     packets.pool(),
                                     ports,
                                     no_kernel,
                                     1,
                                     "0.0.1",
                                     {endpoint("127.0.0.1:0")},
                                     {}}};

  std::uint64_t count(Counter counter) const { return controller.counters().get(counter); }
};

/// What the packet path answers; nothing where it is silent.
std::optional<Frame> ask_by_packet(Side& side, const Frame& message) {
  auto packet = side.packets.packet(frame_of(udp(client4, server4).payload(message).ip()),
                                    ring::Purpose::query, outside_port);
  EXPECT_TRUE(side.workers[0].queries_to_control.push(packet.release()));
  side.controller.step();
  static_cast<void>(side.workers.events(0));
  const auto answer = side.workers.packet(0);
  return answer ? std::optional{message_in(answer.bytes())} : std::nullopt;
}

std::optional<Frame> ask_by_socket(Side& side, const Frame& message) {
  const auto server = to_socket_address(side.controller.dns_listening().front());
  const FileDescriptor client{::socket(AF_INET, SOCK_DGRAM, 0)};
  EXPECT_EQ(connect(client.get(), server.get(), server.length), 0);
  const auto seen = [&] {
    return side.count(Counter::dns_queries) + side.count(Counter::dns_malformed) +
           side.count(Counter::dns_not_query);
  };
  const auto before = seen();
  EXPECT_EQ(::send(client.get(), message.data(), message.size(), 0), static_cast<ssize_t>(message.size()));
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (seen() == before && std::chrono::steady_clock::now() < deadline) side.controller.step(1ms);
  static_cast<void>(side.workers.events(0));
  Frame room(65536);
  const auto got = recv(client.get(), room.data(), room.size(), MSG_DONTWAIT);
  if (got < 0) return std::nullopt;
  room.resize(static_cast<std::size_t>(got));
  return room;
}

std::vector<Frame> corpus() {
  std::vector<Frame> all;
  std::uint16_t id = 1;
  const auto add = [&](auto builder) { all.push_back(builder.id(id++).bytes()); };
  for (const char* name :
       {"hosta.foo", "HoStB.fOo", "tcp22.hosta.foo", "tcp22.hostb.foo", "tcp23.hostb.foo", "icmp.hosta.foo",
        "www.hosta.foo", "_ssh._tcp.hosta.foo", "_tcp.hosta.foo", "nobody.foo", "foo", "mail.foo",
        "alias.foo", "deep.down.foo", "down.foo", "many.foo", "example.com", "."}) {
    for (const RrType type : {RrType::a, RrType::aaaa, RrType::soa, RrType::ns, RrType::mx, RrType::srv,
                              RrType::txt, RrType::any, RrType::axfr, RrType{65280}}) {
      add(query(name).type(type));
      add(query(name).type(type).edns(512));
      add(query(name).type(type).edns(4096, 0, true).flags(0x0100));
    }
  }
  for (const char* name : {"hosta.foo", "mail.foo"}) {
    add(query(name).edns(1232).option(3));  // NSID
    add(query(name).edns(1232).option(
        10, "cookie"));              // of no length that one has; a good one is by address and time
    add(query(name).edns(1232, 1));  // BADVERS
    add(query(name).klass(3));
    add(query(name).questions(2));
    add(query(name).questions(0));
    add(query(name).extra_additional(1));
    add(query(name).tail({1, 2, 3}));
    for (const int flags : {0x8000, 0x2800, 0x0800, 0x1000, 0x7800, 0x0010, 0x0200})
      add(query(name).flags(static_cast<std::uint16_t>(flags)));
    const Frame whole = query(name).edns(1232).id(id++).bytes();
    for (std::size_t size = 1; size < whole.size(); ++size)
      all.emplace_back(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
  }
  return all;
}

TEST(DnsOffTheRing, an_answer_has_the_same_bytes_as_through_a_socket) {
  Side by_packet, by_socket;
  std::size_t answered = 0;
  for (const Frame& message : corpus()) {
    const auto one = ask_by_packet(by_packet, message);
    const auto other = ask_by_socket(by_socket, message);
    ASSERT_EQ(one, other) << "query " << testing::PrintToString(message);
    answered += one ? 1 : 0;
    // Each reservation ends before the next query, so that all get an address.
    for (Side* side : {&by_packet, &by_socket}) {
      side->clock.advance(3s);
      side->controller.step();
      static_cast<void>(side->workers.events(0));
    }
  }
  EXPECT_GT(answered, 500U);
  for (const Counter counter :
       {Counter::dns_queries, Counter::dns_answers, Counter::dns_malformed, Counter::dns_not_query,
        Counter::dns_refused, Counter::dns_nxdomain, Counter::dns_truncated, Counter::pool_reserved}) {
    EXPECT_EQ(by_packet.count(counter), by_socket.count(counter)) << info(counter).name;
    EXPECT_GT(by_packet.count(counter), 0U) << info(counter).name;
  }
}

TEST(DnsOffTheRing, whatever_comes_no_packet_buffer_is_lost) {
  Side side;
  Random random{11};
  const auto messages = corpus();
  const std::size_t all = rte_mempool_avail_count(side.packets.pool());
  for (unsigned i = 0; i < 20'000; ++i) {
    Frame frame = frame_of((i % 2 == 0 ? udp(client4, server4) : udp(client6, server6))
                               .payload(messages[random.below(static_cast<std::uint32_t>(messages.size()))])
                               .ip());
    for (auto changes = random.below(4); changes > 0; --changes)
      frame[random.below(static_cast<std::uint32_t>(frame.size()))] =
          static_cast<std::uint8_t>(random.next());
    if (random.below(4) == 0) frame.resize(14 + random.below(static_cast<std::uint32_t>(frame.size() - 13)));
    auto packet = side.packets.packet(frame, ring::Purpose::query, outside_port);
    ASSERT_TRUE(side.workers[0].queries_to_control.push(packet.release()));
    if (i % 64 == 0) side.clock.advance(100ms);
    side.controller.step();
    static_cast<void>(side.workers.events(0));
    while (side.workers.packet(0)) {
    }
    ASSERT_EQ(rte_mempool_avail_count(side.packets.pool()), all);
  }
  EXPECT_GT(side.count(Counter::dns_answers), 1000U);
  EXPECT_GT(side.count(Counter::dns_bad_checksum), 1000U);
  EXPECT_GT(side.count(Counter::dns_to_kernel), 100U);
}

}  // namespace
}  // namespace rgw::control
