#include "server/ops/metrics_registry.h"

#include <prometheus/registry.h>

#include "server/ops/metric_families.h"
#include "server/ops/process_metrics.h"

namespace herald::ops {

MetricsRegistry::MetricsRegistry(absl::string_view version)
    : registry_(std::make_shared<prometheus::Registry>()),
      process_(std::make_shared<ProcessMetrics>()) {
  prometheus::BuildGauge()
      .Name("herald_build_info")
      .Help("1, labelled with the version that runs")
      .Register(*registry_)
      .Add({{"version", std::string(version)}})
      .Set(1);
}

MetricsRegistry::~MetricsRegistry() = default;

std::shared_ptr<prometheus::Collectable> MetricsRegistry::own_metrics() const { return registry_; }

}  // namespace herald::ops
