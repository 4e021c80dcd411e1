// Extensions of ICMP errors across the families (RFC 4884; RFC 7915 sections 4.2 and 5.2), by NAT64 and by a
// map:
//   of_an_ipv4_error_reaches_the_ipv6_host, of_an_ipv6_error_reaches_the_ipv4_host
//   where_the_other_error_has_no_place_the_quote_ends_where_it_says
//   a_router_that_ipv4_cannot_show_is_named (RFC 6791 section 4, RFC 5837), and one that it can is not
//   of_another_version_pass_as_bits, too_long_ones_are_truncated
//   a_long_error_keeps_its_extensions_and_its_bound
#include "scenario/support.hpp"
#include <gtest/gtest.h>

namespace rgw::test {
namespace {

constexpr unsigned inside = Gateway::inside, outside = Gateway::outside;

// An MPLS label (RFC 4950), with its checksum.
const Bytes mpls{0x20, 0, 0x57, 0x82, 0, 8, 1, 1, 0x12, 0x34, 0x75, 0x40};

// An ICMP error whose quote is padded and followed by extensions.
Bytes extended(std::string_view from, std::string_view to, std::uint8_t type, std::uint8_t code, Bytes quote,
               std::uint16_t word = 0, const Bytes& extensions = mpls) {
  const bool v4 = address(from).is_v4();
  const std::size_t unit = v4 ? 4 : 8;
  quote.resize(std::max<std::size_t>(128, (quote.size() + unit - 1) / unit * unit));
  const auto units = static_cast<std::uint16_t>(quote.size() / unit);
  quote.insert(quote.end(), extensions.begin(), extensions.end());
  return PacketBuilder{net::Protocol::icmp, from, to}
      .icmp(type, code)
      .query(v4 ? units : static_cast<std::uint16_t>(units << 8), word)
      .payload(std::move(quote))
      .ip();
}

// What follows the quote, by the length in the header.
Bytes extensions_of(const Seen& error) {
  const std::uint16_t word = error.icmp().identifier.host();
  const std::size_t told = error.v4() ? (word & 0xffU) * 4U : (word >> 8U) * 8U;
  const std::size_t start = error.l4() + sizeof(net::IcmpHeader) + told;
  if (told == 0 || start > error.bytes().size()) return {};
  EXPECT_GE(told, 128U);
  return {error.bytes().begin() + static_cast<std::ptrdiff_t>(start), error.bytes().end()};
}

// One of NAT64's and one of the map's; the prefix shows IPv4 addresses to it.
struct Host {
  std::string inside, outside, prefix;
};
const Host hosts[] = {{"fd00:10::5", "198.51.100.1", "fd64::"},
                      {"fd00:10::6", "198.51.100.99", "2001:db8:23::"}};

class IcmpExtension : public testing::Test {
 protected:
  IcmpExtension() {
    gateway.learn(inside, "fd00:10::5");
    gateway.learn(inside, "fd00:10::6");
  }
  /// A host's packet as it is seen outside.
  Bytes sent(const Host& host, std::size_t payload) {
    const auto out = gateway.out(
        udp("[" + host.inside + "]:5000", "[" + host.prefix + "203.0.113.7]:80").payload(payload));
    EXPECT_TRUE(out);
    return out->bytes();
  }
  std::optional<Seen> pass(unsigned from, Bytes error) {
    gateway.put(from, std::move(error));
    gateway.turn();
    return gateway.take(from == inside ? outside : inside);
  }
  Gateway gateway{realm_with([](config::Realm& realm) {
    realm.nat64.prefix = net::Prefix::parse("fd64::/96");
    realm.siit.prefix = net::Prefix::parse("2001:db8:23::/96");
    realm.siit.maps = {{*net::Prefix::parse("198.51.100.99/32"), *net::Prefix::parse("fd00:10::6/128")}};
  })};
};

TEST_F(IcmpExtension, of_an_ipv4_error_reaches_the_ipv6_host) {
  for (const Host& host : hosts) {
    for (const std::size_t payload : {10U, 100U, 101U, 300U}) {
      const Bytes quote = sent(host, payload);
      const auto error = pass(outside, extended("192.0.2.77", host.outside, 11, 0, quote));
      ASSERT_TRUE(error) << host.inside;
      EXPECT_EQ(error->to_string(), "icmp3 " + host.prefix + "c000:24d > " + host.inside);
      EXPECT_TRUE(error->checksums_right());
      EXPECT_EQ(extensions_of(*error), mpls);
      EXPECT_EQ(error->inner().to_string(),
                "udp [" + host.inside + "]:5000 > [" + host.prefix + "cb00:7107]:80");
      EXPECT_TRUE(error->inner().checksums_right());
    }
  }
}

TEST_F(IcmpExtension, of_an_ipv6_error_reaches_the_ipv4_host) {
  for (const Host& host : hosts) {
    static_cast<void>(sent(host, 10));
    for (const std::size_t payload : {10U, 100U, 101U, 300U}) {
      const auto in = gateway.in(udp("203.0.113.7:80", host.outside + ":5000").payload(payload));
      ASSERT_TRUE(in);
      const auto error = pass(inside, extended(host.inside, host.prefix + "203.0.113.7", 1, 4, in->bytes()));
      ASSERT_TRUE(error) << host.inside;
      EXPECT_EQ(error->to_string(), "icmp3 " + host.outside + " > 203.0.113.7");
      EXPECT_TRUE(error->checksums_right());
      EXPECT_EQ(extensions_of(*error), mpls) << "and nobody named: he is shown";
      EXPECT_TRUE(error->inner().checksums_right());
    }
  }
}

TEST_F(IcmpExtension,
       where_the_other_error_has_no_place_the_quote_ends_where_it_says) {  // RFC 4884 section 3
  const Bytes quote = sent(hosts[0], 300);
  const auto error = pass(outside, extended("192.0.2.77", "198.51.100.1", 3, 4, quote, 1400));
  ASSERT_TRUE(error);
  EXPECT_EQ(error->icmp().type, net::icmp6::packet_too_big);
  EXPECT_EQ(error->icmp().identifier.host(), 0);
  EXPECT_EQ(error->icmp().sequence.host(), 1420);
  EXPECT_EQ(error->bytes().size(), 40 + 8 + quote.size() + 20);
  EXPECT_TRUE(error->checksums_right());
}

TEST_F(IcmpExtension, a_router_that_ipv4_cannot_show_is_named) {  // RFC 6791 section 4, RFC 5837
  const Bytes object{0, 24, 2, 4, 0, 2, 0, 0, 0xfd, 0, 0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xfe};
  for (const std::size_t payload : {0U, 8U, 120U, 1000U}) {
    const auto in = gateway.in(udp("203.0.113.7:80", "198.51.100.99:5000").payload(payload));
    ASSERT_TRUE(in);
    const Bytes plain = icmp_error("fd00:10::fe", "2001:db8:23::203.0.113.7", 3, 0, in->bytes()).ip();
    const Bytes with_label = extended("fd00:10::fe", "2001:db8:23::203.0.113.7", 3, 0, in->bytes());
    for (const Bytes& sent : {plain, with_label}) {
      const auto error = pass(inside, sent);
      ASSERT_TRUE(error);
      EXPECT_EQ(error->to_string(), "icmp11 198.51.100.1 > 203.0.113.7");
      EXPECT_TRUE(error->checksums_right());
      EXPECT_LE(error->bytes().size(), 576U);
      const Bytes extensions = extensions_of(*error);
      ASSERT_EQ(extensions.size(), sent == plain ? 28U : 36U);
      EXPECT_EQ(Bytes(extensions.end() - 24, extensions.end()), object);
      EXPECT_EQ(net::ChecksumSum{}.add(extensions.data(), extensions.size()).fold(), 0xffff);
      EXPECT_EQ(error->inner().to_string(), "udp 203.0.113.7:80 > 198.51.100.99:5000");
    }
  }
}

TEST_F(IcmpExtension, of_another_version_pass_as_bits) {  // RFC 7915 sections 4.2 and 5.2
  for (const Host& host : hosts) {
    const Bytes quote = sent(host, 60);
    const auto in = gateway.in(udp("203.0.113.7:80", host.outside + ":5000").payload(60));
    ASSERT_TRUE(in);
    for (const int version : {0x00, 0x10}) {
      Bytes unknown = mpls;
      unknown[0] = static_cast<std::uint8_t>(version);
      const auto inward = pass(outside, extended("192.0.2.77", host.outside, 3, 1, quote, 0, unknown));
      const auto outward =
          pass(inside, extended(host.inside, host.prefix + "203.0.113.7", 1, 4, in->bytes(), 0, unknown));
      ASSERT_TRUE(inward && outward) << host.inside;
      for (const Seen& error : {*inward, *outward}) {
        EXPECT_EQ(extensions_of(error), unknown);
        EXPECT_TRUE(error.checksums_right());
      }
    }
  }
}

TEST_F(IcmpExtension, too_long_ones_are_truncated) {  // RFC 7915 section 5.2
  Bytes labels{0x20, 0, 0, 0};
  for (unsigned i = 0; i < 100; ++i) labels.insert(labels.end(), mpls.begin() + 4, mpls.end());
  const auto in = gateway.in(udp("203.0.113.7:80", "198.51.100.99:5000").payload(100));
  ASSERT_TRUE(in);
  const auto error =
      pass(inside, extended("fd00:10::6", "2001:db8:23::203.0.113.7", 1, 4, in->bytes(), 0, labels));
  ASSERT_TRUE(error);
  EXPECT_EQ(extensions_of(*error), cut(labels, 4 + (576 - 28 - 128 - 4) / 8 * 8));
  EXPECT_LE(error->bytes().size(), 576U);
  EXPECT_TRUE(error->checksums_right());
}

TEST_F(IcmpExtension, a_long_error_keeps_its_extensions_and_its_bound) {  // RFC 1812 section 4.3.2.3
  const auto in = gateway.in(udp("203.0.113.7:80", "198.51.100.99:5000").payload(1100));
  ASSERT_TRUE(in);
  const auto error = pass(inside, extended("fd00:10::6", "2001:db8:23::203.0.113.7", 1, 4, in->bytes()));
  ASSERT_TRUE(error);
  EXPECT_EQ(error->bytes().size(), 576U);
  EXPECT_EQ(extensions_of(*error), mpls);
  EXPECT_TRUE(error->checksums_right());
}

}  // namespace
}  // namespace rgw::test
