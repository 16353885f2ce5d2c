#pragma once

#include <cstdint>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "storage/postgres/connection_pool.h"
#include "storage/queue_maintenance.h"

namespace herald::storage {

// `pool` and `vacuum_pool` must outlive it. Vacuum has connections of its own, because it has no
// statement limit: one that hangs is cut by the pool's lease_max and holds nothing else up.
class PostgresQueueMaintenance final : public QueueMaintenance {
 public:
  PostgresQueueMaintenance(ConnectionPool& pool, ConnectionPool& vacuum_pool)
      : pool_(pool), vacuum_pool_(vacuum_pool) {}

  absl::StatusOr<Fold> FoldLedger(int limit) override;
  absl::StatusOr<std::vector<LaneLedger>> ReadLedger() override;
  absl::StatusOr<bool> VacuumQueue() override;
  absl::StatusOr<Pruned> PruneIdempotencyKeys() override;
  absl::Status ForgetIdleTenants() override;

 private:
  absl::StatusOr<bool> VacuumIfDue();

  ConnectionPool& pool_;
  ConnectionPool& vacuum_pool_;
  absl::Mutex mutex_;
  absl::Time vacuum_not_before_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  int64_t key_page_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace herald::storage
