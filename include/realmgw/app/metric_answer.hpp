// The gateway's answer to `metrics`, as prometheus-cpp takes it.
#pragma once

#include <prometheus/metric_family.h>
#include <stdexcept>
#include <string>
#include <vector>

namespace rgw::app {

/// What was answered is not what a gateway answers, or says why it cannot.
struct BadAnswer : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// `realmgw_up`.
[[nodiscard]] prometheus::MetricFamily up_family(bool up);

/// All metrics of the answer, `realmgw_up` among them. Metrics that another version of the gateway has and
/// this program does not know are left out, and those that it lacks are absent. Throws BadAnswer.
[[nodiscard]] std::vector<prometheus::MetricFamily> metric_families(const std::string& answer);

}  // namespace rgw::app
