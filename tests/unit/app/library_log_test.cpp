// The lines of DPDK and its libraries in our log (OPS-10), and what the journal gets of a line.
#include "realmgw/dataplane/library_log.hpp"

#include "realmgw/app/log.hpp"

#include <array>
#include <bpf/libbpf.h>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rte_log.h>

namespace rgw::dataplane {
namespace {

using Severity = LibraryLog::Severity;
using testing::ElementsAre;
using testing::FieldsAre;
using testing::IsEmpty;

struct Heard {
  Severity severity;
  std::string library, line;
};

TEST(LibraryLogTest, each_line_of_dpdk_comes_with_its_severity) {
  std::vector<Heard> heard;
  {
    const LibraryLog log{[&](Severity severity, std::string_view library, std::string_view line) {
      heard.push_back({severity, std::string{library}, std::string{line}});
    }};
    rte_log(RTE_LOG_ERR, RTE_LOGTYPE_EAL, "EAL: cannot\n");
    rte_log(RTE_LOG_WARNING, RTE_LOGTYPE_EAL, "one\ntwo\n");
    rte_log(RTE_LOG_NOTICE, RTE_LOGTYPE_EAL, "begun, ");
    rte_log(RTE_LOG_NOTICE, RTE_LOGTYPE_EAL, "and ended\n");
    rte_log(RTE_LOG_CRIT, RTE_LOGTYPE_EAL, "\n");
  }
  EXPECT_THAT(heard, ElementsAre(FieldsAre(Severity::error, "DPDK", "EAL: cannot"),
                                 FieldsAre(Severity::warning, "DPDK", "one"),
                                 FieldsAre(Severity::warning, "DPDK", "two"),
                                 FieldsAre(Severity::notice, "DPDK", "begun, and ended")));
}

TEST(LibraryLogTest, libbpf_is_heard_as_well) {
  std::vector<Heard> heard;
  {
    const LibraryLog log{[&](Severity severity, std::string_view library, std::string_view line) {
      heard.push_back({severity, std::string{library}, std::string{line}});
    }};
    EXPECT_EQ(bpf_object__open("/nowhere/at/all.o"), nullptr);
  }
  ASSERT_FALSE(heard.empty());
  EXPECT_EQ(heard[0].library, "libbpf");
  EXPECT_EQ(heard[0].severity, Severity::notice);
  EXPECT_THAT(heard[0].line, testing::HasSubstr("/nowhere/at/all.o"));
  EXPECT_THAT(heard[0].line, testing::Not(testing::StartsWith("libbpf")));
}

}  // namespace
}  // namespace rgw::dataplane

namespace rgw::app {
namespace {

TEST(JournalTest, is_known_by_the_device_and_inode_that_systemd_names) {
  struct stat status {};
  ASSERT_EQ(fstat(STDERR_FILENO, &status), 0);
  const std::string here = std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
  EXPECT_TRUE(is_journal(STDERR_FILENO, here.c_str()));
  EXPECT_FALSE(is_journal(STDERR_FILENO, (here + "0").c_str()));
  EXPECT_FALSE(is_journal(STDERR_FILENO, nullptr));
  EXPECT_FALSE(is_journal(-1, here.c_str()));
}

/// What a daemon that cannot start writes where `journal_stream` is said to be.
std::string said(const std::string& before) {
  const std::string realm = "/nowhere/at/all.yaml";
  FILE* const pipe = popen(("exec 2>&1; " + before + " " RGW_REALMGWD " --config " + realm).c_str(), "r");
  std::string text;
  std::array<char, 4096> piece;
  while (const std::size_t got = std::fread(piece.data(), 1, piece.size(), pipe))
    text.append(piece.data(), got);
  pclose(pipe);
  return text;
}

TEST(JournalTest, gets_a_priority_instead_of_time_and_level) {
  EXPECT_THAT(
      said("JOURNAL_STREAM=$(stat -L -c '%d:%i' /dev/stderr)"),
      testing::AllOf(testing::StartsWith("<3>RGW-0043 /nowhere/at/all.yaml: cannot be opened: No such file"),
                     testing::HasSubstr("\n<3>RGW-0007 the realm file cannot be used")));
  EXPECT_THAT(said("JOURNAL_STREAM=1:1"), testing::ContainsRegex("T[0-9:.+]* error RGW-0007"));
}

}  // namespace
}  // namespace rgw::app
