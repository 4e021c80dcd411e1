// A fragment that is the whole packet: offset zero and no more to come (RFC 6946 section 4, RFC 8200
// section 4.5). By every way that an IPv6 packet takes, out and in, with one worker and more, it is what it
// would be without its fragment header:
//   packets_of_every_protocol, errors, errors_that_quote_one
//   none_of_them_waits_for_others
//   neighbour discovery has none (RFC 6980 section 5)
#include "scenario/support.hpp"
#include <gtest/gtest.h>

namespace rgw::test {
namespace {

constexpr unsigned inside = Gateway::inside, outside = Gateway::outside;

Bytes atomic(Bytes packet) {
  auto& ip = net::header<net::Ipv6Header>(packet.data());
  const net::Ipv6FragmentHeader fragment{ip.next_header, 0, be16{}, be32{0xbeef}};
  ip.next_header = 44;
  ip.payload_length = be16{static_cast<std::uint16_t>(ip.payload_length.host() + sizeof fragment)};
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(&fragment);
  packet.insert(packet.begin() + sizeof ip, bytes, bytes + sizeof fragment);
  return packet;
}

// Without that header, and without what it makes of an IPv4 header (RFC 7915 section 5.1.1).
Seen bare(const Seen& seen) {
  Bytes bytes = seen.bytes();
  if (seen.v4()) {
    return Seen{ipv4_with(bytes, [](net::Ipv4Header& ip) {
      EXPECT_FALSE(ip.is_fragment());
      ip.identification = ip.flags_offset = {};
    })};
  }
  if (seen.protocol() != 44) return seen;
  EXPECT_EQ(seen.transport<net::Ipv6FragmentHeader>().offset_flags.host(), 0);
  auto& ip = net::header<net::Ipv6Header>(bytes.data());
  ip.next_header = bytes[40];
  ip.payload_length = be16{static_cast<std::uint16_t>(ip.payload_length.host() - 8)};
  bytes.erase(bytes.begin() + 40, bytes.begin() + 48);
  return Seen{bytes};
}

struct Way {
  const char *name, *host, *remote;
};
constexpr Way ways[] = {{"SIIT", "fd00:10::6", "2001:db8:23::203.0.113.7"},
                        {"NAT64", "fd00:10::5", "fd64::203.0.113.7"},
                        {"NAT66", "fd00:10::5", "2001:db8:9::9"},
                        {"NPTv6", "fd00:11::5", "2001:db8:9::9"},
                        {"untranslated", "fd00:10::5", "2001:db8:7::9"}};

struct Realm : Gateway {
  explicit Realm(unsigned of_workers) : Gateway{realm(), of_workers} {
    for (const auto* neighbour : {"fd00:10::5", "fd00:10::6", "fd00:10::fe"}) learn(inside, neighbour);
    learn(outside, "2001:db8:100::fe");
  }
  static config::Realm realm() {
    return realm_with([](config::Realm& realm) {
      realm.routes.push_back({*net::Prefix::parse("fd00:11::/48"), address("fd00:10::fe")});
      realm.outbound.addresses = {address("198.51.100.1"), address("2001:db8:100::1")};
      realm.outbound.untranslated = {*net::Prefix::parse("2001:db8:7::/48")};
      realm.nat64.prefix = net::Prefix::parse("fd64::/96");
      realm.nat66.npt = {{*net::Prefix::parse("fd00:11::/48"), *net::Prefix::parse("2001:db8:200::/48")}};
      realm.siit.prefix = net::Prefix::parse("2001:db8:23::/96");
      realm.siit.maps = {{*net::Prefix::parse("198.51.100.99/32"), *net::Prefix::parse("fd00:10::6/128")}};
    });
  }
  std::optional<Seen> pass(unsigned from, const Bytes& packet) {
    put(from, packet);
    turn();
    return take(from == inside ? outside : inside);
  }
};

class AtomicFragments : public testing::TestWithParam<std::tuple<Way, unsigned>> {
 protected:
  const Way way = std::get<0>(GetParam());
  // The same happens to both, but that one sees atomic fragments.
  Realm plain{std::get<1>(GetParam())}, gateway{std::get<1>(GetParam())};

  std::string host(unsigned port) const { return at(way.host, port); }
  std::string remote(unsigned port) const { return at(way.remote, port); }
  /// A packet that has left and the answer to it that has come in, as both sides see them.
  struct Exchange {
    Seen out, in;
    std::string external, far;
  };
  Exchange exchange(Realm& realm) {
    const auto out = realm.pass(inside, udp(host(5000), remote(80)).payload(200).ip());
    const auto port = [](be16 number) { return number.host(); };
    const auto& ports = out->transport<net::UdpHeader>();
    const std::string external = at(out->source().to_string(), port(ports.source_port));
    const std::string far = at(out->destination().to_string(), port(ports.destination_port));
    const auto in = realm.pass(outside, udp(far, external).payload(200).ip());
    return {*out, *in, out->source().to_string(), out->destination().to_string()};
  }
  void expect_same(const std::optional<Seen>& seen, const std::optional<Seen>& of_plain) {
    ASSERT_TRUE(seen && of_plain);
    EXPECT_EQ(bare(*seen).bytes(), bare(*of_plain).bytes());
    EXPECT_TRUE(bare(*seen).checksums_right());
  }
};
INSTANTIATE_TEST_SUITE_P(by, AtomicFragments,
                         testing::Combine(testing::ValuesIn(ways), testing::Values(1U, 4U)),
                         [](const auto& of) {
                           return std::string{std::get<0>(of.param).name} + "_" +
                                  std::to_string(std::get<1>(of.param)) +
                                  (std::get<1>(of.param) == 1 ? "_worker" : "_workers");
                         });

TEST_P(AtomicFragments, packets_of_every_protocol_pass) {
  for (const Bytes& packet :
       {udp(host(5000), remote(80)).payload(33).ip(), udp(host(5000), remote(80)).payload(1100).ip(),
        tcp(host(5001), remote(80)).syn().ip(), ping(way.host, way.remote, 7).payload(20).ip()}) {
    expect_same(gateway.pass(inside, atomic(packet)), plain.pass(inside, packet));
  }
}

TEST_P(AtomicFragments, errors_pass_out) {
  const Exchange of_plain = exchange(plain), of_atomic = exchange(gateway);
  const Bytes error = icmp_error(way.host, way.remote, 1, 4, of_plain.in.bytes()).ip();
  expect_same(gateway.pass(inside, atomic(error)), plain.pass(inside, error));
}

TEST_P(AtomicFragments, errors_pass_in) {
  const Exchange of_plain = exchange(plain), of_atomic = exchange(gateway);
  if (of_plain.out.v4()) return;  // IPv4 has no atomic fragments
  const Bytes error = icmp_error("2001:db8:7::77", of_plain.external, 1, 0, of_plain.out.bytes()).ip();
  expect_same(gateway.pass(outside, atomic(error)), plain.pass(outside, error));
}

TEST_P(AtomicFragments, errors_that_quote_one_pass) {
  const Exchange of_plain = exchange(plain), of_atomic = exchange(gateway);
  const auto expect_alike = [](const std::optional<Seen>& seen, const std::optional<Seen>& wanted) {
    ASSERT_TRUE(seen && wanted);
    EXPECT_EQ(seen->to_string(), wanted->to_string());
    EXPECT_TRUE(seen->checksums_right());
    const Seen inner = bare(seen->inner());
    EXPECT_EQ(inner.bytes(), bare(wanted->inner()).bytes());
    EXPECT_TRUE(inner.checksums_right());
  };
  expect_alike(gateway.pass(inside, icmp_error(way.host, way.remote, 1, 4, atomic(of_plain.in.bytes())).ip()),
               plain.pass(inside, icmp_error(way.host, way.remote, 1, 4, of_plain.in.bytes()).ip()));
  if (of_plain.out.v4()) return;
  const auto error = [&](const Bytes& quoted) {
    return icmp_error("2001:db8:7::77", of_plain.external, 1, 0, quoted).ip();
  };
  expect_alike(gateway.pass(outside, error(atomic(of_plain.out.bytes()))),
               plain.pass(outside, error(of_plain.out.bytes())));
}

TEST_P(AtomicFragments, none_waits_for_others) {
  ASSERT_TRUE(gateway.pass(inside, atomic(ping(way.host, way.remote, 7).payload(20).ip())));
  EXPECT_EQ(gateway.count(Counter::fragment_held), 0U);
  EXPECT_EQ(gateway.count(Counter::fragment_reassembly), 0U);
}

TEST(AtomicFragment, carries_no_neighbour_discovery) {  // RFC 6980 section 5
  Realm gateway{1};
  Bytes body(16);
  const auto target = address("fd00:10::1").v6();
  std::copy(target.bytes.begin(), target.bytes.end(), body.begin());
  const Bytes solicitation = PacketBuilder{net::Protocol::icmp, "fd00:10::5", "fd00:10::1"}
                                 .icmp(135)
                                 .query(0, 0)
                                 .ttl(255)
                                 .payload(body)
                                 .ip();
  gateway.put(inside, solicitation);
  gateway.turn();
  EXPECT_TRUE(gateway.take(inside)) << "an advertisement";
  gateway.put(inside, atomic(solicitation));
  gateway.turn();
  EXPECT_FALSE(gateway.take(inside));
  EXPECT_EQ(gateway.count(Counter::nd_malformed), 1U);
}

}  // namespace
}  // namespace rgw::test
