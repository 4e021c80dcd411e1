#include "realmgw/app/metric_answer.hpp"

#include "realmgw/base/metric.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

namespace rgw::app {
namespace {

using nlohmann::json;
using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

constexpr const char* not_metrics = "the answer is none to a question for metrics";

MetricType type_of(MetricKind kind) {
  switch (kind) {
    case MetricKind::counter:
      return MetricType::Counter;
    case MetricKind::histogram:
      return MetricType::Histogram;
    case MetricKind::gauge:
      break;
  }
  return MetricType::Gauge;
}

MetricFamily family_of(const MetricInfo& metric) {
  return {metric_name(metric), std::string{metric.help}, type_of(metric.kind), {}};
}

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> found;
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    found.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return found;
}

const json& checked(const json& value, bool is_right) {
  if (!is_right) throw BadAnswer{not_metrics};
  return value;
}
const json& object(const json& value) {
  return checked(value, value.is_object());
}
const json& list(const json& value) {
  return checked(value, value.is_array());
}

ClientMetric::Histogram histogram(const json& value) {
  const auto& bounds = list(value.at("bounds"));
  const auto& counts = list(value.at("counts"));
  if (counts.size() != bounds.size() + 1) throw BadAnswer{not_metrics};
  ClientMetric::Histogram result;
  result.sample_sum = value.at("sum").get<double>();
  for (std::size_t i = 0; i < counts.size(); ++i) {
    result.sample_count += counts[i].get<std::uint64_t>();
    const double bound =
        i < bounds.size() ? bounds[i].get<double>() : std::numeric_limits<double>::infinity();
    result.bucket.push_back({result.sample_count, bound});
  }
  return result;
}

void set_value(ClientMetric& sample, MetricKind kind, const json& value) {
  switch (kind) {
    case MetricKind::gauge:
      sample.gauge.value = value.get<double>();
      break;
    case MetricKind::counter:
      sample.counter.value = value.get<double>();
      break;
    case MetricKind::histogram:
      sample.histogram = histogram(value);
      break;
  }
}

/// `samples`: a list of [labels, value].
MetricFamily family_with(const MetricInfo& metric, const json& samples) {
  MetricFamily family = family_of(metric);
  const auto names = words(metric.labels);
  for (const json& pair : list(samples)) {
    const json& labels = list(pair.at(0));
    if (labels.size() != names.size()) throw BadAnswer{not_metrics};
    ClientMetric sample;
    for (std::size_t i = 0; i < names.size(); ++i)
      sample.label.push_back({std::string{names[i]}, labels[i].get<std::string>()});
    set_value(sample, metric.kind, pair.at(1));
    family.metric.push_back(std::move(sample));
  }
  return family;
}

/// All drops are one family.
void add_counters(std::vector<MetricFamily>& families, const json& counters) {
  MetricFamily drops = family_of(info(Metric::drops_total));
  for (const auto& counter : counter_infos) {
    const auto found = counters.find(counter.name);
    if (found == counters.end()) continue;
    ClientMetric sample;
    sample.counter.value = found->get<double>();
    if (counter.kind == CounterKind::drop) {
      sample.label.push_back({std::string{info(Metric::drops_total).labels}, std::string{counter.name}});
      drops.metric.push_back(std::move(sample));
    } else {
      families.push_back({metric_name(counter), std::string{counter.help}, MetricType::Counter, {sample}});
    }
  }
  families.push_back(std::move(drops));
}

}  // namespace

MetricFamily up_family(bool up) {
  MetricFamily family = family_of(info(Metric::up));
  ClientMetric sample;
  sample.gauge.value = up ? 1 : 0;
  family.metric.push_back(sample);
  return family;
}

std::vector<MetricFamily> metric_families(const std::string& answer) {
  const json parsed = json::parse(answer, nullptr, false);
  if (!parsed.is_object()) throw BadAnswer{"the answer is no JSON object"};
  try {
    if (const auto error = parsed.find("error"); error != parsed.end()) {
      const auto text = error->get<std::string>();
      throw BadAnswer{text == "unknown command: metrics"
                          ? "the gateway that runs is older than its metrics; restart it"
                          : "the gateway says: " + text};
    }
    std::vector<MetricFamily> families{up_family(true)};
    add_counters(families, object(parsed.at("counters")));
    const json& metrics = object(parsed.at("metrics"));
    for (const auto& metric : metric_infos) {
      if (&metric == &info(Metric::up) || &metric == &info(Metric::drops_total)) continue;
      if (const auto found = metrics.find(metric.name); found != metrics.end())
        families.push_back(family_with(metric, *found));
    }
    return families;
  } catch (const json::exception&) {
    throw BadAnswer{not_metrics};
  }
}

}  // namespace rgw::app
