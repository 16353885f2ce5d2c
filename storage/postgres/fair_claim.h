#pragma once

// The claim of a lane's emails, tenant by tenant. Includes libpqxx: only for sources of this
// folder.

#include <pqxx/pqxx>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "model/lane.h"
#include "storage/postgres/connection_pool.h"
#include "storage/postgres/lane_turns.h"

namespace herald::storage {

// Leases up to `limit` due emails of `lane`, but for those of the tenants in `except`; rows of
// queue_sql::kClaim. Fewer than there are only if another claimer has them, or if some tenants were
// left out and there are very many others. Errors are RunTransaction's.
absl::StatusOr<pqxx::result> TakeTurns(ConnectionPool& pool, LaneTurns& turns, Lane lane, int limit,
                                       absl::Duration lease, absl::Span<const TenantId> except);

}  // namespace herald::storage
