// The link layer (architecture: neighbours; RFC 826, RFC 4861):
// - ARP and neighbour solicitations are answered for service, external and pool addresses, on their port
// alone
// - what control can learn from goes to it; malformed messages do not
// - a next hop that is not known goes to control with the translated packet; one that is known or forgotten
// does not
#include "scenario/support.hpp"
#include <gtest/gtest.h>

namespace rgw::test {
namespace {

using net::ArpPacket;
using net::EthernetHeader;
using net::Protocol;
using ring::Purpose;

constexpr unsigned inside = Gateway::inside, outside = Gateway::outside;
constexpr net::MacAddress someone{{2, 0, 0, 0, 0, 0x77}};

Bytes arp_packet(std::uint16_t operation, std::string_view sender, std::string_view target) {
  Bytes bytes(sizeof(ArpPacket));
  net::header<ArpPacket>(bytes.data()) = {
      be16{1}, be16{0x0800}, 6, 4, be16{operation}, someone, address(sender).v4(), {}, address(target).v4()};
  return bytes;
}
Bytes arp_request(std::string_view sender, std::string_view target) {
  return ethernet(net::MacAddress::broadcast(), someone, 0x0806,
                  arp_packet(ArpPacket::request, sender, target));
}
Bytes solicitation(std::string_view sender, std::string_view target, std::uint8_t hops = 255) {
  const auto wanted = address(target).v6();
  Bytes body(wanted.bytes.begin(), wanted.bytes.end());
  body.insert(body.end(), {1, 1});
  body.insert(body.end(), someone.bytes.begin(), someone.bytes.end());
  const auto group = net::IpAddress{wanted.solicited_node()};
  return ethernet(
      net::MacAddress::for_multicast(wanted.solicited_node()), someone, 0x86dd,
      PacketBuilder{Protocol::icmp, sender, group.to_string()}.icmp(135).payload(body).ttl(hops).ip());
}
std::vector<Purpose> purposes(Gateway& gateway) {
  std::vector<Purpose> all;
  for (const auto& punted : gateway.punted()) all.push_back(punted.purpose);
  return all;
}

TEST(Arp, is_answered_for_each_address_on_its_port_alone) {
  struct Row {
    const char* target;
    bool inside, outside;
  };
  for (const Row& row :
       {Row{"10.0.0.1", true, false}, Row{"198.51.100.1", false, true}, Row{"198.51.100.10", false, true},
        Row{"198.51.100.12", false, true}, Row{"198.51.100.2", false, true},
        Row{"198.51.100.77", false, false}, Row{"10.0.0.42", false, false}}) {
    for (const unsigned port : {inside, outside}) {
      Gateway gateway{
          realm_with([](auto& realm) { realm.outbound.addresses.push_back(address("198.51.100.2")); })};
      const char* asker = port == inside ? "10.0.0.77" : "198.51.100.77";
      gateway.put_frame(port, arp_request(asker, row.target));
      gateway.turn();
      const auto answer = gateway.take_frame(port);
      ASSERT_EQ(answer.has_value(), port == inside ? row.inside : row.outside)
          << row.target << " on port " << port;
      EXPECT_EQ(gateway.count(Counter::arp_answered), answer ? 1U : 0U);
      EXPECT_EQ(purposes(gateway), std::vector{Purpose::neighbour}) << "control learns who asked";
      if (!answer) continue;
      const auto& ethernet = net::header<EthernetHeader>(answer->data());
      EXPECT_EQ(ethernet.destination, someone);
      EXPECT_EQ(ethernet.source, gateway.mac(port));
      const auto& reply = net::header<ArpPacket>(answer->data() + sizeof(EthernetHeader));
      EXPECT_EQ(reply.operation.host(), ArpPacket::reply);
      EXPECT_EQ(reply.sender_mac, gateway.mac(port));
      EXPECT_EQ(net::IpAddress{reply.sender}, address(row.target));
      EXPECT_EQ(reply.target_mac, someone);
      EXPECT_EQ(net::IpAddress{reply.target}, address(asker));
    }
  }
}

TEST(Arp, a_probe_hears_that_the_address_is_taken) {  // RFC 5227 section 2.1.1
  Gateway gateway;
  gateway.put_frame(outside, arp_request("0.0.0.0", "198.51.100.10"));
  gateway.turn();
  EXPECT_TRUE(gateway.take_frame(outside));
}

TEST(Arp, who_claims_an_own_address_gets_no_answer_and_control_sees_it) {  // RFC 5227 section 2.4: a conflict
  Gateway gateway;
  gateway.put_frame(outside, arp_request("198.51.100.1", "198.51.100.1"));
  gateway.turn();
  EXPECT_FALSE(gateway.take_frame(outside));
  EXPECT_EQ(purposes(gateway), std::vector{Purpose::neighbour});
}

TEST(Arp, a_reply_goes_to_control_alone) {
  Gateway gateway;
  gateway.put_frame(outside, ethernet(gateway.mac(outside), someone, 0x0806,
                                      arp_packet(ArpPacket::reply, "198.51.100.77", "198.51.100.1")));
  gateway.turn();
  EXPECT_FALSE(gateway.take_frame(outside));
  EXPECT_EQ(purposes(gateway), std::vector{Purpose::neighbour});
}

TEST(Arp, what_cannot_be_read_is_dropped) {
  Gateway gateway;
  const Bytes good = arp_request("198.51.100.77", "198.51.100.1");
  gateway.put_frame(outside, cut(good, good.size() - 1));
  for (const std::size_t field : {0U, 2U, 4U, 5U}) {  // hardware, protocol, and their lengths
    Bytes bad = good;
    bad[sizeof(EthernetHeader) + field] ^= 0xff;
    gateway.put_frame(outside, bad);
  }
  gateway.turn();
  EXPECT_EQ(gateway.count(Counter::arp_malformed), 5U);
  EXPECT_TRUE(gateway.punted().empty());
  EXPECT_FALSE(gateway.take_frame(outside));
}

TEST(NeighbourDiscovery, a_solicitation_is_answered_on_its_port_alone) {  // RFC 4861 section 7.2.4
  for (const unsigned port : {inside, outside}) {
    for (const char* target : {"fd00:10::1", "2001:db8:100::1", "2001:db8:100::10", "2001:db8:100::77"}) {
      Gateway gateway{
          realm_with([](auto& realm) { realm.pool.addresses.push_back(address("2001:db8:100::10")); })};
      const bool ours = port == inside ? std::string_view{target} == "fd00:10::1"
                                       : std::string_view{target} == "2001:db8:100::1" ||
                                             std::string_view{target} == "2001:db8:100::10";
      gateway.put_frame(port, solicitation("fe80::77", target));
      gateway.turn();
      const auto frame = gateway.take_frame(port);
      ASSERT_EQ(frame.has_value(), ours) << target << " on port " << port;
      EXPECT_EQ(purposes(gateway), std::vector{Purpose::neighbour});
      if (!ours) continue;
      EXPECT_EQ(net::header<EthernetHeader>(frame->data()).destination, someone);
      const Seen answer{Bytes(frame->begin() + sizeof(EthernetHeader), frame->end())};
      EXPECT_EQ(answer.to_string(), "icmp136 " + std::string{target} + " > fe80::77");
      EXPECT_EQ(answer.ttl(), 255);
      EXPECT_TRUE(answer.checksums_right());
      EXPECT_EQ(answer.icmp().identifier.host(), 0xe000) << "router, solicited, override";
      EXPECT_EQ(net::IpAddress{net::Ipv6Address::from_bytes(answer.bytes().data() + 48)}, address(target));
      EXPECT_TRUE(
          std::equal(answer.bytes().begin() + 66, answer.bytes().end(), gateway.mac(port).bytes.begin()));
    }
  }
}

TEST(NeighbourDiscovery,
     duplicate_address_detection_is_answered_to_all) {  // RFC 4862, RFC 4861 section 7.2.4
  Gateway gateway;
  gateway.put_frame(inside, solicitation("::", "fd00:10::1"));
  gateway.turn();
  const auto frame = gateway.take_frame(inside);
  ASSERT_TRUE(frame);
  EXPECT_EQ(net::header<EthernetHeader>(frame->data()).destination,
            (net::MacAddress{{0x33, 0x33, 0, 0, 0, 1}}));
  const Seen answer{Bytes(frame->begin() + sizeof(EthernetHeader), frame->end())};
  EXPECT_EQ(answer.destination(), address("ff02::1"));
  EXPECT_EQ(answer.icmp().identifier.host(), 0xa000) << "not solicited";
  EXPECT_TRUE(answer.checksums_right());
}

TEST(NeighbourDiscovery, what_rfc_4861_calls_invalid_is_dropped) {  // RFC 4861 section 7.1, RFC 6980
  Gateway gateway;
  gateway.put_frame(inside, solicitation("fe80::77", "fd00:10::1", 254));  // it came over a router
  Bytes bad = solicitation("fe80::77", "fd00:10::1");
  bad[sizeof(EthernetHeader) + 40 + 2] ^= 1;  // checksum
  gateway.put_frame(inside, bad);
  gateway.put_frame(inside, solicitation("fe80::77", "ff02::1"));  // a group as target
  const auto target = address("fd00:10::1").v6();
  const auto message = [&](std::uint8_t code, const Bytes& body) {
    return gateway.frame(
        inside,
        PacketBuilder{Protocol::icmp, "fe80::77", "fd00:10::1"}.icmp(135, code).payload(body).ttl(255).ip());
  };
  gateway.put_frame(inside, message(1, Bytes(target.bytes.begin(), target.bytes.end())));
  gateway.put_frame(inside, message(0, Bytes(target.bytes.begin(), target.bytes.end() - 1)));
  // In a fragment, though it be the only one.
  Bytes fragment = message(0, Bytes(target.bytes.begin(), target.bytes.end()));
  auto& ip = net::header<net::Ipv6Header>(fragment.data() + sizeof(EthernetHeader));
  ip.payload_length = be16{static_cast<std::uint16_t>(ip.payload_length.host() + 8)};
  ip.next_header = 44;
  const Bytes header{58, 0, 0, 0, 0, 0, 0, 1};
  fragment.insert(fragment.begin() + sizeof(EthernetHeader) + 40, header.begin(), header.end());
  gateway.put_frame(inside, fragment);
  gateway.turn();
  EXPECT_EQ(gateway.count(Counter::nd_malformed), 6U);
  EXPECT_TRUE(gateway.punted().empty());
  EXPECT_FALSE(gateway.take_frame(inside));
}

TEST(Resolution, a_next_hop_that_is_not_known_goes_to_control_with_the_translated_packet) {
  Gateway gateway;
  gateway.put(inside, udp("10.0.0.42:5000", "198.51.100.77:53").payload(5).ip());
  gateway.turn();
  EXPECT_FALSE(gateway.take(outside));
  const auto punted = gateway.punted();
  ASSERT_EQ(punted.size(), 1U);
  EXPECT_EQ(punted[0].purpose, Purpose::resolve);
  EXPECT_EQ(punted[0].port, PortId{outside});
  EXPECT_EQ(punted[0].next_hop, address("198.51.100.77"));
  const Seen held{Bytes(punted[0].frame.begin() + sizeof(EthernetHeader), punted[0].frame.end())};
  EXPECT_EQ(held.to_string(), "udp 198.51.100.1:5000 > 198.51.100.77:53") << "NAT is behind it";
  EXPECT_EQ(held.ttl(), 63);
  EXPECT_EQ(gateway.count(Counter::neighbour_miss), 1U);

  gateway.learn(outside, "198.51.100.77");
  EXPECT_TRUE(gateway.out(udp("10.0.0.42:5000", "198.51.100.77:53")));
}

TEST(Resolution, beyond_the_link_the_router_is_the_next_hop) {
  Gateway gateway;
  gateway.put(inside, udp("10.0.0.42:5000", "203.0.113.10:53").ip());
  gateway.turn();
  const auto frame = gateway.take_frame(outside);
  ASSERT_TRUE(frame);
  EXPECT_EQ(net::header<EthernetHeader>(frame->data()).destination,
            Gateway::mac_of(address("198.51.100.254")));
  EXPECT_EQ(net::header<EthernetHeader>(frame->data()).source, gateway.mac(outside));
}

TEST(Resolution, a_session_follows_its_next_hop_to_a_new_address_and_notices_its_end) {
  Gateway gateway;
  ASSERT_TRUE(gateway.out(udp("10.0.0.42:5000", "203.0.113.10:53")));
  gateway.tell(ring::NeighbourUpdate{PortId{outside}, true, someone, address("198.51.100.254")});
  gateway.put(inside, udp("10.0.0.42:5000", "203.0.113.10:53").ip());
  gateway.turn();
  const auto frame = gateway.take_frame(outside);
  ASSERT_TRUE(frame);
  EXPECT_EQ(net::header<EthernetHeader>(frame->data()).destination, someone);

  gateway.tell(ring::NeighbourUpdate{PortId{outside}, false, {}, address("198.51.100.254")});
  gateway.learn(outside, "198.51.100.99");  // may take its place in the table
  EXPECT_FALSE(gateway.out(udp("10.0.0.42:5000", "203.0.113.10:53")));
  EXPECT_EQ(purposes(gateway), std::vector{Purpose::resolve});
  gateway.learn(outside, "198.51.100.254");
  EXPECT_TRUE(gateway.out(udp("10.0.0.42:5000", "203.0.113.10:53")));
}

TEST(Link, through_a_port_without_link_nothing_is_sent_until_it_is_back) {
  Gateway gateway;
  gateway.tell(ring::LinkState{PortId{outside}, false});
  EXPECT_FALSE(gateway.out(udp("10.0.0.42:5000", "203.0.113.10:53")));
  EXPECT_EQ(gateway.count(Counter::port_down), 1U);
  gateway.tell(ring::LinkState{PortId{outside}, true});
  EXPECT_TRUE(gateway.out(udp("10.0.0.42:5000", "203.0.113.10:53")));
}

}  // namespace
}  // namespace rgw::test
