// Completion of realmgwctl, tried in the shells themselves (OPS-3). Where zsh is not installed its test is
// skipped.
#include "realmgw/app/ctl_commands.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rgw::app {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string output_of(const std::string& command) {
  FILE* const pipe = popen((command + " 2>&1").c_str(), "r");
  std::string text;
  std::array<char, 4096> piece;
  while (const std::size_t got = std::fread(piece.data(), 1, piece.size(), pipe))
    text.append(piece.data(), got);
  pclose(pipe);
  return text;
}

class Script {
 public:
  explicit Script(const std::string& text) { std::ofstream{path} << text; }
  ~Script() { std::filesystem::remove(path); }
  const std::string path =
      std::filesystem::temp_directory_path() / ("rgw-completion-" + std::to_string(getpid()));
};

/// What bash offers for the last of the words.
std::string in_bash(const std::string& words) {
  const Script script{ctl_completion("bash").value() + "COMP_WORDS=(" + words +
                      ")\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_realmgwctl\necho \"${COMPREPLY[*]}\"\n"};
  return output_of("bash --norc " + script.path);
}

TEST(Completion, of_bash_offers_what_may_come_next) {
  EXPECT_EQ(in_bash("realmgwctl ses"), "sessions\n");
  EXPECT_THAT(in_bash("realmgwctl ''"), HasSubstr("status sessions who log bib"));
  EXPECT_EQ(in_bash("realmgwctl sessions del"), "delete\n");
  EXPECT_EQ(in_bash("realmgwctl sessions --p"), "--port --proto\n");
  EXPECT_EQ(in_bash("realmgwctl sessions --proto ''"), "tcp udp icmp sctp\n");
  EXPECT_EQ(in_bash("realmgwctl sessions --limit ''"), "\n");
  EXPECT_EQ(in_bash("realmgwctl sessions delete --al"), "--all\n");
  EXPECT_THAT(in_bash("realmgwctl sessions --"), Not(HasSubstr("--all")));
  EXPECT_EQ(in_bash("realmgwctl completion z"), "zsh\n");
  EXPECT_EQ(in_bash("realmgwctl --socket /x --json relo"), "reload\n");
  EXPECT_EQ(in_bash("realmgwctl --js"), "--json\n");
  EXPECT_EQ(in_bash("realmgwctl --socket /etc/host"), in_bash("realmgwctl -s /etc/host"));
  EXPECT_THAT(in_bash("realmgwctl --socket /etc/host"), HasSubstr("/etc/hosts"));
}

TEST(Completion, of_every_option_of_every_command_is_there) {
  for (const auto& command : ctl_commands()) {
    const std::string offered = in_bash("realmgwctl " + std::string{command.name} + " --");
    for (const auto& option : command.options)
      EXPECT_THAT(offered, HasSubstr("--" + std::string{option.name})) << command.name;
  }
}

/// What a person in front of zsh sees after typing this and two tabs.
std::string in_zsh(const std::string& typed) {
  const Script completion{ctl_completion("zsh").value()};
  const std::string driver = completion.path + ".driver";
  std::ofstream{driver}
      << "zmodload zsh/zpty\nzpty shell zsh -f -i\n"
         "zpty -w shell $'PS1=; unsetopt zle_bracketed_paste; autoload -Uz compinit; compinit -u -D; "
         "source "
      << completion.path
      << "; stty rows 50 cols 200; echo REA''DY'\n"
         "zpty -r -m shell line '*READY*'\n"
         "zpty -w -n shell $'"
      << typed
      << "\\t\\t'\nlocal seen= tries=0\n"
         "while (( tries++ < 30 )); do\n"
         "  if zpty -r -t shell line; then seen+=$line; else sleep 0.05; fi\ndone\n"
         "print -r -- \"$seen\"\nzpty -d shell\n";
  const std::string seen = output_of("timeout 20 zsh -f " + driver);
  std::filesystem::remove(driver);
  return seen;
}

TEST(Completion, of_zsh_offers_what_may_come_next) {
  if (std::system("command -v zsh >/dev/null 2>&1") != 0) GTEST_SKIP() << "zsh is not installed";
  EXPECT_THAT(in_zsh("realmgwctl sess"), HasSubstr("realmgwctl sessions"));
  EXPECT_THAT(in_zsh("realmgwctl s"), HasSubstr("how the gateway is"));
  EXPECT_THAT(in_zsh("realmgwctl sessions delete --a"), HasSubstr("delete --all"));
  EXPECT_THAT(in_zsh("realmgwctl sessions --proto u"), HasSubstr("--proto udp"));
  EXPECT_THAT(in_zsh("realmgwctl completion b"), HasSubstr("completion bash"));
}

TEST(Completion, is_for_no_other_shell) {
  EXPECT_FALSE(ctl_completion("fish"));
}

}  // namespace
}  // namespace rgw::app
