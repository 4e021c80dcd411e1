// libpcap's language decides which packets are seen (OPS-5).
#include "realmgw/capture/packet_filter.hpp"

#include <stdexcept>

#include "unit/capture/support.hpp"
#include <gtest/gtest.h>

namespace rgw::capture {
namespace {

using test::packet;
using test::udp_frame;

bool matches(const char* expression, std::uint16_t port = 53) {
  return PacketFilter{expression}.matches(*packet(udp_frame(port)));
}

TEST(PacketFilterTest, an_expression_matches_what_tcpdump_would_match) {
  for (const char* right : {"", " ", "udp", "host 10.0.0.42 and not tcp", "src net 10.0.0.0/8", "dst port 53",
                            "ether host 02:00:00:00:00:01", "len <= 42", "ip[8] = 64", "udp[2:2] = 53"})
    EXPECT_TRUE(matches(right)) << right;
  for (const char* wrong :
       {"tcp", "host 10.0.0.43", "port 54", "ip6", "vlan", "len > 42", "tcp[13] & 2 != 0"})
    EXPECT_FALSE(matches(wrong)) << wrong;
}

TEST(PacketFilterTest, a_packet_shorter_than_what_is_asked_for_does_not_match) {
  const PacketFilter filter{"udp port 53"};
  for (std::size_t size = 14; size < 42; ++size) {
    auto frame = udp_frame(53);
    frame.resize(size);
    EXPECT_EQ(filter.matches(*packet(frame)), size >= 38) << size;
  }
}

TEST(PacketFilterTest, what_is_no_expression_is_refused_with_libpcaps_reason) {
  for (const char* wrong : {"prot 53", "host", "host 10.0.0.300", "((udp)", "port ssssh", "\x01\xff"})
    EXPECT_THROW(PacketFilter{wrong}, std::invalid_argument) << wrong;
  try {
    PacketFilter{"udp and and"};
    FAIL();
  } catch (const std::invalid_argument& error) {
    EXPECT_NE(std::string{error.what()}.find("syntax error"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace rgw::capture
