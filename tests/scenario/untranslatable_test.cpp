// What cannot go to the other family, by a map or by a session, is dropped, and its sender is told that it is
// prohibited (RFC 7915 sections 4.4 and 5.4): ICMPv4 3/13, ICMPv6 1/1
//   a source that no map knows, from either family; headers behind a fragment header; UDP without a checksum
//   in fragments; a prefix that does not stand for the destination, a proxy without a remote the sender sees
//   his own packet; in silence go errors, later fragments, what RFC 7915 has dropped in silence, and all
//   where the realm file says so; by rate
#include "scenario/support.hpp"
#include <gtest/gtest.h>

namespace rgw::test {
namespace {

constexpr unsigned inside = Gateway::inside, outside = Gateway::outside;

config::Realm realm_of(bool maps, const char* prefix = "2001:db8:23::/96") {
  return realm_with([&](config::Realm& realm) {
    if (!maps) {
      realm.nat64.prefix = net::Prefix::parse(prefix);
      realm.nat46.proxies = net::Prefix::parse("100.64.0.0/16");
      return;
    }
    realm.siit.prefix = net::Prefix::parse(prefix);
    realm.siit.maps = {{*net::Prefix::parse("198.51.100.1/32"), *net::Prefix::parse("fd00:10::5/128")}};
    // The map's address, so not the gateway's.
    realm.ports[outside].addresses = {*net::InterfaceAddress::parse("198.51.100.2/24")};
    realm.outbound.addresses = {address("198.51.100.2")};
  });
}

// The IPv6 packet with a header of this type and 8 bytes at `at`, where `next` told of what now follows it.
Bytes extended(Bytes packet, std::uint8_t type, std::size_t at, std::size_t next) {
  const Bytes extension{packet[next], 0, 1, 4, 0, 0, 0, 0};
  packet[next] = type;
  packet.insert(packet.begin() + static_cast<std::ptrdiff_t>(at), extension.begin(), extension.end());
  net::header<net::Ipv6Header>(packet.data()).payload_length =
      be16{static_cast<std::uint16_t>(packet.size() - 40)};
  return packet;
}

struct Realm : Gateway {
  explicit Realm(config::Realm realm) : Gateway{std::move(realm)} {
    learn(inside, "fd00:10::5");
    learn(inside, "fd00:10::6");
  }
  /// What its sender hears about a packet that goes nowhere.
  std::optional<Seen> told(unsigned from, const Bytes& packet) {
    put(from, packet);
    turn();
    EXPECT_FALSE(take(from == inside ? outside : inside));
    return take(from);
  }
};

void expect_prohibited(const std::optional<Seen>& error, const Bytes& sent) {
  ASSERT_TRUE(error);
  EXPECT_TRUE(error->checksums_right());
  EXPECT_EQ(error->icmp().type, error->v4() ? net::icmp4::unreachable : net::icmp6::unreachable);
  EXPECT_EQ(error->icmp().code, error->v4() ? 13 : 1);
  EXPECT_EQ(error->destination(), Seen{sent}.source());
  EXPECT_EQ(error->inner().bytes(), cut(sent, error->inner().bytes().size())) << "as its sender sent it";
}

class Untranslatable : public testing::TestWithParam<bool> {
 protected:
  Realm gateway{realm_of(GetParam())};
};
INSTANTIATE_TEST_SUITE_P(by, Untranslatable, testing::Values(true, false),
                         [](const auto& of) { return std::string{of.param ? "map" : "session"}; });

TEST_P(Untranslatable, headers_behind_a_fragment_header_are_told) {  // RFC 7915 section 5.1.1
  const Bytes fragment =
      udp("[fd00:10::5]:5000", "[2001:db8:23::203.0.113.7]:80").payload(40).fragments(1232)[0];
  const Bytes options = extended(fragment, 60, 48, 40);
  expect_prohibited(gateway.told(inside, options), options);
  EXPECT_EQ(gateway.count(Counter::translate_fragment_options), 1U);
  const Bytes hop_by_hop = extended(fragment, 0, 48, 40);
  expect_prohibited(gateway.told(inside, hop_by_hop), hop_by_hop);
  EXPECT_EQ(gateway.count(Counter::parse_extension_headers), 1U);
  EXPECT_EQ(gateway.count(Counter::icmp_error_sent), 2U);
}

TEST_P(Untranslatable, fragmented_udp_without_a_checksum_is_told_once) {  // RFC 7915 section 4.5
  ASSERT_TRUE(gateway.out(udp("[fd00:10::5]:5000", "[2001:db8:23::203.0.113.7]:80").payload(4)));
  const auto fragments =
      udp("203.0.113.7:80", "198.51.100.1:5000").id(3).no_udp_checksum().payload(1600).fragments(800);
  expect_prohibited(gateway.told(outside, fragments[0]), fragments[0]);
  EXPECT_EQ(gateway.count(Counter::translate_udp_checksum), 1U);
  gateway.put(outside, fragments[1]);
  gateway.turn();
  EXPECT_FALSE(gateway.take(outside));
}

TEST_P(Untranslatable, icmp_is_told_of_as_long_as_it_is_no_error) {
  const Bytes echo = ping("fd00:10::5", "2001:db8:23::203.0.113.7", 7).payload(40).fragments(1232)[0];
  const Bytes sent = extended(echo, 60, 48, 40);
  expect_prohibited(gateway.told(inside, sent), sent);
  const Bytes quoted = udp("[2001:db8:23::203.0.113.7]:80", "[fd00:10::5]:5000").payload(40).ip();
  const Bytes error = icmp_error("fd00:10::5", "2001:db8:23::203.0.113.7", 1, 4, quoted).fragments(1232)[0];
  EXPECT_FALSE(gateway.told(inside, extended(error, 60, 48, 40)));
  EXPECT_FALSE(gateway.told(inside, extended(error, 0, 48, 40)));
}

TEST_P(Untranslatable, in_silence_by_choice) {
  config::Realm realm = realm_of(GetParam());
  realm.siit.untranslatable = config::Siit::Untranslatable::drop;
  Realm silent{realm};
  const Bytes fragment =
      udp("[fd00:10::5]:5000", "[2001:db8:23::203.0.113.7]:80").payload(40).fragments(1232)[0];
  EXPECT_FALSE(silent.told(inside, extended(fragment, 60, 48, 40)));
  EXPECT_EQ(silent.count(Counter::translate_fragment_options), 1U);
  EXPECT_EQ(silent.count(Counter::icmp_error_sent), 0U);
}

TEST_P(Untranslatable, whose_class_stays_at_home_sees_it_all_the_same) {
  config::Realm realm = realm_of(GetParam());
  realm.siit.traffic_class = config::Siit::TrafficClass::ignore;
  Realm forgetful{realm};
  const auto packet = udp("[fd00:10::5]:5000", "[2001:db8:23::203.0.113.7]:80").tos(0x28).payload(40);
  const Bytes sent = extended(packet.fragments(1232)[0], 60, 48, 40);
  expect_prohibited(forgetful.told(inside, sent), sent);
  const auto out = forgetful.out(PacketBuilder{packet});
  ASSERT_TRUE(out);
  EXPECT_EQ(out->ipv4().tos, 0);
  EXPECT_TRUE(out->checksums_right());
}

TEST(UntranslatableSource, of_an_ipv6_host_without_a_map_is_told) {  // RFC 7915 section 6
  Realm gateway{realm_of(true)};
  const Bytes sent = udp("[fd00:10::6]:5000", "[2001:db8:23::203.0.113.7]:80").payload(40).ip();
  const auto error = gateway.told(inside, sent);
  expect_prohibited(error, sent);
  EXPECT_EQ(error->source(), address("fd00:10::1"));
  EXPECT_EQ(gateway.count(Counter::map_source_unmapped), 1U);
  const Bytes in = udp("[fd00:10::6]:5000", "[2001:db8:23::203.0.113.7]:80").payload(1400).fragments(800)[1];
  EXPECT_FALSE(gateway.told(inside, in)) << "a later fragment";
}

TEST(UntranslatableSource, of_an_ipv4_host_without_a_map_is_told_where_there_is_no_prefix) {
  config::Realm realm = realm_of(true);
  realm.siit.prefix.reset();
  Realm gateway{realm};
  const Bytes sent = udp("203.0.113.7:80", "198.51.100.1:5000").payload(40).ip();
  const auto error = gateway.told(outside, sent);
  expect_prohibited(error, sent);
  EXPECT_EQ(error->source(), address("198.51.100.2"));
  EXPECT_EQ(gateway.count(Counter::map_source_unmapped), 1U);
}

TEST(UntranslatableDestination,
     for_which_nothing_stands_is_told) {  // RFC 6052 section 3.1, RFC 1812 section 5.3.7
  Realm gateway{realm_of(false, "64:ff9b::/96")};
  const Bytes private_address = udp("[fd00:10::5]:5000", "[64:ff9b::10.1.2.3]:80").payload(40).ip();
  expect_prohibited(gateway.told(inside, private_address), private_address);
  const Bytes no_proxy = udp("10.0.0.42:5000", "100.64.0.77:80").payload(40).ip();
  expect_prohibited(gateway.told(inside, no_proxy), no_proxy);
  EXPECT_EQ(gateway.count(Counter::not_represented), 1U);
  EXPECT_EQ(gateway.count(Counter::no_translation), 1U);
  Realm by_map{realm_of(true)};
  const Bytes nobody = udp("[fd00:10::5]:5000", "[2001:db8:23::127.0.0.1]:80").payload(40).ip();
  EXPECT_FALSE(by_map.told(inside, nobody)) << "no host has it";
  EXPECT_EQ(by_map.count(Counter::martian_destination), 1U);
  EXPECT_FALSE(by_map.told(inside, udp("10.0.0.42:5000", "240.0.0.1:80").payload(40).ip()))
      << "within a family";
}

TEST(UntranslatableSilence, is_what_rfc_7915_asks_for) {  // sections 4.1, 4.2 and 5.2
  Realm gateway{realm_of(true)};
  EXPECT_FALSE(
      gateway.told(outside, PacketBuilder{net::Protocol{2}, "203.0.113.7", "198.51.100.1"}.payload(8).ip()));
  EXPECT_FALSE(gateway.told(
      outside, PacketBuilder{net::Protocol::icmp, "203.0.113.7", "198.51.100.1"}.icmp(13).payload(12).ip()));
  EXPECT_FALSE(gateway.told(outside, udp("127.0.0.1:80", "198.51.100.1:5000").payload(8).ip()));
  EXPECT_EQ(gateway.count(Counter::icmp_error_sent), 0U);
}

TEST(UntranslatableRate, is_that_of_all_errors) {
  Realm gateway{realm_of(true)};
  const Bytes sent = udp("[fd00:10::6]:5000", "[2001:db8:23::203.0.113.7]:80").payload(40).ip();
  for (unsigned i = 0; i < 300; ++i) gateway.put(inside, sent);
  gateway.turn();
  EXPECT_EQ(gateway.count(Counter::map_source_unmapped), 300U);
  EXPECT_EQ(take_all(gateway, inside).size(), 100U);
  EXPECT_EQ(gateway.count(Counter::icmp_rate_limited), 200U);
}

}  // namespace
}  // namespace rgw::test
