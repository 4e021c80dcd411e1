// The session log's file: it rotates by size, follows another's rotation, and says what it has lost.
#include "realmgw/session_log/log_file.hpp"

#include "unit/session_log/directory.hpp"

namespace rgw::session_log {
namespace {

using namespace std::chrono_literals;
using test::lines_of;

class LogFileTest : public testing::Test {
 protected:
  void put(LogFile& file, unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
      file.put({now, "session-begin", {{"id", std::to_string(next++)}}});
      now += 1ms;
    }
  }
  static std::vector<std::string> ids(const std::filesystem::path& path) {
    std::vector<std::string> all;
    for (const auto& line : lines_of(path)) {
      const auto parsed = Line::parse(line);
      EXPECT_TRUE(parsed) << line;
      if (parsed && parsed->event() == "session-begin") all.emplace_back(parsed->field("id"));
    }
    return all;
  }

  test::Directory directory;
  std::filesystem::path path = directory / "sessions.log";
  WallTime now = parse_time("2026-11-30T12:00:00Z").value();
  unsigned next = 0;
};

TEST_F(LogFileTest, goes_on_where_it_ended) {
  for (int start = 0; start < 2; ++start) {
    LogFile file{{path}};
    put(file, 3);
    file.flush(now);
    EXPECT_EQ(file.status().records, 3U);
    EXPECT_EQ(file.status().trouble, "");
  }
  EXPECT_EQ(ids(path), (std::vector<std::string>{"0", "1", "2", "3", "4", "5"}));
  using std::filesystem::perms;
  EXPECT_EQ(std::filesystem::status(path).permissions() & perms::others_all, perms::none);
}

TEST_F(LogFileTest, rotates_by_size_keeps_so_many_and_cuts_no_line) {
  LogFile file{{path, 2'000, 3}};
  for (int i = 0; i < 100; ++i) {
    put(file, 5);
    file.flush(now);
  }
  EXPECT_FALSE(std::filesystem::exists(directory / "sessions.log.4"));
  std::vector<std::string> all;
  for (const char* name : {"sessions.log.3", "sessions.log.2", "sessions.log.1", "sessions.log"}) {
    EXPECT_LE(std::filesystem::file_size(directory / name), 2'000U);
    for (const auto& id : ids(directory / name)) all.push_back(id);
  }
  ASSERT_FALSE(all.empty());
  for (std::size_t i = 0; i < all.size(); ++i)
    EXPECT_EQ(all[i], std::to_string(500 - all.size() + i)) << "the newest, without a gap";
  EXPECT_EQ(file.status().lost, 0U);
}

TEST_F(LogFileTest, follows_a_file_that_logrotate_has_renamed_or_cut) {
  LogFile file{{path}};
  put(file, 2);
  file.flush(now);
  std::filesystem::rename(path, directory / "sessions.log.1");
  now += 2s;
  put(file, 2);
  file.flush(now);
  EXPECT_EQ(ids(directory / "sessions.log.1"), (std::vector<std::string>{"0", "1"}));
  EXPECT_EQ(ids(path), (std::vector<std::string>{"2", "3"}));
  std::filesystem::resize_file(path, 0);  // copytruncate
  put(file, 1);
  file.flush(now);
  EXPECT_EQ(ids(path), (std::vector<std::string>{"4"}));
}

TEST_F(LogFileTest, that_cannot_be_written_keeps_a_little_and_tells_of_the_rest) {  // OPS-6
  std::filesystem::create_symlink("/dev/full", path);
  LogFile file{{path}, 1'000};
  const WallTime begin = now;
  put(file, 100);
  file.flush(now);
  const auto stuck = file.status();
  EXPECT_EQ(stuck.trouble, "No space left on device");
  EXPECT_GT(stuck.lost, 70U);
  EXPECT_LE(stuck.waiting_bytes, 1'200U);
  std::filesystem::remove(path);  // there is room again
  now += 2s;
  file.flush(now);
  put(file, 1);
  file.flush(now);
  EXPECT_EQ(file.status().trouble, "");
  EXPECT_EQ(file.status().waiting_bytes, 0U);
  const auto lines = lines_of(path);
  unsigned losses = 0;
  for (const auto& text : lines) {
    const auto line = Line::parse(text);
    ASSERT_TRUE(line) << text;
    if (line->event() != "lost") continue;
    ++losses;
    EXPECT_EQ(line->field("count"), std::to_string(stuck.lost));
    EXPECT_GT(parse_time(line->field("since")).value(), begin);
    EXPECT_LT(line->time(), begin + 1s) << "until when";
  }
  EXPECT_EQ(losses, 1U);
  EXPECT_EQ(ids(path).size() + stuck.lost, 101U);
}

TEST_F(LogFileTest, that_cannot_be_opened_ends_the_start) {
  EXPECT_THROW((LogFile{{directory / "missing/sessions.log"}}), std::system_error);
}

}  // namespace
}  // namespace rgw::session_log
