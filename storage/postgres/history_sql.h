#pragma once

#include "storage/postgres/named_query.h"

namespace herald::storage::history_sql {

// $1 tenant: the next one, or none; and the time, since the database's clock decides.
inline constexpr NamedQuery kNextTenant{"next_tenant", R"sql(
SELECT min(tenant_id), herald.micros(now()) FROM herald.tenants WHERE tenant_id > $1::bigint
)sql"};

// $1 tenant, $2 the first email to keep, $3 limit, $4 the time of $2. Ids grow with
// time, so the primary key finds them; one that was sent or changed since $4 stays, since its
// provider may yet tell of it. The queue is asked because a row may stay a moment longer than its
// email's last state, the key because whoever repeats it is answered with the email.
inline constexpr NamedQuery kPruneEmails{"prune_emails", R"sql(
WITH old AS MATERIALIZED (
  SELECT e.email_id FROM herald.emails e
  WHERE e.tenant_id = $1::bigint AND e.email_id < $2::bigint AND e.state NOT IN (1, 2, 4)
    AND greatest(e.send_time, e.update_time) < $4::timestamptz
    AND NOT EXISTS (SELECT FROM herald.queue q
                    WHERE q.tenant_id = e.tenant_id AND q.email_id = e.email_id)
    AND NOT EXISTS (SELECT FROM herald.idempotency_keys k
                    WHERE k.tenant_id = e.tenant_id AND k.idempotency_key = e.idempotency_key
                      AND k.email_id = e.email_id AND k.expire_time > now())
  ORDER BY e.email_id LIMIT $3::integer
  FOR UPDATE OF e SKIP LOCKED),
contents AS (
  DELETE FROM herald.email_contents c USING old o
  WHERE c.tenant_id = $1::bigint AND c.email_id = o.email_id),
attempts AS (
  DELETE FROM herald.attempts a USING old o
  WHERE a.tenant_id = $1::bigint AND a.email_id = o.email_id),
events AS (
  DELETE FROM herald.email_events v USING old o
  WHERE v.tenant_id = $1::bigint AND v.email_id = o.email_id)
DELETE FROM herald.emails e USING old o
WHERE e.tenant_id = $1::bigint AND e.email_id = o.email_id
)sql"};

// $1 tenant, $2 the first email to keep, $3 limit. A chunk is known by its first email; what it did
// is told of each of its members, so it goes after the last of them.
inline constexpr NamedQuery kPruneChunks{"prune_chunks", R"sql(
WITH old AS MATERIALIZED (
  SELECT a.chunk_id FROM herald.chunk_attempts a
  WHERE a.tenant_id = $1::bigint AND a.chunk_id < $2::bigint
    AND NOT EXISTS (SELECT FROM herald.emails e
                    WHERE e.tenant_id = a.tenant_id AND e.email_id = ANY (a.email_ids))
    AND NOT EXISTS (SELECT FROM herald.chunks c
                    WHERE c.tenant_id = a.tenant_id AND c.chunk_id = a.chunk_id)
  ORDER BY a.chunk_id LIMIT $3::integer),
events AS (
  DELETE FROM herald.chunk_events v USING old o
  WHERE v.tenant_id = $1::bigint AND v.chunk_id = o.chunk_id)
DELETE FROM herald.chunk_attempts a USING old o
WHERE a.tenant_id = $1::bigint AND a.chunk_id = o.chunk_id
)sql"};

// $1 tenant, $2 the first email whose content is kept, $3 limit, $4 the time of $2.
inline constexpr NamedQuery kPruneContents{"prune_contents", R"sql(
DELETE FROM herald.email_contents d USING (
  SELECT c.tenant_id, c.email_id FROM herald.email_contents c
  JOIN herald.emails e ON e.tenant_id = c.tenant_id AND e.email_id = c.email_id
  WHERE c.tenant_id = $1::bigint AND c.email_id < $2::bigint AND e.state NOT IN (1, 2, 4, 10)
    AND greatest(e.send_time, e.update_time) < $4::timestamptz
  ORDER BY c.email_id LIMIT $3::integer) old
WHERE d.tenant_id = old.tenant_id AND d.email_id = old.email_id
)sql"};

}  // namespace herald::storage::history_sql
