#include "realmgw/app/ctl_tables.hpp"

#include "realmgw/base/counter.hpp"

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

namespace rgw::app {

namespace {

using nlohmann::ordered_json;

/// Rows of cells in columns as wide as they need to be; columns of numbers stand to the right.
class Table {
 public:
  explicit Table(std::vector<std::string> heads) : rows_{std::move(heads)} {}

  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  [[nodiscard]] std::string to_string() const {
    std::string text;
    for (const auto& row : rows_) {
      std::string line;
      for (std::size_t column = 0; column < row.size(); ++column) {
        const std::string gap(width(column) - row[column].size(), ' ');
        line += (column == 0 ? "" : "  ") + (is_numeric(column) ? gap + row[column] : row[column] + gap);
      }
      line.erase(line.find_last_not_of(' ') + 1);
      text += line + "\n";
    }
    return text;
  }

 private:
  [[nodiscard]] std::size_t width(std::size_t column) const {
    std::size_t widest = 0;
    for (const auto& row : rows_) widest = std::max(widest, row[column].size());
    return widest;
  }
  [[nodiscard]] bool is_numeric(std::size_t column) const {
    return rows_.size() > 1 && std::all_of(rows_.begin() + 1, rows_.end(), [column](const auto& row) {
             return !row[column].empty() && row[column].find_first_not_of("0123456789") == std::string::npos;
           });
  }

  std::vector<std::vector<std::string>> rows_;  // the first holds the heads
};

/// A value as a cell: text bare, lists with spaces between.
std::string cell(const ordered_json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_null()) return "-";
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (!value.is_array()) return value.dump();
  std::string text;
  for (const auto& item : value) text += (text.empty() ? "" : " ") + cell(item);
  return text;
}

std::string cell(const ordered_json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() ? "-" : cell(*found);
}

std::string_view meaning(std::string_view name) {
  const auto* const found = std::ranges::find(counter_infos, name, &CounterInfo::name);
  return found == counter_infos.end() ? std::string_view{} : found->help;
}

}  // namespace

std::string span_of_time(long long seconds) {
  const auto two = [](long long big, const char* big_unit, long long small, const char* small_unit) {
    return std::to_string(big) + big_unit + " " + std::to_string(small) + small_unit;
  };
  if (seconds >= 86400) return two(seconds / 86400, "d", seconds % 86400 / 3600, "h");
  if (seconds >= 3600) return two(seconds / 3600, "h", seconds % 3600 / 60, "m");
  if (seconds >= 60) return two(seconds / 60, "m", seconds % 60, "s");
  return std::to_string(seconds) + "s";
}

std::string status_table(const ordered_json& answer) {
  const auto& pool = answer.at("pool");
  const auto& mbufs = answer.at("mbufs");
  std::string text = "realmgwd " + cell(answer, "version") + ", realm " + cell(answer, "realm") + ", up " +
                     span_of_time(answer.at("uptime_s").get<long long>()) + "\n";
  text += cell(answer, "sessions") + " sessions, " + cell(answer, "neighbours") + " neighbours, " +
          cell(mbufs, "free") + " of " + cell(mbufs, "total") + " packet buffers free\n";
  text += "pool: " + cell(pool, "addresses") + " addresses, " + cell(pool, "carrying") +
          " of them carrying " + cell(pool, "reservations") + " reservations with " + cell(pool, "claims") +
          " claims, " + cell(pool, "waiting") + " queries waiting\n\n";
  Table ports{{"PORT", "SIDE", "LINK", "RECEIVED", "SENT", "MISSED", "MAC", "DEVICE", "ADDRESSES"}};
  for (const auto& port : answer.at("ports")) {
    const bool has_fault = port.contains("fault") && !port["fault"].is_null();
    ports.add({cell(port, "name"), cell(port, "side"), cell(port, has_fault ? "fault" : "link"),
               cell(port, "rx_packets"), cell(port, "tx_packets"), cell(port, "rx_missed"), cell(port, "mac"),
               cell(port, "device"), cell(port, "addresses")});
  }
  Table workers{{"WORKER", "BUSY %", "SESSIONS", "RECEIVED", "SENT"}};
  for (const auto& worker : answer.at("workers")) {
    workers.add({cell(worker, "id"), cell(worker, "busy_percent"), cell(worker, "sessions"),
                 cell(worker, "rx_packets"), cell(worker, "tx_packets")});
  }
  return text + ports.to_string() + "\n" + workers.to_string();
}

std::string sessions_table(const ordered_json& answer) {
  Table table{{"PROTO", "ORIGIN", "STATE", "INSIDE", "EXTERNAL", "REMOTE", "AGE", "IDLE", "EXPIRES"}};
  const auto time = [](const ordered_json& session, const char* key) {
    return span_of_time(session.at(key).get<long long>());
  };
  for (const auto& session : answer) {
    table.add({cell(session, "protocol"), cell(session, "origin"), cell(session, "tcp_state"),
               cell(session, "inside"), cell(session, "external"), cell(session, "remote"),
               time(session, "age_s"), time(session, "idle_s"), time(session, "expires_s")});
  }
  return table.to_string();
}

std::string bib_table(const ordered_json& answer) {
  Table table{{"PROTO", "KIND", "INSIDE", "EXTERNAL", "SESSIONS"}};
  for (const auto& mapping : answer) {
    table.add({cell(mapping, "protocol"), cell(mapping, "kind"), cell(mapping, "inside"),
               cell(mapping, "external"), cell(mapping, "sessions")});
  }
  return table.to_string();
}

std::string pinholes_table(const ordered_json& answer) {
  Table table{{"PROTO", "ALG", "FROM", "INSIDE", "EXTERNAL", "PORTS", "REMOTE", "SESSIONS", "USED", "EXPIRES",
               "CONVERSATION"}};
  for (const auto& hole : answer) {
    // What has ended since it was listed has no conversation any more.
    const bool known = hole.contains("conversation");
    const std::string between =
        known ? cell(hole.at("conversation"), "host") + " - " + cell(hole.at("conversation"), "remote") : "-";
    table.add({cell(hole, "protocol"), known ? cell(hole, "alg") : "-", cell(hole, "arrival"),
               cell(hole, "inside"), cell(hole, "external"), cell(hole, "ports"), cell(hole, "remote"),
               cell(hole, "sessions"), cell(hole, "used"),
               span_of_time(hole.at("expires_s").get<long long>()), between});
  }
  return table.to_string();
}

std::string eam_table(const ordered_json& answer) {
  std::string text =
      "prefix " + cell(answer, "prefix") + ", ICMP source " + cell(answer, "icmp_source") + "\n\n";
  Table table{{"IPV4", "IPV6", "HOSTS"}};
  for (const auto& map : answer.at("maps"))
    table.add({cell(map, "ipv4"), cell(map, "ipv6"), cell(map, "hosts")});
  text += table.to_string();
  if (answer.at("npt").empty()) return text;
  Table pairs{{"INSIDE", "OUTSIDE"}};
  for (const auto& pair : answer.at("npt")) pairs.add({cell(pair, "inside"), cell(pair, "outside")});
  return text + "\n" + pairs.to_string();
}

std::string map_table(const ordered_json& answer) {
  if (answer.at("translations").empty()) return cell(answer, "address") + ": no rule\n";
  Table table{{"RULE", "BECOMES", "BY"}};
  for (const auto& one : answer.at("translations")) {
    table.add({cell(one, "rule"), cell(one, "becomes"), cell(one, "by")});
  }
  return table.to_string();
}

std::string guard_table(const ordered_json& answer) {
  std::string text = "challenge: " + cell(answer, "challenge") + ", balance: " + cell(answer, "balance") +
                     ", alias: " + cell(answer, "alias") + "\n" + cell(answer, "unproven_claims") +
                     " claims without proof, " + cell(answer, "prefixes") + " prefixes remembered\n" +
                     cell(answer, "displaced") + " displaced, " + cell(answer, "aliases_given") +
                     " aliases given, " + cell(answer, "aliases_returned") + " returned, " +
                     cell(answer, "bound") + " answers bound to the client's prefix\n\n";
  Table rates{{"RATE", "A SECOND", "DROPPED"}};
  for (const auto& [name, rate] : answer.at("rates").items())
    rates.add({name, rate.at("limit") == 0 ? "off" : cell(rate, "limit"), cell(rate, "dropped")});
  Table families{{"FAMILY", "ADDRESSES", "CARRYING", "WITHOUT PROOF", "CALM"}};
  for (const auto& [name, family] : answer.at("pool").items()) {
    families.add({name, cell(family, "addresses"), cell(family, "carrying"), cell(family, "unproven"),
                  cell(family, "calm")});
  }
  return text + families.to_string() + "\n" + rates.to_string();
}

std::string pool_table(const ordered_json& answer) {
  Table addresses{{"ADDRESS", "STATE", "RESERVATIONS"}};
  for (const auto& address : answer.at("addresses")) {
    addresses.add({cell(address, "address"), cell(address, "state"), cell(address, "reservations")});
  }
  Table reservations{{"ID", "ADDRESS", "SERVICE", "HOST", "CLAIMS", "EXPIRES_MS"}};
  for (const auto& one : answer.at("reservations")) {
    reservations.add({cell(one, "id"), cell(one, "address"), cell(one, "service"), cell(one, "host"),
                      cell(one, "claims"), cell(one, "expires_ms")});
  }
  return addresses.to_string() + "\n" + reservations.to_string() + "\n" + cell(answer, "waiting") +
         " queries wait for an address\n";
}

std::string hosts_table(const ordered_json& answer) {
  Table table{{"HOST", "ADDRESSES", "SERVICES", "WWW", "PENDING", "ADDED", "DYNAMIC"}};
  for (const auto& host : answer) {
    table.add({cell(host, "name"), cell(host, "addresses"), cell(host, "services"), cell(host, "www"),
               cell(host, "pending"), cell(host, "added"), cell(host, "dynamic")});
  }
  return table.to_string();
}

std::string session_log_table(const ordered_json& answer) {
  const auto& sinks = answer.at("sinks");
  if (sinks.empty()) return "no session log is kept\n";
  Table table{{"sink", "name", "records", "lost", "waiting bytes", "trouble"}};
  for (const auto& sink : sinks) {
    std::vector<std::string> row;
    for (const char* key : {"sink", "name", "records", "lost", "waiting_bytes", "trouble"})
      row.push_back(cell(sink.at(key)));
    table.add(std::move(row));
  }
  return "per " + cell(answer.at("per")) + ", destinations: " + cell(answer.at("destinations")) + "\n" +
         table.to_string();
}

std::string alg_table(const ordered_json& answer) {
  std::string text = cell(answer, "sessions") + " of " + cell(answer, "sessions_max") + " sessions, " +
                     cell(answer, "pinholes") + " of " + cell(answer, "pinholes_max") + " pinholes with " +
                     cell(answer, "ports") + " ports, " + cell(answer, "memory") + " of " +
                     cell(answer, "memory_max") + " bytes of held text\n\n";
  Table table{{"PROTOCOL", "SERVICES", "SESSIONS", "EVER", "PINHOLES", "MESSAGES", "EDITED", "REFUSED",
               "MALFORMED", "OVER_LIMIT", "SHOWN"}};
  for (const auto& one : answer.at("protocols")) {
    table.add({cell(one, "name"), cell(one, "services"), cell(one, "sessions"), cell(one, "sessions_ever"),
               cell(one, "pinholes"), cell(one, "messages"), cell(one, "edited"), cell(one, "refused"),
               cell(one, "malformed"), cell(one, "over_limit"), cell(one, "shown")});
  }
  return text + table.to_string();
}

std::string pcp_table(const ordered_json& answer) {
  Table table{{"PROTO", "INSIDE", "EXTERNAL", "STATE", "EXPIRES"}};
  for (const auto& one : answer.at("mappings")) {
    table.add({cell(one, "protocol"), cell(one, "inside"), cell(one, "external"), cell(one, "state"),
               span_of_time(one.at("expires_s").get<long long>())});
  }
  return cell(answer, "mappings_now") + " of " + cell(answer, "mappings_max") + " mappings, epoch " +
         cell(answer, "epoch_s") + "\n\n" + table.to_string();
}

std::string cache_table(const ordered_json& answer) {
  std::string text = cell(answer, "entries") + " of " + cell(answer, "entries_max") + " answers, " +
                     cell(answer, "bytes") + " of " + cell(answer, "bytes_max") + " bytes, " +
                     cell(answer, "evicted") + " evicted; " + cell(answer, "waiting") + " queries wait, " +
                     cell(answer, "upstream_queries") + " at upstreams; " + cell(answer, "proxies") +
                     " proxies\n";
  if (!answer.at("peers").empty()) text += "peer edge nodes: " + cell(answer, "peers") + "\n";
  Table table{{"NAME", "TYPE", "ANSWER", "TTL", "DO", "CD"}};
  for (const auto& one : answer.at("answers")) {
    table.add({cell(one, "name"), cell(one, "type"), cell(one, "answer"), cell(one, "ttl_s"),
               cell(one, "dnssec_ok"), cell(one, "checking_disabled")});
  }
  return text + "\n" + table.to_string();
}

std::string counters_table(const ordered_json& answer, bool all) {
  Table table{{"COUNTER", "VALUE", "MEANING"}};
  for (const auto& [name, value] : answer.items()) {
    if (all || value.get<std::uint64_t>() != 0) table.add({name, cell(value), std::string{meaning(name)}});
  }
  return table.to_string();
}

std::string counters_per_thread_table(const ordered_json& answer, bool all) {
  std::vector<std::string> heads{"COUNTER"};
  for (const auto& [thread, counters] : answer.items()) heads.push_back(thread);
  Table table{heads};
  for (const auto& info : counter_infos) {
    const std::string name{info.name};
    std::vector<std::string> row{name};
    bool any = all;
    for (const auto& [thread, counters] : answer.items()) {
      row.push_back(cell(counters, name.c_str()));
      any = any || row.back() != "0";
    }
    if (any) table.add(std::move(row));
  }
  return table.to_string();
}

std::string reload_report(const ordered_json& answer) {
  const auto result = answer.at("result").get<std::string>();
  std::string text;
  const auto lines = [&](const char* key, const char* mark) {
    for (const auto& line : answer.at(key)) text += mark + line.get<std::string>() + "\n";
  };
  lines("warnings", "warning: ");
  lines("problems", "");
  const auto list = [&](const char* key, const std::string& title) {
    if (answer.at(key).empty()) return;
    text += title + "\n";
    for (const auto& row : answer.at(key)) {
      const auto what = row.at("what").get<std::string>();
      text += "  " + row.at("key").get<std::string>() + (what.empty() ? "" : ": " + what) + "\n";
    }
  };
  const bool done = result == "reloaded";
  list("now", done ? "Applies now:" : "Would apply at once:");
  list("ends_sessions", done ? "Applies now, and has ended the sessions that it concerns:"
                             : "Would apply at once, and end the sessions that it concerns:");
  list("restart", "Needs a restart:");
  if (result == "mistakes") return text + "The file has mistakes. The gateway goes on as it was.\n";
  if (result == "restart needed") return text + "A restart is needed. The gateway goes on as it was.\n";
  if (result == "unchanged") return text + "Nothing has changed.\n";
  if (done)
    text += "Reloaded; " + std::to_string(answer.at("sessions_ended").get<std::uint64_t>()) +
            " sessions ended.\n";
  return text;
}

}  // namespace rgw::app
