#pragma once

#include "server/delivery/health_observer.h"
#include "server/ops/metrics.h"

namespace herald::ops {

// Writes the health of provider accounts to the metrics and the log.
class HealthReporter : public delivery::HealthObserver {
 public:
  // `metrics` must outlive the reporter.
  explicit HealthReporter(ServiceMetrics* metrics) : metrics_(metrics) {}

  void OnBreaker(const storage::AccountHealth& health, bool shared) override;
  void OnFollowed(const storage::AccountHealth& health) override;
  void OnHealth(const storage::AccountHealth& health) override;
  void OnDown(absl::string_view account, absl::string_view reason) override;

 private:
  ServiceMetrics* const metrics_;
};

}  // namespace herald::ops
