// What realmgwctl can be asked: the one table that its command line, its help and its completion come from.
#pragma once

#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rgw::app {

/// An option of commands: `--limit N`, or a flag.
struct CtlOption {
  std::string_view name;
  std::string_view value;  ///< what its value is called; empty: it is a flag
  std::string_view help;
  std::string_view choices = {};  ///< its values, with blanks between, where they are few
  bool may_lack_value = false;    ///< `--watch` or `--watch=5`
};

/// The command line, understood.
struct CtlRequest {
  std::string socket = "/run/realmgw/realmgw.sock";
  bool json = false;
  std::map<std::string_view, std::string, std::less<>> options;  ///< by name, with the value
  std::string argument;  ///< of a command that takes one; of several, with blanks between

  [[nodiscard]] bool has(std::string_view option) const { return options.contains(option); }
};

struct CtlCommand {
  std::string_view name;     ///< one word, or two
  std::string_view summary;  ///< for the list of commands
  std::string_view text;     ///< for its own help
  std::vector<CtlOption> options{};
  std::string_view argument = {};  ///< what its argument is called in the help, of a command that takes one
  std::string_view argument_is = {};  ///< what that is: "an address"
  bool several = false;               ///< it takes one or more
  bool may_lack_argument = false;     ///< none will do
  std::string_view choices = {};      ///< the arguments that there are, where they are few
  std::string_view closing = {};      ///< what the help ends with
  /// The line for the gateway; empty where it is not asked.
  std::function<std::string(const CtlRequest&)> ask{};
  /// Does all of it by itself, in place of asking, showing and `done`. What went wrong; empty: nothing.
  std::function<std::string(const CtlRequest&)> act{};
  /// What people see of the gateway's answer.
  std::function<std::string(const nlohmann::ordered_json&, const CtlRequest&)> show{};
  /// Does the answer say that it was done? Empty: it always does.
  std::function<bool(const nlohmann::ordered_json&)> done{};
};

/// Those that may stand anywhere on the command line.
struct CtlGeneralOption {
  char letter;
  CtlOption option;
};

[[nodiscard]] std::span<const CtlCommand> ctl_commands();
[[nodiscard]] std::span<const CtlGeneralOption> ctl_general_options();

/// The help of realmgwctl, and of one command.
[[nodiscard]] std::string ctl_help();
[[nodiscard]] std::string ctl_help(const CtlCommand& command);

/// A script that completes realmgwctl's command line in `shell` (bash or zsh); nothing for another one.
[[nodiscard]] std::optional<std::string> ctl_completion(std::string_view shell);

}  // namespace rgw::app
