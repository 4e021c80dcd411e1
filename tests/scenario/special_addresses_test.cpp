// Addresses with a special purpose, and packets that a translator must not make (net/special_addresses.hpp),
// on every way: sessions of each family pair from either side, maps by prefix and by row, NPTv6,
// untranslated, proxies of DNS46, ICMP errors and what they quote.
//
// - what no router forwards stays here, as source and as destination, with one and four workers
// - the gateway itself is reached from a link-local address
// - the well-known prefix never shows an address that is not global; an error's router then has the gateway's
// - an ICMPv4 error becomes an ICMPv6 one whatever its source
// - a router without an IPv4 address is not taken for the remote
// - what is for one host is nobody's in a frame to all
// - protocol numbers that are extension headers in IPv6 do not cross
#include "scenario/every_way.hpp"
#include <gtest/gtest.h>

namespace rgw::test {
namespace {

class SpecialAddresses : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(on, SpecialAddresses, testing::Values(1U, 4U), workers_name);

constexpr const char* nobodys4[] = {"0.0.0.0",         "0.1.2.3",   "127.0.0.1",
                                    "169.254.169.254", "192.0.0.8", "240.0.0.1"};
constexpr const char* nobodys6[] = {"::1", "::ffff:9.9.9.9", "fec0::9", "2001:10::9", "100:0:0:1::9"};

// RFC 1812 section 5.3.7, RFC 3927 section 7, RFC 4291 sections 2.5.2 to 2.5.6, RFC 6890.
TEST_P(SpecialAddresses, what_no_router_forwards_is_no_destination_on_any_way) {
  EveryWay gateway{GetParam()};
  const auto refused = [&](const Bytes& packet, const std::string& what) {
    gateway.expect_silence(packet, inside, Counter::martian_destination, what);
  };
  for (const std::string nobody : nobodys4) {
    refused(udp("10.0.0.42:5000", at(nobody, 80)).ip(), "NAT44 or untranslated to " + nobody);
    refused(ping("10.0.0.42", nobody, 7).ip(), "a ping to " + nobody);
    refused(udp("[fd00:10::5]:5000", "[fd64::" + nobody + "]:80").ip(), "NAT64 to " + nobody);
    refused(udp("[fd00:10::6]:5000", "[2001:db8:64::" + nobody + "]:80").ip(), "a map to " + nobody);
  }
  refused(udp("[fd00:10::6]:5000", "[2001:db8:64::198.51.100.255]:80").ip(), "a map to the link's broadcast");
  for (const std::string nobody : nobodys6) {
    refused(tcp("[fd00:10::5]:5000", at(nobody, 80)).syn().ip(), "NAT66 to " + nobody);
    refused(udp("[fd00:20::7]:5000", at(nobody, 80)).ip(), "NPTv6 to " + nobody);
  }
  refused(udp("[fd00:10::5]:5000", "[fe80::9]:80").ip(), "NAT66 or untranslated to fe80::9");
  refused(udp("[fd00:20::7]:5000", "[fe80::9]:80").ip(), "NPTv6 to fe80::9");
  const auto until = gateway.clock().now() + 60s;
  gateway.tell(ring::ProxyBind{address("100.64.0.9").v4(), address("fe80::9").v6(), until});
  refused(udp("10.0.0.42:5000", "100.64.0.9:80").ip(), "a proxy of fe80::9");
}

TEST_P(SpecialAddresses, what_no_router_forwards_is_no_source_on_any_way) {
  EveryWay gateway{GetParam()};
  // Mappings that let anybody in.
  ASSERT_TRUE(gateway.out(udp("10.0.0.42:5000", "203.0.113.10:53")));
  const auto e64 = gateway.out(udp("[fd00:10::5]:6000", "[fd64::203.0.113.10]:53"));
  const auto e66 = gateway.out(udp("[fd00:10::5]:7000", "[2001:db8:9::9]:53"));
  ASSERT_TRUE(e64 && e66);
  const auto refused = [&](const Bytes& packet, const std::string& what) {
    gateway.expect_silence(packet, outside, Counter::martian_source, what);
  };
  for (const std::string nobody : nobodys4) {
    refused(udp(at(nobody, 80), "198.51.100.1:5000").ip(), "NAT44 from " + nobody);
    refused(udp(at(nobody, 80), at("198.51.100.1", e64->source_port())).ip(), "NAT64 from " + nobody);
    refused(udp(at(nobody, 80), "198.51.100.20:5000").ip(), "a map from " + nobody);
    refused(udp(at(nobody, 80), "10.0.0.42:5000").ip(), "untranslated from " + nobody);
  }
  for (const std::string nobody : {"::1", "fec0::9", "2001:10::9", "fe80::9"}) {
    refused(udp(at(nobody, 80), at("2001:db8:100::1", e66->source_port())).ip(), "NAT66 from " + nobody);
    refused(udp(at(nobody, 80), "[2001:db8:200:cd67::7]:5000").ip(), "NPTv6 from " + nobody);
    refused(icmp_error(nobody, "2001:db8:100::1", 3, 0, e66->bytes()).ip(), "an error from " + nobody);
  }
  gateway.expect_silence(udp("[fe80::9]:5000", "[2001:db8:9::9]:80").ip(), inside, Counter::martian_source,
                         "NAT66 from fe80::9 inside");
  gateway.expect_silence(udp("[fe80::9]:5000", "[2001:db8:64::203.0.113.9]:80").ip(), inside,
                         Counter::martian_source, "a map from fe80::9");
}

TEST_P(SpecialAddresses, who_has_a_link_local_address_reaches_the_gateway_itself) {  // RFC 4291 section 2.5.6
  EveryWay gateway{GetParam()};
  gateway.put(inside, udp("[fe80::9]:5000", "[fd00:10::1]:123").ip());
  gateway.put(outside, udp("[fe80::9]:5000", "[2001:db8:100::1]:53").ip());
  gateway.turn();
  EXPECT_EQ(gateway.punted().size(), 2U);
  EXPECT_EQ(gateway.count(Counter::martian_source), 0U);
}

TEST(SpecialLinks, a_link_local_network_is_the_gateways_own_and_nobody_elses) {  // RFC 3927 section 7
  Gateway gateway{realm_with([](config::Realm& realm) {
    realm.ports[0].addresses.push_back(*net::InterfaceAddress::parse("169.254.7.1/24"));
  })};
  gateway.put(inside, udp("169.254.7.2:5000", "169.254.7.1:179").ip());
  gateway.turn();
  EXPECT_EQ(gateway.punted().size(), 1U);
  EXPECT_EQ(text(gateway.out(udp("169.254.7.2:5000", "203.0.113.10:53"))), "nothing");
  EXPECT_EQ(gateway.count(Counter::martian_source), 1U);
}

TEST(SpecialLinks, private_shared_and_documentation_networks_are_routed) {  // RFC 1918, RFC 6598, RFC 5737
  Gateway gateway;
  for (const std::string remote :
       {"10.9.9.9", "172.16.0.9", "192.168.9.9", "100.64.9.9", "198.18.0.9", "203.0.113.9"})
    EXPECT_TRUE(gateway.out(udp("10.0.0.42:5000", at(remote, 53)))) << remote;
}

// ---- maps, both ways

// RFC 7915 section 1.1, RFC 1812 section 5.3.7.
TEST(SpecialMaps, a_row_of_all_ipv4_addresses_takes_none_that_no_host_has) {
  config::Realm realm = every_way();
  realm.siit = {};
  realm.siit.maps = {{net::Prefix::all(net::Family::v4), *net::Prefix::parse("2001:db8:64::/96")}};
  EveryWay gateway{1, realm};
  for (const std::string nobody : {"127.0.0.1", "0.1.2.3", "240.0.0.1", "169.254.1.1", "192.0.0.170"}) {
    gateway.expect_silence(udp("203.0.113.9:5", at(nobody, 6)).ip(), outside, Counter::martian_destination,
                           nobody);
    gateway.expect_silence(udp("[2001:db8:64::203.0.113.9]:5", "[2001:db8:64::" + nobody + "]:6").ip(),
                           inside, Counter::martian_destination, "6 to 4: " + nobody);
    gateway.expect_silence(udp("[2001:db8:64::" + nobody + "]:5", "[2001:db8:64::203.0.113.9]:6").ip(),
                           inside, Counter::martian_source, "6 from 4: " + nobody);
  }
  for (const std::string group : {"224.0.0.5", "255.255.255.255"}) {
    gateway.put(outside, udp("203.0.113.9:5", at(group, 6)).ip());
    gateway.turn();
    EXPECT_EQ(text(gateway.take(inside)), "nothing") << group;
  }
  EXPECT_EQ(gateway.count(Counter::map_translated), 0U);
  EXPECT_EQ(gateway.punted().size(), 2U) << "groups are the kernel's";
}

// RFC 6052 section 3.1: never composed of the well-known prefix and an address that is not global, whichever
// end it is, also in a packet that an error quotes.
TEST(WellKnownPrefix, shows_global_addresses_alone_by_a_map) {
  config::Realm realm = every_way();
  realm.nat64.prefix = {};
  realm.siit.prefix = net::Prefix::parse("64:ff9b::/96");
  EveryWay gateway{1, realm};
  for (const std::string local :
       {"10.1.2.3", "192.168.1.1", "100.64.0.1", "192.0.2.1", "203.0.113.9", "198.18.0.1"}) {
    gateway.expect_prohibited(udp("[fd00:10::6]:5000", "[64:ff9b::" + local + "]:80").ip(), inside,
                              Counter::not_represented, "to " + local);
    gateway.expect_prohibited(udp("[64:ff9b::" + local + "]:5000", "[64:ff9b::9.9.9.9]:80").ip(), inside,
                              Counter::not_represented, "as " + local);
    gateway.expect_prohibited(udp(at(local, 80), "198.51.100.20:5000").ip(), outside,
                              Counter::not_represented, "from " + local);
    gateway.expect_silence(
        icmp_error("9.9.9.9", "198.51.100.20", 3, 1, udp("198.51.100.20:5000", at(local, 80)).ip()).ip(),
        outside, Counter::not_represented, "quoted: " + local);
    gateway.expect_silence(icmp_error("fd00:10::6", "64:ff9b::9.9.9.9", 1, 4,
                                      udp("[64:ff9b::" + local + "]:80", "[fd00:10::6]:5000").ip())
                               .ip(),
                           inside, Counter::not_represented, "quoted in IPv6: " + local);
  }
  EXPECT_EQ(text(gateway.out(udp("[fd00:10::6]:5000", "[64:ff9b::9.9.9.9]:80"))),
            "udp 198.51.100.20:5000 > 9.9.9.9:80");
  EXPECT_EQ(text(gateway.in(udp("9.9.9.9:80", "198.51.100.20:5000"))),
            "udp [64:ff9b::909:909]:80 > [fd00:10::6]:5000");
}

TEST(WellKnownPrefix, what_the_operator_maps_himself_he_means) {  // RFC 7757 section 3.3
  config::Realm realm = every_way();
  realm.nat64.prefix = {};
  realm.siit.prefix = net::Prefix::parse("64:ff9b::/96");
  realm.siit.maps.push_back({*net::Prefix::parse("10.1.0.0/16"), *net::Prefix::parse("2001:db8:a::/112")});
  EveryWay gateway{1, realm};
  EXPECT_EQ(text(gateway.in(udp("10.1.2.3:80", "198.51.100.20:5000"))),
            "udp [2001:db8:a::203]:80 > [fd00:10::6]:5000");
}

// RFC 6052 section 3.1.
TEST_P(SpecialAddresses, of_nat64_the_well_known_prefix_shows_global_addresses_alone) {
  EveryWay gateway{GetParam(), every_way("64:ff9b::/96")};
  const auto out = gateway.out(udp("[fd00:10::5]:6000", "[64:ff9b::9.9.9.9]:53").payload(40));
  ASSERT_TRUE(out);
  const std::string e = at("198.51.100.1", out->source_port());
  gateway.bind("198.51.100.10", {}, "fd00:10::5");
  for (const std::string local : {"10.9.9.9", "192.168.1.1", "203.0.113.9"}) {
    gateway.expect_prohibited(udp("[fd00:10::5]:6001", "[64:ff9b::" + local + "]:53").ip(), inside,
                              Counter::not_represented, "to " + local);
    gateway.expect_prohibited(udp(at(local, 53), e).ip(), outside, Counter::not_represented, "from " + local);
    gateway.expect_prohibited(udp(at(local, 53), "198.51.100.10:7").ip(), outside, Counter::not_represented,
                              "by a reservation, from " + local);
  }
  EXPECT_TRUE(gateway.in(udp("9.9.9.8:53", "198.51.100.10:7"))) << "the reservation is not spent";
}

// ---- errors of routers

// The prefix shows a router, be its address illegal (RFC 7915 section 4.1). Where the well-known prefix must
// not (RFC 6052 section 3.1), and where there is no prefix, it has the gateway's address, so that path MTU
// discovery goes on.
TEST_P(SpecialAddresses, an_ipv4_error_crosses_whatever_its_source) {
  for (const bool well_known : {false, true}) {
    EveryWay gateway{GetParam(), every_way(well_known ? "64:ff9b::/96" : "fd64::/96")};
    const auto out = gateway.out(
        udp("[fd00:10::5]:6000", well_known ? "[64:ff9b::9.9.9.9]:53" : "[fd64::9.9.9.9]:53").payload(40));
    ASSERT_TRUE(out);
    const std::pair<std::string, std::string> routers[] = {
        {"127.0.0.1", "fd64::7f00:1"},     {"0.0.0.0", "fd64::"},
        {"240.0.0.1", "fd64::f000:1"},     {"10.1.1.1", "fd64::a01:101"},
        {"169.254.1.1", "fd64::a9fe:101"}, {"9.9.9.9", ""},
    };
    for (const auto& [router, shown] : routers) {
      const auto error = gateway.in(icmp_error(router, "198.51.100.1", 3, 4, out->bytes(), 1400));
      ASSERT_TRUE(error) << router;
      const std::string source = shown.empty() ? (well_known ? "64:ff9b::909:909" : "fd64::909:909")
                                 : well_known  ? "fd00:10::1"
                                               : shown;
      EXPECT_EQ(error->to_string(), "icmp2 " + source + " > fd00:10::5") << router;
      EXPECT_TRUE(error->checksums_right());
    }
    gateway.expect_silence(icmp_error("10.0.0.43", "198.51.100.1", 3, 4, out->bytes(), 1400).ip(), outside,
                           Counter::inside_source_outside, "a host inside is nobody outside");
  }
}

TEST(SpecialMaps, an_ipv4_error_crosses_whatever_its_source) {  // RFC 7915 section 4.1, RFC 6052 section 3.1
  struct Case {
    std::optional<net::Prefix> prefix;
    std::string router, shown;
  };
  const auto own = net::Prefix::parse("2001:db8:64::/96"), known = net::Prefix::parse("64:ff9b::/96");
  const Case cases[] = {
      {own, "127.0.0.1", "2001:db8:64::7f00:1"}, {own, "0.0.0.0", "2001:db8:64::"},
      {own, "10.1.1.1", "2001:db8:64::a01:101"}, {known, "9.9.9.8", "64:ff9b::909:908"},
      {known, "10.1.1.1", "fd00:10::1"},         {known, "127.0.0.1", "fd00:10::1"},
      {std::nullopt, "9.9.9.8", "fd00:10::1"},
  };
  for (const Case& c : cases) {
    config::Realm realm = every_way();
    realm.nat64.prefix = {};
    realm.siit.prefix = c.prefix;
    realm.siit.maps.push_back({*net::Prefix::parse("9.9.9.9"), *net::Prefix::parse("2001:db8:9::9")});
    EveryWay gateway{1, realm};
    const Bytes quoted = udp("198.51.100.20:5000", "9.9.9.9:53").payload(40).ip();
    const auto error = gateway.in(icmp_error(c.router, "198.51.100.20", 3, 4, quoted, 1400));
    ASSERT_TRUE(error) << c.router;
    EXPECT_EQ(error->to_string(), "icmp2 " + c.shown + " > fd00:10::6");
    EXPECT_TRUE(error->checksums_right());
    EXPECT_EQ(error->inner().to_string(), "udp [fd00:10::6]:5000 > [2001:db8:9::9]:53");
  }
}

TEST(SpecialMaps, an_error_about_a_packet_that_cannot_have_crossed_is_dropped) {
  EveryWay gateway;
  for (const std::string nobody : {"127.0.0.1", "169.254.1.1", "224.0.0.5"}) {
    gateway.expect_silence(
        icmp_error("9.9.9.9", "198.51.100.20", 3, 1, udp("198.51.100.20:5000", at(nobody, 80)).ip()).ip(),
        outside, Counter::martian_destination, "quoted: " + nobody);
  }
  gateway.expect_silence(icmp_error("2001:db8:9::9", "2001:db8:200:cd67::7", 3, 0,
                                    udp("[2001:db8:200:cd67::7]:5000", "[fe80::9]:80").ip())
                             .ip(),
                         outside, Counter::martian_destination, "quoted by NPTv6");
  gateway.expect_silence(
      icmp_error("192.0.2.9", "10.0.0.42", 3, 1, udp("10.0.0.42:5000", "169.254.1.1:80").ip()).ip(), outside,
      Counter::martian_destination, "quoted untranslated");
}

TEST_P(SpecialAddresses, a_router_on_the_way_of_nat46_is_not_taken_for_the_remote) {  // RFC 6791
  EveryWay gateway{GetParam()};
  const auto until = gateway.clock().now() + 60s;
  gateway.tell(ring::ProxyBind{address("100.64.0.9").v4(), address("2001:db8:9::9").v6(), until});
  const auto out = gateway.out(udp("10.0.0.42:5000", "100.64.0.9:33434").payload(40));
  ASSERT_TRUE(out);
  const std::string e = out->source().to_string();
  const auto on_the_way = gateway.in(icmp_error("2001:db8:7777::7", e, 3, 0, out->bytes()));
  ASSERT_TRUE(on_the_way);
  EXPECT_EQ(on_the_way->to_string(), "icmp11 10.0.0.1 > 10.0.0.42");
  EXPECT_TRUE(on_the_way->checksums_right());
  // RFC 5837, RFC 6791 section 4: behind the padded quote its own address stands.
  const auto router = address("2001:db8:7777::7").v6();
  EXPECT_NE(std::search(on_the_way->bytes().begin(), on_the_way->bytes().end(), router.bytes.begin(),
                        router.bytes.end()),
            on_the_way->bytes().end());
  const auto there = gateway.in(icmp_error("2001:db8:9::9", e, 1, 4, out->bytes()));
  ASSERT_TRUE(there);
  EXPECT_EQ(there->to_string(), "icmp3 100.64.0.9 > 10.0.0.42");
}

// ---- frames to all

// RFC 1812 sections 5.3.4 and 4.3.2.7, RFC 1122 section 3.3.6, RFC 4443 section 2.4.
TEST_P(SpecialAddresses, what_is_for_one_host_is_nobodys_in_a_frame_to_all) {
  EveryWay gateway{GetParam()};
  const auto until = gateway.clock().now() + 60s;
  gateway.tell(ring::ProxyBind{address("100.64.0.9").v4(), address("2001:db8:9::9").v6(), until});
  const PacketBuilder outward[] = {udp("10.0.0.42:5000", "203.0.113.10:80"),
                                   udp("[fd00:10::5]:5000", "[fd64::203.0.113.10]:80"),
                                   udp("10.0.0.42:5001", "100.64.0.9:80"),
                                   udp("[fd00:10::5]:5001", "[2001:db8:9::9]:80"),
                                   udp("[fd00:10::6]:5000", "[2001:db8:64::203.0.113.10]:80"),
                                   udp("[fd00:20::7]:5000", "[2001:db8:9::9]:80"),
                                   udp("10.0.0.42:5000", "192.0.2.9:80")};
  std::uint64_t dropped = 0;
  const auto refused = [&](unsigned port, const Bytes& ip, const std::string& what) {
    for (const net::MacAddress to : {net::MacAddress::broadcast(), net::MacAddress{{1, 0, 0x5e, 0, 0, 5}},
                                     net::MacAddress{{0x33, 0x33, 0, 0, 0, 1}}}) {
      gateway.put_frame(port, ethernet(to, Gateway::neighbour_mac, ip[0] >> 4 == 6 ? 0x86dd : 0x0800, ip));
      gateway.turn();
      for (const unsigned each : {inside, outside}) EXPECT_EQ(text(gateway.take(each)), "nothing") << what;
      EXPECT_EQ(gateway.count(Counter::parse_not_for_us), ++dropped) << what;
    }
  };
  for (const bool known : {false, true}) {  // without a session, and with one
    for (PacketBuilder packet : outward) {
      refused(inside, packet.ip(), "outward");
      refused(inside, packet.ttl(1).ip(), "at its last hop");
      const auto out = gateway.out(packet.ttl(64));
      ASSERT_TRUE(out);
      const auto turned = PacketBuilder{net::Protocol::udp, net::Endpoint{out->destination(), 80}.to_string(),
                                        net::Endpoint{out->source(), out->source_port()}.to_string()};
      if (known) refused(outside, turned.ip(), "inward");
      ASSERT_TRUE(gateway.in(turned));
      if (known)
        refused(outside,
                icmp_error(out->v4() ? "203.0.113.77" : "2001:db8:77::7", out->source().to_string(), 3,
                           out->v4() ? 1 : 0, out->bytes())
                    .ip(),
                "an error");
    }
  }
  EXPECT_EQ(gateway.count(Counter::icmp_error_sent), 0U);
  // What is to all or to a group belongs there.
  for (const Bytes& ip :
       {udp("10.0.0.42:68", "255.255.255.255:67").ip(), udp("10.0.0.42:5", "224.0.0.5:6").ip(),
        udp("10.0.0.42:5", "10.0.0.255:6").ip(), udp("[fe80::9]:5", "[ff02::1]:6").ip()}) {
    gateway.put_frame(inside, ethernet(net::MacAddress::broadcast(), Gateway::neighbour_mac,
                                       ip[0] >> 4 == 6 ? 0x86dd : 0x0800, ip));
  }
  gateway.turn();
  EXPECT_EQ(gateway.punted().size(), 4U);
}

// ---- protocol numbers

// RFC 7915 sections 4.1, 4.2 and 5.2; RFC 8200 section 4: what would be an extension header in IPv6.
TEST(SpecialProtocols, what_would_be_an_extension_header_does_not_cross) {
  EveryWay gateway;
  for (const std::uint8_t protocol :
       {std::uint8_t{0}, std::uint8_t{43}, std::uint8_t{44}, std::uint8_t{60}}) {
    const PacketBuilder to_host =
        PacketBuilder{net::Protocol{protocol}, "203.0.113.9", "198.51.100.20"}.payload(40);
    gateway.expect_silence(to_host.ip(), outside, Counter::translate_protocol, std::to_string(protocol));
    const auto pieces = PacketBuilder{to_host}.payload(80).id(9).fragments(40);
    gateway.expect_silence(pieces[1], outside, Counter::translate_protocol, "a fragment");
    const Bytes quoted =
        PacketBuilder{net::Protocol{protocol}, "198.51.100.20", "203.0.113.9"}.payload(40).ip();
    gateway.expect_silence(icmp_error("203.0.113.9", "198.51.100.20", 3, 2, quoted).ip(), outside,
                           Counter::translate_protocol, "quoted");
  }
}

TEST(SpecialProtocols, the_icmp_of_the_other_family_does_not_cross) {
  EveryWay gateway;
  for (const std::size_t fragment : {std::size_t{0}, std::size_t{1}}) {
    gateway.expect_silence(
        PacketBuilder{net::Protocol{58}, "203.0.113.9", "198.51.100.20"}.payload(80).id(9).fragments(
            40)[fragment],
        outside, Counter::translate_icmp_type, "58 in IPv4");
    Bytes piece = PacketBuilder{net::Protocol{253}, "fd00:10::6", "2001:db8:64::203.0.113.9"}
                      .payload(80)
                      .id(9)
                      .fragments(40)[fragment];
    piece[sizeof(net::Ipv6Header)] = 1;  // what follows the fragment header
    gateway.expect_silence(piece, inside, Counter::translate_icmp_type, "1 in IPv6");
  }
  const Bytes quoted4 = PacketBuilder{net::Protocol{58}, "198.51.100.20", "203.0.113.9"}.payload(40).ip();
  gateway.expect_silence(icmp_error("203.0.113.9", "198.51.100.20", 3, 2, quoted4).ip(), outside,
                         Counter::translate_icmp_type, "58 quoted in IPv4");
  Bytes quoted6 =
      PacketBuilder{net::Protocol{253}, "2001:db8:64::203.0.113.9", "fd00:10::6"}.payload(40).ip();
  net::header<net::Ipv6Header>(quoted6.data()).next_header = 1;
  gateway.expect_silence(icmp_error("fd00:10::6", "2001:db8:64::203.0.113.9", 1, 4, quoted6).ip(), inside,
                         Counter::translate_icmp_type, "1 quoted in IPv6");
}

}  // namespace
}  // namespace rgw::test
