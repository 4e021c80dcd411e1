#include "realmgw/app/report_page.hpp"

#include "realmgw/app/chart.hpp"
#include "realmgw/base/counter.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

namespace rgw::app {
namespace {

using nlohmann::ordered_json;
using Labels = std::vector<std::string>;

constexpr std::size_t longest_list = 10;

constexpr std::string_view style = R"(
:root { color-scheme: light dark; --ground: #ffffff; --text: #1b1f24; --quiet: #59636e; --rule: #d8dee4;
  --c0: #0b62c4; --c1: #b35900; --c2: #1a7f37; --c3: #8250df; --c4: #bf3989; --c5: #57606a; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #0f1318; --text: #e6e9ed; --quiet: #9aa4af; --rule: #2d343c;
    --c0: #6cb0ff; --c1: #f0a050; --c2: #5cc977; --c3: #bf9bff; --c4: #f58fc4; --c5: #a5afba; }
}
body { background: var(--ground); color: var(--text); font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto;
  max-width: 56rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 0.4rem; }
p { color: var(--quiet); margin: 0.2rem 0 0.6rem; }
table { border-collapse: collapse; } td, th { padding: 0.2rem 1rem 0.2rem 0; text-align: left; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
tr { border-bottom: 1px solid var(--rule); }
)";

/// One sample of a metric: [[label, ...], value].
struct Sample {
  Labels labels;
  const ordered_json* value;
};

std::vector<Sample> samples(const Moment& moment, const char* metric) {
  std::vector<Sample> all;
  const auto metrics = moment.answer.find("metrics");
  if (metrics == moment.answer.end()) return all;
  const auto found = metrics->find(metric);
  if (found == metrics->end() || !found->is_array()) return all;
  for (const auto& pair : *found) {
    if (!pair.is_array() || pair.size() != 2 || !pair[0].is_array()) continue;
    Sample& sample = all.emplace_back();
    for (const auto& label : pair[0])
      sample.labels.push_back(label.is_string() ? label.get<std::string>() : "");
    sample.value = &pair[1];
  }
  return all;
}

double number(const ordered_json& value) {
  return value.is_number() ? value.get<double>() : 0;
}

std::string joined(const Labels& labels) {
  std::string text;
  for (const auto& label : labels) text += (text.empty() ? "" : " ") + label;
  return text;
}

/// A line for each set of labels. `of(sample)` is its value, or nothing.
template <class Of>
std::vector<Line> lines(const Observation& observation, const char* metric, std::string name, Of&& of) {
  std::map<std::string, Line> by_labels;
  for (const auto& moment : observation.moments) {
    for (const auto& sample : samples(moment, metric)) {
      const std::optional<double> value = of(sample);
      if (!value) continue;
      const std::string labels = joined(sample.labels);
      Line& line = by_labels[labels];
      line.name = labels.empty() ? name : name.empty() ? labels : name + " " + labels;
      line.points.emplace_back(moment.at, *value);
    }
  }
  std::vector<Line> all;
  for (auto& [labels, line] : by_labels) all.push_back(std::move(line));
  return all;
}
std::vector<Line> gauges(const Observation& observation, const char* metric, std::string name) {
  return lines(observation, metric, std::move(name),
               [](const Sample& sample) { return std::optional{number(*sample.value)}; });
}

/// What grows, as its growth in a second.
std::vector<Line> rates(std::vector<Line> grown, double factor) {
  for (Line& line : grown) {
    std::vector<std::pair<double, double>> rate;
    for (std::size_t i = 1; i < line.points.size(); ++i) {
      const auto& [before, less] = line.points[i - 1];
      const auto& [at, more] = line.points[i];
      if (at > before) rate.emplace_back(at, std::max(0.0, more - less) / (at - before) * factor);
    }
    line.points = std::move(rate);
  }
  return grown;
}

/// Without those that were zero all the time.
std::vector<Line> used(std::vector<Line> lines) {
  std::erase_if(lines, [](const Line& line) {
    return std::ranges::all_of(line.points, [](const auto& point) { return point.second == 0; });
  });
  return lines;
}

void append(std::vector<Line>& lines, std::vector<Line> more) {
  std::ranges::move(more, std::back_inserter(lines));
}

std::string section(std::string_view title, std::string_view text, const std::string& picture) {
  return "<section><h2>" + escaped(title) + "</h2><p>" + escaped(text) + "</p>" + picture + "</section>\n";
}

std::string duration(double seconds) {
  if (seconds < 1e-3) return short_number(seconds * 1e6) + " µs";
  return seconds < 1 ? short_number(seconds * 1e3) + " ms" : short_number(seconds) + " s";
}

/// Counts by bounds, as the gateway has them.
std::optional<std::vector<Bar>> histogram(const ordered_json& value) {
  if (!value.is_object() || !value.contains("bounds") || !value.contains("counts")) return std::nullopt;
  const auto &bounds = value["bounds"], &counts = value["counts"];
  if (!bounds.is_array() || !counts.is_array() || counts.size() != bounds.size() + 1) return std::nullopt;
  std::vector<Bar> bars;
  double all = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    bars.push_back({i < bounds.size() ? duration(number(bounds[i])) : "more", number(counts[i])});
    all += number(counts[i]);
  }
  if (all == 0) return std::nullopt;
  return bars;
}

std::string histograms(const Observation& observation, const char* metric, std::string_view title,
                       std::string_view text) {
  std::string all;
  for (const auto& sample : samples(observation.moments.back(), metric)) {
    const auto bars = histogram(*sample.value);
    if (!bars) continue;
    const std::string which = joined(sample.labels);
    all += section(std::string{title} + (which.empty() ? "" : ": " + which), text, bar_chart("count", *bars));
  }
  return all;
}

/// Names with numbers, the greatest first.
std::string table(std::string_view name, std::string_view of, std::vector<Bar> rows) {
  std::ranges::stable_sort(rows, std::ranges::greater{}, &Bar::value);
  if (rows.size() > longest_list) rows.resize(longest_list);
  std::string text =
      "<table><tr><th>" + escaped(name) + "</th><th class=\"number\">" + escaped(of) + "</th></tr>";
  for (const Bar& row : rows)
    text += "<tr><td>" + escaped(row.name) + "</td><td class=\"number\">" + short_number(row.value) +
            "</td></tr>";
  return text + "</table>";
}

std::uint64_t counted(const Moment& moment, std::string_view counter) {
  const auto counters = moment.answer.find("counters");
  if (counters == moment.answer.end()) return 0;
  const auto found = counters->find(counter);
  return found == counters->end() || !found->is_number() ? 0 : found->get<std::uint64_t>();
}

std::string drops(const Observation& observation) {
  std::vector<Bar> rows;
  for (const auto& counter : counter_infos) {
    if (counter.kind != CounterKind::drop) continue;
    const auto before = counted(observation.moments.front(), counter.name),
               after = counted(observation.moments.back(), counter.name);
    if (after > before)
      rows.push_back({std::string{counter.name} + ": " + std::string{counter.help},
                      static_cast<double>(after - before)});
  }
  return section("Drops", "Packets whose way ended badly meanwhile, by reason; the ten most frequent.",
                 rows.empty() ? "<p>None.</p>" : table("reason", "packets", std::move(rows)));
}

/// "10.0.0.42" of "10.0.0.42:5000" and "fd00::1" of "[fd00::1]:80".
std::string address_of(const std::string& endpoint) {
  std::string address = endpoint.substr(0, endpoint.rfind(':'));
  if (address.starts_with('[')) address = address.substr(1, address.size() - 2);
  return address;
}

std::string hosts(const Observation& observation) {
  std::map<std::string, double> sessions;
  if (observation.sessions.is_array()) {
    for (const auto& session : observation.sessions)
      if (session.is_object() && session.contains("inside") && session["inside"].is_string())
        ++sessions[address_of(session["inside"].get<std::string>())];
  }
  std::vector<Bar> rows;
  for (const auto& [address, count] : sessions) rows.push_back({address, count});
  const std::string of_how_many =
      std::to_string(observation.sessions.is_array() ? observation.sessions.size() : 0);
  return section(
      "Hosts",
      "Those with the most sessions at the end, of " + of_how_many + " sessions that were looked at.",
      rows.empty() ? "<p>None.</p>" : table("host", "sessions", std::move(rows)));
}

std::string text_in(const ordered_json& object, const char* key) {
  return object.is_object() && object.contains(key) && object[key].is_string()
             ? object[key].get<std::string>()
             : "?";
}

}  // namespace

std::string report_page(const Observation& observation) {
  const std::string realm = text_in(observation.status, "realm");
  std::string page =
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Realm Gateway " +
      escaped(realm) + "</title><meta name=\"viewport\" content=\"width=device-width\"><style>" +
      std::string{style} + std::string{chart_style()} + "</style></head><body>\n";
  page += "<h1>Realm Gateway " + escaped(realm) + "</h1><p>Version " +
          escaped(text_in(observation.status, "version")) + ", " + escaped(observation.made_at) + ", over " +
          duration(observation.moments.back().at) + ".</p>\n";

  page += section("The Circular Pool", "Addresses by what they do.",
                  line_chart("addresses", used(gauges(observation, "pool_addresses", ""))));
  std::vector<Line> promises = gauges(observation, "pool_reservations", "reservations");
  append(promises, gauges(observation, "pool_claims_pending", "claims pending"));
  append(promises, gauges(observation, "pool_waiting", "queries that wait"));
  page += section("Reservations", "What stands, and who waits for an address.",
                  line_chart("at one time", promises));
  page += histograms(observation, "pool_service_seconds", "T_service",
                     "From a reservation to the packet that claimed it, since the gateway's start.");
  page += histograms(observation, "dns_answer_seconds", "DNS answers",
                     "From a query to its answer, since the gateway's start.");

  std::vector<Line> load = rates(lines(observation, "worker_turn_seconds", "worker",
                                       [](const Sample& sample) -> std::optional<double> {
                                         if (!sample.value->is_object() || !sample.value->contains("sum"))
                                           return std::nullopt;
                                         return number((*sample.value)["sum"]);
                                       }),
                                 100);
  page += section("Workers", "The share of time that a worker was busy.", line_chart("%", load));
  page += section("Sessions", "Of all workers.",
                  line_chart("sessions", gauges(observation, "sessions", "sessions")));
  constexpr double megabits = 8e-6;
  std::vector<Line> traffic = rates(gauges(observation, "port_receive_bytes_total", "received by"), megabits);
  append(traffic, rates(gauges(observation, "port_transmit_bytes_total", "sent by"), megabits));
  page += section("Traffic", "By port.", line_chart("Mbit/s", traffic));
  page += drops(observation);
  page += hosts(observation);
  return page + "</body></html>\n";
}

}  // namespace rgw::app
