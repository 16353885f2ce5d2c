#pragma once

#include "server/delivery/delivery_observer.h"
#include "server/ops/metrics.h"

namespace herald::ops {

// Writes what the delivery engine does to the metrics and the log. What goes well is counted, and
// logged at DEBUG only; whatever an operator may ask about has a line with the email's id.
class DeliveryReporter : public delivery::DeliveryObserver {
 public:
  // `metrics` must outlive the reporter.
  explicit DeliveryReporter(ServiceMetrics* metrics) : metrics_(metrics) {}

  void OnHandedOver(const storage::LeasedEmail& email, absl::string_view account, int attempt,
                    const providers::SendResult& result, absl::Duration took) override;
  void OnRecorded(const storage::LeasedEmail& email, const storage::AttemptEnd& end,
                  absl::Duration since_due) override;
  void OnChunkHandedOver(const storage::LeasedChunk& chunk, absl::string_view account, int attempt,
                         absl::Span<const providers::SendResult> results,
                         absl::Duration took) override;
  void OnChunkRecorded(const storage::LeasedChunk& chunk, const storage::ChunkEnd& end,
                       absl::Time now) override;
  void OnChunkStale(const storage::LeasedChunk& chunk) override;
  void OnStopped(const storage::LeasedEmail& email, EmailState state) override;
  void OnStale(const storage::LeasedEmail& email) override;
  void OnRenderFailure(const storage::LeasedEmail& email, const absl::Status& status) override;
  void OnParked(const storage::LeasedEmail& email, LimitScope limit, absl::Duration delay) override;
  void OnStorageError(absl::string_view step, const absl::Status& status) override;

 private:
  ServiceMetrics* const metrics_;
};

}  // namespace herald::ops
