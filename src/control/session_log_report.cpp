#include "realmgw/control/session_log_report.hpp"

#include <nlohmann/json.hpp>

namespace rgw::control {

std::string session_log_report(const session_log::SessionLog* log) {
  using nlohmann::ordered_json;
  ordered_json json{{"file", nullptr}, {"collector", nullptr}, {"sinks", ordered_json::array()}};
  if (log == nullptr) return json.dump();
  const auto status = log->status();
  const auto add = [&](const char* sink, const std::optional<session_log::SinkStatus>& of) {
    if (!of) return;
    json[sink] = of->name;
    json["sinks"].push_back({{"sink", sink},
                             {"name", of->name},
                             {"records", of->records},
                             {"lost", of->lost},
                             {"waiting_bytes", of->waiting_bytes},
                             {"trouble", of->trouble}});
  };
  add("file", status.file);
  add("collector", status.collector);
  json["per"] = log->what().per == config::SessionLog::Per::block ? "block" : "session";
  json["destinations"] = log->what().destinations;
  return json.dump();
}

}  // namespace rgw::control
