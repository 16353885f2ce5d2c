#include "server/duties/queue_duties.h"

#include <utility>

namespace herald::duties {
namespace {

// Rows of one round: small enough that a round never holds locks for long.
constexpr int kRoundMax = 500;

}  // namespace

PeriodicDuty::Round RescueRound(storage::QueueStore* store, int claims_max,
                                std::function<void(int rescued)> on_rescued) {
  return [store, claims_max, on_rescued = std::move(on_rescued)]() -> absl::StatusOr<bool> {
    absl::StatusOr<int> rescued = store->RescueExpired(kRoundMax, claims_max);
    if (!rescued.ok()) return rescued.status();
    if (*rescued > 0) on_rescued(*rescued);
    return *rescued == kRoundMax;
  };
}

PeriodicDuty::Round ExpireRound(storage::QueueStore* store) {
  return [store]() -> absl::StatusOr<bool> {
    absl::StatusOr<int> expired = store->ExpireOverdue(kRoundMax);
    if (!expired.ok()) return expired.status();
    return *expired == kRoundMax;
  };
}

PeriodicDuty::Round DepthRound(
    storage::QueueStore* store,
    std::function<void(const std::vector<storage::LaneDepth>&)> on_depths) {
  return [store, on_depths = std::move(on_depths)]() -> absl::StatusOr<bool> {
    absl::StatusOr<std::vector<storage::LaneDepth>> depths = store->Depths();
    if (!depths.ok()) return depths.status();
    on_depths(*depths);
    return false;
  };
}

}  // namespace herald::duties
