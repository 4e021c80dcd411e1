// The short way through the parser against the long one (OUT-8):
//   the_short_way_reads_a_plain_packet_as_the_long_one_does, of either family
//   what_is_not_plain_is_left_to_the_long_way
//   a_header_is_plain_only_with_its_right_checksum (RFC 791)
//   the_short_way_never_takes_what_the_long_one_refuses
#include "realmgw/base/random.hpp"
#include "realmgw/net/parse.hpp"

#include <string>
#include <vector>

#include "support/packet_builder.hpp"
#include <gtest/gtest.h>

namespace rgw::net {
namespace {

using test::Bytes;
using test::PacketBuilder;

// Room for what a packet may claim to be; the packet itself is at the front.
struct Buffer {
  explicit Buffer(Bytes packet) : size{packet.size()}, bytes{std::move(packet)} { bytes.resize(2048); }
  std::size_t size;
  Bytes bytes;
};

// The packets of a family: what its frames are called, and who speaks to whom.
template <class Address>
struct Of;
template <>
struct Of<Ipv4Address> {
  static constexpr EtherType type = EtherType::ipv4;
  static constexpr const char *host = "10.0.0.42", *remote = "203.0.113.7";
};
template <>
struct Of<Ipv6Address> {
  static constexpr EtherType type = EtherType::ipv6;
  static constexpr const char *host = "fd00:10::5", *remote = "2001:db8:9::9";
};

const HashSalt& salt() {
  static Random random{5};
  static const HashSalt salt{random};
  return salt;
}

template <class Address>
PlainPacket plain(const Buffer& buffer, Side side) {
  return parse_plain<Address>(buffer.bytes.data(), buffer.size, side, salt());
}
template <class Address>
Verdict any(Buffer& buffer, Side side, Packet& packet) {
  return parse(buffer.bytes.data(), buffer.size, Of<Address>::type, side, packet);
}

template <class Address>
void expect_same(const PlainPacket& a, const Packet& b) {
  EXPECT_EQ(b.kind, PacketKind::flow);
  EXPECT_FALSE(b.fragment);
  EXPECT_EQ(b.l4, sizeof(PlainHeader<Address>));
  EXPECT_EQ(a.length, b.length);
  const auto& key = b.key<Address>();
  EXPECT_EQ(a.ends, ends_of(key.near, key.far, salt()));
  EXPECT_EQ(a.tail, std::bit_cast<std::uint64_t>(key.tail));
  EXPECT_EQ(a.tcp_flags, key.tail.protocol == Protocol::tcp ? b.tcp_flags : 0);
}

template <class Address>
std::string at(const char* host, unsigned port) {
  return Endpoint{test::address(host), static_cast<std::uint16_t>(port)}.to_string();
}
// From a host to a remote.
template <class Address>
PacketBuilder packet(Protocol protocol, unsigned source_port, unsigned destination_port) {
  return {protocol, at<Address>(Of<Address>::host, source_port),
          at<Address>(Of<Address>::remote, destination_port)};
}

template <class Address>
std::vector<PacketBuilder> plain_packets() {
  const auto udp = [](unsigned from, unsigned to) { return packet<Address>(Protocol::udp, from, to); };
  const auto tcp = [] { return packet<Address>(Protocol::tcp, 1000, 443); };
  return {
      udp(1000, 53).payload(18),
      udp(65535, 1),
      udp(1000, 53).df().tos(0xb8).payload(1400),
      tcp().ack().payload(100),
      tcp().flags(TcpHeader::ack | TcpHeader::psh),
      tcp().ack().tcp_options({1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2}),
  };
}

template <class Address>
class ParsePlain : public testing::Test {};
using Families = testing::Types<Ipv4Address, Ipv6Address>;
TYPED_TEST_SUITE(ParsePlain, Families);

TYPED_TEST(ParsePlain, the_short_way_reads_a_plain_packet_as_the_long_one_does) {
  for (const auto& builder : plain_packets<TypeParam>()) {
    for (const Side side : {Side::inside, Side::outside}) {
      Buffer buffer{builder.ip()};
      const PlainPacket quick = plain<TypeParam>(buffer, side);
      Packet slow;
      ASSERT_TRUE(quick.is_plain());
      ASSERT_TRUE(any<TypeParam>(buffer, side, slow).passed());
      expect_same<TypeParam>(quick, slow);
    }
  }
}

TYPED_TEST(ParsePlain, what_is_not_plain_is_left_to_the_long_way) {
  const auto udp = [](unsigned from, unsigned to) { return packet<TypeParam>(Protocol::udp, from, to); };
  const auto tcp = [] { return packet<TypeParam>(Protocol::tcp, 1000, 443); };
  const std::vector<PacketBuilder> others{
      tcp().syn(),
      tcp().syn_ack(),
      tcp().fin(),
      tcp().rst(),
      tcp().flags(0),
      udp(0, 53),
      udp(1000, 0),
      packet<TypeParam>(Protocol::sctp, 1000, 53),
      test::ping(Of<TypeParam>::host, Of<TypeParam>::remote, 7),
  };
  for (const auto& builder : others) {
    Buffer buffer{builder.ip()};
    EXPECT_FALSE(plain<TypeParam>(buffer, Side::inside).is_plain());
  }
  for (const Bytes& fragment : udp(1000, 53).payload(100).fragments(64)) {
    Buffer buffer{fragment};
    EXPECT_FALSE(plain<TypeParam>(buffer, Side::inside).is_plain());
  }
}

TEST(ParsePlain4, options_are_left_to_the_long_way) {
  Buffer buffer{packet<Ipv4Address>(Protocol::udp, 1000, 53).ip_options({1, 1, 1, 0}).ip()};
  EXPECT_FALSE(plain<Ipv4Address>(buffer, Side::inside).is_plain());
}

// The sum that a header checksum completes, in both of its forms of zero.
TEST(ParsePlain4, a_header_is_plain_only_with_its_right_checksum) {
  Random random{7};
  for (int round = 0; round < 20'000; ++round) {
    Buffer buffer{
        packet<Ipv4Address>(Protocol::udp, 1000, 53).id(static_cast<std::uint16_t>(random.next())).ip()};
    auto& ip = header<Ipv4Header>(buffer.bytes.data());
    ASSERT_TRUE(plain<Ipv4Address>(buffer, Side::inside).is_plain());
    const be16 right = ip.checksum;
    ip.checksum = be16{static_cast<std::uint16_t>(random.next())};
    ASSERT_EQ(plain<Ipv4Address>(buffer, Side::inside).is_plain(), ip.checksum == right);
  }
}

// Every truncation, and single bytes at random; the header checksum is put right again in every other case,
// else nothing but the checksum would be tried.
TYPED_TEST(ParsePlain, the_short_way_never_takes_what_the_long_one_refuses) {
  Random random{1};
  std::size_t taken = 0, refused = 0;
  for (const auto& builder : plain_packets<TypeParam>()) {
    const Bytes good = builder.ip();
    for (std::size_t size = 0; size <= good.size(); ++size) {
      Buffer buffer{good};
      buffer.size = size;
      Packet slow;
      if (plain<TypeParam>(buffer, Side::inside).is_plain()) {
        ASSERT_TRUE(any<TypeParam>(buffer, Side::inside, slow).passed()) << size;
        ASSERT_EQ(size, good.size());
      }
    }
    for (int round = 0; round < 20'000; ++round) {
      Buffer buffer{good};
      const std::size_t at = random.below(60);
      buffer.bytes[at] = static_cast<std::uint8_t>(random.below(256));
      if (TypeParam::family == Family::v4 && round % 2 == 0) {
        auto& ip = header<Ipv4Header>(buffer.bytes.data());
        ip.checksum = be16{};
        ip.checksum = ChecksumSum{}.add(buffer.bytes.data(), sizeof ip).checksum();
      }
      const PlainPacket quick = plain<TypeParam>(buffer, Side::outside);
      Packet slow;
      if (!quick.is_plain()) {
        ++refused;
        continue;
      }
      ++taken;
      ASSERT_TRUE(any<TypeParam>(buffer, Side::outside, slow).passed())
          << "byte " << at << " is " << int{buffer.bytes[at]};
      expect_same<TypeParam>(quick, slow);
    }
  }
  EXPECT_GT(taken, 1000U);
  EXPECT_GT(refused, 1000U);
}

}  // namespace
}  // namespace rgw::net
