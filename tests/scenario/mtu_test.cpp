// Packets longer than the next link takes (OUT-5; RFC 791, RFC 1191), both ways:
// - with DF: Fragmentation Needed to the sender, with the link's MTU and what it sent, before any translation
// - without: cut into fragments that the link takes and that the receiver can put together; fragments are cut
// further
// - the MSS of a SYN is lowered where the realm file says so, and the checksum follows
#include "scenario/support.hpp"
#include <gtest/gtest.h>

namespace rgw::test {
namespace {

config::Realm with_mtu(std::uint16_t inside, std::uint16_t outside) {
  return realm_with([&](config::Realm& realm) {
    realm.ports[0].mtu = inside;
    realm.ports[1].mtu = outside;
  });
}

TEST(Mtu, fragmentation_needed_goes_to_the_host_inside) {  // OUT-5, RFC 1191
  Gateway gateway{with_mtu(1500, 1280)};
  const Bytes sent = udp("10.0.0.42:5000", "203.0.113.10:80").payload(1400).df().ip();
  gateway.put(Gateway::inside, sent);
  gateway.turn();
  EXPECT_FALSE(gateway.take(Gateway::outside));
  const auto error = gateway.take(Gateway::inside);
  ASSERT_EQ(text(error), "icmp3 10.0.0.1 > 10.0.0.42");
  EXPECT_EQ(error->icmp().code, net::icmp4::code_fragmentation_needed);
  EXPECT_EQ(error->icmp().sequence.host(), 1280);
  EXPECT_TRUE(error->checksums_right());
  EXPECT_EQ(error->inner().bytes(), cut(sent, error->inner().bytes().size()));
  EXPECT_EQ(gateway.count(Counter::packet_too_big), 1U);
}

TEST(Mtu, fragmentation_needed_goes_to_the_remote_outside) {  // OUT-5, RFC 1191
  Gateway gateway{with_mtu(1280, 1500)};
  ASSERT_TRUE(gateway.out(udp("10.0.0.42:5000", "203.0.113.10:80")));
  const Bytes sent = udp("203.0.113.10:80", "198.51.100.1:5000").payload(1400).df().ip();
  gateway.put(Gateway::outside, sent);
  gateway.turn();
  EXPECT_FALSE(gateway.take(Gateway::inside));
  const auto error = gateway.take(Gateway::outside);
  ASSERT_EQ(text(error), "icmp3 198.51.100.1 > 203.0.113.10");
  EXPECT_EQ(error->icmp().sequence.host(), 1280);
  EXPECT_EQ(error->inner().bytes(), cut(sent, error->inner().bytes().size()));
  EXPECT_TRUE(error->checksums_right());
}

TEST(Mtu, what_just_fits_passes_whole) {
  Gateway gateway{with_mtu(1500, 1280)};
  const auto out = gateway.out(udp("10.0.0.42:5000", "203.0.113.10:80").payload(1280 - 28).df());
  ASSERT_TRUE(out);
  EXPECT_EQ(out->bytes().size(), 1280U);
  EXPECT_FALSE(gateway.out(udp("10.0.0.42:5000", "203.0.113.10:80").payload(1280 - 27).df()));
}

TEST(Mtu, without_df_it_is_cut_and_the_receiver_puts_it_together) {  // OUT-5, RFC 791 section 3.2
  for (const bool outward : {true, false}) {
    for (const auto mtu : std::initializer_list<std::uint16_t>{576, 1280, 1007}) {
      Gateway gateway{outward ? with_mtu(1500, mtu) : with_mtu(mtu, 1500)};
      ASSERT_TRUE(gateway.out(udp("10.0.0.42:5000", "203.0.113.10:80")));
      const auto packet =
          outward ? udp("10.0.0.42:5000", "203.0.113.10:80") : udp("203.0.113.10:80", "198.51.100.1:5000");
      const unsigned in = outward ? Gateway::inside : Gateway::outside;
      gateway.put(in, PacketBuilder{packet}.payload(1400).id(77).ip());
      gateway.turn();
      const auto pieces = take_all(gateway, 1 - in);
      EXPECT_GE(pieces.size(), 2U);
      EXPECT_TRUE(std::ranges::is_sorted(pieces, {}, [](const Seen& piece) {
        return piece_of(piece).offset;
      })) << "in order (RFC 4787 REQ-13a)";
      for (const auto& piece : pieces) {
        EXPECT_LE(piece.bytes().size(), mtu);
        EXPECT_EQ(piece.ipv4().identification.host(), 77);
      }
      const Bytes whole = reassemble(pieces);
      ASSERT_EQ(whole.size(), 1428U);
      EXPECT_TRUE(Seen{whole}.checksums_right());
      EXPECT_EQ(Seen{whole}.to_string(),
                outward ? "udp 198.51.100.1:5000 > 203.0.113.10:80" : "udp 203.0.113.10:80 > 10.0.0.42:5000");
      EXPECT_EQ(gateway.count(Counter::fragmented), 1U);
    }
  }
}

TEST(Mtu, the_fragments_of_a_packet_with_options_are_whole_too) {  // RFC 791: a copied option stands in each
  Gateway gateway{with_mtu(1500, 576)};
  const Bytes router_alert{0x94, 4, 0, 0};
  gateway.put(Gateway::inside,
              udp("10.0.0.42:5000", "203.0.113.10:80").payload(1000).ip_options(router_alert).ip());
  gateway.turn();
  const auto pieces = take_all(gateway, Gateway::outside);
  for (const auto& piece : pieces) EXPECT_LE(piece.bytes().size(), 576U);
  const Bytes whole = reassemble(pieces);
  ASSERT_FALSE(whole.empty());
  EXPECT_TRUE(Seen{whole}.checksums_right());
}

TEST(Mtu, fragments_are_cut_further) {  // OUT-5, OUT-7
  Gateway gateway{with_mtu(1500, 576)};
  for (const auto& piece : udp("10.0.0.42:5000", "203.0.113.10:80").payload(3000).fragments(1400)) {
    gateway.put(Gateway::inside, piece);
  }
  gateway.turn();
  const Bytes whole = reassemble(take_all(gateway, Gateway::outside));
  ASSERT_EQ(whole.size(), 3028U);
  EXPECT_TRUE(Seen{whole}.checksums_right());
}

TEST(Mtu, fragments_for_a_neighbour_that_is_not_known_yet_all_wait_for_it) {  // OUT-5: NAT is behind them
  Gateway gateway{with_mtu(1500, 576)};
  gateway.put(Gateway::inside, udp("10.0.0.42:5000", "198.51.100.77:80").payload(1000).ip());
  gateway.turn();
  const auto punted = gateway.punted();
  ASSERT_EQ(punted.size(), 2U);
  for (const auto& frame : punted) {
    EXPECT_EQ(frame.purpose, ring::Purpose::resolve);
    EXPECT_EQ(frame.next_hop, address("198.51.100.77"));
    EXPECT_EQ(net::header<net::EthernetHeader>(frame.frame.data()).source, gateway.mac(Gateway::outside));
  }
}

TEST(Mss, a_syn_s_mss_is_lowered_to_the_limit_both_ways) {  // OUT-8, RFC 9293 section 3.7.1
  Gateway gateway{realm_with([](auto& realm) { realm.outbound.mss_clamp = 1200; })};
  const auto option = [](std::uint16_t mss) {
    return Bytes{2, 4, static_cast<std::uint8_t>(mss >> 8), static_cast<std::uint8_t>(mss)};
  };
  const auto mss_of = [](const Seen& seen, std::size_t at) {
    return net::header<be16>(seen.bytes().data() + seen.l4() + 20 + at + 2).host();
  };
  const auto out = gateway.out(tcp("10.0.0.42:5000", "203.0.113.10:80").syn().tcp_options(option(1460)));
  ASSERT_TRUE(out);
  EXPECT_EQ(mss_of(*out, 0), 1200);
  EXPECT_TRUE(out->checksums_right());
  const auto in = gateway.in(tcp("203.0.113.10:80", "198.51.100.1:5000").syn_ack().tcp_options(option(8960)));
  ASSERT_TRUE(in);
  EXPECT_EQ(mss_of(*in, 0), 1200);
  EXPECT_TRUE(in->checksums_right());
  EXPECT_EQ(gateway.count(Counter::mss_clamped), 2U);

  const auto small = gateway.out(tcp("10.0.0.42:5001", "203.0.113.10:80").syn().tcp_options(option(536)));
  ASSERT_TRUE(small);
  EXPECT_EQ(mss_of(*small, 0), 536);
  Bytes odd{1, 2, 4, 0x05, 0xb4, 1, 1, 0};  // behind one NOP: at an odd offset
  const auto shifted = gateway.out(tcp("10.0.0.42:5002", "203.0.113.10:80").syn().tcp_options(odd));
  ASSERT_TRUE(shifted);
  EXPECT_EQ(mss_of(*shifted, 1), 1200);
  EXPECT_TRUE(shifted->checksums_right());
  EXPECT_EQ(gateway.count(Counter::mss_clamped), 3U);
}

TEST(Mss, by_default_it_is_left_alone) {  // OUT-8: by choice
  Gateway gateway;
  const auto out =
      gateway.out(tcp("10.0.0.42:5000", "203.0.113.10:80").syn().tcp_options({2, 4, 0x05, 0xb4}));
  ASSERT_TRUE(out);
  EXPECT_EQ(out->bytes()[out->l4() + 23], 0xb4);
  EXPECT_EQ(gateway.count(Counter::mss_clamped), 0U);
}

}  // namespace
}  // namespace rgw::test
