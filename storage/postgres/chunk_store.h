#pragma once

#include <array>
#include <vector>

#include "model/lane.h"
#include "storage/chunk_store.h"
#include "storage/postgres/connection_pool.h"
#include "storage/postgres/lane_turns.h"
#include "storage/postgres/tenant_keys.h"

namespace herald::storage {

// Chunks in PostgreSQL, with the rights of the engine. `pool` and `keys` must outlive it.
class PostgresChunkStore final : public ChunkStore {
 public:
  PostgresChunkStore(ConnectionPool& pool, TenantKeys& keys) : pool_(pool), keys_(keys) {}

  absl::StatusOr<std::vector<LeasedChunk>> Claim(Lane lane, int limit, absl::Duration lease,
                                                 absl::Span<const TenantId> except) override;
  absl::StatusOr<std::vector<ChunkBegin>> Begin(absl::Span<const ChunkStart> starts,
                                                absl::Duration time_needed) override;
  absl::StatusOr<std::vector<bool>> RecordEnds(absl::Span<const ChunkEnd> ends) override;
  absl::Status ReturnLeases(absl::Span<const ChunkLease> leases) override;
  absl::Status BreakUp(absl::Span<const ChunkLease> leases) override;
  absl::StatusOr<int> RescueExpired(int limit, int claims_max) override;
  absl::StatusOr<int> ExpireOverdue(int limit) override;

 private:
  ConnectionPool& pool_;
  TenantKeys& keys_;
  std::array<LaneTurns, kAllLanes.size()> turns_;  // of this claimer
};

}  // namespace herald::storage
