// Protocols, services and endpoints:
//   protocols_are_known_by_name_and_others_by_number
//   services_overlap_where_one_packet_fits_both (POOL-3)
//   a_service_covers_what_is_narrower (POOL-10)
//   an_endpoint_is_an_address_and_a_port_with_brackets_for_ipv6
#include "realmgw/net/transport.hpp"

#include <array>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

namespace rgw::net {
namespace {

TEST(Protocol, protocols_are_known_by_name_and_others_by_number) {
  for (const auto& [name, protocol] : {std::pair{"tcp", Protocol::tcp},
                                       {"udp", Protocol::udp},
                                       {"icmp", Protocol::icmp},
                                       {"sctp", Protocol::sctp}}) {
    EXPECT_EQ(parse_protocol(name), protocol);
    EXPECT_EQ(to_string(protocol), name);
  }
  EXPECT_EQ(to_string(Protocol::icmp6), "icmp");
  EXPECT_EQ(to_string(Protocol::any), "any");
  EXPECT_EQ(to_string(static_cast<Protocol>(47)), "47");
  for (const auto* wrong : {"", "TCP", "tcp ", "6", "any", "icmp6"})
    EXPECT_EQ(parse_protocol(wrong), std::nullopt);
}

// All shapes that a reservation can have.
constexpr std::array services{Service{},
                              Service{Protocol::tcp, 0},
                              Service{Protocol::tcp, 22},
                              Service{Protocol::tcp, 80},
                              Service{Protocol::udp, 0},
                              Service{Protocol::udp, 22},
                              Service{Protocol::icmp, 0}};
// All packets that tell them apart.
constexpr std::array packets{Service{Protocol::tcp, 22}, Service{Protocol::tcp, 80},
                             Service{Protocol::tcp, 9},  Service{Protocol::udp, 22},
                             Service{Protocol::udp, 9},  Service{Protocol::icmp, 1},
                             Service{Protocol::sctp, 1}};

constexpr bool fits(const Service& service, const Service& packet) {
  return service.protocol == Protocol::any ||
         (service.protocol == packet.protocol && (service.port == 0 || service.port == packet.port));
}

TEST(Service, services_overlap_where_one_packet_fits_both) {
  for (const auto& a : services) {
    for (const auto& b : services) {
      bool both = false;
      for (const auto& packet : packets) both |= fits(a, packet) && fits(b, packet);
      EXPECT_EQ(a.overlaps(b), both) << to_string(a.protocol) << a.port << " " << to_string(b.protocol)
                                     << b.port;
    }
  }
}

TEST(Service, a_service_covers_what_is_narrower) {
  for (const auto& a : services) {
    for (const auto& b : services) {
      bool all = true;
      for (const auto& packet : packets) all &= !fits(b, packet) || fits(a, packet);
      EXPECT_EQ(a.covers(b), all) << to_string(a.protocol) << a.port << " " << to_string(b.protocol)
                                  << b.port;
    }
  }
}

TEST(Endpoint, an_endpoint_is_an_address_and_a_port_with_brackets_for_ipv6) {
  for (const auto* text : {"192.0.2.1:53", "[2001:db8::1]:443", "0.0.0.0:0", "[::]:65535"}) {
    const auto endpoint = Endpoint::parse(text);
    ASSERT_TRUE(endpoint) << text;
    EXPECT_EQ(endpoint->to_string(), text);
  }
  EXPECT_EQ(Endpoint::parse("192.0.2.1:53")->port, 53);
  for (const auto* wrong :
       {"", ":", "192.0.2.1", "192.0.2.1:", ":53", "192.0.2.1:65536", "192.0.2.1:-1", "192.0.2.1:53 ",
        "2001:db8::1:53", "[192.0.2.1]:53", "[2001:db8::1]", "[2001:db8::1]53", "[]:53", "hosta:22"}) {
    EXPECT_EQ(Endpoint::parse(wrong), std::nullopt) << wrong;
  }
}

}  // namespace
}  // namespace rgw::net
