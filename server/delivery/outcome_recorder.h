#pragma once

#include <functional>
#include <memory>

#include "absl/time/time.h"
#include "server/delivery/delivery_observer.h"
#include "server/delivery/recording_loop.h"
#include "storage/queue_store.h"

namespace herald::delivery {

// Writes down how attempts ended, in batches, again and again until the database takes them: an
// outcome is never dropped while the process lives. Thread-safe.
class OutcomeRecorder {
 public:
  using Clock = std::function<absl::Time()>;
  struct Item {
    std::shared_ptr<const storage::LeasedEmail> email;
    storage::AttemptEnd end;
    std::function<void()> recorded;  // runs once it is recorded, stale or given up; may not block
  };

  // Pointers must outlive the recorder.
  OutcomeRecorder(storage::QueueStore* store, DeliveryObserver* observer, Clock clock);
  // Its destruction records what waits. When the database does not answer within 5 seconds the rest
  // is given up: its attempts have no outcome, and a rescue makes them UNCONFIRMED.
  ~OutcomeRecorder() = default;

  void Add(Item item);

 private:
  void Report(const Item& item, bool recorded);

  DeliveryObserver* const observer_;
  const Clock clock_;

  RecordingLoop<Item> loop_;  // last: uses all of the above
};

}  // namespace herald::delivery
