#include "server/duties/rate_limit_duties.h"

namespace herald::duties {
namespace {

// Rows of one round: small enough that a round never holds locks for long.
constexpr int kRoundMax = 500;

}  // namespace

PeriodicDuty::Round PruneLimitsRound(storage::RateLimitStore* store) {
  return [store]() -> absl::StatusOr<bool> {
    const absl::StatusOr<int> pruned = store->PruneIdle(kRoundMax);
    if (!pruned.ok()) return pruned.status();
    return *pruned == kRoundMax;
  };
}

PeriodicDuty::Round RefreshLimitsRound(limits::TenantLimitCache* cache) {
  return [cache]() -> absl::StatusOr<bool> {
    if (absl::Status status = cache->Refresh(); !status.ok()) return status;
    return false;
  };
}

}  // namespace herald::duties
