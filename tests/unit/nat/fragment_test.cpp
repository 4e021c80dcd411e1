// OUT-7: what a packet says of itself as a fragment.
//
//   - IPv4 and IPv6, first, later and last; the key tells datagrams, protocols (IPv4) and sides apart
//   - a later fragment is given its flow
//   - fragment headers inside one another are refused
#include "realmgw/nat/fragment.hpp"

#include "realmgw/net/checksum.hpp"
#include "realmgw/net/parse.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace rgw::nat {
namespace {

using net::EtherType;
using net::Side;

using Bytes = std::vector<std::uint8_t>;

Bytes udp_header() {
  return {0x12, 0x34, 0x00, 0x35, 0x10, 0x00, 0, 0};
}  // 4660 -> 53

Bytes ipv4(std::uint16_t flags_offset, std::uint8_t protocol, Bytes payload, Bytes options = {}) {
  const auto header = static_cast<std::uint8_t>(20 + options.size());
  const auto total = static_cast<std::uint16_t>(header + payload.size());
  Bytes p{static_cast<std::uint8_t>(0x40 | header / 4),
          0,
          static_cast<std::uint8_t>(total >> 8),
          static_cast<std::uint8_t>(total),
          0xab,
          0xcd,
          static_cast<std::uint8_t>(flags_offset >> 8),
          static_cast<std::uint8_t>(flags_offset),
          64,
          protocol,
          0,
          0,
          10,
          0,
          0,
          42,
          198,
          51,
          100,
          7};
  p.insert(p.end(), options.begin(), options.end());
  const auto sum = static_cast<std::uint16_t>(~net::ChecksumSum{}.add(p.data(), p.size()).fold());
  std::memcpy(&p[10], &sum, 2);
  p.insert(p.end(), payload.begin(), payload.end());
  return p;
}

Bytes fragment_header(std::uint8_t next, std::uint16_t offset_flags) {
  return {
      next, 0, static_cast<std::uint8_t>(offset_flags >> 8), static_cast<std::uint8_t>(offset_flags), 1, 2,
      3,    4};
}

Bytes ipv6(std::uint8_t next, std::initializer_list<Bytes> parts) {
  Bytes p{0x60, 0, 0, 0, 0, 0, next, 64};
  for (const std::uint8_t last : Bytes{1, 2}) {
    const Bytes address{0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last};
    p.insert(p.end(), address.begin(), address.end());
  }
  for (const Bytes& part : parts) p.insert(p.end(), part.begin(), part.end());
  p[4] = static_cast<std::uint8_t>((p.size() - 40) >> 8);
  p[5] = static_cast<std::uint8_t>(p.size() - 40);
  return p;
}

net::Packet parsed(Bytes& bytes, Side side = Side::inside) {
  net::Packet packet;
  const bool v4 = bytes[0] >> 4 == 4;
  const Verdict verdict =
      net::parse(bytes.data(), bytes.size(), v4 ? EtherType::ipv4 : EtherType::ipv6, side, packet);
  EXPECT_TRUE(verdict.passed()) << (verdict.passed() ? "" : info(verdict.counter()).name);
  EXPECT_TRUE(packet.fragment);
  return packet;
}

std::optional<Fragment> fragment(Bytes bytes, Side side = Side::inside) {
  return Fragment::of(parsed(bytes, side));
}

Bytes with_data(Bytes header, std::size_t size) {
  header.resize(header.size() + size);
  return header;
}

TEST(Fragment, a_first_one_over_ipv4_tells_its_place_and_its_flow) {
  const auto first = fragment(ipv4(0x2000, 17, with_data(udp_header(), 1464)));
  ASSERT_TRUE(first);
  EXPECT_EQ(first->offset, 0U);
  EXPECT_EQ(first->length, 1472U);
  EXPECT_TRUE(first->more);
  ASSERT_TRUE(first->flow);
  EXPECT_EQ(*first->flow, (FragmentFlow{be16{4660}, be16{53}, net::Protocol::udp, 17}));
}

TEST(Fragment, options_do_not_count_as_data) {
  const auto first = fragment(ipv4(0x2000, 17, with_data(udp_header(), 8), Bytes{1, 1, 1, 0}));
  ASSERT_TRUE(first);
  EXPECT_EQ(first->length, 16U);
}

TEST(Fragment, later_and_last_ones_have_the_key_of_the_first) {
  const auto first = fragment(ipv4(0x2000, 17, with_data(udp_header(), 8)));
  const auto middle = fragment(ipv4(0x2002, 17, Bytes(24)));
  const auto last = fragment(ipv4(0x0005, 17, Bytes(3)));
  ASSERT_TRUE(first && middle && last);
  EXPECT_EQ(middle->key, first->key);
  EXPECT_EQ(last->key, first->key);
  EXPECT_EQ(middle->offset, 16U);
  EXPECT_TRUE(middle->more);
  EXPECT_EQ(last->offset, 40U);
  EXPECT_EQ(last->length, 3U);
  EXPECT_FALSE(last->more);
  EXPECT_FALSE(last->flow);
}

TEST(Fragment, ipv4_protocols_and_sides_are_different_datagrams) {
  const auto udp = fragment(ipv4(0x2002, 17, Bytes(8)));
  const auto tcp = fragment(ipv4(0x2002, 6, Bytes(8)));
  const auto from_outside = fragment(ipv4(0x2002, 17, Bytes(8)), Side::outside);
  ASSERT_TRUE(udp && tcp && from_outside);
  EXPECT_NE(udp->key, tcp->key);
  EXPECT_NE(udp->key, from_outside->key);
}

TEST(Fragment, over_ipv6_the_data_begin_after_the_fragment_header) {
  const auto first = fragment(ipv6(44, {fragment_header(17, 1), with_data(udp_header(), 16)}));
  const auto last = fragment(ipv6(44, {fragment_header(17, 24), Bytes(5)}));
  ASSERT_TRUE(first && last);
  EXPECT_EQ(first->length, 24U);
  EXPECT_TRUE(first->more);
  ASSERT_TRUE(first->flow);
  EXPECT_EQ(first->flow->near_port, be16{4660});
  EXPECT_EQ(first->key.id, be32{0x01020304});
  EXPECT_EQ(last->key, first->key);
  EXPECT_EQ(last->offset, 24U);
  EXPECT_EQ(last->length, 5U);
  EXPECT_FALSE(last->more);
}

TEST(Fragment, ipv6_headers_before_the_fragment_header_are_passed_over_and_those_after_it_are_data) {
  const Bytes hop_by_hop{44, 0, 1, 4, 0, 0, 0, 0}, options{17, 0, 1, 4, 0, 0, 0, 0};
  const auto first =
      fragment(ipv6(0, {hop_by_hop, fragment_header(60, 1), options, with_data(udp_header(), 8)}));
  ASSERT_TRUE(first);
  EXPECT_EQ(first->length, 24U);
  EXPECT_EQ(first->flow->protocol, net::Protocol::udp);
}

TEST(Fragment, over_ipv6_the_next_header_of_later_ones_does_not_count) {  // RFC 8200 section 4.5
  const auto one = fragment(ipv6(44, {fragment_header(17, 24), Bytes(5)}));
  const auto other = fragment(ipv6(44, {fragment_header(6, 24), Bytes(5)}));
  ASSERT_TRUE(one && other);
  EXPECT_EQ(one->key, other->key);
}

TEST(Fragment, one_fragment_header_inside_another_is_refused) {
  EXPECT_FALSE(
      fragment(ipv6(44, {fragment_header(44, 1), fragment_header(17, 1), with_data(udp_header(), 8)})));
  EXPECT_FALSE(fragment(ipv6(44, {fragment_header(44, 1), fragment_header(17, 24), Bytes(8)})));
}

TEST(Fragment, a_later_one_is_given_the_flow_and_stays_without_a_transport_header) {
  Bytes first_bytes = ipv6(44, {fragment_header(58, 1), Bytes{128, 0, 0, 0, 0xbe, 0xef, 0, 1}});
  Bytes later_bytes = ipv6(44, {fragment_header(17, 9), Bytes(8)});
  const net::Packet first = parsed(first_bytes);
  net::Packet later = parsed(later_bytes);
  ASSERT_NE(later.key6, first.key6);
  FragmentFlow::of(first).give_to(later);
  EXPECT_EQ(later.key6, first.key6);
  EXPECT_EQ(later.l4_protocol, 58);
  EXPECT_EQ(later.kind, net::PacketKind::later_fragment);
}

}  // namespace
}  // namespace rgw::nat
