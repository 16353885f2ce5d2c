#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <vector>

namespace herald::ops {

// CPU time, resident memory and open file descriptors of this process, under the names that every
// Prometheus client uses. Linux only. Private to server/ops.
class ProcessMetrics : public prometheus::Collectable {
 public:
  std::vector<prometheus::MetricFamily> Collect() const override;
};

}  // namespace herald::ops
