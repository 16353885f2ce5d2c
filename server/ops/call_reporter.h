#pragma once

#include "server/ops/metrics.h"
#include "server/rpc/call_observer.h"

namespace herald::ops {

// Counts calls, and logs those that failed through no fault of the caller, with the cause.
// Thread-safe. `metrics` must outlive it.
class CallReporter final : public rpc::CallObserver {
 public:
  explicit CallReporter(ServiceMetrics& metrics) : metrics_(metrics) {}
  void OnCall(absl::string_view method, const absl::Status& status,
              absl::Duration duration) override;
  void OnFailedItem(absl::string_view method, const absl::Status& status) override;

 private:
  ServiceMetrics& metrics_;
};

}  // namespace herald::ops
