#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "storage/rate_limit_store.h"

namespace herald::limits {

// Buckets in memory, by a clock that the test sets. Not thread-safe.
class FakeRateLimitStore final : public storage::RateLimitStore {
 public:
  absl::StatusOr<std::vector<storage::SlotAnswer>> Reserve(
      absl::Span<const storage::SlotRequest> requests) override {
    ++calls;
    if (!failure.ok()) return failure;
    asked.assign(requests.begin(), requests.end());
    return std::vector<storage::SlotAnswer>(requests.size());
  }
  absl::StatusOr<bool> ReserveTogether(absl::Span<const storage::SlotRequest> requests) override {
    ++calls;
    asked.assign(requests.begin(), requests.end());
    return room;
  }
  absl::StatusOr<storage::TokenLease> LeaseTokens(const storage::LimitBucket& bucket, int need,
                                                  int want) override {
    ++calls;
    if (!failure.ok()) return failure;
    RateBucket state(bucket.pace, buckets[bucket.tenant.value]);
    const RateBucket::Grant grant = state.TakeUpTo(need, want, now);
    buckets[bucket.tenant.value] = state.state();
    return storage::TokenLease{grant.tokens, grant.wait};
  }
  absl::StatusOr<absl::Time> WarmUpStart(TenantId, absl::string_view) override {
    ++warm_up_calls;
    return now;
  }
  absl::StatusOr<int> PruneIdle(int) override { return 0; }

  absl::Time now = absl::FromUnixSeconds(1'800'000'000);
  absl::Status failure;
  int calls = 0;
  bool room = true;  // for ReserveTogether
  int warm_up_calls = 0;
  std::vector<storage::SlotRequest> asked;
  std::map<int64_t, std::vector<int64_t>> buckets;
};

}  // namespace herald::limits
