#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/delivery/delivery_observer.h"
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
  // Records what waits. When the database does not answer within 5 seconds the rest is given up:
  // its attempts have no outcome, and a rescue makes them UNCONFIRMED.
  ~OutcomeRecorder();

  void Add(Item item);

 private:
  void Run();
  // Returns once it is recorded, or given up while stopping.
  void Record(const std::vector<Item>& batch);
  void Report(const Item& item, bool recorded);

  storage::QueueStore* const store_;
  DeliveryObserver* const observer_;
  const Clock clock_;

  absl::Mutex mutex_;
  std::deque<Item> waiting_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Time give_up_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteFuture();

  std::thread thread_;  // last: uses all of the above
};

}  // namespace herald::delivery
