#pragma once

#include <vector>

#include "absl/synchronization/mutex.h"
#include "storage/delivery_event_store.h"

namespace herald::rpc {

// Keeps what it is given. Thread-safe.
class FakeDeliveryEventStore final : public storage::DeliveryEventStore {
 public:
  absl::StatusOr<storage::RecordedEvents> RecordEvents(
      absl::Span<const storage::ProviderEvent> events) override {
    absl::MutexLock lock(&mu_);
    events_.insert(events_.end(), events.begin(), events.end());
    return storage::RecordedEvents{static_cast<int>(events.size()), 0, 0};
  }
  std::vector<storage::ProviderEvent> events() {
    absl::MutexLock lock(&mu_);
    return events_;
  }

 private:
  absl::Mutex mu_;
  std::vector<storage::ProviderEvent> events_;
};

}  // namespace herald::rpc
