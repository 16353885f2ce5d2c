#pragma once

#include <string>
#include <vector>

#include "storage/postgres/connection_pool.h"
#include "storage/segment_store.h"

namespace herald::storage {

// SegmentStore in PostgreSQL; every method runs as the API role, bound to its tenant.
class PostgresSegmentStore final : public SegmentStore {
 public:
  // `pool` outlives this.
  explicit PostgresSegmentStore(ConnectionPool& pool) : pool_(pool) {}

  absl::StatusOr<SegmentRow> CreateSegment(TenantId tenant, const SegmentRow& row) override;
  absl::StatusOr<SegmentRow> GetSegment(TenantId tenant, absl::string_view key) override;
  absl::StatusOr<SegmentRow> UpdateSegment(TenantId tenant, absl::string_view key,
                                           const SegmentChange& change) override;
  absl::Status DeleteSegment(TenantId tenant, absl::string_view key) override;
  absl::StatusOr<std::vector<SegmentRow>> ListSegments(TenantId tenant, int limit,
                                                       absl::string_view after_key) override;

 private:
  ConnectionPool& pool_;
};

}  // namespace herald::storage
