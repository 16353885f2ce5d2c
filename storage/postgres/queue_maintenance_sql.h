#pragma once

#include "storage/postgres/named_query.h"

namespace herald::storage::maintenance_sql {

// Whether this user may vacuum the queue (the owner, or a member of the owner's role), and whether
// somebody should now. The statistics are in memory and a second old at the most.
inline constexpr NamedQuery kVacuumDue{"vacuum_due", R"sql(
SELECT pg_has_role(c.relowner, 'USAGE') AS allowed,
       s.n_dead_tup >= 1000
         AND coalesce(s.last_vacuum, '-infinity') < clock_timestamp() - interval '2 seconds' AS due
FROM pg_class c JOIN pg_stat_all_tables s ON s.relid = c.oid
WHERE c.oid = 'herald.queue'::regclass
)sql"};

// Not within a transaction. No truncation, which would need an exclusive lock; a replica that finds
// another at it passes by.
inline constexpr NamedQuery kVacuum{
    "vacuum_queue",
    "VACUUM (TRUNCATE false, PARALLEL 0, SKIP_LOCKED) herald.queue, herald.ledger_deltas"};

inline constexpr NamedQuery kKeyPages{"key_pages", R"sql(
SELECT pg_relation_size('herald.idempotency_keys') / current_setting('block_size')::bigint
)sql"};

// $1, $2: pages from, to. Page by page there is no need for an index that every acceptance would
// have to keep.
inline constexpr NamedQuery kPruneKeys{"prune_keys", R"sql(
DELETE FROM herald.idempotency_keys
WHERE ctid >= format('(%s,0)', $1::bigint)::tid AND ctid < format('(%s,0)', $2::bigint)::tid
  AND expire_time < now()
)sql"};

// Two steps, minutes apart: no transaction that began before the first is left at the second, and
// one that began after it took the mark away. See migration 0006. The order makes each look-up one
// descent of the primary key, whatever the planner thinks of the queue's length.
inline constexpr NamedQuery kForgetTenants{"forget_tenants", R"sql(
DELETE FROM herald.queue_tenants t
WHERE t.leaving_since < now() - interval '2 minutes'
  AND (SELECT q.email_id FROM herald.queue q WHERE q.tenant_id = t.tenant_id
       ORDER BY q.email_id LIMIT 1) IS NULL
  AND (SELECT c.chunk_id FROM herald.chunks c WHERE c.tenant_id = t.tenant_id
       ORDER BY c.chunk_id LIMIT 1) IS NULL
)sql"};
inline constexpr NamedQuery kMarkIdleTenants{"mark_idle_tenants", R"sql(
UPDATE herald.queue_tenants t SET leaving_since = now()
WHERE t.leaving_since IS NULL
  AND (SELECT q.email_id FROM herald.queue q WHERE q.tenant_id = t.tenant_id
       ORDER BY q.email_id LIMIT 1) IS NULL
  AND (SELECT c.chunk_id FROM herald.chunks c WHERE c.tenant_id = t.tenant_id
       ORDER BY c.chunk_id LIMIT 1) IS NULL
)sql"};

// Replicas of a release that looked at the queue alone may have forgotten tenants that have chunks,
// which nobody would claim then. In the order of the trigger, so that they cannot deadlock.
inline constexpr NamedQuery kRecallTenants{"recall_tenants", R"sql(
INSERT INTO herald.queue_tenants AS t (tenant_id, lane)
SELECT DISTINCT c.tenant_id, c.lane FROM herald.chunks c WHERE c.lease_until IS NULL
ORDER BY c.tenant_id, c.lane
ON CONFLICT (tenant_id, lane) DO UPDATE SET leaving_since = NULL WHERE t.leaving_since IS NOT NULL
)sql"};

}  // namespace herald::storage::maintenance_sql
