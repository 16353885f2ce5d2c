#pragma once

#include "storage/postgres/audience_gate_sql.h"
#include "storage/postgres/named_query.h"

// The statements of acceptance and of the caller's changes. They run under row-level security as
// the tenants of the call, and name the tenant themselves as well, for the indexes.
namespace herald::storage::email_sql {

// $1 tenants, $2 keys, $3 request hashes, $4 emails, $5 expiry times; sorted by (tenant, key), so
// that concurrent groups cannot deadlock. Returns the emails that won their key. A loser's key row
// is locked too, so the next statement is sure to find it.
inline constexpr KeptQuery kTakeKeys{"take_keys",
                                     "bigint[], text[], bytea[], bigint[], timestamptz[]",
                                     "tenant_id bigint, email_id bigint", R"sql(
INSERT INTO herald.idempotency_keys AS k
  (tenant_id, idempotency_key, request_hash, email_id, expire_time)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::bytea[], $4::bigint[], $5::timestamptz[])
ON CONFLICT (tenant_id, idempotency_key) DO UPDATE
  SET request_hash = EXCLUDED.request_hash, email_id = EXCLUDED.email_id,
      expire_time = EXCLUDED.expire_time
  WHERE k.expire_time < now()
RETURNING tenant_id, email_id
)sql"};

// $1 tenants, $2 keys: who holds them, unless that is over. A statement of its own, because only a
// new snapshot sees the rows that the first had to wait for.
inline constexpr KeptQuery kReadKeys{"read_keys", "bigint[], text[]",
                                     "\"position\" bigint, email_id bigint, request_hash bytea",
                                     R"sql(
SELECT w.position, k.email_id, k.request_hash
FROM unnest($1::bigint[], $2::text[]) WITH ORDINALITY AS w (tenant_id, idempotency_key, position)
JOIN herald.idempotency_keys k
  ON k.tenant_id = w.tenant_id AND k.idempotency_key = w.idempotency_key
    AND k.expire_time >= now()
)sql"};

// Defined already in one program only, which measures what acceptance costs without the gate.
#ifdef HERALD_STOP_AT_ACCEPTANCE
inline constexpr SqlText kStopAtAcceptance(HERALD_STOP_AT_ACCEPTANCE);
#else
// What will have expired by the time an email is sent does not stop it.
inline constexpr auto kStopAtAcceptance = StopReasonAt("greatest(now(), w.send_time)");
#endif

// The emails themselves, one array a column. $1 tenant, $2 email, $3 lane, $4 test, $5 template
// version, $6 send time, $7 expire time, $8 create time, $9 category, $10 template key, $11 user,
// $12 from address, $13 from name, $14 idempotency key, $15 metadata, $16 traceparent,
// $17 recipient hash, $18 recipient sealed, $19 content sealed, $20 recipient mark, $21 chunk
// (NULL: goes alone). One that is stopped at once is in no chunk.
inline constexpr auto kInsertEmailsSql = R"sql(
WITH new AS MATERIALIZED (
  SELECT n.*, coalesce(n.stop, '') AS reason,
         (CASE WHEN n.stop IS NOT NULL THEN 11 WHEN n.send_time > now() THEN 1 ELSE 2 END)
           ::smallint AS state,
         CASE WHEN n.stop IS NULL THEN n.wanted_chunk END AS chunk_id
  FROM (
  SELECT w.*, )sql" + kStopAtAcceptance + R"sql( AS stop
  FROM unnest($1::bigint[], $2::bigint[], $3::smallint[], $4::boolean[], $5::integer[],
              $6::timestamptz[], $7::timestamptz[], $8::timestamptz[], $9::text[], $10::text[],
              $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[],
              $17::bytea[], $18::bytea[], $19::bytea[], $20::bigint[], $21::bigint[])
    AS w (tenant_id, email_id, lane, test, template_version, send_time, expire_time, create_time,
          category, template_key, user_id, from_address, from_name, idempotency_key, metadata,
          traceparent, recipient_hash, recipient_sealed, content_sealed, recipient_mark,
          wanted_chunk)
  OFFSET 0) n),
emails AS (
  INSERT INTO herald.emails
    (tenant_id, email_id, state, lane, test, template_version, send_time, expire_time, create_time,
     update_time, state_reason, category, template_key, user_id, from_address, from_name,
     idempotency_key, metadata, traceparent, recipient_hash, recipient_sealed, chunk_id)
  SELECT tenant_id, email_id, state, lane, test, template_version, send_time, expire_time,
         create_time, create_time, reason, category, template_key, user_id, from_address, from_name,
         idempotency_key, metadata, traceparent, recipient_hash, recipient_sealed, chunk_id
  FROM new),
contents AS (
  INSERT INTO herald.email_contents (tenant_id, email_id, content_sealed)
  SELECT tenant_id, email_id, content_sealed FROM new),
queued AS (
  INSERT INTO herald.queue (tenant_id, email_id, lane, run_at, expire_time)
  SELECT tenant_id, email_id, lane, greatest(send_time, now()), expire_time
  FROM new WHERE state <> 11 AND chunk_id IS NULL),
chunked AS (
  INSERT INTO herald.chunks (tenant_id, chunk_id, lane, run_at, expire_time, email_ids)
  SELECT tenant_id, chunk_id, min(lane), now(), min(expire_time),
         array_agg(email_id ORDER BY email_id)
  FROM new WHERE chunk_id IS NOT NULL GROUP BY tenant_id, chunk_id),
noted AS (
  INSERT INTO herald.email_events (tenant_id, email_id, event_key, type, event_time, reason)
  SELECT tenant_id, email_id, '0:3', 3, now(), reason FROM new WHERE state = 11)
SELECT tenant_id, email_id, state, reason FROM new WHERE state <> 2
)sql";
inline constexpr KeptQuery kInsertEmails{
    "insert_emails",
    "bigint[], bigint[], smallint[], boolean[], integer[], timestamptz[], timestamptz[], "
    "timestamptz[], text[], text[], text[], text[], text[], text[], text[], text[], bytea[], "
    "bytea[], bytea[], bigint[], bigint[]",
    "tenant_id bigint, email_id bigint, state smallint, reason text", kInsertEmailsSql.text};

// $1 tenant, $2 email. Whoever changes an email that is queued holds this first.
inline constexpr NamedQuery kLockQueued{"lock_queued", R"sql(
SELECT lease_until IS NOT NULL AS leased, attempts FROM herald.queue
WHERE tenant_id = $1::bigint AND email_id = $2::bigint FOR UPDATE
)sql"};

// $1 tenant, $2 email: the stored state, and whether an attempt is open.
inline constexpr NamedQuery kStoredState{"stored_state", R"sql(
SELECT e.state, EXISTS (SELECT FROM herald.email_attempts a
                        WHERE a.tenant_id = e.tenant_id AND a.email_id = e.email_id
                          AND a.outcome IS NULL) AS open,
       herald.micros(e.expire_time) AS expire_time
FROM herald.emails e WHERE e.tenant_id = $1::bigint AND e.email_id = $2::bigint
)sql"};

// $1 tenant, $2 email, $3 send time, of a locked email. The time it had at acceptance becomes an
// event of its own, which ListEvents otherwise reads from the email. Its key is kept for as long
// after the new time as acceptance has it kept (limits::kKeyRetentionAfterSend; the test compares).
inline constexpr NamedQuery kReschedule{"reschedule", R"sql(
WITH old AS MATERIALIZED (
  SELECT send_time, create_time, idempotency_key FROM herald.emails
  WHERE tenant_id = $1::bigint AND email_id = $2::bigint),
kept AS (
  UPDATE herald.idempotency_keys k
  SET expire_time = $3::timestamptz + interval '24 hours'
  FROM old o
  WHERE k.tenant_id = $1::bigint AND k.idempotency_key = o.idempotency_key
    AND k.email_id = $2::bigint AND k.expire_time < $3::timestamptz + interval '24 hours'),
summary AS (
  UPDATE herald.emails SET send_time = $3::timestamptz, update_time = now(),
    state = CASE WHEN $3::timestamptz > now() THEN 1 ELSE 2 END
  WHERE tenant_id = $1::bigint AND email_id = $2::bigint),
queued AS (
  UPDATE herald.queue SET run_at = greatest($3::timestamptz, now()), slots_held = NULL
  WHERE tenant_id = $1::bigint AND email_id = $2::bigint)
INSERT INTO herald.email_events (tenant_id, email_id, event_key, type, event_time, retry_time)
SELECT $1::bigint, $2::bigint, '0:2', 2, create_time, send_time FROM old
WHERE send_time IS NOT NULL
UNION ALL
SELECT $1::bigint, $2::bigint, '0:2:' || pg_current_xact_id()::text, 2, now(), $3::timestamptz
ON CONFLICT (tenant_id, email_id, event_key) DO NOTHING
)sql"};

// $1 tenant, $2 emails, $3 lifetime in seconds. Only those DEAD, by the row as it is once locked.
inline constexpr NamedQuery kRedrive{"redrive", R"sql(
WITH dead AS MATERIALIZED (
  SELECT tenant_id, email_id FROM herald.emails
  WHERE tenant_id = $1::bigint AND email_id = ANY ($2::bigint[]) AND state = 10
  ORDER BY email_id FOR UPDATE),
put_back AS (
  UPDATE herald.emails e
  SET state = 2, state_reason = '', redrives = e.redrives + 1, update_time = now(),
      expire_time = now() + $3::float8 * interval '1 second'
  FROM dead d WHERE e.tenant_id = d.tenant_id AND e.email_id = d.email_id
  RETURNING e.tenant_id, e.email_id, e.lane, e.redrives, e.expire_time),
queued AS (
  INSERT INTO herald.queue (tenant_id, email_id, lane, attempts, run_at, expire_time)
  SELECT p.tenant_id, p.email_id, p.lane,
         coalesce((SELECT max(a.attempt) FROM herald.email_attempts a
                   WHERE a.tenant_id = p.tenant_id AND a.email_id = p.email_id), 0),
         now(), p.expire_time
  FROM put_back p),
noted AS (
  INSERT INTO herald.email_events (tenant_id, email_id, event_key, type, event_time)
  SELECT p.tenant_id, p.email_id, 'r' || p.redrives || ':12', 12, now() FROM put_back p)
SELECT email_id FROM put_back ORDER BY email_id
)sql"};

// $1 tenant, $2 actor, $3 action, $4 target.
inline constexpr NamedQuery kAudit{"audit", R"sql(
INSERT INTO herald.audit_entries (tenant_id, actor, action, target)
VALUES ($1::bigint, $2::text, $3::text, $4::text)
)sql"};

// $1 tenant, $2 email. An event is what was known when it happened, so that it reads the same ever
// after: ATTEMPTED has no message id, which comes with SENT.
inline constexpr NamedQuery kListEvents{"list_events", R"sql(
SELECT email_id, type, herald.micros(event_time) AS event_time, attempt, account,
       provider_message_id, bounce_class, reason, detail, herald.micros(retry_time) AS retry_time
FROM (
  SELECT email_id, 1 AS type, create_time AS event_time, 0 AS attempt, '' AS account,
         '' AS provider_message_id, 0 AS bounce_class, '' AS reason, '' AS detail,
         NULL::timestamptz AS retry_time, 0::bigint AS seq
  FROM herald.emails WHERE tenant_id = $1::bigint AND email_id = $2::bigint
  UNION ALL
  SELECT e.email_id, 2, e.create_time, 0, '', '', 0, '', '', e.send_time, 0
  FROM herald.emails e
  WHERE e.tenant_id = $1::bigint AND e.email_id = $2::bigint AND e.send_time IS NOT NULL
    AND NOT EXISTS (SELECT FROM herald.email_events v
                    WHERE v.tenant_id = e.tenant_id AND v.email_id = e.email_id AND v.type = 2)
  UNION ALL
  SELECT email_id, 6, begin_time, attempt, account, '', 0, '', '', NULL, 0
  FROM herald.email_attempts WHERE tenant_id = $1::bigint AND email_id = $2::bigint
  UNION ALL
  SELECT c.email_id, c.type, c.event_time, c.attempt, c.account, c.provider_message_id, 0, c.reason,
         c.detail, c.retry_time, c.seq
  FROM herald.emails e
  JOIN herald.chunk_member_events c
    ON c.tenant_id = e.tenant_id AND c.chunk_id = e.chunk_id AND c.email_id = e.email_id
  WHERE e.tenant_id = $1::bigint AND e.email_id = $2::bigint
  UNION ALL
  SELECT email_id, type, event_time, attempt, account, provider_message_id, bounce_class, reason,
         detail, retry_time, seq
  FROM herald.email_events WHERE tenant_id = $1::bigint AND email_id = $2::bigint) t
ORDER BY t.event_time, t.type, t.attempt, t.seq
LIMIT 1000
)sql"};

// $1 tenant, $2 transaction, $3 sequence, $4 limit. Below the snapshot's xmin every transaction
// has ended, so nothing can still commit before a place that was read. A chunk's event stands for
// up to 100 lines: the cursor counts 128 places for every row of either table.
inline constexpr NamedQuery kReadFeed{"read_feed", R"sql(
WITH single AS (
  SELECT email_id, type, event_time, attempt, account, provider_message_id, bounce_class, reason,
         detail, retry_time, xact, seq * 128 AS seq
  FROM herald.email_events
  WHERE tenant_id = $1::bigint AND (xact, seq) > ($2::text::xid8, $3::bigint / 128)
    AND xact < pg_snapshot_xmin(pg_current_snapshot())
  ORDER BY email_events.xact, email_events.seq
  LIMIT $4::integer),
shared AS (
  SELECT c.*, sum(cardinality(c.email_ids)) OVER (ORDER BY c.xact, c.seq) -
              cardinality(c.email_ids) AS lines_before
  FROM (SELECT * FROM herald.chunk_events
        WHERE tenant_id = $1::bigint AND (xact, seq) >= ($2::text::xid8, $3::bigint / 128)
          AND xact < pg_snapshot_xmin(pg_current_snapshot())
        ORDER BY chunk_events.xact, chunk_events.seq
        LIMIT $4::integer + 1) c),
lines AS (
  SELECT m.email_id, s.type, s.event_time, s.attempt, s.account,
         CASE WHEN s.type = 7
              THEN coalesce(a.message_ids[array_position(a.email_ids, m.email_id)], '')
              ELSE '' END AS provider_message_id,
         0::smallint AS bounce_class, s.reason, s.detail, s.retry_time, s.xact,
         s.seq * 128 + m.place AS seq
  FROM shared s
  LEFT JOIN herald.chunk_attempts a
    ON a.tenant_id = s.tenant_id AND a.chunk_id = s.chunk_id AND a.attempt = s.attempt
  CROSS JOIN LATERAL unnest(s.email_ids) WITH ORDINALITY AS m (email_id, place)
  WHERE s.lines_before < $4::integer + 100
    AND (s.xact, s.seq * 128 + m.place) > ($2::text::xid8, $3::bigint))
SELECT email_id, type, herald.micros(event_time) AS event_time, attempt, account,
       provider_message_id, bounce_class, reason, detail, herald.micros(retry_time) AS retry_time,
       xact::text AS xact, seq
FROM (SELECT * FROM single UNION ALL SELECT * FROM lines) t
ORDER BY t.xact, t.seq
LIMIT $4::integer
)sql"};

inline constexpr NamedQuery kFeedEnd{
    "feed_end", "SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS xact"};

}  // namespace herald::storage::email_sql
