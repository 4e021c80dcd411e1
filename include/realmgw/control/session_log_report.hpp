// What realmgwctl is told of the session log.
#pragma once

#include "realmgw/session_log/session_log.hpp"

#include <string>

namespace rgw::control {

/// `{"file": ..., "collector": ..., "per": "session", "destinations": false, "sinks": [{"sink": "file",
/// "name": ..., "records": n, "lost": n, "waiting_bytes": n, "trouble": ...}, ...]}`; of a log that is not
/// kept
/// `{"file": null, "collector": null, "sinks": []}`. `log`: null where none is kept.
[[nodiscard]] std::string session_log_report(const session_log::SessionLog* log);

}  // namespace rgw::control
