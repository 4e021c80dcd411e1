// A stream of pcapng, as it comes in pieces: whole blocks go on, and what they say of losses is heard
// (OPS-5).
#include "realmgw/app/ctl_capture.hpp"

#include "realmgw/capture/pcapng.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace rgw::app {
namespace {

namespace pcapng = capture::pcapng;

std::string stream() {
  std::string text;
  pcapng::begin(text, "realmgw");
  pcapng::interface(text, "inside", "", 65535);
  const std::array<std::uint8_t, 5> frame{1, 2, 3, 4, 5};
  pcapng::packet(text, {.length = 5, .bytes = frame, .comment = "dropped: no_route"});
  pcapng::statistics(text, 0, {}, 3, 1);
  pcapng::packet(text, {.length = 5, .bytes = frame});
  pcapng::statistics(text, 0, {}, 9, 7);
  return text;
}

TEST(CaptureStreamTest, whole_blocks_go_on_however_the_stream_is_cut) {
  const std::string whole = stream();
  for (std::size_t piece = 1; piece <= whole.size(); ++piece) {
    std::string out;
    CaptureStream capture{[&](std::span<const char> blocks) {
      out.append(blocks.data(), blocks.size());
      return true;
    }};
    for (std::size_t at = 0; at < whole.size(); at += piece) {
      ASSERT_TRUE(capture.add(std::span{whole}.subspan(at, std::min(piece, whole.size() - at))));
      ASSERT_EQ(out, whole.substr(0, out.size()));
    }
    EXPECT_EQ(out, whole);
    EXPECT_EQ(capture.packets(), 2U);
    EXPECT_EQ(capture.lost(), 7U);
  }
}

TEST(CaptureStreamTest, the_frames_of_packets_are_what_was_captured) {
  std::vector<std::string> frames;
  for_each_frame(stream(),
                 [&](std::span<const char> frame) { frames.emplace_back(frame.begin(), frame.end()); });
  const std::string frame{"\1\2\3\4\5"};
  EXPECT_EQ(frames, (std::vector<std::string>{frame, frame}));
}

TEST(CaptureStreamTest, what_is_cut_off_does_not_go_on) {
  const std::string whole = stream();
  std::string out;
  CaptureStream capture{[&](std::span<const char> blocks) {
    out.append(blocks.data(), blocks.size());
    return true;
  }};
  ASSERT_TRUE(capture.add(std::span{whole}.first(whole.size() - 1)));
  EXPECT_LT(out.size(), whole.size() - 1);
  EXPECT_EQ(capture.packets(), 2U);
  EXPECT_EQ(capture.lost(), 1U) << "the last word was not whole";
}

TEST(CaptureStreamTest, an_answer_that_is_no_stream_is_kept_for_reading) {
  CaptureStream capture{[](std::span<const char>) { return false; }};
  const std::string error = R"({"error":"no"})";
  EXPECT_TRUE(capture.add(std::span{error}.first(5)));
  EXPECT_TRUE(capture.add(std::span{error}.subspan(5)));
  EXPECT_FALSE(capture.has_begun());
  EXPECT_EQ(capture.answer(), error);
}

TEST(CaptureStreamTest, it_ends_where_nobody_takes_it_or_a_block_has_no_length) {
  const std::string whole = stream();
  CaptureStream refused{[](std::span<const char>) { return false; }};
  EXPECT_FALSE(refused.add(whole));
  CaptureStream broken{[](std::span<const char>) { return true; }};
  EXPECT_FALSE(broken.add(whole + std::string(12, '\0')));
}

}  // namespace
}  // namespace rgw::app
