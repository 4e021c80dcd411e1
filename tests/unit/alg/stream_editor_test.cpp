// ALG-1, one segment at a time: retransmissions, overlaps, split and joined commands, edits beyond the MSS,
// options, FIN and RST, held bytes that the editor vouches for, and the bounds.
#include "realmgw/alg/stream_editor.hpp"

#include "unit/alg/tokens.hpp"
#include <gtest/gtest.h>

namespace rgw::alg {
namespace {

using namespace std::chrono_literals;
using Flag = TcpSegment::Flag;
using Outputs = std::vector<StreamEditor::Output>;

class Editor : public testing::Test {
 protected:
  static constexpr std::uint32_t inside_isn = 0xfffffff0, outside_isn = 5000;

  void SetUp() override { handshake(1460); }

  void handshake(std::uint16_t mss, StreamEditor::Limits limits = {}) {
    editor_.emplace(tokens_, limits);
    TcpSegment syn = made(Side::inside, inside_isn, "", Flag::syn);
    syn.options = {2, 4, static_cast<char>(mss >> 8), static_cast<char>(mss & 0xff)};
    (void)editor_->on_segment(Side::inside, syn, now_);
    syn.seq = outside_isn;
    syn.ack = inside_isn + 1;
    syn.flags = Flag::syn | Flag::ack_flag;
    (void)editor_->on_segment(Side::outside, syn, now_);
  }
  static TcpSegment made(Side, std::uint32_t seq, std::string payload, std::uint8_t flags = Flag::ack_flag) {
    TcpSegment segment;
    segment.seq = seq;
    segment.flags = flags;
    segment.window = 1000;
    segment.payload = std::move(payload);
    return segment;
  }
  /// From inside, `at` bytes into the stream.
  Outputs inside(std::uint32_t at, std::string text, std::uint8_t flags = Flag::ack_flag) {
    TcpSegment segment = made(Side::inside, inside_isn + 1 + at, std::move(text), flags);
    segment.ack = outside_isn + 1;
    return editor_->on_segment(Side::inside, segment, now_);
  }
  /// From outside, acknowledging `acked` bytes of what came out.
  Outputs outside_acks(std::uint32_t acked, std::string options = {}) {
    TcpSegment segment = made(Side::outside, outside_isn + 1, "");
    segment.ack = inside_isn + 1 + acked;
    segment.options = std::move(options);
    return editor_->on_segment(Side::outside, segment, now_);
  }
  static std::string text(const Outputs& outputs) {
    std::string all;
    for (const auto& output : outputs) all += output.segment.payload;
    return all;
  }
  static std::uint32_t offset(const Outputs& outputs) { return outputs.front().segment.seq - inside_isn - 1; }

  test::Tokens tokens_{{{"a", "longer"}, {"bbbb", ""}, {"big", std::string(3000, 'x')}, {"c", "<c>"}}};
  std::optional<StreamEditor> editor_;
  Instant now_{1000s};
};

TEST_F(Editor, numbers_of_later_segments_move_by_what_edits_changed_also_without_payload) {
  EXPECT_EQ(text(inside(0, "x[a]y")), "xlongery");
  EXPECT_EQ(offset(inside(5, "z")), 8u);
  EXPECT_EQ(offset(inside(6, "")), 9u);
  EXPECT_EQ(outside_acks(4).front().segment.ack, inside_isn + 1 + 1) << "within the edit: repeat all of it";
  EXPECT_EQ(outside_acks(9).front().segment.ack, inside_isn + 1 + 6);
}

TEST_F(Editor, a_former_connection_in_time_wait_makes_room_for_a_new_one) {
  // RFC 9293 section 3.10.7.3: the answer to its ACK has the number that this acknowledged.
  editor_.emplace(tokens_, StreamEditor::Limits{});
  (void)editor_->on_segment(Side::inside, made(Side::inside, inside_isn, "", Flag::syn), now_);
  TcpSegment of_former = made(Side::outside, 7777, "");
  of_former.ack = 123456;
  EXPECT_EQ(editor_->on_segment(Side::outside, of_former, now_).front().segment.ack, 123456u);
  const auto reset = editor_->on_segment(Side::inside, made(Side::inside, 123456, "", Flag::rst), now_);
  EXPECT_EQ(reset.front().segment.seq, 123456u);
  handshake(1460);
  EXPECT_EQ(text(inside(0, "x[a]y")), "xlongery");
}

TEST_F(Editor, repeated_and_overlapping_segments_yield_the_same_bytes) {
  (void)inside(0, "x[a]y");
  EXPECT_EQ(text(inside(0, "x[a]y")), "xlongery");
  const auto tail = inside(2, "a]yz");
  EXPECT_EQ(text(tail), "longeryz") << "an edit that is touched comes whole";
  EXPECT_EQ(offset(tail), 1u);
}

TEST_F(Editor, a_command_split_byte_by_byte_is_edited_once) {
  const std::string command = "x[a]y";
  std::string out;
  for (std::uint32_t i = 0; i < command.size(); ++i) {
    for (const auto& output : inside(i, command.substr(i, 1))) {
      if (output.towards == Side::outside) out += output.segment.payload;
    }
  }
  EXPECT_EQ(out, "xlongery");
}

TEST_F(Editor, several_commands_in_one_segment_are_all_edited) {
  EXPECT_EQ(text(inside(0, "[a][c].[bbbb][a]")), "longer<c>.longer");
  EXPECT_EQ(offset(inside(16, "")), 16u);
}

TEST_F(Editor, an_edit_that_outgrows_the_mss_becomes_more_segments_with_the_flags_on_the_last) {
  const auto outputs = inside(0, "[big]!", Flag::ack_flag | Flag::psh | Flag::fin);
  ASSERT_EQ(outputs.size(), 3u);
  EXPECT_EQ(text(outputs), std::string(3000, 'x') + "!");
  std::uint32_t expected = inside_isn + 1;
  for (const auto& output : outputs) {
    EXPECT_EQ(output.segment.seq, expected);
    EXPECT_LE(output.segment.payload.size(), 1460u);
    expected += static_cast<std::uint32_t>(output.segment.payload.size());
    const bool last = &output == &outputs.back();
    EXPECT_EQ(output.segment.has(Flag::fin), last);
    EXPECT_EQ(output.segment.has(Flag::psh), last);
  }
}

TEST_F(Editor, options_count_against_the_mss) {
  TcpSegment segment = made(Side::inside, inside_isn + 1, "[big]");
  segment.options = std::string("\1\1\10\12abcdefgh", 12);
  for (const auto& output : editor_->on_segment(Side::inside, segment, now_)) {
    EXPECT_LE(output.segment.payload.size() + output.segment.options.size(), 1460u);
    EXPECT_EQ(output.segment.options.size(), 12u);
  }
}

TEST_F(Editor, a_fin_within_the_edited_flow_is_numbered_after_the_edited_text_and_may_come_again) {
  const auto outputs = inside(0, "[a]", Flag::ack_flag | Flag::fin);
  ASSERT_EQ(outputs.size(), 1u);
  EXPECT_TRUE(outputs[0].segment.has(Flag::fin));
  const auto again = inside(0, "[a]", Flag::ack_flag | Flag::fin);
  EXPECT_EQ(text(again), "longer");
  EXPECT_TRUE(again[0].segment.has(Flag::fin));
  EXPECT_EQ(outside_acks(6).front().segment.ack, inside_isn + 1 + 3) << "the text acknowledged";
  const auto alone = inside(0, "[a]", Flag::ack_flag | Flag::fin);
  EXPECT_EQ(text(alone), "");
  EXPECT_EQ(offset(alone), 6u);
  EXPECT_TRUE(alone[0].segment.has(Flag::fin));
  EXPECT_EQ(outside_acks(7).front().segment.ack, inside_isn + 1 + 4) << "text and FIN acknowledged";
}

TEST_F(Editor, what_the_receiver_has_is_not_sent_again_but_asked_about) {
  (void)inside(0, "x[a]y");
  (void)outside_acks(8);
  const auto outputs = inside(0, "x[a]");
  EXPECT_EQ(text(outputs), "");
  EXPECT_EQ(offset(outputs), 7u) << "below the window: the receiver answers with an acknowledgement";
}

TEST_F(Editor, an_early_fin_waits_for_the_text_before_it) {
  const auto early = inside(3, "z", Flag::ack_flag | Flag::fin);
  ASSERT_EQ(early.size(), 1u);
  EXPECT_FALSE(early[0].segment.has(Flag::fin));
  EXPECT_EQ(text(early), "");
  const auto outputs = inside(0, "[a]");
  EXPECT_EQ(text(outputs), "longerz");
  EXPECT_TRUE(outputs.back().segment.has(Flag::fin));
}

TEST_F(Editor, a_line_without_an_end_goes_on_as_it_is_at_the_fin) {
  (void)inside(0, "[a");
  const auto outputs = inside(2, "", Flag::ack_flag | Flag::fin);
  EXPECT_EQ(text(outputs), "[a");
  EXPECT_TRUE(outputs.back().segment.has(Flag::fin));
}

TEST_F(Editor, a_reset_carries_the_moved_number) {
  (void)inside(0, "[a]");
  const auto outputs = inside(3, "", Flag::rst);
  EXPECT_EQ(offset(outputs), 6u);
  EXPECT_TRUE(outputs[0].segment.has(Flag::rst));
}

TEST_F(Editor, sack_blocks_move_and_those_within_an_edit_vanish) {
  (void)inside(0, "0123[a]789[big]");
  std::string options = {1, 1, 5, 18};
  options.resize(20);
  store32(options, 4, inside_isn + 1 + 6), store32(options, 8, inside_isn + 1 + 9);      // within "longer"
  store32(options, 12, inside_isn + 1 + 10), store32(options, 16, inside_isn + 1 + 13);  // "789"
  const auto outputs = outside_acks(2, options);
  const std::string& seen = outputs.front().segment.options;
  ASSERT_EQ(seen.size(), 20u);
  EXPECT_EQ(seen[3], 10) << "one block is left";
  EXPECT_EQ(load32(seen, 4), inside_isn + 1 + 7);
  EXPECT_EQ(load32(seen, 8), inside_isn + 1 + 10);
  EXPECT_EQ(seen.substr(12), std::string(8, '\1'));
}

TEST_F(Editor, an_option_of_length_zero_ends_the_walk) {
  TcpSegment segment = made(Side::inside, inside_isn + 1, "[a]");
  segment.options = std::string("\10\0\5\0", 4);
  EXPECT_EQ(text(editor_->on_segment(Side::inside, segment, now_)), "longer");
}

TEST_F(Editor, held_bytes_are_acknowledged_so_that_a_sender_under_nagle_goes_on) {
  const auto outputs = inside(0, "[");
  ASSERT_EQ(outputs.size(), 2u);
  EXPECT_EQ(outputs[0].segment.payload, "");
  EXPECT_EQ(outputs[1].towards, Side::inside);
  EXPECT_EQ(outputs[1].segment.ack, inside_isn + 1 + 1);
  EXPECT_EQ(outputs[1].segment.seq, outside_isn + 1);
  EXPECT_EQ(outside_acks(0).front().segment.ack, inside_isn + 1 + 1)
      << "never back behind what was vouched for";
}

TEST_F(Editor, held_bytes_are_not_acknowledged_before_the_receiver_has_what_the_sender_must_repeat) {
  const auto outputs = inside(0, "xy[");
  ASSERT_EQ(outputs.size(), 1u);
  EXPECT_EQ(outputs[0].segment.payload, "xy");
  EXPECT_EQ(outside_acks(1).front().segment.ack, inside_isn + 1 + 1);
  EXPECT_EQ(outside_acks(2).front().segment.ack, inside_isn + 1 + 3);
}

TEST_F(Editor, what_it_vouched_for_the_editor_repeats_until_the_receiver_has_it) {
  (void)inside(0, "[");
  EXPECT_EQ(text(inside(1, "a]")), "longer");
  EXPECT_TRUE(editor_->on_time(now_).empty());
  ASSERT_TRUE(editor_->next_time());
  now_ = *editor_->next_time();
  const auto repeated = editor_->on_time(now_);
  EXPECT_EQ(text(repeated), "longer");
  EXPECT_EQ(offset(repeated), 0u);
  (void)outside_acks(6);
  EXPECT_EQ(editor_->next_time(), std::nullopt);
  EXPECT_EQ(editor_->memory(), 0u);
}

TEST_F(Editor, a_receiver_that_is_gone_is_given_up_after_eight_repetitions) {
  (void)inside(0, "[");
  (void)inside(1, "a]");
  unsigned repeated = 0;
  while (const auto next = editor_->next_time()) {
    now_ = *next;
    repeated += editor_->on_time(now_).empty() ? 0u : 1u;
    ASSERT_LT(repeated, 20u);
  }
  EXPECT_EQ(repeated, 8u);
}

TEST_F(Editor, after_the_inspector_has_finished_nothing_is_read_and_the_maps_suffice) {
  EXPECT_EQ(text(inside(0, "[a][!][a]")), "longer[!][a]");
  EXPECT_FALSE(editor_->at_rest()) << "the edit is not acknowledged";
  (void)outside_acks(12);
  EXPECT_TRUE(editor_->at_rest());
  const auto calls = tokens_.calls;
  EXPECT_EQ(text(inside(9, "[a]")), "[a]");
  EXPECT_EQ(tokens_.calls, calls);
  EXPECT_EQ(editor_->map(Side::inside).map_seq(inside_isn + 1 + 9), inside_isn + 1 + 12);
}

TEST_F(Editor, a_command_without_an_end_is_let_go_at_the_limit) {
  handshake(1460, {.window = 100});
  std::string sent, out;
  for (std::uint32_t at = 0; at < 200; at += 20) {
    const std::string part = at == 0 ? "[" + std::string(19, 'n') : std::string(20, 'n');
    sent += part;
    for (const auto& output : inside(at, part)) {
      if (output.towards == Side::outside) out += output.segment.payload;
    }
    EXPECT_LE(editor_->memory(), 300u);
  }
  EXPECT_TRUE(editor_->gave_up());
  EXPECT_EQ(out, sent);
}

TEST_F(Editor, edits_in_flight_are_bounded_and_an_acknowledgement_makes_room) {
  handshake(1460, {.window = 10000, .edits = 4});
  for (std::uint32_t i = 0; i < 4; ++i) EXPECT_EQ(text(inside(3 * i, "[c]")), "<c>");
  const auto fifth = inside(12, "[a]");
  EXPECT_EQ(fifth.front().segment.payload, "");
  const auto resumed = outside_acks(12);
  EXPECT_EQ(text(resumed), "longer");
}

TEST_F(Editor, early_segments_are_bounded) {
  handshake(1460, {.window = 1000, .edits = 4, .early_pieces = 8});
  for (std::uint32_t i = 1; i < 100; ++i) (void)inside(i * 40, std::string(30, 'e'));
  EXPECT_LE(editor_->memory(), 1000u);
}

TEST_F(Editor, a_decision_that_makes_no_sense_costs_the_inspection_alone) {
  class Mad final : public Inspector {
    Decision on_bytes(Side, std::string_view, Instant) override { return {3, {{2, 4, "zz"}}, false, false}; }
    void on_time(Instant) override {}
  } mad;
  StreamEditor editor{mad};
  EXPECT_EQ(text(editor.on_segment(Side::inside, made(Side::inside, 9, "hello"), now_)), "hello");
  EXPECT_TRUE(editor.gave_up());
}

TEST(TcpSegment, its_bytes_parse_to_itself_and_every_prefix_of_the_header_is_refused) {
  TcpSegment segment;
  segment.source_port = 21;
  segment.destination_port = 40000;
  segment.seq = 0x01020304;
  segment.ack = 0xfffefdfc;
  segment.flags = Flag::ack_flag | Flag::psh;
  segment.window = 512;
  segment.options = std::string("\1\1\10\12abcdefgh", 12);
  segment.payload = "PASV\r\n";
  const auto bytes = segment.bytes();
  const auto parsed = TcpSegment::parse(bytes);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->bytes(), bytes);
  EXPECT_EQ(parsed->payload, segment.payload);
  EXPECT_EQ(parsed->options, segment.options);
  for (std::size_t size = 0; size < 32; ++size)
    EXPECT_FALSE(TcpSegment::parse(std::span{bytes}.first(size))) << size;
}

}  // namespace
}  // namespace rgw::alg
