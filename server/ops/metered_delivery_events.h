#pragma once

#include "server/ops/metrics.h"
#include "storage/delivery_event_store.h"

namespace herald::ops {

// A DeliveryEventStore that counts. Thread-safe. Both must outlive it.
class MeteredDeliveryEvents final : public storage::DeliveryEventStore {
 public:
  MeteredDeliveryEvents(storage::DeliveryEventStore& store, ServiceMetrics& metrics)
      : store_(store), metrics_(metrics) {}

  absl::StatusOr<storage::RecordedEvents> RecordEvents(
      absl::Span<const storage::ProviderEvent> events) override {
    absl::StatusOr<storage::RecordedEvents> recorded = store_.RecordEvents(events);
    if (!recorded.ok()) {
      metrics_.DatabaseError(recorded.status().code());
      return recorded;
    }
    for (const storage::ProviderEvent& event : events) metrics_.DeliveryEvent(event.type);
    for (int i = 0; i < recorded->duplicates; ++i) metrics_.DeliveryEventDuplicate();
    for (int i = 0; i < recorded->unmatched; ++i) metrics_.DeliveryEventUnmatched();
    return recorded;
  }

 private:
  storage::DeliveryEventStore& store_;
  ServiceMetrics& metrics_;
};

}  // namespace herald::ops
