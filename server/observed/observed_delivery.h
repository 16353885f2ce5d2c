#pragma once

#include "server/delivery/delivery_observer.h"
#include "server/ops/metrics.h"

namespace herald::ops {

// Counts and logs what the delivery engine does. Thread-safe. `metrics` must outlive it.
class ObservedDelivery final : public delivery::DeliveryObserver {
 public:
  explicit ObservedDelivery(ServiceMetrics& metrics) : metrics_(metrics) {}

  void OnHandedOver(const storage::LeasedEmail& email, absl::string_view account, int attempt,
                    const providers::SendResult& result, absl::Duration took) override;
  void OnRecorded(const storage::LeasedEmail& email, const storage::AttemptEnd& end,
                  absl::Duration since_due) override;
  void OnStale(const storage::LeasedEmail& email) override;
  void OnRenderFailure(const storage::LeasedEmail& email, const absl::Status& status) override;
  void OnStorageError(absl::string_view step, const absl::Status& status) override;

 private:
  ServiceMetrics& metrics_;
};

}  // namespace herald::ops
