// The session log whole, its crank turned by the test: what workers tell is what the file says.
#include "realmgw/session_log/session_log.hpp"

#include "unit/session_log/directory.hpp"

namespace rgw::session_log {
namespace {

using namespace std::chrono_literals;
using net::Endpoint;
using Event = Record::Event;
using test::lines_of;

class SessionLogTest : public testing::Test {
 protected:
  std::unique_ptr<SessionLog> make(std::size_t room = 64, bool destinations = false) {
    config::SessionLog what;
    what.file = path.string();
    what.destinations = destinations;
    return std::make_unique<SessionLog>(SessionLog::Parts{.what = what,
                                                          .workers = 2,
                                                          .version = "9",
                                                          .clock = &clock,
                                                          .wall_clock = [this] { return wall; },
                                                          .lane_room = room});
  }
  void pass(Duration time) {
    clock.advance(time);
    wall += std::chrono::floor<std::chrono::microseconds>(time);
  }
  Record record(Event event) {
    return {.at = clock.now(),
            .age = 2s,
            .host = Endpoint::parse("10.0.0.42:5000").value(),
            .external = Endpoint::parse("198.51.100.1:4711").value(),
            .remote = Endpoint::parse("203.0.113.10:443").value(),
            .session = 7,
            .event = event,
            .worker = 1,
            .protocol = net::Protocol::tcp,
            .origin = nat::SessionInfo::Origin::outbound,
            .ground = nat::Ground::port,
            .why = Counter::session_expired};
  }

  test::Directory directory;
  std::filesystem::path path = directory / "sessions.log";
  ManualClock clock;
  WallTime wall = parse_time("2026-11-30T12:00:00Z").value();
};

TEST_F(SessionLogTest, has_a_line_for_each_record_at_the_time_when_it_happened) {
  auto log = make();
  log->lane(WorkerId{1}).put(record(Event::session_begin));
  pass(1500ms);
  log->lane(WorkerId{1}).put(record(Event::session_end));
  Record block = record(Event::block_begin);
  block.host.port = 0;
  block.external.port = 1024;
  block.remote = {{}, 2047};
  block.session = 2;
  log->lane(WorkerId{0}).put(block);
  pass(500ms);
  EXPECT_TRUE(log->step());
  EXPECT_FALSE(log->step());
  log.reset();
  EXPECT_EQ(
      lines_of(path),
      (std::vector<std::string>{
          "1 2026-11-30T12:00:00.000000Z log-begin version=9 per=session destinations=no workers=2",
          "1 2026-11-30T12:00:01.500000Z block-begin host=10.0.0.42 external=198.51.100.1 ports=1024-2047/2",
          "1 2026-11-30T12:00:00.000000Z session-begin proto=tcp host=10.0.0.42:5000 "
          "external=198.51.100.1:4711 by=outbound ground=port id=1.7",
          "1 2026-11-30T12:00:01.500000Z session-end proto=tcp host=10.0.0.42:5000 "
          "external=198.51.100.1:4711 by=outbound ground=port id=1.7 began=2026-11-30T11:59:59.500000Z "
          "why=session_expired",
          "1 2026-11-30T12:00:02.000000Z log-end"}));
}

TEST_F(SessionLogTest, has_remotes_only_where_it_was_told_to) {  // RFC 6888 REQ-12
  for (const bool destinations : {false, true}) {
    std::filesystem::remove(path);
    auto log = make(64, destinations);
    log->lane(WorkerId{0}).put(record(Event::session_begin));
    log.reset();
    ASSERT_EQ(lines_of(path).size(), 3U);
    EXPECT_EQ(lines_of(path)[1].find("remote=203.0.113.10:443") != std::string::npos, destinations);
  }
}

TEST_F(SessionLogTest, says_what_was_lost_and_between_when) {  // OPS-6
  auto log = make(8);
  pass(1s);
  log->step();
  for (int i = 0; i < 20; ++i) log->lane(WorkerId{0}).put(record(Event::session_begin));
  pass(1s);
  log->step();
  const auto lines = lines_of(path);
  ASSERT_EQ(lines.size(), 10U);
  EXPECT_EQ(lines[9], "1 2026-11-30T12:00:02.000000Z lost count=12 since=2026-11-30T12:00:01.000000Z");
  const auto status = log->status();
  ASSERT_TRUE(status.file);
  EXPECT_EQ(status.file->lost, 12U);
  EXPECT_EQ(status.file->records, 9U) << "with the first line";
  EXPECT_FALSE(status.collector);
}

TEST_F(SessionLogTest, writes_all_that_was_told_before_it_ended_with_a_thread_of_its_own) {
  auto log = make(4096);
  log->start();
  for (int i = 0; i < 3000; ++i)
    log->lane(WorkerId{static_cast<std::uint8_t>(i % 2)}).put(record(Event::session_begin));
  log.reset();
  EXPECT_EQ(lines_of(path).size(), 3002U);
}

}  // namespace
}  // namespace rgw::session_log
