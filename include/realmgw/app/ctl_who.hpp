// `realmgwctl who`: whose an external port was, by the session log and the gateway's live tables.
#pragma once

#include "realmgw/app/ctl_commands.hpp"
#include "realmgw/session_log/search.hpp"

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <variant>
#include <vector>

namespace rgw::app {

/// "198.51.100.1:4711 tcp @2026-11-30T14:38:55Z": an endpoint, and in any order a protocol and a time. What
/// is wrong with it, or what is asked.
[[nodiscard]] std::variant<session_log::Question, std::string> parse_who(const std::string& words,
                                                                         const std::string& remote);

/// What the log and the gateway say.
struct WhoAnswer {
  std::vector<session_log::Tenure> log;
  std::vector<session_log::Tenure> live;  ///< sessions that there are now
  std::vector<std::string> notices;       ///< what the answer may lack
};
[[nodiscard]] std::string who_text(const WhoAnswer& answer);
[[nodiscard]] nlohmann::ordered_json who_json(const WhoAnswer& answer);

/// Answers it all on the standard output. What went wrong; empty: nothing.
[[nodiscard]] std::string run_who(const CtlRequest& request);

}  // namespace rgw::app
