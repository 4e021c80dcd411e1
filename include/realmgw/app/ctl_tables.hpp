// What realmgwctl prints for people, out of the JSON that the gateway answered.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace rgw::app {

/// Each takes the answer to the command of its name. Throws nlohmann::json::exception where it is of another
/// shape.
[[nodiscard]] std::string status_table(const nlohmann::ordered_json& answer);
[[nodiscard]] std::string sessions_table(const nlohmann::ordered_json& answer);
[[nodiscard]] std::string bib_table(const nlohmann::ordered_json& answer);
[[nodiscard]] std::string pinholes_table(const nlohmann::ordered_json& answer);
[[nodiscard]] std::string eam_table(const nlohmann::ordered_json& answer);
[[nodiscard]] std::string map_table(const nlohmann::ordered_json& answer);
[[nodiscard]] std::string guard_table(const nlohmann::ordered_json& answer);
[[nodiscard]] std::string pool_table(const nlohmann::ordered_json& answer);
[[nodiscard]] std::string hosts_table(const nlohmann::ordered_json& answer);
[[nodiscard]] std::string session_log_table(const nlohmann::ordered_json& answer);
[[nodiscard]] std::string alg_table(const nlohmann::ordered_json& answer);
[[nodiscard]] std::string pcp_table(const nlohmann::ordered_json& answer);
[[nodiscard]] std::string cache_table(const nlohmann::ordered_json& answer);
/// Counters with their meaning; those at zero only where `all` is set.
[[nodiscard]] std::string counters_table(const nlohmann::ordered_json& answer, bool all);
/// The same with a column a thread, for the answer to `counters per-thread`.
[[nodiscard]] std::string counters_per_thread_table(const nlohmann::ordered_json& answer, bool all);

/// What came of a reload, for people: mistakes, or the three lists of what has changed.
[[nodiscard]] std::string reload_report(const nlohmann::ordered_json& answer);

/// Seconds as people say them: "3d 4h", "2h 5m", "7m 1s", "12s".
[[nodiscard]] std::string span_of_time(long long seconds);

}  // namespace rgw::app
