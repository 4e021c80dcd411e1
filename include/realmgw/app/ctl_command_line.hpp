// The command line of realmgwctl.
#pragma once

#include "realmgw/app/ctl_commands.hpp"

#include <string>
#include <variant>

namespace rgw::app {

/// Help or a version, which is all that was asked for.
struct CtlText {
  std::string text;
};
struct CtlMistake {
  std::string what;
};
struct CtlAsked {
  const CtlCommand* command;
  CtlRequest request;
};

/// What the command line means. An option of another command is a mistake, and so is an unknown word, for
/// which a near one is suggested.
[[nodiscard]] std::variant<CtlText, CtlMistake, CtlAsked> parse_ctl_command_line(int argc, char* const* argv);

}  // namespace rgw::app
