#pragma once

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "server/webhook/delivery_event_sink.h"

namespace herald::webhook {

// A sink whose calls can be held and failed. Thread-safe.
class FakeSink final : public DeliveryEventSink {
 public:
  void Record(absl::Span<const ReceivedEvent> events, Done done) override {
    absl::Status status;
    {
      absl::MutexLock lock(&mutex_);
      std::vector<std::string> ids;
      for (const ReceivedEvent& event : events) {
        ids.push_back(event.event.provider_event_id);
        if (event.event.provider_event_id == poison_) {
          status = absl::InvalidArgumentError("refused for good");
        }
      }
      if (status.ok()) status = status_;
      calls_.push_back(std::move(ids));
      if (holding_) {
        held_.emplace_back(std::move(done), status);
        return;
      }
    }
    done(status);
  }

  void CheckReady(Done done) override {
    absl::Status status;
    {
      absl::MutexLock lock(&mutex_);
      status = status_;
    }
    done(status);
  }

  void Fail(absl::Status status) {
    absl::MutexLock lock(&mutex_);
    status_ = std::move(status);
  }
  // Refuses for good every batch with this event.
  void Poison(std::string event_id) {
    absl::MutexLock lock(&mutex_);
    poison_ = std::move(event_id);
  }
  void Hold() {
    absl::MutexLock lock(&mutex_);
    holding_ = true;
  }
  // Answers what is held, and from now on at once.
  void Release() {
    std::deque<std::pair<Done, absl::Status>> held;
    {
      absl::MutexLock lock(&mutex_);
      holding_ = false;
      held.swap(held_);
    }
    for (auto& [done, status] : held) done(status);
  }

  // The ids of each call's events, once there are at least `count` calls.
  std::vector<std::vector<std::string>> AwaitCalls(size_t count) {
    const auto enough = [this, count]()
                            ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return calls_.size() >= count; };
    absl::MutexLock lock(&mutex_);
    mutex_.AwaitWithTimeout(absl::Condition(&enough), absl::Seconds(20));
    return calls_;
  }

 private:
  absl::Mutex mutex_;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
  std::string poison_ ABSL_GUARDED_BY(mutex_) = "none";
  bool holding_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::vector<std::string>> calls_ ABSL_GUARDED_BY(mutex_);
  std::deque<std::pair<Done, absl::Status>> held_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace herald::webhook
