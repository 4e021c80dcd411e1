// From one family to the other where a link is smaller than the packet:
// - an IPv4 link below 1260 bytes (RFC 7915 section 5, RFC 8201 section 4): IPv6 packets up to 1280 bytes are
// cut for it, longer
//   ones are told 1280 and no less; fragments are cut, also an atomic one
// - an ICMP error is judged by the length that it has once its quote is cut (RFC 4443 section 2.4(c), RFC
// 1812 section 4.3.2.3)
#include "scenario/support.hpp"
#include <gtest/gtest.h>

namespace rgw::test {
namespace {

constexpr unsigned inside = Gateway::inside, outside = Gateway::outside;
constexpr std::size_t v6_udp = sizeof(net::Ipv6Header) + sizeof(net::UdpHeader);

config::Realm realm_of(std::uint16_t ipv6_link, std::uint16_t ipv4_link, bool ipv4_inside) {
  return realm_with([&](config::Realm& realm) {
    realm.ports[ipv4_inside ? inside : outside].mtu = ipv4_link;
    realm.ports[ipv4_inside ? outside : inside].mtu = ipv6_link;
    realm.outbound.addresses = {address("198.51.100.1"), address("2001:db8:100::1")};
    realm.nat64.prefix = net::Prefix::parse("fd64::/96");
    realm.nat46.proxies = net::Prefix::parse("100.64.0.0/16");
    realm.siit.prefix = net::Prefix::parse("2001:db8:23::/96");
    realm.siit.maps = {{*net::Prefix::parse("198.51.100.99/32"), *net::Prefix::parse("fd00:10::5/128")}};
  });
}

// Two ends as each family calls them.
struct Way {
  const char *name, *source6, *destination6, *source4, *destination4;
  bool ipv4_inside;
};
constexpr Way ways[] = {
    {"SIIT", "[fd00:10::5]:5000", "[2001:db8:23::cb00:7107]:80", "198.51.100.99:5000", "203.0.113.7:80",
     false},
    {"NAT64", "[fd00:10::6]:5000", "[fd64::cb00:7107]:80", "198.51.100.1:5000", "203.0.113.7:80", false},
    {"NAT46", "[2001:db8:9::9]:80", "[2001:db8:100::1]:5000", "100.64.0.9:80", "10.0.0.42:5000", true},
};

struct Realm : Gateway {
  Realm(const Way& the_way, std::uint16_t ipv6_link, std::uint16_t ipv4_link)
      : Gateway{realm_of(ipv6_link, ipv4_link, the_way.ipv4_inside)}, way{the_way} {
    learn(inside, "fd00:10::5");
    learn(inside, "fd00:10::6");
    learn(outside, "2001:db8:100::fe");
    tell(ring::ProxyBind{address("100.64.0.9").v4(), address("2001:db8:9::9").v6(), clock().now() + 600s});
    EXPECT_TRUE(out(udp("[fd00:10::6]:5000", "[fd64::203.0.113.7]:80")));
    EXPECT_TRUE(out(udp("10.0.0.42:5000", "100.64.0.9:80")));
  }
  [[nodiscard]] unsigned port6() const { return way.ipv4_inside ? outside : inside; }
  [[nodiscard]] unsigned port4() const { return way.ipv4_inside ? inside : outside; }
  [[nodiscard]] PacketBuilder packet6() const { return udp(way.source6, way.destination6); }
  [[nodiscard]] PacketBuilder packet4() const { return udp(way.destination4, way.source4); }

  std::vector<Seen> to_ipv4(const Bytes& packet) {
    put(port6(), packet);
    turn();
    return take_all(*this, port4());
  }
  std::vector<Seen> to_ipv6(const Bytes& packet) {
    put(port4(), packet);
    turn();
    return take_all(*this, port6());
  }
  const Way way;
};

class SmallLinks : public testing::TestWithParam<Way> {};
INSTANTIATE_TEST_SUITE_P(by, SmallLinks, testing::ValuesIn(ways),
                         [](const auto& of) { return std::string{of.param.name}; });

void expect_cut(const std::vector<Seen>& pieces, std::size_t mtu, std::size_t length) {
  ASSERT_GT(pieces.size(), 1U);
  for (const Seen& piece : pieces) {
    EXPECT_LE(piece.bytes().size(), mtu);
    EXPECT_FALSE(piece.ipv4().df());
    EXPECT_EQ(piece.ipv4().identification, pieces[0].ipv4().identification);
  }
  const Bytes whole = reassemble(pieces);
  ASSERT_EQ(whole.size(), length);
  EXPECT_TRUE(Seen{whole}.checksums_right());
}

TEST_P(SmallLinks, packets_up_to_1280_bytes_are_cut_for_ipv4) {  // RFC 7915 sections 1.4 and 5
  for (const std::uint16_t mtu : {std::uint16_t{576}, std::uint16_t{1000}, std::uint16_t{1259}}) {
    Realm gateway{GetParam(), 1500, mtu};
    const auto whole = gateway.to_ipv4(gateway.packet6().payload(mtu + 20 - v6_udp).ip());
    ASSERT_EQ(whole.size(), 1U) << mtu;
    EXPECT_EQ(whole[0].bytes().size(), mtu);
    for (const std::size_t length : {std::size_t{mtu} + 21, std::size_t{1280}})
      expect_cut(gateway.to_ipv4(gateway.packet6().payload(length - v6_udp).ip()), mtu, length - 20);
    EXPECT_FALSE(gateway.take(gateway.port6())) << "nobody is told";
    EXPECT_EQ(gateway.count(Counter::packet_too_big), 0U);
  }
}

TEST_P(SmallLinks, longer_ones_are_told_1280_and_no_less) {  // RFC 8201 section 4
  for (const auto& [mtu, told] :
       {std::pair{576, 1280}, {1000, 1280}, {1259, 1280}, {1260, 1280}, {1261, 1281}, {1400, 1420}}) {
    Realm gateway{GetParam(), 1500, static_cast<std::uint16_t>(mtu)};
    const auto fits =
        gateway.to_ipv4(gateway.packet6().payload(static_cast<std::size_t>(told) - v6_udp).ip());
    EXPECT_FALSE(fits.empty()) << mtu << ": what is told passes";
    EXPECT_TRUE(
        gateway.to_ipv4(gateway.packet6().payload(static_cast<std::size_t>(told) + 1 - v6_udp).ip()).empty());
    const auto error = gateway.take(gateway.port6());
    ASSERT_TRUE(error) << mtu;
    EXPECT_EQ(error->icmp().type, net::icmp6::packet_too_big);
    EXPECT_EQ(error->icmp().sequence.host(), told);
    EXPECT_TRUE(error->checksums_right());
    EXPECT_EQ(gateway.count(Counter::packet_too_big), 1U);
  }
}

TEST_P(SmallLinks, fragments_are_cut_however_long) {  // RFC 7915 section 5.1.1: DF is clear
  Realm gateway{GetParam(), 1500, 1000};
  std::vector<Seen> pieces;
  for (const Bytes& fragment : gateway.packet6().payload(2800).fragments(1448)) {
    for (Seen& piece : gateway.to_ipv4(fragment)) pieces.push_back(std::move(piece));
  }
  expect_cut(pieces, 1000, 28 + 2800);
  const auto atomic = gateway.packet6().payload(1400).fragments(1448);
  ASSERT_EQ(atomic.size(), 1U);
  expect_cut(gateway.to_ipv4(atomic[0]), 1000, 28 + 1400);
  EXPECT_EQ(gateway.count(Counter::packet_too_big), 0U);
}

TEST_P(SmallLinks, an_ipv6_error_is_judged_by_what_is_left_of_it) {  // RFC 1812 section 4.3.2.3
  const bool out = !GetParam().ipv4_inside;
  for (const std::uint16_t mtu : {std::uint16_t{576}, std::uint16_t{1000}, std::uint16_t{1500}}) {
    Realm gateway{GetParam(), 1500, mtu};
    // Long as what it quotes may be on the other link, this one has let it through.
    Bytes quoted = udp(GetParam().destination6, GetParam().source6).payload(1300).ip();
    for (const std::size_t size : {std::size_t{100}, std::size_t{600}, std::size_t{1232}}) {
      const auto error =
          gateway.to_ipv4(icmp_error(address(GetParam().source6).to_string(),
                                     address(GetParam().destination6).to_string(), 1, 4, cut(quoted, size))
                              .ip());
      ASSERT_EQ(error.size(), 1U) << mtu << " " << size << (out ? " out" : " in");
      EXPECT_EQ(error[0].bytes().size(), std::min<std::size_t>(20 + 8 + size - 20, 576));
      EXPECT_EQ(error[0].icmp().type, net::icmp4::unreachable);
      EXPECT_TRUE(error[0].checksums_right());
    }
    EXPECT_EQ(gateway.count(Counter::packet_too_big), 0U);
  }
}

TEST_P(SmallLinks, an_ipv4_error_is_judged_by_what_is_left_of_it) {  // RFC 4443 section 2.4(c)
  for (const std::uint16_t mtu : {std::uint16_t{1280}, std::uint16_t{1500}}) {
    for (const auto& [code, word] : {std::pair<std::uint8_t, std::uint16_t>{3, 0}, {4, 1400}}) {
      Realm gateway{GetParam(), mtu, 1500};
      const Bytes quoted = udp(GetParam().source4, GetParam().destination4).payload(1472 - 28).ip();
      for (const std::size_t size : {1200U, 1213U, 1232U, 1233U, 1260U, 1452U, 1453U, 1472U}) {
        const auto sent =
            icmp_error(address(GetParam().destination4).to_string(), address(GetParam().source4).to_string(),
                       3, code, cut(quoted, size), word)
                .df()
                .ip();
        const auto error = gateway.to_ipv6(sent);
        ASSERT_EQ(error.size(), 1U) << mtu << " " << sent.size();
        EXPECT_EQ(error[0].bytes().size(), std::min<std::size_t>(40 + 8 + size + 20, 1280));
        EXPECT_EQ(error[0].icmp().type, code == 4 ? net::icmp6::packet_too_big : net::icmp6::unreachable);
        EXPECT_TRUE(error[0].checksums_right());
      }
      EXPECT_EQ(gateway.count(Counter::packet_too_big), 0U);
    }
  }
}

}  // namespace
}  // namespace rgw::test
