// What no honest sender sends where families are translated (OUT-8, X-1): each kind is dropped under its own
// name, opens no session and gets no answer.
// - chains of IPv6 extension headers that are malformed, lengths that lie
// - ICMPv6 errors whose quote cannot be read, or whose checksum is wrong
// - sources and destinations that stand for nothing: of the translation prefix, of the proxies, of no remote
#include "scenario/support.hpp"
#include <gtest/gtest.h>

namespace rgw::test {
namespace {

constexpr unsigned inside = Gateway::inside, outside = Gateway::outside;
constexpr auto host = "[fd00:10::5]:5000", server = "[fd64::203.0.113.10]:80";

struct Case {
  const char* name;
  unsigned port;
  Bytes packet;
  Counter counter;
};

config::Realm realm_of_all_pairs() {
  return realm_with([](config::Realm& realm) {
    realm.nat64.prefix = net::Prefix::parse("fd64::/96");
    realm.nat46.proxies = net::Prefix::parse("172.31.0.0/16");
    realm.outbound.addresses.push_back(address("2001:db8:100::1"));
    realm.outbound.unmatched = config::Outbound::Unmatched::reject;
  });
}

/// An IPv6 packet with one more extension header, before those that it has. Its first byte will be the next
/// header.
Bytes extended(Bytes packet, std::uint8_t type, Bytes extension) {
  auto& ip = net::header<net::Ipv6Header>(packet.data());
  extension[0] = ip.next_header;
  ip.next_header = type;
  ip.payload_length = be16{static_cast<std::uint16_t>(ip.payload_length.host() + extension.size())};
  packet.insert(packet.begin() + sizeof(net::Ipv6Header), extension.begin(), extension.end());
  return packet;
}

template <class Change>
Bytes ipv6_with(Bytes packet, Change&& change) {
  change(net::header<net::Ipv6Header>(packet.data()));
  return packet;
}

/// An error from inside about a packet that came from the remote, of whose quote `size` bytes are there.
Bytes error(const PacketBuilder& quoted, std::size_t size) {
  return icmp_error("fd00:10::5", "fd64::203.0.113.10", 1, 4, cut(quoted.ip(), size)).ip();
}

std::vector<Case> cases() {
  std::vector<Case> all;
  const auto add = [&](const char* name, unsigned port, Bytes packet, Counter counter) {
    all.push_back({name, port, std::move(packet), counter});
  };
  constexpr std::uint8_t hop_by_hop = 0, fragment = 44, options = 60;
  const Bytes padding{0, 0, 1, 4, 0, 0, 0, 0};
  const Bytes packet = udp(host, server).payload(40).ip();

  add("an extension header beyond the packet", inside, extended(packet, options, {0, 30, 1, 4, 0, 0, 0, 0}),
      Counter::parse_extension_headers);
  add("hop-by-hop behind another", inside, extended(extended(packet, hop_by_hop, padding), options, padding),
      Counter::parse_extension_headers);
  Bytes chain = packet;
  for (int i = 0; i < 32; ++i) chain = extended(chain, options, padding);
  add("a chain without end", inside, chain, Counter::parse_extension_headers);
  add("a fragment header cut short", inside,
      ipv6_with(cut(extended(packet, fragment, padding), 44), [](auto& ip) { ip.payload_length = be16{4}; }),
      Counter::parse_extension_headers);
  add("a jumbogram", inside,
      ipv6_with(extended(packet, hop_by_hop, {0, 0, 0xc2, 4, 0, 1, 0, 0}),
                [](auto& ip) { ip.payload_length = be16{0}; }),
      Counter::parse_jumbogram);
  add("a payload longer than the frame", inside,
      ipv6_with(packet, [](auto& ip) { ip.payload_length = be16{49}; }), Counter::parse_ip_total_length);
  add("a payload without room for its transport header", inside,
      ipv6_with(packet, [](auto& ip) { ip.payload_length = be16{7}; }), Counter::parse_l4_truncated);
  Bytes lying = packet;
  net::header<net::UdpHeader>(lying.data() + 40).length = be16{49};
  add("a UDP length beyond the packet", inside, lying, Counter::parse_l4_length);
  add("a first fragment without its transport header", inside,
      ipv6_with(cut(extended(packet, fragment, {0, 0, 0, 1, 0, 0, 0, 9}), 52),
                [](auto& ip) { ip.payload_length = be16{12}; }),
      Counter::fragment_tiny_first);

  const auto quoted = udp(server, host).payload(40);
  add("a quote that ends in its header", inside, error(quoted, 39), Counter::parse_icmp_inner);
  add("a quote of 7 bytes of transport", inside, error(quoted, 47), Counter::parse_icmp_inner);
  add("a quote whose chain leads out of it", inside,
      icmp_error("fd00:10::5", "fd64::203.0.113.10", 1, 4,
                 extended(quoted.ip(), options, {0, 200, 1, 4, 0, 0, 0, 0}))
          .ip(),
      Counter::parse_icmp_inner);
  add("an error about an error", inside,
      error(icmp_error("fd64::203.0.113.10", "fd00:10::5", 1, 4, quoted.ip()), 200),
      Counter::parse_icmp_inner);
  Bytes wrong = error(quoted, 88);
  wrong.back() ^= 1;
  add("an error with a wrong checksum", inside, wrong, Counter::parse_icmp_checksum);
  add("an error about nothing of ours", inside, error(quoted, 88), Counter::icmp_no_session);

  // RFC 6146 section 3.5: nobody has an address of the prefix, so nobody sends from there.
  add("a source in the prefix, inside", inside, udp("[fd64::203.0.113.9]:53", server).ip(),
      Counter::spoofed_own_source);
  add("a source in the prefix, outside", outside,
      udp("[fd64::203.0.113.9]:53", "[2001:db8:100::1]:5000").ip(), Counter::spoofed_own_source);
  add("a source of the proxies, inside", inside, udp("172.31.0.9:53", "203.0.113.10:80").ip(),
      Counter::spoofed_own_source);
  add("a source of the proxies, outside", outside, udp("172.31.0.9:53", "198.51.100.10:22").ip(),
      Counter::spoofed_own_source);
  add("an IPv4 inside source within IPv6", inside, udp("[fd64::10.0.0.42]:53", server).ip(),
      Counter::spoofed_own_source);
  for (const char* nobody :
       {"[fd64::127.0.0.1]:80", "[fd64::224.0.0.1]:80", "[fd64::0.0.0.0]:80", "[fd64::240.0.0.1]:80",
        "[fd64::255.255.255.255]:80", "[fd64::169.254.1.1]:80", "[fd64::198.51.100.255]:80"}) {
    add("a destination that stands for no remote", inside, udp(host, nobody).ip(),
        Counter::martian_destination);
  }
  add("a destination that stands for an inside host", inside, udp(host, "[fd64::10.0.0.42]:80").ip(),
      Counter::route_same_side);
  add("a proxy that stands for nobody", inside, udp("10.0.0.42:5000", "172.31.0.9:80").ip(),
      Counter::no_translation);
  return all;
}

TEST(BadInputAcrossFamilies, each_kind_is_dropped_under_its_own_name) {  // OUT-8
  for (const auto& c : cases()) {
    Gateway gateway{realm_of_all_pairs()};
    gateway.learn(inside, "fd00:10::5");
    gateway.bind("198.51.100.10", {}, "fd00:10::5");
    gateway.put(c.port, c.packet);
    gateway.turn();
    EXPECT_EQ(gateway.count(c.counter), 1U) << c.name << ": not counted as " << info(c.counter).name;
    EXPECT_EQ(gateway.sessions(), 0U) << c.name;
    // What has no way to the other family is told to its sender (RFC 7915 sections 4.4 and 5.4).
    const bool told =
        c.counter == Counter::no_translation || c.name == std::string_view{"hop-by-hop behind another"};
    EXPECT_EQ(gateway.take(inside).has_value(), told) << c.name << ": answered or forwarded, or not told";
    EXPECT_EQ(gateway.count(Counter::icmp_error_sent), told) << c.name;
    EXPECT_FALSE(gateway.take(inside)) << c.name << ": answered or forwarded";
    EXPECT_FALSE(gateway.take(outside)) << c.name << ": answered or forwarded";
    EXPECT_TRUE(gateway.punted().empty()) << c.name;
  }
}

TEST(BadInputAcrossFamilies, the_sender_of_segments_left_is_told) {  // RFC 7915 section 5.1
  Gateway gateway{realm_of_all_pairs()};
  gateway.put(inside, extended(udp(host, server).payload(40).ip(), 43, {0, 0, 4, 1, 0, 0, 0, 0}));
  gateway.turn();
  EXPECT_EQ(gateway.count(Counter::parse_source_route), 1U);
  EXPECT_FALSE(gateway.take(outside));
  const auto told = gateway.take(inside);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->icmp().type, net::icmp6::parameter_problem);
  EXPECT_EQ(told->icmp().sequence.host(), 43) << "the pointer shows the segments left";
  EXPECT_TRUE(told->checksums_right());
}

TEST(BadInputAcrossFamilies, harmless_extension_headers_pass) {  // RFC 7915 section 5.1
  Gateway gateway{realm_of_all_pairs()};
  Bytes packet = udp(host, server).payload(40).ip();
  packet = extended(packet, 43, {0, 0, 4, 0, 0, 0, 0, 0});  // no segments left
  packet = extended(packet, 60, {0, 0, 1, 4, 0, 0, 0, 0});
  packet = extended(packet, 0, {0, 0, 1, 4, 0, 0, 0, 0});
  gateway.put(inside, packet);
  gateway.turn();
  const auto out = gateway.take(outside);
  ASSERT_TRUE(out);
  EXPECT_EQ(out->to_string(), "udp 198.51.100.1:5000 > 203.0.113.10:80");
  EXPECT_EQ(out->bytes().size(), 20U + 8 + 40);
  EXPECT_TRUE(out->checksums_right());
}

TEST(BadInputAcrossFamilies, bits_64_to_71_of_an_embedding_address_are_zero) {  // RFC 6052 section 2.2
  Gateway gateway{realm_with([](config::Realm& realm) {
    realm.nat64.prefix = net::Prefix::parse("fd64::/32");
    realm.outbound.addresses.push_back(address("2001:db8:100::1"));
  })};
  EXPECT_EQ(text(gateway.out(udp(host, "[fd64:0:cb00:710a::]:80"))),
            "udp 198.51.100.1:5000 > 203.0.113.10:80");
  EXPECT_FALSE(gateway.out(udp(host, "[fd64:0:cb00:710a:100::]:80")));
  EXPECT_EQ(gateway.count(Counter::no_translation), 1U);
}

TEST(BadInputAcrossFamilies,
     a_quote_of_eight_bytes_of_transport_is_enough) {  // RFC 792, RFC 7915 section 5.3
  Gateway gateway{realm_of_all_pairs()};
  gateway.learn(inside, "fd00:10::5");
  ASSERT_TRUE(gateway.out(udp(host, server).payload(40)));
  const auto in = gateway.in(udp("203.0.113.10:80", "198.51.100.1:5000").payload(40));
  ASSERT_TRUE(in);
  gateway.put(inside, icmp_error("fd00:10::5", "fd64::203.0.113.10", 1, 4, cut(in->bytes(), 48)).ip());
  gateway.turn();
  const auto error = gateway.take(outside);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->to_string(), "icmp3 198.51.100.1 > 203.0.113.10");
  EXPECT_TRUE(error->checksums_right());
  EXPECT_EQ(error->inner().to_string(), "udp 203.0.113.10:80 > 198.51.100.1:5000");
  EXPECT_EQ(error->bytes().size(), 20U + 8 + 20 + 8);
}

}  // namespace
}  // namespace rgw::test
