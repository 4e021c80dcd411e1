// Whose a port was (RFC 6888 REQ-12, REQ-14): by sessions, by blocks, over rotated files, restarts and
// losses.
#include "realmgw/session_log/search.hpp"

#include <sstream>

#include "unit/session_log/directory.hpp"

namespace rgw::session_log {
namespace {

using net::Protocol;

WallTime at(const std::string& clock) {
  return parse_time("2026-11-30T" + clock + "Z").value();
}
std::string line(const std::string& clock, const std::string& rest) {
  return "1 2026-11-30T" + clock + ".000000Z " + rest + "\n";
}
std::string session(const std::string& clock, const char* event, const std::string& host, const char* id,
                    const std::string& more = "") {
  return line(clock, std::string{event} + " proto=tcp host=" + host + " external=198.51.100.1:4711 " + more +
                         "by=outbound ground=port id=" + id);
}
Question question(std::optional<std::string> when = {}) {
  Question asked{.address = net::IpAddress::parse("198.51.100.1").value(), .port = 4711};
  if (when) asked.at = at(*when);
  return asked;
}
std::string hosts(const std::vector<Tenure>& found) {
  std::string text;
  for (const auto& one : found) text += (text.empty() ? "" : " ") + one.host;
  return text;
}
std::string who(const std::string& log, const Question& asked) {
  Search search{asked};
  std::istringstream lines{log};
  search.read(lines);
  return hosts(search.answer());
}

const std::string one_day =
    line("08:00:00", "log-begin version=1 per=session destinations=no workers=1") +
    session("09:00:00", "session-begin", "10.0.0.1:5000", "0.1") +
    session("09:30:00", "session-end", "10.0.0.1:5000", "0.1", "began=2026-11-30T09:00:00.0Z ") +
    session("10:00:00", "session-begin", "10.0.0.2:5000", "0.1");

TEST(Search, finds_a_session_from_its_beginning_to_before_its_end) {
  EXPECT_EQ(who(one_day, question("08:59:59")), "");
  EXPECT_EQ(who(one_day, question("09:00:00")), "10.0.0.1:5000");
  EXPECT_EQ(who(one_day, question("09:29:59")), "10.0.0.1:5000");
  EXPECT_EQ(who(one_day, question("09:30:00")), "");
  EXPECT_EQ(who(one_day, question("23:00:00")), "10.0.0.2:5000") << "it has not ended";
  EXPECT_EQ(who(one_day, question()), "10.0.0.1:5000 10.0.0.2:5000") << "whenever";
  Question udp = question("09:10:00");
  udp.protocol = Protocol::udp;
  EXPECT_EQ(who(one_day, udp), "");
  Question other = question("09:10:00");
  other.port = 4712;
  EXPECT_EQ(who(one_day, other), "");
}

TEST(Search, of_a_session_whose_beginning_is_in_no_file_takes_the_word_of_its_end) {
  const std::string log =
      session("09:30:00", "session-end", "10.0.0.1:5000", "0.1", "began=2026-11-30T09:00:00Z ");
  EXPECT_EQ(who(log, question("09:10:00")), "10.0.0.1:5000");
  EXPECT_EQ(who(log, question("08:10:00")), "");
}

TEST(Search, names_all_who_shared_the_port_and_by_their_remotes_the_one) {
  const std::string log =
      session("09:00:00", "session-begin", "10.0.0.1:5000", "0.1", "remote=203.0.113.1:80 ") +
      session("09:00:00", "session-begin", "10.0.0.2:5000", "1.1", "remote=203.0.113.2:80 ");
  EXPECT_EQ(who(log, question("09:10:00")), "10.0.0.1:5000 10.0.0.2:5000");
  Question asked = question("09:10:00");
  asked.remote = net::IpAddress::parse("203.0.113.2");
  EXPECT_EQ(who(log, asked), "10.0.0.2:5000");
}

TEST(Search, finds_the_block_of_a_port_of_the_worker_that_owns_it) {
  const std::string log =
      line("09:00:00", "block-begin host=10.0.0.1 external=198.51.100.1 ports=4098-5119/2") +
      line("09:00:00", "block-begin host=10.0.0.2 external=198.51.100.1 ports=4096-5117/2") +
      line("09:00:00", "block-begin host=10.0.0.3 external=198.51.100.2 ports=4098-5119/2") +
      line("09:30:00", "block-end host=10.0.0.1 external=198.51.100.1 ports=4098-5119/2");
  EXPECT_EQ(who(log, question("09:10:00")), "10.0.0.1") << "4711 is in pair 2355";
  EXPECT_EQ(who(log, question("09:30:00")), "");
  Question next = question("09:10:00");
  next.port = 4712;
  EXPECT_EQ(who(log, next), "10.0.0.2");
  next.protocol = Protocol::sctp;
  EXPECT_EQ(who(log, next), "") << "SCTP is in no block";
}

TEST(Search, a_session_of_the_port_itself_comes_before_the_block) {
  const std::string log =
      line("09:00:00", "block-begin host=10.0.0.1 external=198.51.100.1 ports=4096-5119/1") +
      line("09:00:00",
           "session-begin proto=tcp host=10.0.0.9:22 external=198.51.100.1:4711 by=inbound ground=claim "
           "id=0.7");
  EXPECT_EQ(who(log, question("09:10:00")), "10.0.0.9:22 10.0.0.1");
}

TEST(Search, a_gateway_that_stopped_ends_its_sessions) {
  const std::string begun = session("09:00:00", "session-begin", "10.0.0.1:5000", "0.1");
  const std::string stopped = begun + line("10:00:00", "log-end");
  EXPECT_EQ(who(stopped, question("09:59:59")), "10.0.0.1:5000");
  EXPECT_EQ(who(stopped, question("10:00:01")), "");
  const std::string killed = begun + line("10:00:00", "log-begin version=1");
  Search search{question("09:10:00")};
  std::istringstream lines{killed};
  search.read(lines);
  ASSERT_EQ(search.answer().size(), 1U);
  EXPECT_FALSE(search.answer()[0].end_is_known);
}

TEST(Search, of_a_port_whose_former_holders_end_was_lost_names_the_new_one) {
  const std::string log =
      line("09:00:00", "block-begin host=10.0.0.1 external=198.51.100.1 ports=4096-5119/1") +
      line("09:30:00", "block-begin host=10.0.0.2 external=198.51.100.1 ports=4096-5119/1");
  EXPECT_EQ(who(log, question("09:10:00")), "10.0.0.1");
  EXPECT_EQ(who(log, question("09:40:00")), "10.0.0.2");
}

TEST(Search, tells_what_may_be_missing) {
  const std::string log = session("09:00:00", "session-begin", "10.0.0.1:5000", "0.1") +
                          line("09:20:00", "lost count=17 since=2026-11-30T09:19:00Z") + "nonsense\n";
  const auto asked = [&](const std::string& when) {
    Search search{question(when)};
    std::istringstream lines{log};
    search.read(lines);
    EXPECT_EQ(search.unreadable(), 1U);
    return std::pair{search.gaps().size(), search.begins_too_late()};
  };
  EXPECT_EQ(asked("09:10:00"), (std::pair<std::size_t, bool>{0, false}));
  EXPECT_EQ(asked("09:21:00"), (std::pair<std::size_t, bool>{1, false}));
  EXPECT_EQ(asked("07:00:00"), (std::pair<std::size_t, bool>{0, true}));
}

TEST(Search, reads_the_former_files_first) {
  const test::Directory directory;
  for (const char* name : {"s.log", "s.log.1", "s.log.2", "s.log.10", "s.log.3.gz", "s.log.old", "t.log"})
    std::ofstream{directory / name};
  std::string order;
  for (const auto& file : files_of(directory / "s.log")) order += file.filename().string() + " ";
  EXPECT_EQ(order, "s.log.10 s.log.2 s.log.1 s.log ");
  EXPECT_TRUE(files_of(directory / "missing/s.log").empty());
}

}  // namespace
}  // namespace rgw::session_log
