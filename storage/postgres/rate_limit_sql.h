#pragma once

#include "storage/postgres/named_query.h"

namespace herald::storage::rate_limit_sql {

// Buckets: $1 tenants, $2 scopes, $3 keys, sorted, so that transactions lock in one order.
inline constexpr NamedQuery kEnsure{"ensure_buckets", R"sql(
INSERT INTO herald.rate_buckets (tenant_id, scope, bucket_key)
SELECT b.tenant_id, b.scope, b.bucket_key
FROM unnest($1::bigint[], $2::smallint[], $3::text[]) AS b (tenant_id, scope, bucket_key)
ON CONFLICT (tenant_id, scope, bucket_key) DO NOTHING
)sql"};

// Position, state, and the time once the lock was there. Fewer rows than buckets: one was pruned
// meanwhile.
inline constexpr NamedQuery kLock{"lock_buckets", R"sql(
SELECT w.position, held.state, herald.micros(clock_timestamp())
FROM unnest($1::bigint[], $2::smallint[], $3::text[])
       WITH ORDINALITY AS w (tenant_id, scope, bucket_key, position)
CROSS JOIN LATERAL (
  SELECT r.state FROM herald.rate_buckets r
  WHERE r.tenant_id = w.tenant_id AND r.scope = w.scope AND r.bucket_key = w.bucket_key
  FOR UPDATE) held
)sql"};

// Locked buckets as above, $4 states, $5 idle times.
inline constexpr NamedQuery kSave{"save_buckets", R"sql(
UPDATE herald.rate_buckets r SET state = w.state::bigint[], idle_time = w.idle_time
FROM unnest($1::bigint[], $2::smallint[], $3::text[], $4::text[], $5::timestamptz[])
  AS w (tenant_id, scope, bucket_key, state, idle_time)
WHERE r.tenant_id = w.tenant_id AND r.scope = w.scope AND r.bucket_key = w.bucket_key
)sql"};

// $1 tenant, $2 domain.
inline constexpr NamedQuery kBeginWarmUp{"begin_warm_up", R"sql(
INSERT INTO herald.sender_warm_ups (tenant_id, sender_domain) VALUES ($1, $2)
ON CONFLICT (tenant_id, sender_domain) DO NOTHING
)sql"};
inline constexpr NamedQuery kWarmUpStart{"warm_up_start", R"sql(
SELECT herald.micros(start_time) FROM herald.sender_warm_ups
WHERE tenant_id = $1 AND sender_domain = $2
)sql"};

// $1 limit. The minute outlasts every clock that still counts on the bucket.
inline constexpr NamedQuery kPrune{"prune_buckets", R"sql(
DELETE FROM herald.rate_buckets r
USING (SELECT tenant_id, scope, bucket_key FROM herald.rate_buckets
       WHERE idle_time < now() - interval '1 minute'
       LIMIT $1::integer FOR UPDATE SKIP LOCKED) idle
WHERE r.tenant_id = idle.tenant_id AND r.scope = idle.scope AND r.bucket_key = idle.bucket_key
)sql"};

}  // namespace herald::storage::rate_limit_sql
