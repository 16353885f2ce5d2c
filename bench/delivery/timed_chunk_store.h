#pragma once

#include <atomic>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "storage/chunk_store.h"

namespace herald::bench {

// Adds up how long the steps of a ChunkStore take. `store` must outlive it.
class TimedChunkStore final : public storage::ChunkStore {
 public:
  explicit TimedChunkStore(storage::ChunkStore& store) : store_(store) {}

  absl::Duration claiming() const { return absl::Nanoseconds(claiming_.load()); }
  absl::Duration beginning() const { return absl::Nanoseconds(beginning_.load()); }
  absl::Duration recording() const { return absl::Nanoseconds(recording_.load()); }

  absl::StatusOr<std::vector<storage::LeasedChunk>> Claim(
      Lane lane, int limit, absl::Duration lease, absl::Span<const TenantId> except) override {
    const Timer timer(claiming_);
    return store_.Claim(lane, limit, lease, except);
  }
  absl::StatusOr<std::vector<storage::ChunkBegin>> Begin(
      absl::Span<const storage::ChunkStart> starts, absl::Duration time_needed) override {
    const Timer timer(beginning_);
    return store_.Begin(starts, time_needed);
  }
  absl::StatusOr<std::vector<bool>> RecordEnds(absl::Span<const storage::ChunkEnd> ends) override {
    const Timer timer(recording_);
    return store_.RecordEnds(ends);
  }
  absl::Status ReturnLeases(absl::Span<const storage::ChunkLease> leases) override {
    return store_.ReturnLeases(leases);
  }
  absl::Status BreakUp(absl::Span<const storage::ChunkLease> leases) override {
    return store_.BreakUp(leases);
  }
  absl::StatusOr<int> RescueExpired(int limit, int claims_max) override {
    return store_.RescueExpired(limit, claims_max);
  }
  absl::StatusOr<int> ExpireOverdue(int limit) override { return store_.ExpireOverdue(limit); }

 private:
  class Timer {
   public:
    explicit Timer(std::atomic<int64_t>& total) : total_(total) {}
    ~Timer() { total_ += absl::ToInt64Nanoseconds(absl::Now() - begin_); }

   private:
    std::atomic<int64_t>& total_;
    const absl::Time begin_ = absl::Now();
  };

  storage::ChunkStore& store_;
  std::atomic<int64_t> claiming_{0}, beginning_{0}, recording_{0};
};

}  // namespace herald::bench
