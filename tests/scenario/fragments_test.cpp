// Fragments (OUT-7; RFC 4787 REQ-14, RFC 5508, RFC 1858, RFC 5722), with 1, 2 and 4 workers:
// - every order, both ways, for UDP, TCP, ping and reservations: the receiver gets the whole translated
// packet
// - a datagram that overlaps, lies, or begins with a stub is dropped, whether its pieces wait or come later
// - what waits is bounded in time and number, and given back; a refused first one is followed by none
#include "scenario/support.hpp"
#include <gtest/gtest.h>

namespace rgw::test {
namespace {

using net::Protocol;
using Pieces = std::vector<Bytes>;

/// Puts the pieces on a wire in this order and puts together what comes out.
Bytes send(Gateway& gateway, unsigned port, const Pieces& pieces) {
  for (const auto& piece : pieces) gateway.put(port, piece);
  gateway.turn();
  return reassemble(take_all(gateway, 1 - port));
}
std::string text(const Bytes& whole) {
  if (whole.empty()) return "nothing";
  return Seen{whole}.checksums_right() ? Seen{whole}.to_string() : "checksum wrong";
}
/// An IPv4 fragment by hand.
Bytes piece(const PacketBuilder& like, unsigned offset, Bytes payload, bool more) {
  Bytes packet = cut(like.ip(), 20);
  packet.insert(packet.end(), payload.begin(), payload.end());
  return ipv4_with(packet, [&](net::Ipv4Header& ip) {
    ip.total_length = be16{static_cast<std::uint16_t>(packet.size())};
    ip.flags_offset =
        be16{static_cast<std::uint16_t>(offset / 8 | (more ? net::Ipv4Header::more_fragments : 0))};
  });
}

class Fragments : public WithWorkers {};
RGW_WITH_WORKERS(Fragments);

TEST_P(Fragments, pass_in_every_order_both_ways) {  // OUT-7
  const auto out = udp("10.0.0.42:5000", "203.0.113.10:80").payload(300);
  unsigned order[] = {0, 1, 2};
  std::uint16_t id = 1;
  do {
    Gateway gateway{lab_realm(), GetParam()};
    const auto ordered = [&](PacketBuilder packet) {
      const Pieces pieces = packet.id(id++).fragments(104);
      return Pieces{pieces[order[0]], pieces[order[1]], pieces[order[2]]};
    };
    const Bytes there = send(gateway, Gateway::inside, ordered(out));
    ASSERT_FALSE(there.empty());
    const unsigned port = Seen{there}.source_port();
    EXPECT_EQ(text(there), "udp " + at("198.51.100.1", port) + " > 203.0.113.10:80");
    EXPECT_EQ(text(send(gateway, Gateway::outside,
                        ordered(udp("203.0.113.10:80", at("198.51.100.1", port)).payload(300)))),
              "udp 203.0.113.10:80 > 10.0.0.42:5000");
    EXPECT_EQ(gateway.sessions(), 1U);
  } while (std::next_permutation(std::begin(order), std::end(order)));
}

TEST_P(Fragments, of_many_datagrams_mixed_up_each_finds_its_flow) {  // OUT-7
  Gateway gateway{lab_realm(), GetParam()};
  std::vector<Pieces> datagrams;
  for (unsigned i = 0; i < 16; ++i) {
    auto packet =
        udp(at("10.0.0.42", 5000 + i), "203.0.113.10:80").payload(300).id(static_cast<std::uint16_t>(i));
    datagrams.push_back(packet.fragments(104));
  }
  for (const unsigned n : {2U, 0U, 1U}) {
    for (const auto& pieces : datagrams) gateway.put(Gateway::inside, pieces[n]);
  }
  gateway.turn();
  std::map<std::uint16_t, std::vector<Seen>> by_id;
  for (auto& seen : take_all(gateway, Gateway::outside))
    by_id[seen.ipv4().identification.host()].push_back(std::move(seen));
  ASSERT_EQ(by_id.size(), 16U);
  for (const auto& [id, pieces] : by_id) EXPECT_TRUE(Seen{reassemble(pieces)}.checksums_right()) << id;
}

TEST_P(Fragments, a_large_ping_and_its_answer_pass) {  // OUT-7, OUT-5
  Gateway gateway{lab_realm(), GetParam()};
  const Bytes there =
      send(gateway, Gateway::inside, ping("10.0.0.42", "203.0.113.10", 77).payload(3000).fragments(1480));
  ASSERT_EQ(text(there), "icmp8 198.51.100.1 > 203.0.113.10");
  auto answer = pong("203.0.113.10", "198.51.100.1", Seen{there}.icmp().identifier.host())
                    .payload(3000)
                    .fragments(1480);
  std::ranges::reverse(answer);
  const Bytes back = send(gateway, Gateway::outside, answer);
  ASSERT_EQ(text(back), "icmp0 203.0.113.10 > 10.0.0.42");
  EXPECT_EQ(Seen{back}.icmp().identifier.host(), 77);
}

TEST_P(Fragments, a_tcp_segment_in_pieces_passes) {  // OUT-7
  Gateway gateway{lab_realm(), GetParam()};
  const auto out = gateway.out(tcp("10.0.0.42:5000", "203.0.113.10:80").syn());
  ASSERT_TRUE(out);
  const std::string external = at("198.51.100.1", out->source_port());
  ASSERT_TRUE(gateway.in(tcp("203.0.113.10:80", external).syn_ack()));
  auto pieces = tcp("203.0.113.10:80", external).ack().payload(500).fragments(200);
  std::ranges::reverse(pieces);
  EXPECT_EQ(text(send(gateway, Gateway::outside, pieces)), "tcp 203.0.113.10:80 > 10.0.0.42:5000");
}

TEST_P(Fragments, a_reservation_is_claimed_by_a_first_fragment) {  // OUT-7, POOL-5
  for (const bool reversed : {false, true}) {
    Gateway gateway{lab_realm(), GetParam()};
    gateway.bind("198.51.100.10", {}, "10.0.0.42");
    auto pieces = udp("203.0.113.10:4000", "198.51.100.10:5060").payload(300).fragments(104);
    if (reversed) std::ranges::reverse(pieces);
    EXPECT_EQ(text(send(gateway, Gateway::outside, pieces)), "udp 203.0.113.10:4000 > 10.0.0.42:5060");
  }
}

TEST_P(Fragments, for_the_gateway_s_own_service_reach_its_kernel) {  // OUT-7, OUT-9
  Gateway gateway{lab_realm(), GetParam()};
  auto pieces = udp("203.0.113.10:4000", "198.51.100.1:53").payload(300).fragments(104);
  std::ranges::reverse(pieces);
  for (const auto& p : pieces) gateway.put(Gateway::outside, p);
  gateway.turn();
  EXPECT_EQ(gateway.punted().size(), 3U);
  EXPECT_EQ(gateway.count(Counter::to_kernel), 3U);
}

TEST_P(Fragments, that_overlap_are_dropped_with_all_that_follow) {  // OUT-7, RFC 5722, RFC 1858 section 4
  Gateway gateway{lab_realm(), GetParam()};
  const auto like = udp("10.0.0.42:5000", "203.0.113.10:80").payload(300);
  const Pieces good = like.fragments(104);
  EXPECT_EQ(send(gateway, Gateway::inside, {good[1], piece(like, 96, Bytes(16), true), good[0], good[2]}),
            Bytes{});
  EXPECT_EQ(gateway.count(Counter::fragment_overlap), 4U)
      << "the overlapping one, the one that waited, and what came later";
  EXPECT_EQ(gateway.sessions(), 0U);
  pass(gateway, 3s);
  EXPECT_NE(send(gateway, Gateway::inside, good), Bytes{}) << "the next datagram of this name is a new one";
}

TEST_P(Fragments, that_come_twice_pass_once) {  // OUT-7, RFC 8200 section 4.5
  Gateway gateway{lab_realm(), GetParam()};
  const Pieces good = udp("10.0.0.42:5000", "203.0.113.10:80").payload(300).fragments(104);
  EXPECT_NE(send(gateway, Gateway::inside, {good[0], good[1], good[1], good[0], good[2]}), Bytes{});
  EXPECT_EQ(gateway.count(Counter::fragment_duplicate), 2U);
}

TEST_P(Fragments, a_tiny_first_one_condemns_the_others) {  // OUT-7, RFC 1858 section 3
  for (const bool first_comes_last : {false, true}) {
    Gateway gateway{lab_realm(), GetParam()};
    const auto like = tcp("10.0.0.42:5000", "203.0.113.10:80").syn().payload(100);
    const Bytes whole = like.ip();
    Pieces pieces{piece(like, 0, Bytes(whole.begin() + 20, whole.begin() + 36), true),
                  piece(like, 16, Bytes(whole.begin() + 36, whole.end()), false)};
    if (first_comes_last) std::ranges::reverse(pieces);
    EXPECT_EQ(send(gateway, Gateway::inside, pieces), Bytes{});
    EXPECT_EQ(gateway.count(Counter::fragment_tiny_first), 2U) << "at once, not after a timeout";
    EXPECT_EQ(gateway.sessions(), 0U);
  }
}

TEST_P(Fragments, a_first_one_that_the_parser_refuses_condemns_the_others) {  // OUT-7
  Gateway gateway{lab_realm(), GetParam()};
  auto pieces = tcp("10.0.0.42:5000", "203.0.113.10:80").flags(0x03).payload(300).fragments(104);
  std::ranges::reverse(pieces);
  EXPECT_EQ(send(gateway, Gateway::inside, pieces), Bytes{});
  EXPECT_EQ(gateway.count(Counter::parse_tcp_flags), pieces.size());
}

TEST_P(Fragments, behind_a_first_one_that_was_not_let_in_none_passes) {  // OUT-7, OUT-6
  Gateway gateway{lab_realm(), GetParam()};
  const auto pieces = udp("203.0.113.10:4000", "198.51.100.10:5060").payload(300).fragments(104);
  EXPECT_EQ(send(gateway, Gateway::outside, pieces), Bytes{});
  EXPECT_EQ(gateway.count(Counter::unmatched), 1U);
  EXPECT_EQ(gateway.count(Counter::fragment_orphan), 2U);
}

TEST_P(Fragments, that_lie_about_their_place_are_dropped) {  // OUT-7
  Gateway gateway{lab_realm(), GetParam()};
  const auto like = udp("10.0.0.42:5000", "203.0.113.10:80").payload(300);
  // Beyond 65535 bytes, not a multiple of 8, empty, and one behind the end that another told.
  gateway.put(Gateway::inside, piece(like, 65528, Bytes(100), false));
  gateway.put(Gateway::inside, piece(like, 8, Bytes(13), true));
  gateway.put(Gateway::inside, piece(like, 8, {}, true));
  gateway.put(Gateway::inside, piece(like, 104, Bytes(8), false));
  gateway.put(Gateway::inside, piece(like, 112, Bytes(8), true));
  gateway.turn();
  EXPECT_EQ(gateway.count(Counter::fragment_lying), 5U);
  EXPECT_FALSE(gateway.take(Gateway::outside));
}

TEST_P(Fragments, without_a_first_one_wait_two_seconds_at_the_most) {  // OUT-7, OUT-3: FRAGMENT_MIN
  Gateway gateway{lab_realm(), GetParam()};
  const Pieces good = udp("10.0.0.42:5000", "203.0.113.10:80").payload(300).fragments(104);
  gateway.put(Gateway::inside, good[1]);
  gateway.put(Gateway::inside, good[2]);
  gateway.turn();
  EXPECT_EQ(gateway.count(Counter::fragment_held), 2U);
  gateway.advance(1900ms);
  EXPECT_EQ(gateway.count(Counter::fragment_timeout), 0U);
  gateway.advance(200ms);
  EXPECT_EQ(gateway.count(Counter::fragment_timeout), 2U);
  expect_nothing_left(gateway, 2);
}

TEST_P(Fragments, of_one_datagram_sixteen_wait_and_no_more) {  // OUT-7: bounded memory
  Gateway gateway{lab_realm(), GetParam()};
  const Pieces good = udp("10.0.0.42:5000", "203.0.113.10:80").payload(1000).fragments(48);
  ASSERT_GT(good.size(), 18U);
  for (std::size_t i = 1; i < good.size(); ++i) gateway.put(Gateway::inside, good[i]);
  gateway.turn();
  EXPECT_EQ(gateway.count(Counter::fragment_held), 16U);
  EXPECT_EQ(gateway.count(Counter::fragment_hold_full), good.size() - 17);
}

TEST(Fragments, a_flood_pushes_out_the_oldest_and_no_buffer_is_lost) {  // OUT-7: bounded memory
  Gateway gateway;
  for (unsigned i = 0; i < 3000; ++i) {
    const auto like = udp("203.0.113.10:80", "198.51.100.1:5000").id(static_cast<std::uint16_t>(i));
    gateway.put(Gateway::outside,
                piece(like, 8 * (i % 2), Bytes(16), true));  // half of them wait for a first one
    if (i % 32 == 0) gateway.turn();
  }
  gateway.turn();
  EXPECT_GT(gateway.count(Counter::fragment_table_full), 0U);
  EXPECT_LE(gateway.worker(0).context().fragments.datagrams(), 1024U);
  const auto in_time = udp("10.0.0.42:5000", "203.0.113.10:80").payload(300).fragments(104);
  EXPECT_NE(send(gateway, Gateway::inside, {in_time[0], in_time[2], in_time[1]}), Bytes{})
      << "others still pass";
}

TEST_P(Fragments, an_icmp_error_in_pieces_cannot_be_checked_and_is_dropped) {  // OUT-7, OUT-5
  Gateway gateway{lab_realm(), GetParam()};
  ASSERT_TRUE(gateway.out(udp("10.0.0.42:5000", "203.0.113.10:80")));
  const auto error = icmp_error("203.0.113.10", "198.51.100.1", 3, 3,
                                udp("198.51.100.1:5000", "203.0.113.10:80").payload(300).ip());
  auto pieces = error.fragments(104);
  std::ranges::reverse(pieces);
  EXPECT_EQ(send(gateway, Gateway::outside, pieces), Bytes{});
  EXPECT_EQ(gateway.count(Counter::fragment_reassembly), pieces.size());
}

}  // namespace
}  // namespace rgw::test
