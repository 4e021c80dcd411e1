// The file format, by its bytes; that tshark and capinfos read it is tests/e2e/test_capture.py's to show.
#include "realmgw/capture/pcapng.hpp"

#include <cstring>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace rgw::capture::pcapng {
namespace {

using namespace std::chrono_literals;

std::uint32_t word(const std::string& text, std::size_t at) {
  std::uint32_t value = 0;
  std::memcpy(&value, text.data() + at, sizeof value);
  return value;
}

/// The blocks of a file: each begins and ends with its length, a multiple of four.
std::vector<std::string> blocks(const std::string& file) {
  std::vector<std::string> all;
  for (std::size_t at = 0; at < file.size();) {
    const std::uint32_t length = word(file, at + 4);
    EXPECT_GE(length, 12U);
    EXPECT_EQ(length % 4, 0U);
    if (length < 12 || at + length > file.size()) {
      ADD_FAILURE() << "a block that runs over the end";
      return all;
    }
    EXPECT_EQ(word(file, at + length - 4), length);
    all.push_back(file.substr(at, length));
    at += length;
  }
  return all;
}

TEST(PcapngTest, a_file_is_a_section_with_interfaces_packets_and_statistics) {
  std::string file;
  begin(file, "realmgw 1");
  interface(file, "outside", "port 53", 65535);
  const std::vector<std::uint8_t> frame{1, 2, 3, 4, 5};
  packet(file, {.interface = 0, .at = Time{5s + 7ns}, .length = 60, .bytes = frame, .way = Way::inbound});
  statistics(file, 0, Time{6s}, 10, 3);
  const auto all = blocks(file);
  ASSERT_EQ(all.size(), 4U);
  EXPECT_EQ(word(all[0], 0), 0x0A0D0D0AU);
  EXPECT_EQ(word(all[0], 8), 0x1A2B3C4DU);
  EXPECT_EQ(word(all[1], 0), 1U);
  EXPECT_NE(all[1].find("outside"), std::string::npos);
  EXPECT_NE(all[1].find(std::string{'\0'} + "port 53"), std::string::npos);
  EXPECT_EQ(word(all[2], 0), 6U);
  EXPECT_EQ((std::uint64_t{word(all[2], 12)} << 32 | word(all[2], 16)), 5'000'000'007U);
  EXPECT_EQ(word(all[2], 20), 5U) << "kept";
  EXPECT_EQ(word(all[2], 24), 60U) << "of the frame";
  EXPECT_EQ(all[2].substr(28, 8), (std::string{"\1\2\3\4\5\0\0\0", 8})) << "filled up to whole words";
  EXPECT_EQ(word(all[3], 0), 5U);
}

TEST(PcapngTest, a_packet_of_any_length_and_comment_makes_whole_words) {
  for (std::size_t size = 0; size < 9; ++size) {
    for (std::size_t comment = 0; comment < 6; ++comment) {
      std::string file;
      packet(file, {.bytes = std::vector<std::uint8_t>(size), .comment = std::string(comment, 'c')});
      EXPECT_EQ(blocks(file).size(), 1U);
    }
  }
}

}  // namespace
}  // namespace rgw::capture::pcapng
