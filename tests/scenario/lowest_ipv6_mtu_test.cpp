// How long what may be cut may be in IPv6 (siit.lowest_ipv6_mtu; RFC 7915 section 4), by NAT64 inbound, NAT46
// and a stateless map; on the short way and on the walk:
//   what_may_be_cut_is_cut_to_it, and what just fits is not; never longer than the link takes
//   what_may_not_be_cut_goes_by_the_link, also in what its sender is told
#include "scenario/support.hpp"
#include <gtest/gtest.h>

namespace rgw::test {
namespace {

constexpr unsigned inside = Gateway::inside, outside = Gateway::outside;
constexpr std::size_t v6_udp = sizeof(net::Ipv6Header) + sizeof(net::UdpHeader);

config::Realm realm_of(std::uint16_t lowest, std::uint16_t link) {
  return realm_with([&](config::Realm& realm) {
    for (auto& port : realm.ports) port.mtu = link;
    realm.outbound.addresses = {address("198.51.100.1"), address("2001:db8:100::1")};
    realm.nat64.prefix = net::Prefix::parse("fd64::/96");
    realm.nat46.proxies = net::Prefix::parse("100.64.0.0/16");
    realm.siit.prefix = net::Prefix::parse("2001:db8:23::/96");
    realm.siit.maps = {{*net::Prefix::parse("198.51.100.99/32"), *net::Prefix::parse("fd00:10::5/128")}};
    realm.siit.lowest_ipv6_mtu = lowest;
  });
}

struct Way {
  const char *name, *source, *destination;
  unsigned from;
};
constexpr Way ways[] = {
    {"NAT64", "203.0.113.7:80", "198.51.100.1:5000", outside},
    {"NAT46", "10.0.0.42:5000", "100.64.0.9:80", inside},
    {"SIIT", "203.0.113.7:80", "198.51.100.99:5000", outside},
};

struct Realm : Gateway {
  explicit Realm(std::uint16_t lowest, std::uint16_t link = 1500) : Gateway{realm_of(lowest, link)} {
    learn(inside, "fd00:10::5");
    learn(inside, "fd00:10::6");
    learn(outside, "2001:db8:100::fe");
    tell(ring::ProxyBind{address("100.64.0.9").v4(), address("2001:db8:9::9").v6(), clock().now() + 600s});
    EXPECT_TRUE(out(udp("[fd00:10::6]:5000", "[fd64::203.0.113.7]:80")));
    EXPECT_TRUE(out(udp("10.0.0.42:5000", "100.64.0.9:80")));
  }

  /// What becomes of a packet that is `length` bytes long as IPv6, by the short way or the walk.
  std::vector<Seen> pass(const Way& way, std::size_t length, bool df) {
    PacketBuilder packet = udp(way.source, way.destination).id(7).payload(length - v6_udp);
    if (df) packet.df();
    put(way.from, packet.ip());
    turn();
    return take_all(*this, way.from == inside ? outside : inside);
  }
};

class LowestIpv6Mtu : public testing::TestWithParam<Way> {};
INSTANTIATE_TEST_SUITE_P(by, LowestIpv6Mtu, testing::ValuesIn(ways),
                         [](const auto& of) { return std::string{of.param.name}; });

TEST_P(LowestIpv6Mtu, what_may_be_cut_is_cut_to_it) {
  struct Row {
    std::uint16_t lowest, link;
    std::size_t longest;
  };
  for (const auto& [lowest, link, longest] :
       {Row{1280, 1500, 1280}, Row{1400, 1500, 1400}, Row{9216, 1400, 1400}, Row{1500, 1500, 1500}}) {
    Realm gateway{lowest, link};
    const auto whole = gateway.pass(GetParam(), longest, false);
    ASSERT_EQ(whole.size(), 1U) << lowest;
    EXPECT_EQ(whole[0].bytes().size(), longest);
    EXPECT_EQ(whole[0].ipv6().next_header, 17);
    // No longer than the other port takes, where it comes from.
    if (longest + 8 - 20 > link) continue;
    const auto pieces = gateway.pass(GetParam(), longest + 8, false);
    ASSERT_EQ(pieces.size(), 2U) << lowest;
    EXPECT_LE(pieces[0].bytes().size(), longest);
    EXPECT_GT(pieces[0].bytes().size(), longest - 8) << "as long as it may be";
    const Seen packet{reassemble(pieces)};
    EXPECT_EQ(packet.bytes().size(), longest + 8);
    EXPECT_TRUE(packet.checksums_right());
  }
}

TEST_P(LowestIpv6Mtu, what_may_not_be_cut_goes_by_the_link) {
  Realm gateway{1300, 1400};
  const auto whole = gateway.pass(GetParam(), 1400, true);
  ASSERT_EQ(whole.size(), 1U);
  EXPECT_EQ(whole[0].bytes().size(), 1400U);
  EXPECT_TRUE(gateway.pass(GetParam(), 1401, true).empty());
  const auto error = gateway.take(GetParam().from);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->icmp().code, net::icmp4::code_fragmentation_needed);
  EXPECT_EQ(error->icmp().sequence.host(), 1380) << "20 bytes less than the link takes";
}

}  // namespace
}  // namespace rgw::test
