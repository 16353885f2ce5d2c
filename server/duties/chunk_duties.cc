#include "server/duties/chunk_duties.h"

#include <utility>

namespace herald::duties {
namespace {

// Chunks of one round: a few thousand emails at most.
constexpr int kRoundMax = 50;

}  // namespace

PeriodicDuty::Round ChunkRescueRound(storage::ChunkStore* store, int claims_max,
                                     std::function<void(int rescued)> on_rescued) {
  return [store, claims_max, on_rescued = std::move(on_rescued)]() -> absl::StatusOr<bool> {
    absl::StatusOr<int> rescued = store->RescueExpired(kRoundMax, claims_max);
    if (!rescued.ok()) return rescued.status();
    if (*rescued > 0) on_rescued(*rescued);
    return *rescued == kRoundMax;
  };
}

PeriodicDuty::Round ChunkExpireRound(storage::ChunkStore* store) {
  return [store]() -> absl::StatusOr<bool> {
    absl::StatusOr<int> expired = store->ExpireOverdue(kRoundMax);
    if (!expired.ok()) return expired.status();
    return *expired == kRoundMax;
  };
}

}  // namespace herald::duties
