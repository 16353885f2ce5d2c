#pragma once

#include <memory>
#include <vector>

#include "server/duties/periodic_duty.h"
#include "server/ops/metrics.h"
#include "storage/chunk_store.h"
#include "storage/history.h"
#include "storage/queue_maintenance.h"
#include "storage/queue_store.h"
#include "storage/rate_limit_store.h"

namespace herald {

// What the duties work on. Everything outlives them.
struct DutyParts {
  storage::QueueStore& queue;
  storage::ChunkStore& chunks;
  storage::QueueMaintenance& maintenance;
  storage::History& history;
  const storage::Retention& retention;
  storage::RateLimitStore& limits;
  ops::ServiceMetrics& metrics;
};

// The duties of a replica, running; each is safe on every replica at once. They stop with their
// destruction, in any order.
std::vector<std::unique_ptr<duties::PeriodicDuty>> StartDuties(const DutyParts& parts);

}  // namespace herald
