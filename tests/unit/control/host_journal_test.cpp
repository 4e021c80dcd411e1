// What updates have made, kept over a restart (OPS-9):
//   - lines are read as they were written; the last one of a name counts; removals count
//   - what a crash cuts short does not count, and spoils nothing that comes behind it
//   - a journal that has grown is folded, and nothing is lost meanwhile
#include "realmgw/control/host_journal.hpp"

#include "realmgw/dns/name.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <sys/resource.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

#include "unit/control/support.hpp"
#include <gtest/gtest.h>

namespace rgw::control {
namespace {

using test::ip;

std::string wire(const char* name) {
  return std::string{dns::Name::from_text(name).value().key()};
}
DynamicHost host(const std::string& name, const char* address, std::uint32_t ttl = 300) {
  return {.name = name, .addresses = {ip(address)}, .dhcid = {std::string("\0\2\1\xff", 4)}, .ttl = ttl};
}

class HostJournalTest : public testing::Test {
 protected:
  HostJournalTest() { std::filesystem::create_directories(directory); }
  ~HostJournalTest() override { std::filesystem::remove_all(directory); }

  static std::string lines(std::initializer_list<DynamicLine> all, std::uint64_t signed_at = 7) {
    std::string text;
    for (const auto& line : all) text += line_of(line);
    return text + line_of(DynamicCommit{"dhcp", signed_at});
  }
  HostJournal::Kept kept() {
    auto all = HostJournal{base}.take_kept();
    std::ranges::sort(all.hosts, {}, &DynamicHost::name);
    return all;
  }
  std::vector<std::string> names() {
    std::vector<std::string> all;
    for (const auto& one : kept().hosts) all.push_back(one.name);
    return all;
  }
  void append_bytes(const std::string& bytes) const {
    std::ofstream{base.string() + ".journal", std::ios::app | std::ios::binary} << bytes;
  }

  std::filesystem::path directory =
      std::filesystem::temp_directory_path() / ("host_journal_test." + std::to_string(getpid()));
  std::filesystem::path base = directory / "dynamic-hosts";
};

using Names = std::vector<std::string>;

TEST_F(HostJournalTest, what_is_appended_is_read_again) {  // OPS-9
  const DynamicHost both{
      .name = "a.lab", .addresses = {ip("10.0.0.7"), ip("fd00:10::7")}, .dhcid = {}, .ttl = 60};
  const DynamicReverse reverse{
      .address = ip("fd00:10::7"), .target = wire("a.lab.foo"), .dhcid = {"abcd"}, .ttl = 9};
  {
    HostJournal journal{base};
    EXPECT_TRUE(journal.append(lines({both, host("b", "10.0.0.8"), reverse}, 12)));
    EXPECT_TRUE(journal.append(lines({host("b", "10.0.0.9", 5)}, 13)));
  }
  const auto read = kept();
  EXPECT_EQ(read.hosts, (std::vector{both, host("b", "10.0.0.9", 5)}));
  EXPECT_EQ(read.reverses, std::vector{reverse});
  EXPECT_EQ(read.keys, (std::vector{DynamicCommit{"dhcp", 13}}));
  struct stat status {};
  ASSERT_EQ(stat((base.string() + ".journal").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U & ~umask(0), 0640U & ~umask(0));
}

TEST_F(HostJournalTest, a_removed_name_stays_removed) {
  {
    HostJournal journal{base};
    EXPECT_TRUE(journal.append(lines({host("a", "10.0.0.7"), host("b", "10.0.0.8")})));
    EXPECT_TRUE(journal.append(lines({DynamicHost{.name = "a", .addresses = {}, .dhcid = {}, .ttl = 0}})));
  }
  EXPECT_EQ(names(), Names{"b"});
}

TEST_F(HostJournalTest, what_a_crash_cuts_short_does_not_count_and_spoils_nothing_behind_it) {  // OPS-9
  const auto whole = lines({host("b", "10.0.0.8"), host("c", "10.0.0.9")});
  for (std::size_t size = 0; size < whole.size(); size += 7) {
    std::filesystem::remove(base.string() + ".journal");
    { EXPECT_TRUE(HostJournal{base}.append(lines({host("a", "10.0.0.7")}))); }
    append_bytes(whole.substr(0, size));
    {
      HostJournal journal{base};
      EXPECT_EQ(journal.unreadable(), 0U);
      EXPECT_EQ(journal.take_kept().hosts.size(), 1U);
      EXPECT_TRUE(journal.append(lines({host("d", "10.0.0.10")})));
    }
    EXPECT_EQ(names(), (Names{"a", "d"})) << size;
  }
}

TEST_F(HostJournalTest, lines_that_are_none_are_counted_and_a_copy_is_kept) {
  { EXPECT_TRUE(HostJournal{base}.append(lines({host("a", "10.0.0.7")}))); }
  for (const auto* bad :
       {"nonsense", "{}", "[]", "{\"host\":7}", "{\"host\":\"x\",\"addresses\":[\"10.0.0\"]}",
        "{\"reverse\":\"x\"}", "{\"host\":\"x\",\"dhcid\":[\"0g\"]}", "\xff\xfe"})
    append_bytes(std::string{bad} + "\n");
  append_bytes(lines({host("b", "10.0.0.8")}));
  HostJournal journal{base};
  EXPECT_EQ(journal.unreadable(), 8U);
  EXPECT_EQ(journal.take_kept().hosts.size(), 2U);
  EXPECT_TRUE(std::filesystem::exists(base.string() + ".journal.broken"));
}

TEST_F(HostJournalTest, a_journal_that_has_grown_is_folded_and_nothing_is_lost) {  // OPS-9
  constexpr int count = 400;
  {
    HostJournal journal{base, 4096};
    unsigned folds = 0;
    for (int i = 0; i < count; ++i) {
      const auto number = std::to_string(i % 40);
      EXPECT_TRUE(
          journal.append(lines({host("h" + number, ("10.0.0." + number).c_str(), static_cast<unsigned>(i))},
                               static_cast<unsigned>(i))));
      const bool before = journal.folding();
      journal.tick();
      folds += !before && journal.folding() ? 1U : 0U;
    }
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    while (journal.folding() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    EXPECT_FALSE(journal.folding());
    EXPECT_GE(folds, 1U);
    EXPECT_TRUE(std::filesystem::exists(base));
    EXPECT_FALSE(std::filesystem::exists(base.string() + ".journal.old"));
  }
  const auto read = kept();
  ASSERT_EQ(read.hosts.size(), 40U);
  for (const auto& one : read.hosts) EXPECT_GE(one.ttl, 360U) << one.name;
  EXPECT_NE(std::ranges::find(read.keys, DynamicCommit{"dhcp", 399}), read.keys.end());
}

TEST_F(HostJournalTest, a_fold_that_was_cut_short_is_done_at_the_next_start) {
  { EXPECT_TRUE(HostJournal{base}.append(lines({host("a", "10.0.0.7")}))); }
  std::filesystem::rename(base.string() + ".journal", base.string() + ".journal.old");
  {
    HostJournal journal{base};
    EXPECT_TRUE(journal.append(lines({host("b", "10.0.0.8")})));
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    while (journal.folding() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  }
  EXPECT_FALSE(std::filesystem::exists(base.string() + ".journal.old"));
  EXPECT_EQ(names(), (Names{"a", "b"}));
}

TEST_F(HostJournalTest, a_disk_that_is_full_leaves_the_journal_as_it_was) {
  HostJournal journal{base};
  EXPECT_TRUE(journal.append(lines({host("a", "10.0.0.7")})));
  rlimit former{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &former), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit tight{std::filesystem::file_size(base.string() + ".journal") + 20, former.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &tight), 0);
  const bool appended = journal.append(lines({host("b", "10.0.0.8")}));
  setrlimit(RLIMIT_FSIZE, &former);
  std::signal(SIGXFSZ, handler);
  EXPECT_FALSE(appended);
  EXPECT_TRUE(journal.append(lines({host("c", "10.0.0.9")})));
  EXPECT_EQ(names(), (Names{"a", "c"}));
}

}  // namespace
}  // namespace rgw::control
