// Translation within a family: what comes out equals, byte for byte, what the builder makes with the other
// side's address and port, so every checksum is compared with one made anew. Random sessions and packets,
// both ways, IPv4 and IPv6; errors cut short; the MSS.
#include "realmgw/nat/rewrite.hpp"

#include "realmgw/base/random.hpp"

#include "unit/nat/parsed.hpp"

namespace rgw::nat {
namespace {

using net::Protocol;
using test::Bytes;
using test::FromInside;
using test::icmp_error;
using test::PacketBuilder;
using test::Parsed;

struct Ends {
  std::string host, external, remote;
};

Session session_of(Protocol protocol, const Ends& ends) {
  Session session{};
  const auto host = test::endpoint(ends.host), external = test::endpoint(ends.external),
             remote = test::endpoint(ends.remote);
  const bool query = protocol == Protocol::icmp;
  const auto tail = [&](const net::Endpoint& near, Side side) {
    return net::FlowTail{be16{near.port},
                         be16{query ? std::uint16_t{0} : remote.port},
                         protocol,
                         side,
                         near.address.family(),
                         0};
  };
  session.inside.tail = tail(host, Side::inside);
  session.outside.tail = tail(external, Side::outside);
  if (host.address.is_v4()) {
    session.inside.near = host.address.v4();
    session.outside.near = external.address.v4();
    session.inside.far = session.outside.far = remote.address.v4();
  } else {
    session.host6 = host.address.v6();
    session.external6 = external.address.v6();
    session.remote6 = remote.address.v6();
  }
  precompute_deltas(session);
  return session;
}

PacketBuilder packet_of(Protocol protocol, const std::string& from, const std::string& to, std::size_t size,
                        std::uint8_t first) {
  if (protocol != Protocol::icmp) return PacketBuilder{protocol, from, to}.payload(size, first);
  // Of a query only the near end has an identifier; the builder is told which.
  return PacketBuilder{protocol, from, to}.icmp(test::address(from).is_v4() ? 8 : 128).payload(size, first);
}

Bytes translated(Bytes ip, Side from, const Session& session) {
  Parsed parsed{std::move(ip), from};
  EXPECT_TRUE(translate(parsed.packet, session, {}).passed());
  return parsed.bytes;
}

std::vector<Ends> many_ends(Random& random, bool v6) {
  const auto number = [&] {
    constexpr std::uint16_t corners[] = {1, 2, 0x00ff, 0x7fff, 0x8000, 0xff00, 0xfffe, 0xffff};
    return std::to_string(random.below(3) == 0 ? corners[random.below(8)] : 1 + random.below(65535));
  };
  const auto octet = [&] { return std::to_string(random.below(256)); };
  std::vector<Ends> all;
  for (int i = 0; i < 200; ++i) {
    if (v6) {
      const auto word = [&] {
        return std::to_string(1 + random.below(9998));
      };  // decimal digits are hexadecimal ones too
      all.push_back({"[fd00::" + word() + "]:" + number(), "[2001:db8::" + word() + "]:" + number(),
                     "[2001:db8:1::" + word() + "]:" + number()});
    } else {
      all.push_back({"10.0." + octet() + "." + octet() + ":" + number(),
                     "198.51.100." + octet() + ":" + number(), "203.0.113." + octet() + ":" + number()});
    }
  }
  return all;
}

constexpr Protocol protocols[] = {Protocol::udp, Protocol::tcp, Protocol::sctp, Protocol::icmp};

TEST(Translate, makes_what_would_be_built_anew) {  // OUT-1, RFC 1624
  Random random{7};
  for (const bool v6 : {false, true}) {
    for (const Ends& ends : many_ends(random, v6)) {
      for (const Protocol protocol : protocols) {
        const Session session = session_of(protocol, ends);
        const std::size_t size = random.below(40);
        const auto first = static_cast<std::uint8_t>(random.next());
        const auto identifier = [&](PacketBuilder packet, const std::string& near) {
          return protocol == Protocol::icmp ? packet.query(test::endpoint(near).port) : packet;
        };
        const Bytes inside_out =
            identifier(packet_of(protocol, ends.host, ends.remote, size, first), ends.host).ip();
        const Bytes outside_out =
            identifier(packet_of(protocol, ends.external, ends.remote, size, first), ends.external).ip();
        EXPECT_EQ(translated(inside_out, Side::inside, session), outside_out);
        const Bytes outside_in =
            identifier(packet_of(protocol, ends.remote, ends.external, size, first), ends.external).ip();
        const Bytes inside_in =
            identifier(packet_of(protocol, ends.remote, ends.host, size, first), ends.host).ip();
        EXPECT_EQ(translated(outside_in, Side::outside, session), inside_in);
        if (testing::Test::HasFailure()) return;  // one of 1,600 says enough
      }
    }
  }
}

TEST(Translate,
     makes_errors_that_would_be_built_anew_however_little_they_quote) {  // OUT-5, RFC 5508 section 4.2
  Random random{8};
  for (const bool v6 : {false, true}) {
    const std::string router = v6 ? "2001:db8:9::9" : "192.0.2.9";
    const std::size_t header = v6 ? 40 : 20;
    for (const Ends& ends : many_ends(random, v6)) {
      for (const Protocol protocol : {Protocol::udp, Protocol::tcp, Protocol::sctp}) {
        const Session session = session_of(protocol, ends);
        for (const std::size_t quoted : {header + 8, header + 16, header + 18, header + 20, header + 28}) {
          const auto error = [&](const std::string& from, const std::string& to, const PacketBuilder& about) {
            Bytes inner = about.ip();
            inner.resize(std::min(inner.size(), quoted));
            return icmp_error(from, to, v6 ? 1 : 3, 1, std::move(inner)).ip();
          };
          const auto without_port = [](const std::string& end) { return test::address(end).to_string(); };
          EXPECT_EQ(
              translated(error(router, without_port(ends.external),
                               packet_of(protocol, ends.external, ends.remote, 8, 1)),
                         Side::outside, session),
              error(router, without_port(ends.host), packet_of(protocol, ends.host, ends.remote, 8, 1)));
          EXPECT_EQ(translated(error(without_port(ends.host), router,
                                     packet_of(protocol, ends.remote, ends.host, 8, 1)),
                               Side::inside, session),
                    error(without_port(ends.external), router,
                          packet_of(protocol, ends.remote, ends.external, 8, 1)));
          if (testing::Test::HasFailure()) return;
        }
      }
    }
  }
}

TEST(Translate,
     leaves_half_a_checksum_alone_and_the_error_s_own_is_right) {  // OUT-5: cut in the middle of TCP's
  const Session session =
      session_of(Protocol::tcp, {"10.0.0.42:5000", "198.51.100.1:6000", "203.0.113.10:53"});
  Bytes inner = test::tcp("198.51.100.1:6000", "203.0.113.10:53").ip();
  inner.resize(20 + 17);
  const test::Seen error{
      translated(icmp_error("192.0.2.9", "198.51.100.1", 3, 1, inner).ip(), Side::outside, session)};
  EXPECT_TRUE(error.checksums_right());
  EXPECT_EQ(error.inner().bytes().back(), inner.back());
  EXPECT_EQ(error.inner().source_port(), 5000);
}

TEST(Translate, touches_no_payload_of_a_later_fragment) {  // OUT-7
  const Session session =
      session_of(Protocol::udp, {"10.0.0.42:5000", "198.51.100.1:6000", "203.0.113.10:53"});
  const auto before = test::udp("10.0.0.42:5000", "203.0.113.10:53").payload(100).fragments(48)[1];
  const Bytes after = translated(before, Side::inside, session);
  EXPECT_TRUE(std::equal(before.begin() + 20, before.end(), after.begin() + 20));
  EXPECT_EQ(test::Seen{after}.source(), test::address("198.51.100.1"));
  EXPECT_EQ(net::ChecksumSum{}.add(after.data(), 20).fold(), 0xffff);
}

TEST(ClampMss, lowers_the_option_wherever_it_stands) {  // OUT-8
  for (const Bytes& before :
       {Bytes{}, Bytes{1}, Bytes{1, 1}, Bytes{8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 1}, Bytes{3, 3, 7}}) {
    for (const std::uint16_t mss : {std::uint16_t{1201}, std::uint16_t{1460}, std::uint16_t{0xffff}}) {
      const auto syn_with = [&](std::uint16_t value) {
        Bytes options = before;
        options.insert(options.end(),
                       {2, 4, static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)});
        options.resize((options.size() + 3) / 4 * 4);
        return test::tcp("10.0.0.42:5000", "203.0.113.10:80").syn().tcp_options(options).payload(5);
      };
      FromInside parsed{syn_with(mss)};
      EXPECT_TRUE(clamp_mss(parsed.packet, 1200));
      EXPECT_EQ(parsed.bytes, syn_with(1200).ip());
      FromInside fits{syn_with(1200)};
      EXPECT_FALSE(clamp_mss(fits.packet, 1200));
    }
  }
}

TEST(ClampMss, leaves_alone_what_it_cannot_read) {
  for (const Bytes& options : {Bytes{}, Bytes{0, 2, 4, 9, 9, 9, 9, 9}, Bytes{2, 0, 9, 9}, Bytes{2, 1, 9, 9},
                               Bytes{2, 3, 9, 9}, Bytes{1, 1, 1, 2}, Bytes{1, 1, 2, 4}, Bytes{8, 40, 2, 4}}) {
    FromInside parsed{test::tcp("10.0.0.42:5000", "203.0.113.10:80").syn().tcp_options(options)};
    const Bytes before = parsed.bytes;
    EXPECT_FALSE(clamp_mss(parsed.packet, 536));
    EXPECT_EQ(parsed.bytes, before);
  }
}

}  // namespace
}  // namespace rgw::nat
