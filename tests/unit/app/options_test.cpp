// realmgwd's command line.
#include "realmgw/app/options.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace rgw::app {
namespace {

using Parsed = std::variant<DaemonOptions, std::string>;
using Mode = DaemonOptions::Mode;

Parsed parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "realmgwd");
  arguments.push_back(nullptr);
  return parse_daemon_options(static_cast<int>(arguments.size()) - 1,
                              const_cast<char* const*>(arguments.data()));
}
DaemonOptions options(const Parsed& parsed) {
  return std::get<DaemonOptions>(parsed);
}
std::string mistake(const Parsed& parsed) {
  const auto* text = std::get_if<std::string>(&parsed);
  return text != nullptr ? *text : "none";
}

TEST(OptionsTest, a_realm_file_is_served_or_checked) {
  EXPECT_EQ(options(parse({"--config", "r.yaml"})).mode, Mode::run);
  EXPECT_EQ(options(parse({"-c", "r.yaml"})).file, "r.yaml");
  EXPECT_EQ(options(parse({"--check=r.yaml"})).mode, Mode::check);
  EXPECT_EQ(options(parse({"--check=r.yaml"})).file, "r.yaml");
}

TEST(OptionsTest, the_machine_is_checked_wherever_here_stands) {
  for (const auto& words :
       {std::vector{"--check", "--here", "r.yaml"}, std::vector{"--check", "r.yaml", "--here"},
        std::vector{"--here", "--check", "r.yaml"}, std::vector{"-k", "--here", "r.yaml"},
        std::vector{"--here", "--check=r.yaml"}}) {
    const auto parsed = options(parse(words));
    EXPECT_EQ(parsed.mode, Mode::check);
    EXPECT_TRUE(parsed.here);
    EXPECT_EQ(parsed.file, "r.yaml");
  }
  EXPECT_FALSE(options(parse({"--check", "r.yaml"})).here);
  EXPECT_EQ(mistake(parse({"--check", "--here"})), "--check needs an argument");
  EXPECT_EQ(mistake(parse({"--config", "r", "--here"})), "--here goes with --check");
  EXPECT_EQ(mistake(parse({"--check", "--here", "a", "b"})), "unexpected argument: b");
}

TEST(OptionsTest, a_log_level_is_taken_by_name) {
  EXPECT_EQ(options(parse({"-c", "r", "--log-level", "debug"})).log_level, spdlog::level::debug);
  EXPECT_EQ(options(parse({"-c", "r", "-l", "off"})).log_level, spdlog::level::off);
  EXPECT_EQ(options(parse({"-c", "r"})).log_level, spdlog::level::info);
}

TEST(OptionsTest, help_and_version_need_no_file) {
  EXPECT_EQ(options(parse({"--help"})).mode, Mode::help);
  EXPECT_EQ(options(parse({"-V"})).mode, Mode::version);
}

TEST(OptionsTest, a_mistake_is_named) {
  EXPECT_EQ(mistake(parse({})), "a realm file is needed: --config FILE");
  EXPECT_EQ(mistake(parse({"--frobnicate"})), "unknown option: --frobnicate");
  EXPECT_EQ(mistake(parse({"--config"})), "--config needs an argument");
  EXPECT_EQ(mistake(parse({"-c", "a", "-k", "b"})), "--config and --check are given once, and not together");
  EXPECT_EQ(mistake(parse({"-c", "a", "b"})), "unexpected argument: b");
  EXPECT_EQ(mistake(parse({"-c", "a", "-l", "loud"})), "unknown log level: loud");
}

}  // namespace
}  // namespace rgw::app
