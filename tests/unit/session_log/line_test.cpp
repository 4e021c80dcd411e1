// The format (docs/session-log.md): each word of it is a promise to who reads the log.
#include "realmgw/session_log/line.hpp"

#include <gtest/gtest.h>

namespace rgw::session_log {
namespace {

using namespace std::chrono_literals;

const WallTime noon = parse_time("2026-11-30T12:00:00.000250Z").value();

Entry entry() {
  return {noon,
          "session-begin",
          {{"proto", "tcp"}, {"host", "[fd00:10::5]:4000"}, {"external", "198.51.100.1:4711"}}};
}

TEST(Line, of_the_file_is_one_record_with_its_version_first) {
  std::string text;
  append_line(text, entry());
  EXPECT_EQ(text,
            "1 2026-11-30T12:00:00.000250Z session-begin proto=tcp host=[fd00:10::5]:4000 "
            "external=198.51.100.1:4711\n");
}

TEST(Line, of_syslog_is_a_message_of_RFC_5424_with_structured_data) {
  EXPECT_EQ(syslog_message(entry(), "gw1", 77),
            "<134>1 2026-11-30T12:00:00.000250Z gw1 realmgwd 77 session-begin [session@32473 v=\"1\" "
            "proto=\"tcp\" host=\"[fd00:10::5\\]:4000\" external=\"198.51.100.1:4711\"]");
}

TEST(Line, is_taken_apart_into_what_it_was_made_of) {
  std::string text;
  append_line(text, entry());
  const auto line = Line::parse(text);
  ASSERT_TRUE(line);
  EXPECT_EQ(line->time(), noon);
  EXPECT_EQ(line->event(), "session-begin");
  EXPECT_EQ(line->field("proto"), "tcp");
  EXPECT_EQ(line->field("external"), "198.51.100.1:4711");
  EXPECT_EQ(line->field("extern"), "");
  for (const char* bad : {"", "1", "1 ", "2 2026-11-30T12:00:00Z session-begin", "1 yesterday session-begin",
                          "1 2026-11-30T12:00:00Z", "1 2026-11-30T12:00:00Z "})
    EXPECT_FALSE(Line::parse(bad)) << bad;
}

TEST(Line, times_are_read_as_they_are_written_and_as_people_write_them) {
  EXPECT_EQ(to_text(noon), "2026-11-30T12:00:00.000250Z");
  EXPECT_EQ(parse_time("2026-11-30T12:00:00Z"), noon - 250us);
  EXPECT_EQ(parse_time("2026-11-30T12:00:00.5Z"), noon - 250us + 500ms);
  EXPECT_EQ(parse_time("0"), WallTime{});
  EXPECT_EQ(to_text(parse_time("1700000000").value()), "2023-11-14T22:13:20.000000Z");
  EXPECT_EQ(to_text(parse_time("2024-02-29T23:59:59.999999Z").value()), "2024-02-29T23:59:59.999999Z");
  for (const char* bad :
       {"", "noon", "2026-11-30", "2026-11-30T12:00:00", "2026-02-30T12:00:00Z", "2026-11-30T24:00:00Z",
        "2026-11-30T12:60:00Z", "2026-11-30T12:00:00.Z", "2026-11-30T12:00:00+01:00", "-5"})
    EXPECT_FALSE(parse_time(bad)) << bad;
}

TEST(BlockPorts, are_pairs_and_of_several_workers_one_pair_in_so_many) {
  const auto all = BlockPorts::parse("1024-1031/1");
  ASSERT_TRUE(all);
  for (unsigned port = 1000; port < 1050; ++port)
    EXPECT_EQ(all->contains(static_cast<std::uint16_t>(port)), port >= 1024 && port <= 1031);
  const auto third = BlockPorts::parse("1026-1039/3").value();
  std::string inside;
  for (unsigned port = 1020; port < 1050; ++port) {
    if (third.contains(static_cast<std::uint16_t>(port))) inside += std::to_string(port) + " ";
  }
  EXPECT_EQ(inside, "1026 1027 1032 1033 1038 1039 ");
  EXPECT_EQ(third.to_string(), "1026-1039/3");
  for (const char* bad : {"", "1024", "1024-1031", "1024-1031/0", "1024-70000/1", "a-b/c"})
    EXPECT_FALSE(BlockPorts::parse(bad)) << bad;
}

}  // namespace
}  // namespace rgw::session_log
