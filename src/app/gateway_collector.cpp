#include "realmgw/app/gateway_collector.hpp"

#include "realmgw/app/ctl_client.hpp"
#include "realmgw/app/metric_answer.hpp"

#include <cstdio>
#include <exception>

namespace rgw::app {

std::vector<prometheus::MetricFamily> GatewayCollector::Collect() const {
  const std::lock_guard alone{mutex_};
  try {
    const AnswerLimits limits{options_.timeout, options_.timeout, max_answer};
    auto families = metric_families(ask_gateway(options_.socket, "metrics", limits));
    tell({});
    return families;
  } catch (const BadAnswer& error) {
    tell(options_.socket + ": " + error.what());
  } catch (const std::exception& error) {
    tell(error.what());
  }
  return {up_family(false)};
}

void GatewayCollector::tell(const std::string& trouble) const {
  if (trouble.empty() != told_) return;
  told_ = !trouble.empty();
  std::fprintf(stderr, "realmgw-exporter: %s\n", told_ ? trouble.c_str() : "the gateway answers again");
}

}  // namespace rgw::app
