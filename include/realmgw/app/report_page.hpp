// What a gateway said over a while, as one page with pictures (OPS-4).
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace rgw::app {

/// The gateway's answer to `metrics` at one moment.
struct Moment {
  double at = 0;  ///< seconds since the first
  nlohmann::ordered_json answer;
};

struct Observation {
  std::vector<Moment> moments;      ///< at least one
  nlohmann::ordered_json status;    ///< the answer to `status`
  nlohmann::ordered_json sessions;  ///< the answer to `sessions`, or its beginning
  std::string made_at;              ///< for people
};

/// A page of HTML that needs no other file, in the colours of whoever reads it, light or dark. What another
/// version of the gateway does not say is left out.
[[nodiscard]] std::string report_page(const Observation& observation);

}  // namespace rgw::app
