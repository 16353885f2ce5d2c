#pragma once

#include <deque>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "storage/chunk_store.h"

namespace herald::delivery {

// Gives out the chunks it is handed, begins every attempt, and keeps what it is told. The store
// itself is tested on PostgreSQL. Thread-safe.
class FakeChunkStore final : public storage::ChunkStore {
 public:
  void Offer(storage::LeasedChunk chunk) {
    absl::MutexLock lock(&mutex_);
    due_.push_back(std::move(chunk));
  }
  // So many calls of Begin fail.
  void FailToBegin(int times) {
    absl::MutexLock lock(&mutex_);
    begin_failures_ = times;
  }
  storage::ChunkEnd AwaitEnd() {
    absl::MutexLock lock(&mutex_);
    const auto there = [this] { return !ends_.empty(); };
    mutex_.Await(absl::Condition(&there));
    storage::ChunkEnd end = std::move(ends_.front());
    ends_.pop_front();
    return end;
  }
  void AwaitBrokenUp(int count) {
    absl::MutexLock lock(&mutex_);
    const auto there = [this, count] { return broken_up_ >= count; };
    mutex_.Await(absl::Condition(&there));
  }
  // Of the claims so far.
  std::vector<int> limits() const {
    absl::MutexLock lock(&mutex_);
    return limits_;
  }
  void AwaitClaimWithout(TenantId tenant) {
    absl::MutexLock lock(&mutex_);
    const auto there = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return !excepted_.empty() && excepted_.back() == std::vector<TenantId>{tenant};
    };
    mutex_.Await(absl::Condition(&there));
  }
  void ForgetLimits() {
    absl::MutexLock lock(&mutex_);
    limits_.clear();
  }
  std::vector<storage::ChunkStart> starts() const {
    absl::MutexLock lock(&mutex_);
    return starts_;
  }

  absl::StatusOr<std::vector<storage::LeasedChunk>> Claim(
      Lane, int limit, absl::Duration, absl::Span<const TenantId> except) override {
    absl::MutexLock lock(&mutex_);
    limits_.push_back(limit);
    excepted_.emplace_back(except.begin(), except.end());
    std::vector<storage::LeasedChunk> claimed;
    while (!due_.empty() && static_cast<int>(claimed.size()) < limit) {
      claimed.push_back(std::move(due_.front()));
      due_.pop_front();
    }
    return claimed;
  }
  absl::StatusOr<std::vector<storage::ChunkBegin>> Begin(
      absl::Span<const storage::ChunkStart> starts, absl::Duration) override {
    absl::MutexLock lock(&mutex_);
    if (begin_failures_ > 0) {
      --begin_failures_;
      return absl::UnavailableError("the database is away");
    }
    std::vector<storage::ChunkBegin> begun;
    for (const storage::ChunkStart& start : starts) {
      starts_.push_back(start);
      begun.emplace_back();
      begun.back().verdict = storage::ChunkBegin::Verdict::kBegun;
      begun.back().attempt = 1;
    }
    return begun;
  }
  absl::StatusOr<std::vector<bool>> RecordEnds(absl::Span<const storage::ChunkEnd> ends) override {
    absl::MutexLock lock(&mutex_);
    ends_.insert(ends_.end(), ends.begin(), ends.end());
    return std::vector<bool>(ends.size(), true);
  }
  absl::Status ReturnLeases(absl::Span<const storage::ChunkLease>) override {
    return absl::OkStatus();
  }
  absl::Status BreakUp(absl::Span<const storage::ChunkLease> leases) override {
    absl::MutexLock lock(&mutex_);
    broken_up_ += static_cast<int>(leases.size());
    return absl::OkStatus();
  }
  absl::StatusOr<int> RescueExpired(int, int) override { return 0; }
  absl::StatusOr<int> ExpireOverdue(int) override { return 0; }

 private:
  mutable absl::Mutex mutex_;
  std::deque<storage::LeasedChunk> due_;
  std::deque<storage::ChunkEnd> ends_;
  std::vector<int> limits_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::vector<TenantId>> excepted_ ABSL_GUARDED_BY(mutex_);
  std::vector<storage::ChunkStart> starts_;
  int begin_failures_ = 0;
  int broken_up_ = 0;
};

}  // namespace herald::delivery
