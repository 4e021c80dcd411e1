// Log messages: each id once, and each with its paragraph for the operator in docs/log-ids.md.
#include "realmgw/app/log.hpp"

#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include <gtest/gtest.h>

namespace rgw::app {
namespace {

std::string log_ids() {
  std::ifstream file{RGW_SOURCE_DIR "/docs/log-ids.md"};
  return {std::istreambuf_iterator<char>{file}, {}};
}
std::string heading(unsigned id) {
  return fmt::format("\n## RGW-{:04} ", id);
}

TEST(LogTest, no_id_is_used_twice) {
  std::set<unsigned> seen;
  for (const auto& message : log_messages) EXPECT_TRUE(seen.insert(message.id).second) << message.id;
}

TEST(LogTest, every_message_has_its_paragraph) {
  const std::string text = log_ids();
  ASSERT_FALSE(text.empty());
  for (const auto& message : log_messages) {
    EXPECT_NE(text.find(heading(message.id)), std::string::npos)
        << "RGW-" << message.id << " " << message.text;
  }
}

TEST(LogTest, every_paragraph_has_its_message_and_level) {
  const std::string text = log_ids();
  std::size_t paragraphs = 0;
  for (auto at = text.find("\n## RGW-"); at != std::string::npos; at = text.find("\n## RGW-", at + 1))
    ++paragraphs;
  EXPECT_EQ(paragraphs, log_messages.size());
  for (const auto& message : log_messages) {
    const auto at = text.find(heading(message.id));
    ASSERT_NE(at, std::string::npos);
    const char* level = message.level == spdlog::level::err    ? "*error.*"
                        : message.level == spdlog::level::warn ? "*warning.*"
                                                               : "*info.*";
    const auto paragraph = text.substr(at + 1, text.find("\n## ", at + 1) - at);
    EXPECT_NE(paragraph.find(level), std::string::npos) << paragraph;
  }
}

}  // namespace
}  // namespace rgw::app
