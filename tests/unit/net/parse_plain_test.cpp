// The short way through the parser against the long one (OUT-8):
//   the_short_way_reads_a_plain_packet_as_the_long_one_does
//   what_is_not_plain_is_left_to_the_long_way
//   the_short_way_never_takes_what_the_long_one_refuses
#include "realmgw/base/random.hpp"
#include "realmgw/net/parse.hpp"

#include <vector>

#include "support/packet_builder.hpp"
#include <gtest/gtest.h>

namespace rgw::net {
namespace {

using test::Bytes;
using test::PacketBuilder;
using test::tcp;
using test::udp;

// Room for what a packet may claim to be; the packet itself is at the front.
struct Buffer {
  explicit Buffer(Bytes packet) : size{packet.size()}, bytes{std::move(packet)} { bytes.resize(2048); }
  std::size_t size;
  Bytes bytes;
};

PlainPacket plain(const Buffer& buffer, Side side) {
  return parse_plain(buffer.bytes.data(), buffer.size, side);
}
Verdict any(Buffer& buffer, Side side, Packet& packet) {
  return parse(buffer.bytes.data(), buffer.size, EtherType::ipv4, side, packet);
}

void expect_same(const PlainPacket& a, const Packet& b) {
  EXPECT_EQ(b.kind, PacketKind::flow);
  EXPECT_FALSE(b.fragment);
  EXPECT_EQ(b.l4, sizeof(Ipv4Header));
  EXPECT_EQ(a.length, b.length);
  EXPECT_EQ(a.key(), b.key4);
  EXPECT_EQ(a.tcp_flags, b.key4.tail.protocol == Protocol::tcp ? b.tcp_flags : 0);
}

const std::vector<PacketBuilder> plain_packets{
    udp("10.0.0.42:1000", "203.0.113.7:53").payload(18),
    udp("10.0.0.42:65535", "203.0.113.7:1"),
    udp("10.0.0.42:1000", "203.0.113.7:53").df().tos(0xb8).payload(1400),
    tcp("10.0.0.42:1000", "203.0.113.7:443").ack().payload(100),
    tcp("10.0.0.42:1000", "203.0.113.7:443").flags(TcpHeader::ack | TcpHeader::psh),
    tcp("10.0.0.42:1000", "203.0.113.7:443").ack().tcp_options({1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2}),
};

TEST(ParsePlain, the_short_way_reads_a_plain_packet_as_the_long_one_does) {
  for (const auto& builder : plain_packets) {
    for (const Side side : {Side::inside, Side::outside}) {
      Buffer buffer{builder.ip()};
      const PlainPacket quick = plain(buffer, side);
      Packet slow;
      ASSERT_TRUE(quick.is_plain());
      ASSERT_TRUE(any(buffer, side, slow).passed());
      expect_same(quick, slow);
    }
  }
}

TEST(ParsePlain, what_is_not_plain_is_left_to_the_long_way) {
  const std::vector<PacketBuilder> others{
      tcp("10.0.0.42:1000", "203.0.113.7:443").syn(),
      tcp("10.0.0.42:1000", "203.0.113.7:443").syn_ack(),
      tcp("10.0.0.42:1000", "203.0.113.7:443").fin(),
      tcp("10.0.0.42:1000", "203.0.113.7:443").rst(),
      tcp("10.0.0.42:1000", "203.0.113.7:443").flags(0),
      udp("10.0.0.42:1000", "203.0.113.7:53").ip_options({1, 1, 1, 0}),
      udp("10.0.0.42:0", "203.0.113.7:53"),
      udp("10.0.0.42:1000", "203.0.113.7:0"),
      test::sctp("10.0.0.42:1000", "203.0.113.7:53"),
      test::ping("10.0.0.42", "203.0.113.7", 7),
  };
  for (const auto& builder : others) {
    Buffer buffer{builder.ip()};
    EXPECT_FALSE(plain(buffer, Side::inside).is_plain());
  }
  for (const Bytes& fragment : udp("10.0.0.42:1000", "203.0.113.7:53").payload(100).fragments(64)) {
    Buffer buffer{fragment};
    EXPECT_FALSE(plain(buffer, Side::inside).is_plain());
  }
}

// Every truncation, and single bytes at random; the header checksum is put right again in every other case,
// else nothing but the checksum would be tried.
TEST(ParsePlain, the_short_way_never_takes_what_the_long_one_refuses) {
  Random random{1};
  std::size_t taken = 0, refused = 0;
  for (const auto& builder : plain_packets) {
    const Bytes good = builder.ip();
    for (std::size_t size = 0; size <= good.size(); ++size) {
      Buffer buffer{good};
      buffer.size = size;
      Packet slow;
      if (plain(buffer, Side::inside).is_plain()) {
        ASSERT_TRUE(any(buffer, Side::inside, slow).passed()) << size;
        ASSERT_EQ(size, good.size());
      }
    }
    for (int round = 0; round < 20'000; ++round) {
      Buffer buffer{good};
      const std::size_t at = random.below(40);
      buffer.bytes[at] = static_cast<std::uint8_t>(random.below(256));
      if (round % 2 == 0) {
        auto& ip = header<Ipv4Header>(buffer.bytes.data());
        ip.checksum = be16{};
        ip.checksum = ChecksumSum{}.add(buffer.bytes.data(), sizeof ip).checksum();
      }
      const PlainPacket quick = plain(buffer, Side::outside);
      Packet slow;
      if (!quick.is_plain()) {
        ++refused;
        continue;
      }
      ++taken;
      ASSERT_TRUE(any(buffer, Side::outside, slow).passed())
          << "byte " << at << " is " << int{buffer.bytes[at]};
      expect_same(quick, slow);
    }
  }
  EXPECT_GT(taken, 1000U);
  EXPECT_GT(refused, 1000U);
}

}  // namespace
}  // namespace rgw::net
