// Prints docs/metrics.md from the lists in base/metric.hpp and base/counter.hpp.
#include "realmgw/base/metric.hpp"

#include <iostream>

namespace {

std::string_view kind_of(rgw::MetricKind kind) {
  switch (kind) {
    case rgw::MetricKind::counter:
      return "counter";
    case rgw::MetricKind::histogram:
      return "histogram";
    case rgw::MetricKind::gauge:
      break;
  }
  return "gauge";
}

void print_metric(const rgw::MetricInfo& metric) {
  std::string labels;
  for (const char letter : metric.labels) {
    if (labels.empty()) labels = "`";
    labels += letter == ' ' ? std::string{"`, `"} : std::string{letter};
  }
  if (!labels.empty()) labels += "`";
  std::cout << "| `" << rgw::metric_name(metric) << "` | " << kind_of(metric.kind) << " | " << labels << " | "
            << metric.help << " |\n";
}

}  // namespace

int main() {
  std::cout
      << "# Metrics\n\n"
         "Made from the program's lists, `include/realmgw/base/metric.hpp` and `counter.hpp`, by "
         "`print_metrics`; a test compares.\n\n"
         "What `realmgw-exporter` serves to Prometheus. The names are a promise: a later version may add "
         "metrics and values of\n"
         "labels, and takes none away. Times are in seconds, lengths in bytes; all else is a number of what "
         "the text names. Counters\n"
         "begin at 0 when the gateway starts.\n"
         "\n## States, times and what has labels\n\n"
         "| metric | kind | labels | what it tells |\n|---|---|---|---|\n";
  for (const auto& metric : rgw::metric_infos) print_metric(metric);
  std::cout << "\n## Counters of what happened\n\n"
               "Without labels, summed over all threads; [counters.md](counters.md) has the same list as "
               "`realmgwctl counters` shows it.\n\n"
               "| metric | what it counts |\n|---|---|\n";
  for (const auto& counter : rgw::counter_infos) {
    if (counter.kind != rgw::CounterKind::drop)
      std::cout << "| `" << rgw::metric_name(counter) << "` | " << counter.help << " |\n";
  }
  std::cout << "\n## Drops\n\n"
               "All are `"
            << rgw::metric_name(rgw::info(rgw::Metric::drops_total))
            << "`, by the label `reason`.\n\n"
               "| reason | what it counts |\n|---|---|\n";
  for (const auto& counter : rgw::counter_infos) {
    if (counter.kind == rgw::CounterKind::drop)
      std::cout << "| `" << counter.name << "` | " << counter.help << " |\n";
  }
}
