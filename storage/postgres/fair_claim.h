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

// Leases up to `limit` due emails of `lane`; rows of queue_sql::kClaim. Fewer than there are only
// if another claimer has them. Errors are RunTransaction's.
absl::StatusOr<pqxx::result> TakeTurns(ConnectionPool& pool, LaneTurns& turns, Lane lane, int limit,
                                       absl::Duration lease);

}  // namespace herald::storage
