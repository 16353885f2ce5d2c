#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "model/steady_time.h"
#include "server/delivery/failpoint.h"

namespace herald::delivery {

// Writes items down in batches on a thread of its own, again and again until the database takes
// them: nothing is dropped while the process lives. Thread-safe.
template <class Item>
class RecordingLoop {
 public:
  // All run on the loop's thread.
  struct Steps {
    // Result i: whether items[i] was recorded, or false when its lease was stale.
    std::function<absl::StatusOr<std::vector<bool>>(const std::vector<Item>& items)> write;
    std::function<void(const absl::Status& status)> failed;
    std::function<void(const Item& item, bool recorded)> written;
    // Once for every item, last: it was written, or given up.
    std::function<void(const Item& item)> finished;
  };

  // Waits for a full batch for as long as `gathering`, since fewer writes cost less.
  RecordingLoop(size_t batch_max, Steps steps, absl::Duration gathering = absl::ZeroDuration())
      : batch_max_(batch_max),
        gathering_(gathering),
        steps_(std::move(steps)),
        thread_([this] { Run(); }) {}

  // Writes what waits. When the database does not answer within 5 seconds the rest is given up.
  ~RecordingLoop() {
    {
      absl::MutexLock lock(&mutex_);
      stopping_ = true;
      give_up_ = SteadyNow() + kShutdownPatience;
    }
    thread_.join();
  }

  void Add(Item item) {
    absl::MutexLock lock(&mutex_);
    waiting_.push_back(std::move(item));
  }

 private:
  static constexpr absl::Duration kRetryMin = absl::Milliseconds(50);
  static constexpr absl::Duration kRetryMax = absl::Seconds(2);
  static constexpr absl::Duration kShutdownPatience = absl::Seconds(5);

  void Run() {
    while (true) {
      std::vector<Item> batch = Next();
      if (batch.empty()) return;
      Write(batch);
      for (const Item& item : batch) steps_.finished(item);
    }
  }

  // Waits for items; empty at the end.
  std::vector<Item> Next() {
    absl::MutexLock lock(&mutex_);
    const auto ready = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return stopping_ || !waiting_.empty();
    };
    mutex_.Await(absl::Condition(&ready));
    const auto full = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return stopping_ || waiting_.size() >= batch_max_;
    };
    AwaitSteadily(mutex_, absl::Condition(&full), gathering_);
    std::vector<Item> batch;
    while (!waiting_.empty() && batch.size() < batch_max_) {
      batch.push_back(std::move(waiting_.front()));
      waiting_.pop_front();
    }
    return batch;
  }

  void Write(const std::vector<Item>& batch) {
    for (absl::Duration wait = kRetryMin;; wait = std::min(wait * 2, kRetryMax)) {
      Pass(Failpoint::kBeforeRecord);
      const absl::StatusOr<std::vector<bool>> live = steps_.write(batch);
      if (live.ok()) {
        for (size_t i = 0; i < batch.size(); ++i) steps_.written(batch[i], (*live)[i]);
        return;
      }
      steps_.failed(live.status());
      if (GivesUp(wait)) return;
    }
  }

  // Waits before the next try, shortly once the end has come; true when its patience is over.
  bool GivesUp(absl::Duration wait) {
    absl::MutexLock lock(&mutex_);
    if (stopping_ && SteadyNow() >= give_up_) return true;
    const bool hurried = stopping_;
    const auto disturbed = [this, hurried]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return stopping_ && !hurried;
    };
    AwaitSteadily(mutex_, absl::Condition(&disturbed), hurried ? kRetryMin : wait);
    return false;
  }

  const size_t batch_max_;
  const absl::Duration gathering_;
  const Steps steps_;

  absl::Mutex mutex_;
  std::deque<Item> waiting_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Time give_up_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteFuture();

  std::thread thread_;  // last: uses all of the above
};

}  // namespace herald::delivery
