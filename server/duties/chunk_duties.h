#pragma once

#include <functional>

#include "server/duties/periodic_duty.h"
#include "storage/chunk_store.h"

namespace herald::duties {

// As the rounds of queue_duties.h, of chunks. `store` must outlive them.
PeriodicDuty::Round ChunkRescueRound(storage::ChunkStore* store, int claims_max,
                                     std::function<void(int rescued)> on_rescued);
PeriodicDuty::Round ChunkExpireRound(storage::ChunkStore* store);

}  // namespace herald::duties
