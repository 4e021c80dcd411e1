// What realmgw-exporter serves: at each scrape the gateway is asked anew.
#pragma once

#include "realmgw/app/exporter_options.hpp"

#include <mutex>
#include <prometheus/collectable.h>
#include <string>
#include <vector>

namespace rgw::app {

/// One question at a time. Where the gateway gives no good answer in time there is `realmgw_up 0` alone; the
/// log tells it once, and once when the gateway answers again.
class GatewayCollector final : public prometheus::Collectable {
 public:
  static constexpr std::size_t max_answer = 16 * 1024 * 1024;  ///< bytes

  explicit GatewayCollector(ExporterOptions options) : options_{std::move(options)} {}
  [[nodiscard]] std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  void tell(const std::string& trouble) const;

  ExporterOptions options_;
  mutable std::mutex mutex_;
  mutable bool told_ = false;  ///< that the gateway does not answer
};

}  // namespace rgw::app
