#pragma once

#include <functional>
#include <vector>

#include "server/duties/periodic_duty.h"
#include "storage/queue_store.h"

namespace herald::duties {

// Rounds for PeriodicDuty that keep the queue moving. `store` must outlive them.

// Takes over leases that ended; an email claimed `claims_max` times without an end is quarantined.
PeriodicDuty::Round RescueRound(storage::QueueStore* store, int claims_max,
                                std::function<void(int rescued)> on_rescued);
// Ends emails whose time ran out while they waited.
PeriodicDuty::Round ExpireRound(storage::QueueStore* store);
// Measures the lanes.
PeriodicDuty::Round DepthRound(
    storage::QueueStore* store,
    std::function<void(const std::vector<storage::LaneDepth>&)> on_depths);

}  // namespace herald::duties
