// Packets as the tables and the rewriting see them: built, and parsed.
#pragma once

#include "realmgw/net/parse.hpp"

#include "support/packet_builder.hpp"
#include <gtest/gtest.h>

namespace rgw::test {

/// A packet with its bytes. Not moved: the one points into the other.
struct Parsed {
  Parsed(Bytes ip, net::Side side) : bytes{std::move(ip)} {
    const auto type = bytes[0] >> 4 == 6 ? net::EtherType::ipv6 : net::EtherType::ipv4;
    EXPECT_TRUE(net::parse(bytes.data(), bytes.size(), type, side, packet).passed());
  }
  Parsed(const Parsed&) = delete;
  Parsed& operator=(const Parsed&) = delete;

  Bytes bytes;
  net::Packet packet;
};
struct FromInside : Parsed {
  explicit FromInside(const PacketBuilder& builder) : Parsed{builder.ip(), net::Side::inside} {}
};
struct FromOutside : Parsed {
  explicit FromOutside(const PacketBuilder& builder) : Parsed{builder.ip(), net::Side::outside} {}
};

}  // namespace rgw::test
