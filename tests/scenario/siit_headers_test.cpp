// What else than ports a packet has, in stateless translation (SIIT-1): protocols that NAT does not know,
// ICMP without a counterpart, source routes, extension headers, addresses that no host has.
#include "scenario/siit.hpp"
#include <gtest/gtest.h>

namespace rgw::test {
namespace {

// A transport of which the gateway knows no more than where its checksum is (DCCP, UDP-Lite: at 6), made
// right.
Bytes checksummed(std::uint8_t protocol, const char* source, const char* destination, std::size_t size) {
  Bytes l4(size, 0x5a);
  auto& checksum = net::header<net::UdpHeader>(l4.data()).checksum;
  checksum = {};
  const auto from = address(source), to = address(destination);
  auto sum = from.is_v4()
                 ? net::pseudo_header(from.v4(), to.v4(), protocol, static_cast<std::uint32_t>(size))
                 : net::pseudo_header(from.v6(), to.v6(), protocol, static_cast<std::uint32_t>(size));
  checksum = sum.add(l4.data(), l4.size()).checksum();
  return PacketBuilder{net::Protocol{protocol}, source, destination}.payload(l4).ip();
}

TEST_F(Siit,
       protocols_that_nat_does_not_know_pass_with_their_checksums) {  // RFC 7915 sections 4.1, 4.5, 5.1, 5.5
  for (const std::uint8_t protocol : {std::uint8_t{33}, std::uint8_t{136}}) {
    gateway.put(Gateway::inside, checksummed(protocol, "2001:db8:42::42", "2001:db8:23::a00:2a", 50));
    gateway.turn();
    const auto out = gateway.take(Gateway::outside);
    ASSERT_TRUE(out);
    EXPECT_EQ(out->protocol(), protocol);
    EXPECT_TRUE(out->checksums_right());
    gateway.put(Gateway::outside, checksummed(protocol, "10.0.0.42", "10.0.1.42", 51));
    gateway.turn();
    const auto in = gateway.take(Gateway::inside);
    ASSERT_TRUE(in);
    EXPECT_EQ(in->protocol(), protocol);
    EXPECT_TRUE(in->checksums_right());
  }
  for (const std::uint8_t protocol : {std::uint8_t{50}, std::uint8_t{47}, std::uint8_t{253}}) {
    const auto in =
        gateway.in(PacketBuilder{net::Protocol{protocol}, "10.0.0.42", "10.0.1.42"}.payload(40, 1));
    ASSERT_TRUE(in) << int{protocol};
    EXPECT_EQ(in->protocol(), protocol);
    const Bytes want = PacketBuilder{net::Protocol::any, "10.0.0.42", "10.0.1.42"}.payload(40, 1).ip();
    EXPECT_TRUE(std::equal(want.begin() + 20, want.end(), in->bytes().begin() + 40))
        << "the payload is untouched";
  }
}

TEST_F(Siit, icmp_without_a_counterpart_and_igmp_end_here) {  // RFC 7915 sections 4.2 and 5.2
  EXPECT_FALSE(gateway.in(PacketBuilder{net::Protocol{2}, "10.0.0.42", "10.0.1.42"}.payload(8)));
  EXPECT_FALSE(gateway.in(PacketBuilder{net::Protocol::icmp, "10.0.0.42", "10.0.1.42"}.icmp(13).payload(12)));
  EXPECT_FALSE(gateway.in(PacketBuilder{net::Protocol::icmp, "10.0.0.42", "10.0.1.42"}.icmp(17).payload(12)));
  EXPECT_FALSE(gateway.out(
      PacketBuilder{net::Protocol::icmp, "2001:db8:42::42", "2001:db8:23::a00:2a"}.icmp(139).payload(12)));
  EXPECT_EQ(gateway.count(Counter::translate_icmp_type), 4U);
}

TEST_F(Siit, a_source_route_that_is_not_used_up_is_refused_with_an_error) {  // RFC 7915 section 4.1
  gateway.put(Gateway::outside,
              udp("10.0.0.42:5", "10.0.1.42:6").ip_options({0x83, 7, 4, 10, 0, 0, 9, 0}).payload(9).ip());
  gateway.turn();
  const auto refused = gateway.take(Gateway::outside);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->to_string(), "icmp3 10.0.0.77 > 10.0.0.42");
  EXPECT_EQ(refused->icmp().code, 5);
  EXPECT_FALSE(gateway.take(Gateway::inside));
  EXPECT_EQ(gateway.count(Counter::parse_source_route), 1U);

  const auto used_up =
      gateway.in(udp("10.0.0.42:5", "10.0.1.42:6").ip_options({0x83, 7, 8, 10, 0, 0, 9, 0}).payload(9));
  ASSERT_TRUE(used_up);
  EXPECT_EQ(used_up->bytes().size(), 40U + 8 + 9) << "options are not translated";
  EXPECT_TRUE(used_up->checksums_right());
}

// An IPv6 packet with an extension header before its UDP.
Bytes extended(const PacketBuilder& packet, std::uint8_t type, Bytes extension) {
  Bytes bytes = packet.ip();
  auto& ip = net::header<net::Ipv6Header>(bytes.data());
  extension[0] = ip.next_header;
  ip.next_header = type;
  ip.payload_length = be16{static_cast<std::uint16_t>(ip.payload_length.host() + extension.size())};
  bytes.insert(bytes.begin() + 40, extension.begin(), extension.end());
  return bytes;
}

TEST_F(Siit,
       extension_headers_are_left_behind_and_a_routing_header_with_segments_left_is_refused) {  // section 5.1
  const auto packet = udp("[2001:db8:42::42]:5", "[2001:db8:23::a00:2a]:6").payload(9);
  const std::vector<std::pair<std::uint8_t, Bytes>> left_behind{
      {0, {0, 0, 1, 4, 0, 0, 0, 0}}, {60, {0, 0, 1, 4, 0, 0, 0, 0}}, {43, {0, 0, 0, 0, 0, 0, 0, 0}}};
  for (const auto& [type, extension] : left_behind) {
    gateway.put(Gateway::inside, extended(packet, type, extension));
    gateway.turn();
    const auto out = gateway.take(Gateway::outside);
    ASSERT_TRUE(out) << int{type};
    EXPECT_EQ(out->bytes().size(), 20U + 8 + 9);
    EXPECT_EQ(out->to_string(), "udp 10.0.1.42:5 > 10.0.0.42:6");
    EXPECT_TRUE(out->checksums_right());
  }
  gateway.put(Gateway::inside, extended(packet, 43, {0, 0, 0, 1, 0, 0, 0, 0}));
  gateway.turn();
  EXPECT_FALSE(gateway.take(Gateway::outside));
  const auto refused = gateway.take(Gateway::inside);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->to_string(), "icmp4 2001:db8:42::77 > 2001:db8:42::42");
  EXPECT_EQ(refused->icmp().code, 0);
  EXPECT_EQ(refused->icmp().sequence.host(), 43) << "the pointer shows the segments left";
  EXPECT_TRUE(refused->checksums_right());
}

TEST_F(Siit, addresses_that_no_host_has_do_not_cross) {  // RFC 7915 section 4.1, RFC 1812 section 5.3.7
  EXPECT_FALSE(gateway.in(udp("127.0.0.1:5", "10.0.1.42:6").payload(4)));
  EXPECT_FALSE(gateway.in(udp("0.0.0.0:5", "10.0.1.42:6").payload(4)));
  EXPECT_EQ(gateway.count(Counter::martian_source), 2U);
  EXPECT_FALSE(gateway.out(udp("[2001:db8:42::42]:5", "[2001:db8:23::224.0.0.1]:6").payload(4)));
  EXPECT_FALSE(gateway.out(udp("[2001:db8:42::42]:5", "[2001:db8:23::127.0.0.1]:6").payload(4)));
  EXPECT_EQ(gateway.count(Counter::martian_destination), 2U);
}

}  // namespace
}  // namespace rgw::test
