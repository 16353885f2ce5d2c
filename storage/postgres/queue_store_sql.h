#pragma once

#include "storage/postgres/audience_gate_sql.h"
#include "storage/postgres/fair_claim_sql.h"
#include "storage/postgres/named_query.h"

// The queue's statements. Who changes the state of an email that has a queue row locks that row
// first, in the order of (tenant_id, email_id), and reads in a later statement: under READ
// COMMITTED its snapshot is taken after the lock, so what it sees cannot change beneath it.
namespace herald::storage::queue_sql {

// $1 lane. The tenants that may have a line in it.
inline constexpr KeptQuery kLaneTenants{"lane_tenants", "smallint",
                                        "tenant_id bigint, \"time\" bigint", R"sql(
SELECT tenant_id, herald.micros(now()) AS time FROM herald.queue_tenants
WHERE lane = $1::smallint ORDER BY tenant_id
)sql"};

// See fair_claim_sql.h.
inline constexpr auto kClaimSql = R"sql(
WITH leased AS (
  UPDATE herald.queue q
  SET lease_until = clock_timestamp() + $3::float8 * interval '1 second',
      lease_token = $12::bigint,
      claims = least(q.claims + 1, 32767)
  WHERE q.ctid = ANY (ARRAY()sql" +
                                  DueByTurns("herald.queue", "email_id") + R"sql())
    AND q.lease_until IS NULL
  RETURNING q.*)
SELECT l.tenant_id, l.email_id, l.lease_token, l.claims, l.attempts, l.unconfirmed_account,
       l.unconfirmed_digest, herald.micros(l.unconfirmed_time) AS unconfirmed_time, e.lane,
       e.redrives, e.recipient_sealed, e.template_key, e.template_version, e.category, e.test,
       e.traceparent, herald.micros(e.create_time) AS create_time,
       herald.micros(e.send_time) AS send_time, (SELECT herald.micros(now())) AS claim_time,
       c.content_sealed,
       CASE WHEN e.redrives > 0 THEN (
         SELECT coalesce(max(a.attempt), 0) FROM herald.email_attempts a
         WHERE a.tenant_id = l.tenant_id AND a.email_id = l.email_id
           AND a.begin_time < (SELECT max(v.event_time) FROM herald.email_events v
                               WHERE v.tenant_id = l.tenant_id AND v.email_id = l.email_id
                                 AND v.type = 12))
       ELSE 0 END AS attempts_before_redrive,
       l.free_attempts, l.tried_accounts,
       e.user_id, herald.micros(l.expire_time) AS expire_time, l.slots_held,
       herald.micros(l.run_at) AS run_at
FROM leased l
JOIN herald.emails e ON e.tenant_id = l.tenant_id AND e.email_id = l.email_id
LEFT JOIN herald.email_contents c ON c.tenant_id = l.tenant_id AND c.email_id = l.email_id
ORDER BY l.run_at, l.email_id
)sql";
inline constexpr KeptQuery kClaim{
    "claim", kClaimParameters,
    "tenant_id bigint, email_id bigint, lease_token bigint, claims smallint, "
    "attempts smallint, unconfirmed_account text, unconfirmed_digest bytea, "
    "unconfirmed_time bigint, lane smallint, redrives smallint, recipient_sealed bytea, "
    "template_key text, template_version integer, category text, test boolean, "
    "traceparent text, create_time bigint, send_time bigint, claim_time bigint, "
    "content_sealed bytea, attempts_before_redrive integer, free_attempts smallint, "
    "tried_accounts text, user_id text, expire_time bigint, slots_held bigint[], "
    "run_at bigint",
    kClaimSql.text};

// $1 tenants, $2 emails, $3 tokens, sorted; $4 seconds that must be left of each lease, or NULL
// when a lease that ended but was not taken over will do. Returns the positions held. LATERAL keeps
// the order and the index: a join would be planned as a scan of the whole queue while it is short.
inline constexpr KeptQuery kLockLeases{"lock_leases", "bigint[], bigint[], bigint[], float8",
                                       "\"position\" bigint", R"sql(
SELECT w.position
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[])
       WITH ORDINALITY AS w (tenant_id, email_id, lease_token, position)
CROSS JOIN LATERAL (
  SELECT 1 FROM herald.queue q
  WHERE q.tenant_id = w.tenant_id AND q.email_id = w.email_id AND q.lease_token = w.lease_token
    AND ($4::float8 IS NULL OR q.lease_until > clock_timestamp() + $4::float8 * interval '1 second')
  FOR UPDATE) held
)sql"};

// Of locked emails ($1 tenants, $2 emails, $3 tokens, $4 accounts, $5 digests, $6 recipients'
// marks): begins an attempt for those that may go, and says of the others why not. begin_time is
// the transaction's: older than the snapshot that looked for suppressions, so what committed before
// it was seen. A call that is repeated because its answer was lost finds its own attempt and begins
// it anew.
inline constexpr auto kBeginSql = R"sql(
WITH judged AS MATERIALIZED (
  SELECT w.*, )sql" + kStopReason +
                                  R"sql( AS suppressed
  FROM (
  SELECT w.*, q.attempts + 1 AS attempt, e.state,
         q.expire_time <= now() AS overdue,
         e.recipient_hash, e.user_id, e.category
  FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::bytea[], $6::bigint[])
         WITH ORDINALITY
         AS w (tenant_id, email_id, lease_token, account, digest, recipient_mark, position)
  CROSS JOIN LATERAL (
    SELECT l.attempts, l.expire_time FROM herald.queue l
    WHERE l.tenant_id = w.tenant_id AND l.email_id = w.email_id LIMIT 1) q
  JOIN herald.emails e ON e.tenant_id = w.tenant_id AND e.email_id = w.email_id) w),
begun AS (
  INSERT INTO herald.attempts AS a (tenant_id, email_id, attempt, begin_time, lease_token, account,
                                    request_digest)
  SELECT j.tenant_id, j.email_id, j.attempt, now(), j.lease_token, j.account, j.digest
  FROM judged j
  WHERE j.state IN (1, 2, 4) AND NOT j.overdue AND j.suppressed IS NULL
  ORDER BY j.position
  ON CONFLICT (tenant_id, email_id, attempt) DO UPDATE
    SET begin_time = EXCLUDED.begin_time, account = EXCLUDED.account,
        request_digest = EXCLUDED.request_digest
    WHERE a.lease_token = EXCLUDED.lease_token AND a.outcome IS NULL
  RETURNING a.tenant_id, a.email_id)
SELECT j.position, j.attempt, j.state, j.overdue, j.suppressed,
       (j.tenant_id, j.email_id) IN (SELECT b.tenant_id, b.email_id FROM begun b) AS begun
FROM judged j
)sql";
inline constexpr KeptQuery kBegin{
    "begin_attempts", "bigint[], bigint[], bigint[], text[], bytea[], bigint[]",
    "\"position\" bigint, attempt integer, state smallint, overdue boolean, suppressed text, "
    "begun boolean",
    kBeginSql.text};

// Which of $1 tenants, $2 emails left the queue without an attempt of theirs being possible any
// more: position and state.
inline constexpr KeptQuery kStoppedBefore{"stopped_before", "bigint[], bigint[]",
                                          "\"position\" bigint, state smallint", R"sql(
SELECT w.position, e.state
FROM unnest($1::bigint[], $2::bigint[]) WITH ORDINALITY AS w (tenant_id, email_id, position)
JOIN herald.emails e ON e.tenant_id = w.tenant_id AND e.email_id = w.email_id
WHERE e.state IN (11, 12, 13)
)sql"};

// Takes emails out of the queue in a final state. $1 tenants, $2 emails, $3 states, $4 reasons,
// $5 event types (0: none), $6 event keys, $7 details. A state that evidence set stays.
inline constexpr KeptQuery kFinish{
    "finish_emails", "bigint[], bigint[], smallint[], text[], smallint[], text[], text[]", "",
    R"sql(
WITH finished AS MATERIALIZED (
  SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::smallint[], $4::text[], $5::smallint[],
                       $6::text[], $7::text[])
    AS f (tenant_id, email_id, state, reason, type, event_key, detail)),
summary AS (
  UPDATE herald.emails e SET state = f.state, state_reason = f.reason, update_time = now()
  FROM finished f
  WHERE e.tenant_id = f.tenant_id AND e.email_id = f.email_id AND e.state IN (1, 2, 4)),
gone AS (
  DELETE FROM herald.queue q USING finished f
  WHERE q.tenant_id = f.tenant_id AND q.email_id = f.email_id)
INSERT INTO herald.email_events (tenant_id, email_id, event_key, type, event_time, reason, detail)
SELECT f.tenant_id, f.email_id, f.event_key, f.type, now(), f.reason, f.detail
FROM finished f WHERE f.type <> 0
ON CONFLICT (tenant_id, email_id, event_key) DO NOTHING
)sql"};

// Records the ends of attempts of locked emails. $1 tenants, $2 emails, $3 tokens, $4 attempts
// (0: nothing was handed over), $5 outcomes, $6 accounts, $7 digests, $8 message ids, $9 error
// codes, $10 details, $11 dispositions (as in Disposition::Kind), $12 delays in seconds, $13
// reasons, $14 free attempts (0 or 1), $15 tried accounts.
//
// `pending` is false when evidence has moved the state on: then the email leaves the queue whatever
// was decided. `unknown`: an earlier hand-over may have been taken, of which nothing was learnt,
// whether there was none now or another was not taken: the email stays UNCONFIRMED when put off,
// and FAILED is the only end that keeps it from being redriven.
inline constexpr KeptQuery kRecord{
    "record_ends",
    "bigint[], bigint[], bigint[], smallint[], smallint[], text[], bytea[], text[], text[], "
    "text[], smallint[], float8[], text[], smallint[], text[]",
    "", R"sql(
WITH ended AS MATERIALIZED (
  SELECT w.*, e.state IN (1, 2, 4) AS pending,
         e.state = 4 AS unknown,
         w.kind IN (1, 2) AND e.state IN (1, 2, 4) AS stays
  FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::smallint[], $5::smallint[], $6::text[],
              $7::bytea[], $8::text[], $9::text[], $10::text[], $11::smallint[], $12::float8[],
              $13::text[], $14::smallint[], $15::text[])
    AS w (tenant_id, email_id, lease_token, attempt, outcome, account, digest, message_id,
          error_code, detail, kind, delay, reason, free, tried)
  JOIN herald.emails e ON e.tenant_id = w.tenant_id AND e.email_id = w.email_id),
closed AS (
  UPDATE herald.attempts a
  SET outcome = w.outcome, end_time = statement_timestamp(), provider_message_id = w.message_id,
      error_code = w.error_code, detail = w.detail
  FROM ended w
  WHERE a.tenant_id = w.tenant_id AND a.email_id = w.email_id AND a.attempt = w.attempt
    AND a.outcome IS NULL AND w.outcome IS NOT NULL),
summary AS (
  UPDATE herald.emails e
  SET state = CASE WHEN w.kind = 0 THEN 5
                   WHEN w.kind = 1 THEN 2
                   WHEN w.kind = 2 THEN 4
                   WHEN w.kind = 3 OR w.unknown THEN 9
                   ELSE 10 END,
      state_reason = CASE WHEN w.kind = 4 AND w.unknown THEN 'outcome_unknown' ELSE w.reason END,
      update_time = statement_timestamp()
  FROM ended w
  WHERE e.tenant_id = w.tenant_id AND e.email_id = w.email_id AND w.pending
    AND NOT (w.attempt = 0 AND w.kind = 2) AND NOT (w.unknown AND w.kind = 1)
    -- Put off once more for the same reason, as all are while no account is up: nothing to write.
    AND NOT (w.attempt = 0 AND w.kind = 1 AND e.state = 2 AND e.state_reason = w.reason)),
kept AS (
  UPDATE herald.queue q
  SET lease_until = NULL, lease_token = 0, claims = 0, attempts = greatest(q.attempts, w.attempt),
      run_at = statement_timestamp() + w.delay * interval '1 second',
      free_attempts = least(q.free_attempts + w.free, 32767), tried_accounts = w.tried,
      slots_held = CASE WHEN w.attempt = 0 THEN q.slots_held END,
      unconfirmed_time = CASE
        WHEN w.attempt = 0 OR w.kind = 1 THEN q.unconfirmed_time
        ELSE coalesce(q.unconfirmed_time, (
          SELECT a.begin_time FROM herald.attempts a
          WHERE a.tenant_id = w.tenant_id AND a.email_id = w.email_id
            AND a.attempt = w.attempt), now()) END,
      unconfirmed_account = CASE WHEN w.attempt = 0 OR w.kind = 1 THEN q.unconfirmed_account
                                 ELSE w.account END,
      unconfirmed_digest = CASE WHEN w.attempt = 0 OR w.kind = 1 THEN q.unconfirmed_digest
                                ELSE w.digest END
  FROM ended w
  WHERE q.tenant_id = w.tenant_id AND q.email_id = w.email_id AND w.stays),
gone AS (
  DELETE FROM herald.queue q USING ended w
  WHERE q.tenant_id = w.tenant_id AND q.email_id = w.email_id AND NOT w.stays)
INSERT INTO herald.email_events (tenant_id, email_id, event_key, type, attempt, event_time,
                                 retry_time, account, provider_message_id, reason, detail)
SELECT w.tenant_id, w.email_id,
       CASE WHEN w.attempt = 0 THEN 't' || w.lease_token ELSE w.attempt::text END || ':' || t.type,
       t.type, w.attempt, statement_timestamp(),
       CASE WHEN w.kind = 1 THEN statement_timestamp() + w.delay * interval '1 second' END,
       w.account, w.message_id, coalesce(nullif(w.reason, ''), w.error_code), w.detail
FROM ended w
CROSS JOIN LATERAL (SELECT CASE w.kind WHEN 0 THEN 7 WHEN 1 THEN 8 WHEN 2 THEN 9 WHEN 3 THEN 10
                           ELSE CASE WHEN w.unknown THEN 10 ELSE 11 END END AS type) t
WHERE (w.pending AND (w.attempt > 0 OR w.kind IN (0, 3, 4))) OR w.kind = 0
ON CONFLICT (tenant_id, email_id, event_key) DO NOTHING
)sql"};

// Gives locked leases back, $1 tenants, $2 emails. One with an open attempt is left to the rescue:
// it may have been handed over.
inline constexpr KeptQuery kReturn{"return_leases", "bigint[], bigint[]", "", R"sql(
UPDATE herald.queue q
SET lease_until = NULL, lease_token = 0, claims = greatest(q.claims - 1, 0)
FROM unnest($1::bigint[], $2::bigint[]) AS w (tenant_id, email_id)
WHERE q.tenant_id = w.tenant_id AND q.email_id = w.email_id
  AND NOT EXISTS (SELECT FROM herald.attempts a
                  WHERE a.tenant_id = q.tenant_id AND a.email_id = q.email_id
                    AND a.attempt = q.attempts + 1 AND a.outcome IS NULL)
)sql"};

// Puts locked emails off, $1 tenants, $2 emails, $3 times, $4 slots held, $5 limits. The first wait
// for a limit is an event (13).
inline constexpr KeptQuery kPark{"park_emails", "bigint[], bigint[], timestamptz[], text[], text[]",
                                 "", R"sql(
WITH parked AS MATERIALIZED (
  SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::text[], $5::text[])
    AS w (tenant_id, email_id, run_at, slots_held, limit_name)),
put_off AS (
  UPDATE herald.queue q
  SET lease_until = NULL, lease_token = 0, claims = greatest(q.claims - 1, 0), run_at = p.run_at,
      slots_held = nullif(p.slots_held::bigint[], '{}')
  FROM parked p
  WHERE q.tenant_id = p.tenant_id AND q.email_id = p.email_id)
INSERT INTO herald.email_events (tenant_id, email_id, event_key, type, event_time, retry_time,
                                 reason)
SELECT p.tenant_id, p.email_id, 'limited', 13, statement_timestamp(), p.run_at, p.limit_name
FROM parked p WHERE p.limit_name <> ''
ON CONFLICT (tenant_id, email_id, event_key) DO NOTHING
)sql"};

// $1 limit, $2 how many seconds back to look, or NULL for all of them. SKIP LOCKED: a lease whose
// holder is recording right now is not expired for long.
inline constexpr NamedQuery kLockExpiredLeases{"lock_expired_leases", R"sql(
SELECT tenant_id, email_id FROM herald.queue
WHERE lease_until < now()
  AND lease_until >= coalesce(now() - $2::float8 * interval '1 second', '-infinity')
ORDER BY lease_until LIMIT $1::integer
FOR UPDATE SKIP LOCKED
)sql"};

// Takes over locked leases, $1 tenants, $2 emails, $3 claims_max. An open attempt becomes
// UNCONFIRMED, or accepted where evidence says so. An email that used up its claims ends: DEAD, or
// FAILED when a provider may have taken it, so that no redrive sends it twice unawares.
inline constexpr NamedQuery kRescue{"rescue_leases", R"sql(
WITH taken AS MATERIALIZED (
  SELECT q.tenant_id, q.email_id, a.attempt AS open_attempt, a.account, a.request_digest,
         a.begin_time, coalesce(a.attempt, q.attempts) AS attempts,
         e.state IN (1, 2, 4) AS pending,
         e.state IN (1, 2, 4) AND q.claims >= $3::integer AS poison,
         e.state = 4 OR a.attempt IS NOT NULL AS unknown
  FROM unnest($1::bigint[], $2::bigint[]) AS w (tenant_id, email_id)
  JOIN herald.queue q ON q.tenant_id = w.tenant_id AND q.email_id = w.email_id
  JOIN herald.emails e ON e.tenant_id = w.tenant_id AND e.email_id = w.email_id
  LEFT JOIN herald.attempts a ON a.tenant_id = w.tenant_id AND a.email_id = w.email_id
    AND a.attempt = q.attempts + 1 AND a.outcome IS NULL),
closed AS (
  UPDATE herald.attempts a
  SET outcome = CASE WHEN t.pending THEN 3 ELSE 1 END, end_time = statement_timestamp(),
      error_code = CASE WHEN t.pending THEN 'lease_expired' ELSE '' END
  FROM taken t
  WHERE a.tenant_id = t.tenant_id AND a.email_id = t.email_id AND a.attempt = t.open_attempt),
summary AS (
  UPDATE herald.emails e
  SET state = CASE WHEN NOT t.poison THEN 4 WHEN t.unknown THEN 9 ELSE 10 END,
      state_reason = CASE WHEN NOT t.poison THEN 'lease_expired'
                          WHEN t.unknown THEN 'outcome_unknown' ELSE 'poison' END,
      update_time = statement_timestamp()
  FROM taken t
  WHERE e.tenant_id = t.tenant_id AND e.email_id = t.email_id
    AND t.pending AND (t.poison OR t.open_attempt IS NOT NULL)),
kept AS (
  UPDATE herald.queue q
  SET lease_until = NULL, lease_token = 0, attempts = t.attempts, run_at = statement_timestamp(),
      slots_held = CASE WHEN t.open_attempt IS NULL THEN q.slots_held END,
      unconfirmed_time = coalesce(q.unconfirmed_time, t.begin_time),
      unconfirmed_account = coalesce(t.account, q.unconfirmed_account),
      unconfirmed_digest = coalesce(t.request_digest, q.unconfirmed_digest)
  FROM taken t
  WHERE q.tenant_id = t.tenant_id AND q.email_id = t.email_id AND t.pending AND NOT t.poison),
gone AS (
  DELETE FROM herald.queue q USING taken t
  WHERE q.tenant_id = t.tenant_id AND q.email_id = t.email_id AND (t.poison OR NOT t.pending)),
noted AS (
  INSERT INTO herald.email_events (tenant_id, email_id, event_key, type, attempt, event_time,
                                   account, reason, detail)
  SELECT t.tenant_id, t.email_id, n.event_key, n.type, t.attempts, statement_timestamp(),
         coalesce(t.account, ''), n.reason, n.detail
  FROM taken t
  CROSS JOIN LATERAL (
    SELECT t.attempts || ':9', 9, 'lease_expired', '' WHERE t.open_attempt IS NOT NULL
    UNION ALL
    SELECT t.attempts || ':' || CASE WHEN t.unknown THEN 10 ELSE 11 END,
           CASE WHEN t.unknown THEN 10 ELSE 11 END,
           CASE WHEN t.unknown THEN 'outcome_unknown' ELSE 'poison' END,
           CASE WHEN t.unknown THEN 'poison' ELSE '' END
    WHERE t.poison) AS n (event_key, type, reason, detail)
  WHERE t.pending
  ON CONFLICT (tenant_id, email_id, event_key) DO NOTHING)
SELECT count(*) FROM taken
)sql"};

// $1 limit.
inline constexpr NamedQuery kLockOverdue{"lock_overdue", R"sql(
SELECT tenant_id, email_id FROM herald.queue
WHERE expire_time < now() AND lease_until IS NULL
ORDER BY expire_time LIMIT $1::integer
FOR UPDATE SKIP LOCKED
)sql"};

// States of locked emails and their attempts so far, $1 tenants, $2 emails.
inline constexpr NamedQuery kStates{"queued_states", R"sql(
SELECT q.tenant_id, q.email_id, e.state, q.attempts
FROM unnest($1::bigint[], $2::bigint[]) AS w (tenant_id, email_id)
JOIN herald.queue q ON q.tenant_id = w.tenant_id AND q.email_id = w.email_id
JOIN herald.emails e ON e.tenant_id = w.tenant_id AND e.email_id = w.email_id
)sql"};

// By the ledger: the queue is not read.
inline constexpr NamedQuery kPending{"queue_depths", R"sql(
SELECT lane, sum(emails) FILTER (WHERE state IN (1, 2, 4))::bigint AS pending
FROM (SELECT lane, state, emails FROM herald.ledger
      UNION ALL SELECT lane, state, emails FROM herald.ledger_deltas) c
GROUP BY lane
ORDER BY lane
)sql"};

// By the head of each tenant's lines.
inline constexpr NamedQuery kOldestDue{"oldest_due", R"sql(
SELECT t.lane, extract(epoch FROM now() - min(least(email.run_at, chunk.run_at)))::float8 AS seconds
FROM herald.queue_tenants t
LEFT JOIN LATERAL (
  SELECT q.run_at FROM herald.queue q
  WHERE q.lane = t.lane AND q.tenant_id = t.tenant_id AND q.lease_until IS NULL
  ORDER BY q.run_at, q.email_id LIMIT 1) email ON true
LEFT JOIN LATERAL (
  SELECT c.run_at FROM herald.chunks c
  WHERE c.lane = t.lane AND c.tenant_id = t.tenant_id AND c.lease_until IS NULL
  ORDER BY c.run_at, c.chunk_id LIMIT 1) chunk ON true
WHERE least(email.run_at, chunk.run_at) <= now()
GROUP BY t.lane
)sql"};

// Fails as a write would where none is taken: also on a standby, whose transactions are all
// read-only.
inline constexpr NamedQuery kPing{"ping", R"sql(
DO $$ BEGIN
  IF current_setting('transaction_read_only')::boolean THEN
    RAISE EXCEPTION 'no writes are taken' USING ERRCODE = 'read_only_sql_transaction';
  END IF;
END $$
)sql"};

inline constexpr NamedQuery kNextNode{"next_node", "SELECT nextval('herald.node_seq')"};

}  // namespace herald::storage::queue_sql
