// The numbers of a session whose text was edited, adjusted on the worker (ALG-1).
//
//   sequence, acknowledgement and SACK blocks move, and the checksum with them; a corrupt one stays corrupt
//   a block that is not whole is dropped; a segment that carries edited text is left alone
#include "realmgw/dataplane/sequence_rewrite.hpp"

#include "realmgw/net/parse.hpp"

#include "support/packet_builder.hpp"
#include <gtest/gtest.h>

namespace rgw::dataplane {
namespace {

using test::Bytes;

/// Bytes 100 to 110 of the client became 100 to 125; of the server 500 to 520 became 500 to 505.
alg::SequenceMap client() {
  alg::SequenceMap map;
  map.add({100, 110, 100, 125});
  return map;
}
alg::SequenceMap server() {
  alg::SequenceMap map;
  map.add({500, 520, 500, 505});
  return map;
}

class Segment {
 public:
  explicit Segment(const test::PacketBuilder& builder) : bytes_{builder.ip()} {
    const auto verdict =
        net::parse(bytes_.data(), bytes_.size(), net::EtherType::ipv4, net::Side::inside, packet_);
    EXPECT_TRUE(verdict.passed());
  }
  bool rewrite() {
    return rewrite_numbers({packet_.l3 + packet_.l4, std::size_t{packet_.length} - packet_.l4}, client(),
                           server());
  }
  [[nodiscard]] test::Seen seen() const { return test::Seen{bytes_}; }
  [[nodiscard]] Bytes options() const {
    const auto begin = bytes_.begin() + 20 + 20;
    return {begin, begin + (seen().tcp().header_length() - 20)};
  }

 private:
  Bytes bytes_;
  net::Packet packet_;
};

test::PacketBuilder segment(std::uint32_t sequence, std::uint32_t acknowledge) {
  return test::tcp("10.0.0.42:1000", "203.0.113.9:21")
      .ack()
      .sequence(sequence)
      .acknowledge(acknowledge)
      .payload(10);
}
Bytes sack(std::initializer_list<std::uint32_t> edges) {
  Bytes options{1, 1, 5, static_cast<std::uint8_t>(2 + 4 * edges.size())};
  for (const std::uint32_t edge : edges) {
    for (int shift = 24; shift >= 0; shift -= 8) options.push_back(static_cast<std::uint8_t>(edge >> shift));
  }
  return options;
}

TEST(SequenceRewrite, moves_numbers_behind_the_edits) {
  Segment one{segment(200, 600)};
  ASSERT_TRUE(one.rewrite());
  EXPECT_EQ(one.seen().tcp().sequence.host(), 215U);
  EXPECT_EQ(one.seen().tcp().acknowledgement.host(), 615U) << "the server's own numbering";
  EXPECT_TRUE(one.seen().checksums_right());
}

TEST(SequenceRewrite, leaves_numbers_before_the_edits) {
  Segment one{segment(50, 400)};
  ASSERT_TRUE(one.rewrite());
  EXPECT_EQ(one.seen().tcp().sequence.host(), 50U);
  EXPECT_EQ(one.seen().tcp().acknowledgement.host(), 400U);
}

TEST(SequenceRewrite, moves_sack_blocks) {
  Segment one{segment(200, 400).tcp_options(sack({600, 700}))};
  ASSERT_TRUE(one.rewrite());
  EXPECT_EQ(one.options(), sack({615, 715}));
  EXPECT_TRUE(one.seen().checksums_right());
}

// RFC 2018 section 3: what is reported is in the receiver's hands, and half an edit is no byte of the
// sender's.
TEST(SequenceRewrite, drops_a_block_that_is_not_whole_and_keeps_the_others) {
  Segment one{segment(200, 400).tcp_options(sack({501, 504, 600, 700}))};
  ASSERT_TRUE(one.rewrite());
  Bytes expected = sack({615, 715});
  expected.resize(expected.size() + 8, 1);
  EXPECT_EQ(one.options(), expected);
  EXPECT_TRUE(one.seen().checksums_right());

  Segment none{segment(200, 400).tcp_options(sack({501, 504}))};
  ASSERT_TRUE(none.rewrite());
  EXPECT_EQ(none.options(), Bytes(12, 1)) << "padding alone";
  EXPECT_TRUE(none.seen().checksums_right());
}

TEST(SequenceRewrite, leaves_a_segment_alone_that_carries_edited_text) {
  Segment one{segment(95, 600)};
  const Bytes before = one.seen().bytes();
  EXPECT_FALSE(one.rewrite());
  EXPECT_EQ(one.seen().bytes(), before);
}

TEST(SequenceRewrite, keeps_a_corrupt_checksum_corrupt) {
  Segment one{segment(200, 600).corrupt_transport_checksum()};
  ASSERT_TRUE(one.rewrite());
  EXPECT_FALSE(one.seen().checksums_right());
}

TEST(SequenceRewrite, survives_options_that_lie_about_their_length) {
  for (const Bytes& options :
       {Bytes{5, 0, 1, 1}, Bytes{5, 200, 1, 1}, Bytes{1, 1, 1, 5}, Bytes{5, 4, 1, 1}}) {
    Segment one{segment(200, 600).tcp_options(options)};
    EXPECT_TRUE(one.rewrite());
    EXPECT_EQ(one.options(), options);
    EXPECT_TRUE(one.seen().checksums_right());
  }
}

}  // namespace
}  // namespace rgw::dataplane
