#pragma once

#include <array>
#include <vector>

#include "model/lane.h"
#include "storage/postgres/connection_pool.h"
#include "storage/postgres/lane_turns.h"
#include "storage/postgres/oldest_due.h"
#include "storage/postgres/rescue_window.h"
#include "storage/postgres/tenant_keys.h"
#include "storage/queue_store.h"

namespace herald::storage {

// The queue in PostgreSQL, with the rights of the engine. `pool` and `keys` must outlive it.
class PostgresQueueStore final : public QueueStore {
 public:
  PostgresQueueStore(ConnectionPool& pool, TenantKeys& keys)
      : pool_(pool), keys_(keys), oldest_due_(pool) {}

  absl::StatusOr<std::vector<LeasedEmail>> Claim(Lane lane, int limit, absl::Duration lease,
                                                 absl::Span<const TenantId> except) override;
  absl::StatusOr<std::vector<BeginResult>> BeginAttempts(absl::Span<const AttemptStart> starts,
                                                         absl::Duration time_needed) override;
  absl::StatusOr<std::vector<bool>> RecordEnds(absl::Span<const AttemptEnd> ends) override;
  absl::Status ReturnLeases(absl::Span<const Lease> leases) override;
  absl::Status Park(absl::Span<const ParkedEmail> emails) override;
  absl::StatusOr<int> RescueExpired(int limit, int claims_max) override;
  absl::StatusOr<int> ExpireOverdue(int limit) override;
  absl::StatusOr<std::vector<LaneDepth>> Depths() override;
  absl::StatusOr<int> NextNode() override;
  absl::Status Ping() override;

 private:
  ConnectionPool& pool_;
  TenantKeys& keys_;
  std::array<LaneTurns, kAllLanes.size()> turns_;  // of this claimer
  RescueWindow rescue_window_;
  OldestDue oldest_due_;
};

}  // namespace herald::storage
