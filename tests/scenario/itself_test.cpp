// The gateway itself (OUT-9), with 1, 2 and 4 workers:
// - what is for its addresses goes up to the kernel on the port where it came, as it came; multicast and
// broadcast too
// - on an address that it shares with NAT only its services are the kernel's, and answers leave as the kernel
// wrote them
// - a flood of DNS queries takes no room from what else goes to control
// - its own connections are sessions: they share ports with hosts without collision, and replies and errors
// come back to the kernel
#include "scenario/support.hpp"
#include <gtest/gtest.h>

namespace rgw::test {
namespace {

using net::Protocol;
using ring::Purpose;

constexpr unsigned inside = Gateway::inside, outside = Gateway::outside;

class Itself : public WithWorkers {};
RGW_WITH_WORKERS(Itself);

/// The one packet that went up to the kernel.
std::optional<Seen> to_kernel(Gateway& gateway, unsigned port) {
  const auto punted = gateway.punted();
  if (punted.size() != 1 || punted[0].purpose != Purpose::to_kernel ||
      punted[0].port != PortId{static_cast<std::uint8_t>(port)}) {
    return std::nullopt;
  }
  return Seen{Bytes(punted[0].frame.begin() + sizeof(net::EthernetHeader), punted[0].frame.end())};
}
std::optional<Seen> up(Gateway& gateway, unsigned port, const PacketBuilder& packet) {
  gateway.put(port, packet.ip());
  gateway.turn();
  return to_kernel(gateway, port);
}

TEST_P(Itself, a_flood_of_queries_takes_no_room_from_what_else_goes_to_control) {  // POOL-8
  Gateway gateway{realm_with([](config::Realm& realm) { realm.dns.listen = {address("198.51.100.1")}; }),
                  GetParam()};
  constexpr unsigned queries = 3000;
  for (unsigned i = 0; i < queries; ++i) {
    const std::string source = "203." + std::to_string(i % 250) + ".113.53";  // no prefix is beyond its rate
    gateway.put(outside, udp(at(source, 1024 + i), "198.51.100.1:53").payload(20).ip());
    if (i % 32 == 31) gateway.turn();  // control rests
  }
  // Behind the flood: an ARP question, a next hop to be found, a packet for the kernel.
  net::ArpPacket question{be16{1}, be16{0x0800}, 6, 4, be16{net::ArpPacket::request}, {}, {}, {}, {}};
  question.sender_mac = Gateway::neighbour_mac;
  question.sender = address("198.51.100.77").v4();
  question.target = address("198.51.100.1").v4();
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(&question);
  gateway.put_frame(outside, ethernet(net::MacAddress::broadcast(), Gateway::neighbour_mac, 0x0806,
                                      Bytes(bytes, bytes + sizeof question)));
  gateway.put(inside, udp("10.0.0.42:5000", "198.51.100.66:9").ip());
  gateway.put(outside, tcp("203.0.113.10:5000", "198.51.100.1:53").syn().ip());
  gateway.turn();
  EXPECT_GT(gateway.count(Counter::query_ring_full), 0U);
  EXPECT_EQ(gateway.count(Counter::punt_ring_full), 0U);
  EXPECT_EQ(gateway.count(Counter::to_dns) + gateway.count(Counter::query_ring_full), queries);
  std::array<unsigned, 16> seen{};
  for (const auto& punted : gateway.punted()) ++seen[static_cast<std::size_t>(punted.purpose)];
  const auto of = [&](Purpose purpose) { return seen[static_cast<std::size_t>(purpose)]; };
  EXPECT_EQ(of(Purpose::query), gateway.count(Counter::to_dns));
  EXPECT_EQ(of(Purpose::neighbour), 1U);
  EXPECT_EQ(of(Purpose::resolve), 1U);
  EXPECT_EQ(of(Purpose::to_kernel), 1U);
}

TEST_P(Itself, its_inside_address_is_the_kernel_s_alone) {  // OUT-9
  Gateway gateway{lab_realm(), GetParam()};
  for (const auto& packet :
       {tcp("10.0.0.42:5000", "10.0.0.1:22").syn(), tcp("10.0.0.42:5000", "10.0.0.1:22").ack().payload(9),
        udp("10.0.0.42:5000", "10.0.0.1:53"), ping("10.0.0.42", "10.0.0.1", 1).payload(56),
        udp("[fd00:10::42]:5000", "[fd00:10::1]:53"), ping("fd00:10::42", "fd00:10::1", 1),
        icmp_error("10.0.0.42", "10.0.0.1", 3, 3, udp("10.0.0.1:53", "10.0.0.42:5000").ip()),
        PacketBuilder{static_cast<Protocol>(89), "10.0.0.42", "10.0.0.1"}.payload(20)}) {
    const auto seen = up(gateway, inside, packet);
    ASSERT_TRUE(seen);
    EXPECT_EQ(seen->bytes(), packet.ip()) << "as it came";
  }
  EXPECT_EQ(gateway.sessions(), 0U);
}

TEST_P(Itself, on_a_shared_address_the_services_are_the_kernel_s) {  // OUT-9, POOL-11
  Gateway gateway{lab_realm(), GetParam()};
  for (const unsigned port : {inside, outside}) {
    const std::string from = port == inside ? "10.0.0.42:5000" : "203.0.113.10:5000";
    for (const auto& packet : {tcp(from, "198.51.100.1:53").syn(), tcp(from, "198.51.100.1:53").ack(),
                               udp(from, "198.51.100.1:53"), ping(from, "198.51.100.1", 9)}) {
      const auto seen = up(gateway, port, packet);
      ASSERT_TRUE(seen);
      EXPECT_EQ(seen->bytes(), packet.ip());
    }
  }
  EXPECT_FALSE(up(gateway, outside, tcp("203.0.113.10:5000", "198.51.100.1:22").syn()));
  EXPECT_EQ(gateway.count(Counter::unmatched), 1U);
}

TEST_P(Itself, groups_and_broadcasts_are_the_kernel_s) {  // OUT-9: dnsmasq, radvd, FRR, keepalived
  Gateway gateway{lab_realm(), GetParam()};
  const auto protocol = [](unsigned number) { return static_cast<Protocol>(number); };
  for (const auto& packet :
       {udp("0.0.0.0:68", "255.255.255.255:67").payload(300),                 // DHCP, no address yet
        udp("10.0.0.42:137", "10.0.0.255:137"),                               // a broadcast of the link
        udp("10.0.0.42:5353", "224.0.0.251:5353"),                            // mDNS
        PacketBuilder{protocol(89), "10.0.0.43", "224.0.0.5"}.payload(20),    // OSPF
        PacketBuilder{protocol(112), "10.0.0.43", "224.0.0.18"}.payload(20),  // VRRP
        PacketBuilder{Protocol::icmp, "fe80::42", "ff02::2"}.icmp(133),       // router solicitation
        PacketBuilder{Protocol::icmp, "fe80::42", "ff02::16"}.icmp(143).payload(20),  // MLDv2
        udp("[fe80::42]:546", "[ff02::1:2]:547").payload(40)}) {                      // DHCPv6
    const auto seen = up(gateway, inside, packet);
    ASSERT_TRUE(seen) << Seen{packet.ip()}.to_string();
    EXPECT_EQ(seen->bytes(), packet.ip());
  }
}

TEST_P(
    Itself,
    what_the_kernel_answers_leaves_as_it_wrote_it) {  // OUT-9: no session for a service that keeps its port
  Gateway gateway{lab_realm(), GetParam()};
  for (const auto& packet :
       {udp("198.51.100.1:53", "203.0.113.10:5000").payload(100),
        tcp("198.51.100.1:53", "203.0.113.10:5000").syn_ack(), pong("198.51.100.1", "203.0.113.10", 9),
        udp("[2001:db8:100::1]:53", "[2001:db8:200::1]:5000"),
        icmp_error("198.51.100.1", "203.0.113.10", 3, 3, udp("203.0.113.10:1", "198.51.100.1:2").ip())}) {
    gateway.from_kernel(outside, packet.ip());
    const auto out = gateway.take(outside);
    ASSERT_TRUE(out);
    EXPECT_EQ(out->bytes(), packet.ip());
  }
  gateway.from_kernel(inside, udp("10.0.0.1:53", "10.0.0.42:5000").ip());
  EXPECT_EQ(text(gateway.take(inside)), "udp 10.0.0.1:53 > 10.0.0.42:5000");
  EXPECT_EQ(gateway.sessions(), 0U);
  EXPECT_EQ(gateway.count(Counter::from_kernel), 6U);
}

TEST_P(Itself, its_own_connection_is_a_session_and_its_replies_come_back) {  // OUT-9
  Gateway gateway{lab_realm(), GetParam()};
  struct Row {
    PacketBuilder out, back;
  };
  for (unsigned port = 40000; port < 40008; ++port) {
    const std::string own = at("198.51.100.1", port), r = "203.0.113.10:443";
    for (const Row& row :
         {Row{tcp(own, r).syn(), tcp(r, own).syn_ack()}, Row{udp(own, r).payload(9), udp(r, own).payload(9)},
          Row{ping("198.51.100.1", "203.0.113.10", static_cast<std::uint16_t>(port)),
              pong("203.0.113.10", "198.51.100.1", static_cast<std::uint16_t>(port))}}) {
      gateway.from_kernel(outside, row.out.ip());
      const auto out = gateway.take(outside);
      ASSERT_TRUE(out);
      EXPECT_EQ(out->bytes(), row.out.ip()) << "the port is free, so it stays";
      const auto back = up(gateway, outside, row.back);
      ASSERT_TRUE(back);
      EXPECT_EQ(back->bytes(), row.back.ip());
    }
  }
  EXPECT_EQ(gateway.count(Counter::session_created_local), 24U);
  pass(gateway, 7441s);
  expect_nothing_left(gateway, 2);
}

TEST_P(Itself, a_host_s_session_and_the_gateway_s_own_never_collide) {  // OUT-9
  for (const bool host_first : {true, false}) {
    Gateway gateway{lab_realm(), GetParam()};
    const std::string r = "203.0.113.10:443";
    unsigned hosts_port = 40000;
    const auto host_opens = [&] {
      const auto out = gateway.out(tcp("10.0.0.42:40000", r).syn());
      ASSERT_TRUE(out);
      hosts_port = out->source_port();
    };
    if (host_first) host_opens();
    const std::string own = at("198.51.100.1", hosts_port);  // the very port, where the host was first
    gateway.from_kernel(outside, tcp(own, r).syn().ip());
    const auto out = gateway.take(outside);
    ASSERT_TRUE(out);
    EXPECT_TRUE(out->checksums_right());
    const unsigned kernels_port = out->source_port();
    if (!host_first) host_opens();
    EXPECT_NE(kernels_port, hosts_port);

    const auto reply = up(gateway, outside, tcp(r, at("198.51.100.1", kernels_port)).syn_ack().payload(5));
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->to_string(), "tcp " + r + " > " + own) << "the kernel knows only its own port";
    EXPECT_TRUE(reply->checksums_right());
    EXPECT_EQ(text(gateway.in(tcp(r, at("198.51.100.1", hosts_port)).syn_ack())),
              "tcp " + r + " > 10.0.0.42:40000");
    gateway.from_kernel(outside, tcp(own, r).ack().ip());
    EXPECT_EQ(text(gateway.take(outside)), "tcp " + at("198.51.100.1", kernels_port) + " > " + r);
  }
}

TEST_P(Itself, an_error_about_its_own_packet_comes_back_too) {  // OUT-9, OUT-5
  Gateway gateway{lab_realm(), GetParam()};
  const Bytes sent = udp("198.51.100.1:40000", "203.0.113.10:33434").payload(20).ip();
  gateway.from_kernel(outside, sent);
  ASSERT_TRUE(gateway.take(outside));
  const auto error = up(gateway, outside, icmp_error("192.0.2.9", "198.51.100.1", 11, 0, sent));
  ASSERT_TRUE(error);
  EXPECT_EQ(error->inner().bytes(), sent);
}

TEST_P(Itself, its_own_error_quotes_the_packet_as_its_sender_knows_it) {  // OUT-9, OUT-5
  Gateway gateway{lab_realm(), GetParam()};
  const std::string r = "203.0.113.10:443";
  const auto hosts =
      gateway.out(udp("10.0.0.42:40000", r));  // takes the port that the kernel is going to want
  ASSERT_TRUE(hosts);
  const std::string own = at("198.51.100.1", hosts->source_port());
  gateway.from_kernel(outside, udp(own, r).ip());
  const auto out = gateway.take(outside);
  ASSERT_TRUE(out);
  const std::string shown = at("198.51.100.1", out->source_port());
  ASSERT_NE(shown, own);
  const auto answer = up(gateway, outside, udp(r, shown).payload(9));
  ASSERT_TRUE(answer);
  gateway.from_kernel(outside, icmp_error("198.51.100.1", "203.0.113.10", 3, 3, answer->bytes()).ip());
  const auto error = gateway.take(outside);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->inner().bytes(), udp(r, shown).payload(9).ip());
  EXPECT_TRUE(error->checksums_right());
}

TEST_P(Itself, an_answer_over_which_its_hops_end_still_arrives) {  // OUT-9: the last hop is the gateway
  Gateway gateway{lab_realm(), GetParam()};
  gateway.from_kernel(outside, udp("198.51.100.1:40000", "203.0.113.10:53").ip());
  ASSERT_TRUE(gateway.take(outside));
  const auto back = up(gateway, outside, udp("203.0.113.10:53", "198.51.100.1:40000").ttl(1));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->ttl(), 1);
}

TEST_P(Itself,
       what_the_kernel_sends_without_a_connection_is_dropped) {  // OUT-9: an old segment after a restart
  Gateway gateway{lab_realm(), GetParam()};
  gateway.from_kernel(outside, tcp("198.51.100.1:40000", "203.0.113.10:443").ack().ip());
  EXPECT_FALSE(gateway.take(outside));
  EXPECT_EQ(gateway.count(Counter::tcp_not_syn), 1U);
}

TEST_P(Itself, link_layer_frames_of_the_kernel_leave_as_they_are) {  // OUT-9: ARP, LLDP
  Gateway gateway{lab_realm(), GetParam()};
  for (const unsigned port : {inside, outside}) {
    const Bytes frame = ethernet(net::MacAddress::broadcast(), gateway.mac(port), 0x0806, Bytes(28, 7));
    auto buffer = ring::PacketBuffer::copy_of(frame, gateway.packets());
    buffer.note().purpose = Purpose::from_kernel;
    buffer.note().port = PortId{static_cast<std::uint8_t>(port)};
    ASSERT_TRUE(gateway.rings(0).packets_to_worker.push(buffer.release()));
    gateway.turn();
    EXPECT_EQ(gateway.take_frame(port), frame);
  }
}

TEST_P(Itself, what_control_resolved_leaves_as_a_whole_frame) {  // the last step of a held packet
  Gateway gateway{lab_realm(), GetParam()};
  const Bytes frame = gateway.frame(outside, udp("198.51.100.1:5000", "203.0.113.10:53").ip());
  auto buffer = ring::PacketBuffer::copy_of(frame, gateway.packets());
  buffer.note().purpose = Purpose::transmit;
  buffer.note().port = PortId{outside};
  ASSERT_TRUE(gateway.rings(GetParam() - 1).packets_to_worker.push(buffer.release()));
  gateway.turn();
  EXPECT_EQ(gateway.take_frame(outside), frame);
}

TEST(Itself, an_address_of_its_own_that_nothing_shares_is_all_the_kernel_s) {  // OUT-9
  Gateway gateway{realm_with([](config::Realm& realm) {
    realm.outbound.addresses = {address("198.51.100.2")};
    realm.local_services.clear();
  })};
  const auto packet = tcp("203.0.113.10:5000", "198.51.100.1:22").syn();
  const auto seen = up(gateway, outside, packet);
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->bytes(), packet.ip());
  gateway.from_kernel(outside, tcp("198.51.100.1:22", "203.0.113.10:5000").syn_ack().ip());
  EXPECT_EQ(text(gateway.take(outside)), "tcp 198.51.100.1:22 > 203.0.113.10:5000");
  EXPECT_EQ(gateway.sessions(), 0U);
}

}  // namespace
}  // namespace rgw::test
