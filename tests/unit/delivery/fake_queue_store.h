#pragma once

#include <deque>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "storage/queue_store.h"

namespace herald::delivery {

// Gives out the emails it is handed, begins every attempt, and keeps what it is told. The store
// itself is tested on PostgreSQL. Thread-safe.
class FakeQueueStore final : public storage::QueueStore {
 public:
  void Offer(storage::LeasedEmail email) {
    absl::MutexLock lock(&mutex_);
    due_.push_back(std::move(email));
  }
  // So many calls of BeginAttempts or Park fail.
  void FailToBegin(int times) {
    absl::MutexLock lock(&mutex_);
    begin_failures_ = times;
  }
  void FailToPark(int times) {
    absl::MutexLock lock(&mutex_);
    park_failures_ = times;
  }
  storage::AttemptEnd AwaitEnd() { return AwaitFirst(ends_); }
  storage::ParkedEmail AwaitParked() { return AwaitFirst(parked_); }
  void AwaitCallOfPark() {
    absl::MutexLock lock(&mutex_);
    const auto there = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return park_calls_ > 0; };
    mutex_.Await(absl::Condition(&there));
  }
  std::vector<EmailId> returned() const {
    absl::MutexLock lock(&mutex_);
    return returned_;
  }

  absl::StatusOr<std::vector<storage::LeasedEmail>> Claim(Lane, int limit, absl::Duration,
                                                          absl::Span<const TenantId>) override {
    absl::MutexLock lock(&mutex_);
    std::vector<storage::LeasedEmail> claimed;
    while (!due_.empty() && static_cast<int>(claimed.size()) < limit) {
      claimed.push_back(std::move(due_.front()));
      due_.pop_front();
    }
    return claimed;
  }
  absl::StatusOr<std::vector<storage::BeginResult>> BeginAttempts(
      absl::Span<const storage::AttemptStart> starts, absl::Duration) override {
    absl::MutexLock lock(&mutex_);
    if (begin_failures_ > 0) {
      --begin_failures_;
      return absl::UnavailableError("the database is away");
    }
    storage::BeginResult begun;
    begun.verdict = storage::BeginResult::Verdict::kBegun;
    begun.attempt = 1;
    return std::vector<storage::BeginResult>(starts.size(), begun);
  }
  absl::StatusOr<std::vector<bool>> RecordEnds(
      absl::Span<const storage::AttemptEnd> ends) override {
    absl::MutexLock lock(&mutex_);
    ends_.insert(ends_.end(), ends.begin(), ends.end());
    return std::vector<bool>(ends.size(), true);
  }
  absl::Status ReturnLeases(absl::Span<const storage::Lease> leases) override {
    absl::MutexLock lock(&mutex_);
    for (const storage::Lease& lease : leases) returned_.push_back(lease.email);
    return absl::OkStatus();
  }
  absl::Status Park(absl::Span<const storage::ParkedEmail> emails) override {
    absl::MutexLock lock(&mutex_);
    ++park_calls_;
    if (park_failures_ > 0) {
      --park_failures_;
      return absl::UnavailableError("the database is away");
    }
    parked_.insert(parked_.end(), emails.begin(), emails.end());
    return absl::OkStatus();
  }
  absl::StatusOr<int> RescueExpired(int, int) override { return 0; }
  absl::StatusOr<int> ExpireOverdue(int) override { return 0; }
  absl::StatusOr<std::vector<storage::LaneDepth>> Depths() override {
    return std::vector<storage::LaneDepth>();
  }
  absl::StatusOr<int> NextNode() override { return 0; }
  absl::Status Ping() override { return absl::OkStatus(); }

 private:
  template <class Item>
  Item AwaitFirst(std::deque<Item>& items) {
    absl::MutexLock lock(&mutex_);
    const auto there = [&items] { return !items.empty(); };
    mutex_.Await(absl::Condition(&there));
    Item item = std::move(items.front());
    items.pop_front();
    return item;
  }

  mutable absl::Mutex mutex_;
  std::deque<storage::LeasedEmail> due_ ABSL_GUARDED_BY(mutex_);
  std::deque<storage::AttemptEnd> ends_;
  std::deque<storage::ParkedEmail> parked_;
  std::vector<EmailId> returned_ ABSL_GUARDED_BY(mutex_);
  int begin_failures_ ABSL_GUARDED_BY(mutex_) = 0;
  int park_failures_ ABSL_GUARDED_BY(mutex_) = 0;
  int park_calls_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace herald::delivery
