#pragma once

#include "storage/postgres/audience_gate_sql.h"
#include "storage/postgres/fair_claim_sql.h"
#include "storage/postgres/named_query.h"

// The statements of chunks. Who changes the state of a member locks its chunk first, then queue
// rows, then emails; chunks in the order of (tenant_id, chunk_id). See queue_store_sql.h.
namespace herald::storage::chunk_sql {

// See fair_claim_sql.h.
inline constexpr auto kClaimSql = R"sql(
UPDATE herald.chunks c
SET lease_until = clock_timestamp() + $3::float8 * interval '1 second',
    lease_token = $12::bigint,
    claims = least(c.claims + 1, 32767)
WHERE c.ctid = ANY (ARRAY()sql" + DueByTurns("herald.chunks", "chunk_id") +
                                  R"sql())
  AND c.lease_until IS NULL
RETURNING tenant_id, chunk_id, lease_token, claims, attempts, lane, unconfirmed_account,
          unconfirmed_digest, herald.micros(unconfirmed_time), herald.micros(now()), free_attempts,
          tried_accounts, herald.micros(run_at)
)sql";
inline constexpr KeptQuery kClaim{
    "claim_chunks", kClaimParameters,
    "tenant_id bigint, chunk_id bigint, lease_token bigint, claims smallint, attempts smallint, "
    "lane smallint, unconfirmed_account text, unconfirmed_digest bytea, unconfirmed_time bigint, "
    "claim_time bigint, free_attempts smallint, tried_accounts text, run_at bigint",
    kClaimSql.text};

// $1 tenants, $2 chunks, leased by this transaction: what is delivered of their members. By itself,
// because a member's row that repeats its chunk's costs PostgreSQL half as much again.
inline constexpr KeptQuery kLeasedMembers{
    "leased_members", "bigint[], bigint[]",
    "\"position\" bigint, place bigint, email_id bigint, recipient_sealed bytea, "
    "template_key text, template_version integer, category text, traceparent text, "
    "create_time bigint, content_sealed bytea, user_id text, expire_time bigint",
    R"sql(
SELECT w.position, m.place, e.email_id, e.recipient_sealed, e.template_key, e.template_version,
       e.category, e.traceparent, herald.micros(e.create_time), b.content_sealed, e.user_id,
       herald.micros(e.expire_time)
FROM unnest($1::bigint[], $2::bigint[]) WITH ORDINALITY AS w (tenant_id, chunk_id, position)
CROSS JOIN LATERAL (
  SELECT l.email_ids FROM herald.chunks l
  WHERE l.tenant_id = w.tenant_id AND l.chunk_id = w.chunk_id LIMIT 1) c
CROSS JOIN LATERAL unnest(c.email_ids) WITH ORDINALITY AS m (email_id, place)
JOIN herald.emails e ON e.tenant_id = w.tenant_id AND e.email_id = m.email_id
LEFT JOIN herald.email_contents b ON b.tenant_id = w.tenant_id AND b.email_id = m.email_id
)sql"};

// $1 tenants, $2 chunks, $3 tokens, sorted; $4 seconds that must be left of each lease, or NULL.
// Returns the positions held and how many members there are.
inline constexpr KeptQuery kLock{"lock_chunks", "bigint[], bigint[], bigint[], float8",
                                 "\"position\" bigint, members integer", R"sql(
SELECT w.position, held.members
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[])
       WITH ORDINALITY AS w (tenant_id, chunk_id, lease_token, position)
CROSS JOIN LATERAL (
  SELECT cardinality(c.email_ids) AS members FROM herald.chunks c
  WHERE c.tenant_id = w.tenant_id AND c.chunk_id = w.chunk_id AND c.lease_token = w.lease_token
    AND ($4::float8 IS NULL OR c.lease_until > clock_timestamp() + $4::float8 * interval '1 second')
  FOR UPDATE) held
)sql"};

// $1 tenants, $2 chunks, locked: their members that may not be handed over. $3 how many members the
// chunks before each have in $4 members, chunk by chunk, and $5 their marks. Where membership has
// changed, marks are not looked at: nothing begins then. Evidence may have moved members of an
// unconfirmed chunk on, who stay part of its repetition.
inline constexpr auto kUnfitSql = R"sql(
SELECT j.position, j.unconfirmed_time IS NOT NULL AS unconfirmed, j.attempts, j.email_id, j.state,
       j.overdue, j.suppressed
FROM (
  SELECT w.*, CASE WHEN w.state IN (1, 2, 4) THEN )sql" +
                                  kStopReason + R"sql( END AS suppressed
  FROM (
    SELECT w.position, c.unconfirmed_time, c.attempts, e.tenant_id, e.email_id, e.state,
           e.expire_time <= now() AS overdue, e.recipient_hash, e.user_id, e.category,
           CASE ($4::bigint[])[w.before + m.place]
             WHEN m.email_id THEN ($5::bigint[])[w.before + m.place] END AS recipient_mark
    FROM unnest($1::bigint[], $2::bigint[], $3::integer[])
           WITH ORDINALITY AS w (tenant_id, chunk_id, before, position)
    CROSS JOIN LATERAL (
      SELECT l.email_ids, l.attempts, l.unconfirmed_time FROM herald.chunks l
      WHERE l.tenant_id = w.tenant_id AND l.chunk_id = w.chunk_id LIMIT 1) c
    CROSS JOIN LATERAL unnest(c.email_ids) WITH ORDINALITY AS m (email_id, place)
    JOIN herald.emails e ON e.tenant_id = w.tenant_id AND e.email_id = m.email_id
    OFFSET 0) w) j
WHERE (j.state NOT IN (1, 2, 4) AND j.unconfirmed_time IS NULL)
   OR (j.state IN (1, 2, 4) AND (j.overdue OR j.suppressed IS NOT NULL))
)sql";
inline constexpr KeptQuery kUnfit{
    "unfit_members", "bigint[], bigint[], integer[], bigint[], bigint[]",
    "\"position\" bigint, unconfirmed boolean, attempts smallint, email_id bigint, "
    "state smallint, overdue boolean, suppressed text",
    kUnfitSql.text};

// $1 tenants, $2 chunks, locked: their members whose time is over, and those that evidence has
// moved on.
inline constexpr NamedQuery kOverdueMembers{"overdue_members", R"sql(
SELECT w.position, c.attempts, e.email_id, e.state
FROM unnest($1::bigint[], $2::bigint[]) WITH ORDINALITY AS w (tenant_id, chunk_id, position)
JOIN herald.chunks c ON c.tenant_id = w.tenant_id AND c.chunk_id = w.chunk_id
CROSS JOIN LATERAL unnest(c.email_ids) AS m (email_id)
JOIN herald.emails e ON e.tenant_id = w.tenant_id AND e.email_id = m.email_id
WHERE e.state NOT IN (1, 2, 4) OR e.expire_time <= now()
)sql"};

// $1 tenants, $2 chunks, $3 tokens, $4 accounts, $5 keys, $6 digests, of locked chunks. A call that
// is repeated because its answer was lost finds its own attempt.
inline constexpr KeptQuery kBegin{"begin_chunks",
                                  "bigint[], bigint[], bigint[], text[], text[], bytea[]",
                                  "tenant_id bigint, chunk_id bigint, attempt smallint", R"sql(
INSERT INTO herald.chunk_attempts AS a (tenant_id, chunk_id, attempt, begin_time, lease_token,
                                        account, request_key, request_digest, email_ids)
SELECT w.tenant_id, w.chunk_id, c.attempts + 1, now(), w.lease_token, w.account, w.request_key,
       w.request_digest, c.email_ids
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::bytea[])
       AS w (tenant_id, chunk_id, lease_token, account, request_key, request_digest)
CROSS JOIN LATERAL (
  SELECT l.attempts, l.email_ids FROM herald.chunks l
  WHERE l.tenant_id = w.tenant_id AND l.chunk_id = w.chunk_id LIMIT 1) c
ON CONFLICT (tenant_id, chunk_id, attempt) DO UPDATE
  SET begin_time = EXCLUDED.begin_time, account = EXCLUDED.account,
      request_key = EXCLUDED.request_key, request_digest = EXCLUDED.request_digest,
      email_ids = EXCLUDED.email_ids
  WHERE a.lease_token = EXCLUDED.lease_token AND a.outcome IS NULL
RETURNING a.tenant_id, a.chunk_id, a.attempt
)sql"};

// $1 tenants, $2 chunks.
inline constexpr NamedQuery kMembers{"chunk_members", R"sql(
SELECT w.position, m.email_id
FROM unnest($1::bigint[], $2::bigint[]) WITH ORDINALITY AS w (tenant_id, chunk_id, position)
JOIN herald.chunks c ON c.tenant_id = w.tenant_id AND c.chunk_id = w.chunk_id
CROSS JOIN LATERAL unnest(c.email_ids) WITH ORDINALITY AS m (email_id, place)
ORDER BY w.position, m.place
)sql"};

// Takes members out of locked chunks: $1 tenants, $2 chunks, $3 emails. An empty chunk goes.
inline constexpr NamedQuery kDropMembers{"drop_members", R"sql(
WITH dropped AS MATERIALIZED (
  SELECT tenant_id, chunk_id, array_agg(email_id) AS ids
  FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS w (tenant_id, chunk_id, email_id)
  GROUP BY tenant_id, chunk_id),
gone AS (
  DELETE FROM herald.chunks c USING dropped d
  WHERE c.tenant_id = d.tenant_id AND c.chunk_id = d.chunk_id AND c.email_ids <@ d.ids)
UPDATE herald.chunks c SET email_ids = rest.ids, expire_time = rest.expire_time
FROM dropped d
CROSS JOIN LATERAL (
  SELECT array_agg(m.email_id ORDER BY m.place) AS ids, min(e.expire_time) AS expire_time
  FROM herald.chunks k
  CROSS JOIN LATERAL unnest(k.email_ids) WITH ORDINALITY AS m (email_id, place)
  JOIN herald.emails e ON e.tenant_id = k.tenant_id AND e.email_id = m.email_id
  WHERE k.tenant_id = d.tenant_id AND k.chunk_id = d.chunk_id
    AND NOT m.email_id = ANY (d.ids)) rest
WHERE c.tenant_id = d.tenant_id AND c.chunk_id = d.chunk_id AND NOT c.email_ids <@ d.ids
)sql"};

// Dissolves locked chunks, $1 tenants, $2 chunks: every undecided member goes on alone. Its digest
// is that of the batch, which no single request has, so that nothing is taken for a repetition.
inline constexpr NamedQuery kBreakUp{"break_up_chunks", R"sql(
WITH gone AS (
  DELETE FROM herald.chunks c
  USING unnest($1::bigint[], $2::bigint[]) AS w (tenant_id, chunk_id)
  WHERE c.tenant_id = w.tenant_id AND c.chunk_id = w.chunk_id
  RETURNING c.*)
INSERT INTO herald.queue (tenant_id, email_id, lane, attempts, free_attempts, tried_accounts,
                          run_at, expire_time, unconfirmed_time, unconfirmed_account,
                          unconfirmed_digest)
SELECT g.tenant_id, e.email_id, g.lane, g.attempts, g.free_attempts, g.tried_accounts,
       least(g.run_at, now()), e.expire_time,
       g.unconfirmed_time, g.unconfirmed_account, g.unconfirmed_digest
FROM gone g
CROSS JOIN LATERAL unnest(g.email_ids) AS m (email_id)
JOIN herald.emails e ON e.tenant_id = g.tenant_id AND e.email_id = m.email_id
WHERE e.state IN (1, 2, 4)
)sql"};

// Records the ends of attempts of locked chunks. $1 tenants, $2 chunks, $3 tokens, $4 attempts (0:
// nothing was handed over), $5 outcomes, $6 accounts, $7 digests, $8 error codes, $9 details,
// $10 kinds (as in ChunkEnd::Kind), $11 delays in seconds, $12 reasons, $13 message ids and
// $14 members that ended otherwise and $15 outcomes, arrays in text form, $16 1 when the attempt
// uses up no retry budget, $17 tried accounts, $18 members that stay in a chunk that is done,
// arrays in text form.
inline constexpr KeptQuery kRecord{
    "record_chunk_ends",
    "bigint[], bigint[], bigint[], smallint[], smallint[], text[], bytea[], text[], text[], "
    "smallint[], float8[], text[], text[], text[], text[], smallint[], text[], text[]",
    "", R"sql(
WITH ended AS MATERIALIZED (
  SELECT w.*,
         CASE WHEN w.others = '{}' AND w.rest = '{}' THEN c.email_ids
              ELSE ARRAY(SELECT m.email_id FROM unnest(c.email_ids) WITH ORDINALITY
                                                  AS m (email_id, place)
                         WHERE NOT m.email_id = ANY (w.others::bigint[] || w.rest::bigint[])
                         ORDER BY m.place) END AS email_ids
  FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::smallint[], $5::smallint[], $6::text[],
              $7::bytea[], $8::text[], $9::text[], $10::smallint[], $11::float8[], $12::text[],
              $13::text[], $14::text[], $15::text[], $16::smallint[], $17::text[], $18::text[])
    AS w (tenant_id, chunk_id, lease_token, attempt, outcome, account, digest, error_code, detail,
          kind, delay, reason, message_ids, others, outcomes, free, tried, rest)
  CROSS JOIN LATERAL (
    SELECT l.email_ids FROM herald.chunks l
    WHERE l.tenant_id = w.tenant_id AND l.chunk_id = w.chunk_id LIMIT 1) c),
closed AS (
  UPDATE herald.chunk_attempts a
  SET outcome = w.outcome, end_time = statement_timestamp(), error_code = w.error_code,
      detail = w.detail, message_ids = w.message_ids::text[],
      outcomes = w.outcomes::smallint[]
  FROM ended w
  WHERE a.tenant_id = w.tenant_id AND a.chunk_id = w.chunk_id AND a.attempt = w.attempt
    AND a.outcome IS NULL AND w.outcome IS NOT NULL),
summary AS (
  UPDATE herald.emails e
  SET state = CASE w.kind WHEN 0 THEN 5 ELSE 4 END,
      state_reason = CASE w.kind WHEN 0 THEN '' ELSE w.reason END,
      update_time = statement_timestamp()
  FROM ended w CROSS JOIN LATERAL unnest(w.email_ids) AS m (email_id)
  WHERE w.kind IN (0, 2) AND w.attempt > 0
    AND e.tenant_id = w.tenant_id AND e.email_id = m.email_id AND e.state IN (1, 2, 4)),
kept AS (
  UPDATE herald.chunks c
  SET lease_until = NULL, lease_token = 0, claims = 0, attempts = greatest(c.attempts, w.attempt),
      free_attempts = least(c.free_attempts + w.free, 32767), tried_accounts = w.tried,
      run_at = statement_timestamp() + w.delay * interval '1 second',
      email_ids = CASE w.rest WHEN '{}' THEN c.email_ids ELSE w.rest::bigint[] END,
      expire_time = CASE w.rest WHEN '{}' THEN c.expire_time ELSE (
        SELECT min(e.expire_time) FROM herald.emails e
        WHERE e.tenant_id = w.tenant_id AND e.email_id = ANY (w.rest::bigint[])) END,
      unconfirmed_time = CASE
        WHEN w.attempt = 0 THEN c.unconfirmed_time
        WHEN w.kind = 2 THEN coalesce(c.unconfirmed_time, (
          SELECT a.begin_time FROM herald.chunk_attempts a
          WHERE a.tenant_id = w.tenant_id AND a.chunk_id = w.chunk_id
            AND a.attempt = w.attempt), now()) END,
      unconfirmed_account = CASE WHEN w.attempt = 0 THEN c.unconfirmed_account
                                 WHEN w.kind = 2 THEN w.account END,
      unconfirmed_digest = CASE WHEN w.attempt = 0 THEN c.unconfirmed_digest
                                WHEN w.kind = 2 THEN w.digest END
  FROM ended w
  WHERE c.tenant_id = w.tenant_id AND c.chunk_id = w.chunk_id
    AND (w.kind IN (1, 2) OR w.rest <> '{}')),
gone AS (
  DELETE FROM herald.chunks c USING ended w
  WHERE c.tenant_id = w.tenant_id AND c.chunk_id = w.chunk_id AND w.kind = 0 AND w.rest = '{}')
INSERT INTO herald.chunk_events (tenant_id, chunk_id, event_key, type, attempt, event_time,
                                 retry_time, account, reason, detail, email_ids)
SELECT w.tenant_id, w.chunk_id, w.attempt || ':' || t.type, t.type, w.attempt,
       statement_timestamp(),
       CASE WHEN t.type = 8 THEN statement_timestamp() + w.delay * interval '1 second' END,
       w.account, CASE t.type WHEN 7 THEN '' ELSE coalesce(nullif(w.reason, ''), w.error_code) END,
       w.detail, t.email_ids
FROM ended w
CROSS JOIN LATERAL (
  SELECT CASE w.kind WHEN 0 THEN 7 WHEN 1 THEN 8 ELSE 9 END, w.email_ids
  UNION ALL SELECT 8, w.rest::bigint[]) AS t (type, email_ids)
WHERE w.attempt > 0 AND t.email_ids <> '{}'
ON CONFLICT (tenant_id, chunk_id, event_key) DO NOTHING
)sql"};

// Members that ended otherwise than their chunk, which is locked and was the same before kRecord.
// $1 tenants, $2 emails, $3 lanes, $4 attempts, $5 accounts, $6 digests, $7 begin times of the
// first unconfirmed attempt (as text, NULL: this one's), $8 error codes, $9 details, $10 kinds (as
// in Disposition::Kind), $11 delays in seconds, $12 reasons, $13 chunks, $14 free attempts, $15
// tried accounts.
inline constexpr NamedQuery kRecordOthers{"record_member_ends", R"sql(
WITH ended AS MATERIALIZED (
  SELECT w.*, e.expire_time
  FROM unnest($1::bigint[], $2::bigint[], $3::smallint[], $4::smallint[], $5::text[], $6::bytea[],
              $7::timestamptz[], $8::text[], $9::text[], $10::smallint[], $11::float8[],
              $12::text[], $13::bigint[], $14::smallint[], $15::text[])
    AS w (tenant_id, email_id, lane, attempt, account, digest, unconfirmed_since, error_code,
          detail, kind, delay, reason, chunk_id, free, tried)
  JOIN herald.emails e ON e.tenant_id = w.tenant_id AND e.email_id = w.email_id
  WHERE e.state IN (1, 2, 4)),
summary AS (
  UPDATE herald.emails e
  SET state = CASE w.kind WHEN 0 THEN 5 WHEN 1 THEN 2 WHEN 2 THEN 4 WHEN 3 THEN 9 ELSE 10 END,
      state_reason = w.reason, update_time = statement_timestamp()
  FROM ended w
  WHERE e.tenant_id = w.tenant_id AND e.email_id = w.email_id),
queued AS (
  INSERT INTO herald.queue (tenant_id, email_id, lane, attempts, free_attempts, tried_accounts,
                            run_at, expire_time, unconfirmed_time, unconfirmed_account,
                            unconfirmed_digest)
  SELECT w.tenant_id, w.email_id, w.lane, w.attempt, w.free, w.tried,
         statement_timestamp() + w.delay * interval '1 second', w.expire_time,
         CASE WHEN w.kind = 2 THEN coalesce(w.unconfirmed_since, (
           SELECT a.begin_time FROM herald.chunk_attempts a
           WHERE a.tenant_id = w.tenant_id AND a.chunk_id = w.chunk_id
             AND a.attempt = w.attempt), now()) END,
         CASE WHEN w.kind = 2 THEN w.account END, CASE WHEN w.kind = 2 THEN w.digest END
  FROM ended w WHERE w.kind IN (1, 2))
INSERT INTO herald.email_events (tenant_id, email_id, event_key, type, attempt, event_time,
                                 retry_time, account, reason, detail)
SELECT w.tenant_id, w.email_id, w.attempt || ':' || t.type, t.type, w.attempt,
       statement_timestamp(),
       CASE WHEN w.kind = 1 THEN statement_timestamp() + w.delay * interval '1 second' END,
       w.account, coalesce(nullif(w.reason, ''), w.error_code), w.detail
FROM ended w
CROSS JOIN LATERAL (SELECT CASE w.kind WHEN 0 THEN 7 WHEN 1 THEN 8 WHEN 2 THEN 9 WHEN 3 THEN 10
                           ELSE 11 END AS type) t
ON CONFLICT (tenant_id, email_id, event_key) DO NOTHING
)sql"};

// Gives locked leases back, $1 tenants, $2 chunks. One with an open attempt is left to the rescue.
inline constexpr NamedQuery kReturn{"return_chunks", R"sql(
UPDATE herald.chunks c
SET lease_until = NULL, lease_token = 0, claims = greatest(c.claims - 1, 0)
FROM unnest($1::bigint[], $2::bigint[]) AS w (tenant_id, chunk_id)
WHERE c.tenant_id = w.tenant_id AND c.chunk_id = w.chunk_id
  AND NOT EXISTS (SELECT FROM herald.chunk_attempts a
                  WHERE a.tenant_id = c.tenant_id AND a.chunk_id = c.chunk_id
                    AND a.attempt = c.attempts + 1 AND a.outcome IS NULL)
)sql"};

// $1 limit.
inline constexpr NamedQuery kLockExpiredLeases{"lock_expired_chunks", R"sql(
SELECT tenant_id, chunk_id FROM herald.chunks
WHERE lease_until < clock_timestamp()
ORDER BY lease_until LIMIT $1::integer
FOR UPDATE SKIP LOCKED
)sql"};

// Takes over locked leases, $1 tenants, $2 chunks, $3 claims_max. An open attempt becomes
// UNCONFIRMED. Returns the chunks that used up their claims.
inline constexpr NamedQuery kRescue{"rescue_chunks", R"sql(
WITH taken AS MATERIALIZED (
  SELECT c.tenant_id, c.chunk_id, c.claims, c.email_ids, a.attempt AS open_attempt, a.account,
         a.request_digest, a.begin_time
  FROM unnest($1::bigint[], $2::bigint[]) AS w (tenant_id, chunk_id)
  JOIN herald.chunks c ON c.tenant_id = w.tenant_id AND c.chunk_id = w.chunk_id
  LEFT JOIN herald.chunk_attempts a ON a.tenant_id = w.tenant_id AND a.chunk_id = w.chunk_id
    AND a.attempt = c.attempts + 1 AND a.outcome IS NULL),
closed AS (
  UPDATE herald.chunk_attempts a
  SET outcome = 3, end_time = statement_timestamp(), error_code = 'lease_expired'
  FROM taken t
  WHERE a.tenant_id = t.tenant_id AND a.chunk_id = t.chunk_id AND a.attempt = t.open_attempt),
summary AS (
  UPDATE herald.emails e
  SET state = 4, state_reason = 'lease_expired', update_time = statement_timestamp()
  FROM taken t CROSS JOIN LATERAL unnest(t.email_ids) AS m (email_id)
  WHERE t.open_attempt IS NOT NULL AND e.tenant_id = t.tenant_id AND e.email_id = m.email_id
    AND e.state IN (1, 2, 4)),
kept AS (
  UPDATE herald.chunks c
  SET lease_until = NULL, lease_token = 0, attempts = coalesce(t.open_attempt, c.attempts),
      run_at = statement_timestamp(),
      unconfirmed_time = coalesce(c.unconfirmed_time, t.begin_time),
      unconfirmed_account = coalesce(t.account, c.unconfirmed_account),
      unconfirmed_digest = coalesce(t.request_digest, c.unconfirmed_digest)
  FROM taken t WHERE c.tenant_id = t.tenant_id AND c.chunk_id = t.chunk_id),
noted AS (
  INSERT INTO herald.chunk_events (tenant_id, chunk_id, event_key, type, attempt, event_time,
                                   account, reason, email_ids)
  SELECT t.tenant_id, t.chunk_id, t.open_attempt || ':9', 9, t.open_attempt, statement_timestamp(),
         t.account, 'lease_expired', t.email_ids
  FROM taken t WHERE t.open_attempt IS NOT NULL
  ON CONFLICT (tenant_id, chunk_id, event_key) DO NOTHING)
SELECT tenant_id, chunk_id FROM taken WHERE claims >= $3::integer
)sql"};

// $1 limit.
inline constexpr NamedQuery kLockOverdue{"lock_overdue_chunks", R"sql(
SELECT tenant_id, chunk_id, unconfirmed_time IS NOT NULL AS unconfirmed FROM herald.chunks
WHERE expire_time < now() AND lease_until IS NULL
ORDER BY expire_time LIMIT $1::integer
FOR UPDATE SKIP LOCKED
)sql"};

// Locks the chunk that $2 email of $1 tenant waits in.
inline constexpr NamedQuery kLockOfEmail{"lock_chunk_of_email", R"sql(
SELECT c.chunk_id, c.lease_until IS NOT NULL AS leased, c.attempts
FROM herald.emails e
JOIN herald.chunks c ON c.tenant_id = e.tenant_id AND c.chunk_id = e.chunk_id
WHERE e.tenant_id = $1::bigint AND e.email_id = $2::bigint AND e.email_id = ANY (c.email_ids)
FOR UPDATE OF c
)sql"};

// $1 tenant, $2 email, which has just left its chunk: puts it into the queue.
inline constexpr NamedQuery kQueueAlone{"queue_alone", R"sql(
INSERT INTO herald.queue (tenant_id, email_id, lane, run_at, expire_time)
SELECT tenant_id, email_id, lane, now(), expire_time FROM herald.emails
WHERE tenant_id = $1::bigint AND email_id = $2::bigint
)sql"};

// $1 tenants, $2 emails: locks the chunks in which they wait.
inline constexpr NamedQuery kLockOfEmails{"lock_chunks_of_emails", R"sql(
SELECT 1 FROM herald.chunks c
WHERE (c.tenant_id, c.chunk_id) IN (
  SELECT e.tenant_id, e.chunk_id
  FROM unnest($1::bigint[], $2::bigint[]) AS w (tenant_id, email_id)
  JOIN herald.emails e ON e.tenant_id = w.tenant_id AND e.email_id = w.email_id
  WHERE e.chunk_id IS NOT NULL)
ORDER BY c.tenant_id, c.chunk_id FOR UPDATE
)sql"};

// $1 tenants, $2 emails, which evidence has moved on: removes their chunks, locked, in which nobody
// is undecided any more. While an attempt is under way, its recording does that.
inline constexpr NamedQuery kSettle{"settle_chunks", R"sql(
DELETE FROM herald.chunks c
WHERE c.lease_until IS NULL
  AND (c.tenant_id, c.chunk_id) IN (
    SELECT e.tenant_id, e.chunk_id
    FROM unnest($1::bigint[], $2::bigint[]) AS w (tenant_id, email_id)
    JOIN herald.emails e ON e.tenant_id = w.tenant_id AND e.email_id = w.email_id
    WHERE e.chunk_id IS NOT NULL)
  AND NOT EXISTS (
    SELECT FROM herald.emails e
    WHERE e.tenant_id = c.tenant_id AND e.email_id = ANY (c.email_ids) AND e.state IN (1, 2, 4))
)sql"};

}  // namespace herald::storage::chunk_sql
