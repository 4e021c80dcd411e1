// Whatever bytes come: no crash, no buffer lost, nothing left behind. Valid packets of every kind, changed at
// random (by a seed, so that a failure comes again), on every port, with sessions, reservations and fragments
// about, with 1 and 4 workers.
#include "scenario/support.hpp"
#include <gtest/gtest.h>

namespace rgw::test {
namespace {

using net::Protocol;

/// Frames that the gateway has something to do with, as [port, frame].
std::vector<std::pair<unsigned, Bytes>> valid_frames(const Gateway& gateway) {
  std::vector<std::pair<unsigned, Bytes>> all;
  const auto add = [&](unsigned port, const Bytes& ip) { all.emplace_back(port, gateway.frame(port, ip)); };
  const std::string h = "10.0.0.42:5000", e = "198.51.100.1:5000", r = "203.0.113.10:80",
                    pool = "198.51.100.10:22";
  const Bytes mss{2, 4, 5, 0xb4, 1, 1, 4, 2};
  for (const auto& packet :
       {udp(h, r).payload(40), tcp(h, r).syn().tcp_options(mss), tcp(h, r).ack().payload(33), tcp(h, r).fin(),
        ping("10.0.0.42", "203.0.113.10", 5000).payload(30), sctp(h, r).payload(30), udp(h, pool).payload(9),
        udp(h, "10.0.0.1:53").payload(9), udp(h, r).payload(9).ip_options({7, 7, 4, 1, 2, 3, 4, 0}),
        icmp_error("10.0.0.42", "203.0.113.10", 3, 3, udp(r, h).payload(20).ip()),
        udp("[fd00:10::42]:5000", "[2001:db8:200::1]:80").payload(30),
        PacketBuilder{Protocol::icmp, "fe80::42", "fd00:10::1"}.icmp(135).payload(Bytes(24, 0xfd)).ttl(255),
        icmp_error("fd00:10::42", "2001:db8:200::1", 1, 4,
                   udp("[2001:db8:200::1]:80", "[fd00:10::42]:5000").ip())}) {
    add(Gateway::inside, packet.ip());
  }
  for (const auto& packet : {udp(r, e).payload(40), tcp(r, e).syn_ack().tcp_options(mss), tcp(r, pool).syn(),
                             udp(r, pool).payload(3), pong("203.0.113.10", "198.51.100.1", 5000).payload(30),
                             udp(r, "198.51.100.1:53").payload(20),
                             icmp_error("192.0.2.1", "198.51.100.1", 11, 0, udp(e, r).payload(40).ip()),
                             icmp_error("192.0.2.1", "198.51.100.1", 3, 4, cut(tcp(e, r).ip(), 28), 1400),
                             udp("[2001:db8:200::1]:80", "[2001:db8:100::1]:53").payload(20)}) {
    add(Gateway::outside, packet.ip());
  }
  for (const auto& piece : udp(h, r).payload(300).fragments(104)) add(Gateway::inside, piece);
  for (const auto& piece : udp(r, e).payload(300).fragments(104)) add(Gateway::outside, piece);
  Bytes arp(sizeof(net::ArpPacket));
  net::header<net::ArpPacket>(arp.data()) = {be16{1},
                                             be16{0x0800},
                                             6,
                                             4,
                                             be16{1},
                                             Gateway::neighbour_mac,
                                             address("198.51.100.50").v4(),
                                             {},
                                             address("198.51.100.1").v4()};
  all.emplace_back(Gateway::outside,
                   ethernet(net::MacAddress::broadcast(), Gateway::neighbour_mac, 0x0806, arp));
  return all;
}

Bytes mutate(Bytes frame, Random& random) {
  const unsigned changes = 1 + random.below(4);
  for (unsigned i = 0; i < changes && !frame.empty(); ++i) {
    const auto where = random.below(static_cast<std::uint32_t>(std::min<std::size_t>(frame.size(), 90)));
    switch (random.below(8)) {
      case 0:
        frame.resize(random.below(static_cast<std::uint32_t>(frame.size() + 1)));
        break;
      case 1:
        frame.resize(frame.size() + random.below(64), static_cast<std::uint8_t>(random.next()));
        break;
      case 2:
        frame[where] = 0;
        break;
      case 3:
        frame[where] = 0xff;
        break;
      default:
        frame[where] ^= static_cast<std::uint8_t>(1U << random.below(8));
    }
  }
  // Mostly with a right header checksum, or nothing but that would be tested.
  constexpr std::size_t l3 = sizeof(net::EthernetHeader);
  if (random.below(4) != 0 && frame.size() >= l3 + 20 && frame[l3] >> 4 == 4) {
    auto& ip = net::header<net::Ipv4Header>(frame.data() + l3);
    if (ip.header_length() <= frame.size() - l3) {
      ip.checksum = {};
      ip.checksum = net::ChecksumSum{}.add(frame.data() + l3, ip.header_length()).checksum();
    }
  }
  return frame;
}

class BadInput : public testing::TestWithParam<std::tuple<unsigned, std::uint64_t>> {};
INSTANTIATE_TEST_SUITE_P(at_random, BadInput,
                         testing::Combine(testing::Values(1U, 4U), testing::Range<std::uint64_t>(1, 6)));

TEST_P(BadInput, no_frame_breaks_anything) {
  const auto [workers, seed] = GetParam();
  Gateway gateway{
      realm_with([](config::Realm& realm) {
        realm.outbound.mss_clamp = 1200;
        realm.outbound.unmatched = config::Outbound::Unmatched::reject;
        realm.static_mappings = {{Protocol::udp, endpoint("198.51.100.1:8080"), endpoint("10.0.0.42:80")}};
        realm.ports[1].mtu = 1280;
      }),
      workers};
  Random random{seed};
  const auto valid = valid_frames(gateway);
  for (int round = 0; round < 4000; ++round) {
    const auto& [port, frame] = valid[random.below(static_cast<std::uint32_t>(valid.size()))];
    gateway.put_frame(random.below(8) == 0 ? 1 - port : port,
                      random.below(4) == 0 ? frame : mutate(frame, random));
    if (round % 16 != 15) continue;
    if (random.below(8) == 0)
      gateway.bind("198.51.100.10", {}, "10.0.0.42", static_cast<std::uint64_t>(round));
    if (random.below(8) == 0) gateway.advance(700ms);
    gateway.turn();
    for (const unsigned out : {Gateway::inside, Gateway::outside}) {
      while (const auto sent = gateway.take_frame(out)) {
        // Whatever leaves is whole: a header that says what there is, with a right checksum.
        if (net::header<net::EthernetHeader>(sent->data()).type.host() != 0x0800) continue;
        const Seen seen{Bytes(sent->begin() + sizeof(net::EthernetHeader), sent->end())};
        ASSERT_EQ(seen.ipv4().total_length.host(), seen.bytes().size());
        ASSERT_EQ(net::ChecksumSum{}.add(seen.bytes().data(), seen.l4()).fold(), 0xffff);
        ASSERT_TRUE(
            gateway.snapshot().own_address(out == Gateway::outside ? seen.source() : address("10.0.0.1")))
            << "an inside address shows outside: " << seen.to_string();
      }
    }
    static_cast<void>(gateway.punted());
    static_cast<void>(gateway.events());
  }
  EXPECT_GT(gateway.sessions(), 0U);
  pass(gateway, 20000s);
  for (int i = 0; i < 200; ++i) gateway.turn();
  expect_nothing_left(gateway, 3);
}

TEST(BadInput, frames_of_every_length_are_read_no_further_than_they_go) {
  Gateway gateway;
  for (const auto& [port, frame] : valid_frames(gateway)) {
    for (std::size_t size = 0; size <= frame.size(); ++size) {
      if (size == 0) continue;  // a device has none
      gateway.put_frame(port, cut(frame, size));
    }
    gateway.turn();
    static_cast<void>(gateway.punted());
    for (const unsigned out : {Gateway::inside, Gateway::outside}) {
      while (gateway.take_frame(out)) {
      }
    }
  }
  EXPECT_GT(gateway.count(Counter::parse_truncated), 0U);
}

}  // namespace
}  // namespace rgw::test
