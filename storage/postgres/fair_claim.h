#pragma once

// The claim of a lane's emails or chunks, tenant by tenant. Includes libpqxx: only for sources of
// this folder.

#include <pqxx/pqxx>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "model/lane.h"
#include "storage/postgres/connection_pool.h"
#include "storage/postgres/lane_turns.h"
#include "storage/postgres/named_query.h"

namespace herald::storage {

// What is claimed.
struct Claimable {
  const KeptQuery* claim;  // see fair_claim_sql.h; its result has tenant_id, run_at and claim_time
  const char* id;          // and this column
  // Asked with the tenants and ids of what was claimed; null: each row says all.
  const KeptQuery* members;
};

struct Claimed {
  pqxx::result rows;     // of Claimable::claim
  pqxx::result members;  // of Claimable::members
};

// Leases up to `limit` that are due in `lane`, but for those of the tenants in `except`. Fewer than
// there are only if another claimer has them, or if some tenants were left out and there are very
// many others. Errors are RunTransaction's.
absl::StatusOr<Claimed> TakeTurns(ConnectionPool& pool, LaneTurns& turns, const Claimable& what,
                                  Lane lane, int limit, absl::Duration lease,
                                  absl::Span<const TenantId> except);

}  // namespace herald::storage
