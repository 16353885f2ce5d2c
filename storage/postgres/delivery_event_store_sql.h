#pragma once

#include "storage/postgres/named_query.h"

// The statements of RecordEvents. Queue rows are locked first, then emails, each in the order of
// (tenant_id, email_id); see queue_store_sql.h.
namespace herald::storage::delivery_event_sql {

// $1 tenants, $2 emails (NULL: not tagged), $3 accounts, $4 provider's message ids. The tags are
// believed when such an email exists; otherwise the message id finds the attempt, unless
// that was made in a chunk: batch calls carry tags, and an index of their ids would cost too much.
inline constexpr NamedQuery kMatch{"match_events", R"sql(
SELECT w.position, coalesce(e.tenant_id, m.tenant_id) AS tenant_id,
       coalesce(e.email_id, m.email_id) AS email_id,
       coalesce(CASE WHEN e.email_id IS NULL THEN m.attempt
                     ELSE (SELECT max(a.attempt) FROM herald.email_attempts a
                           WHERE a.tenant_id = e.tenant_id AND a.email_id = e.email_id
                             AND a.account = w.account) END, 0) AS attempt
FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[])
       WITH ORDINALITY AS w (tenant_id, email_id, account, message_id, position)
LEFT JOIN herald.emails e ON e.tenant_id = w.tenant_id AND e.email_id = w.email_id
LEFT JOIN LATERAL (
  SELECT a.tenant_id, a.email_id, a.attempt FROM herald.attempts a
  WHERE e.email_id IS NULL AND w.message_id <> ''
    AND a.provider_message_id = w.message_id AND a.account = w.account
    AND a.provider_message_id <> ''
  ORDER BY a.begin_time DESC LIMIT 1) m ON true
WHERE e.email_id IS NOT NULL OR m.email_id IS NOT NULL
)sql"};

// $1 tenants, $2 emails.
inline constexpr NamedQuery kLockQueue{"lock_queue_of_events", R"sql(
SELECT 1 FROM unnest($1::bigint[], $2::bigint[])
       WITH ORDINALITY AS w (tenant_id, email_id, position)
JOIN herald.queue q ON q.tenant_id = w.tenant_id AND q.email_id = w.email_id
ORDER BY w.position FOR UPDATE OF q
)sql"};

// $1 tenants, $2 emails. Their states, and whether any was handed over to an account that did not
// reject it (4).
inline constexpr NamedQuery kLockEmails{"lock_emails_of_events", R"sql(
SELECT e.tenant_id, e.email_id, e.state,
       EXISTS (SELECT FROM herald.email_attempts a
               WHERE a.tenant_id = e.tenant_id AND a.email_id = e.email_id
                 AND a.outcome IS DISTINCT FROM 4) AS handed_over
FROM unnest($1::bigint[], $2::bigint[]) WITH ORDINALITY AS w (tenant_id, email_id, position)
JOIN herald.emails e ON e.tenant_id = w.tenant_id AND e.email_id = w.email_id
ORDER BY w.position FOR NO KEY UPDATE OF e
)sql"};

// One array a column: $1 tenant, $2 email, $3 key, $4 type, $5 bounce class, $6 attempt, $7 event
// time, $8 account, $9 message id, $10 reason, $11 detail, $12 the provider's id of the event,
// which earlier releases took for the key. Returns those that are new. Types from 20 on are
// providers'.
inline constexpr NamedQuery kInsertEvents{"insert_events", R"sql(
INSERT INTO herald.email_events
  (tenant_id, email_id, event_key, type, bounce_class, attempt, event_time, account,
   provider_message_id, reason, detail)
SELECT w.tenant_id, w.email_id, w.event_key, w.type, w.bounce_class, w.attempt, w.event_time,
       w.account, w.message_id, w.reason, w.detail
FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::smallint[], $5::smallint[], $6::smallint[],
            $7::timestamptz[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[])
  AS w (tenant_id, email_id, event_key, type, bounce_class, attempt, event_time, account,
        message_id, reason, detail, event_id)
WHERE NOT EXISTS (SELECT FROM herald.email_events v
                  WHERE v.tenant_id = w.tenant_id AND v.email_id = w.email_id
                    AND v.event_key = w.event_id AND v.account = w.account AND v.type >= 20)
ON CONFLICT (tenant_id, email_id, event_key) DO NOTHING
RETURNING tenant_id, email_id, event_key
)sql"};

// $1 tenants, $2 emails, $3 states, $4 reasons. What a provider has taken needs no further
// attempt; while one is under way, its recording takes the row out of the queue.
inline constexpr NamedQuery kMove{"move_states", R"sql(
WITH moved AS MATERIALIZED (
  SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::smallint[], $4::text[])
    AS m (tenant_id, email_id, state, reason)),
gone AS (
  DELETE FROM herald.queue q USING moved m
  WHERE q.tenant_id = m.tenant_id AND q.email_id = m.email_id AND q.lease_until IS NULL)
UPDATE herald.emails e
SET state = m.state, state_reason = m.reason, update_time = now()
FROM moved m WHERE e.tenant_id = m.tenant_id AND e.email_id = m.email_id
)sql"};

// $1 tenants, $2 emails, $3 reasons, $4 accounts. A temporary suppression gives way, and a
// complaint outweighs what a provider found out by itself; it gets a new id, as by
// put_suppressions.
inline constexpr NamedQuery kSuppress{"suppress_addresses", R"sql(
INSERT INTO herald.suppressions AS s
  (tenant_id, address_hash, reason, source, source_email_id, address_sealed)
SELECT DISTINCT ON (e.tenant_id, e.recipient_hash)
       e.tenant_id, e.recipient_hash, w.reason, w.account, e.email_id, e.recipient_sealed
FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[])
  AS w (tenant_id, email_id, reason, account)
JOIN herald.emails e ON e.tenant_id = w.tenant_id AND e.email_id = w.email_id
ORDER BY e.tenant_id, e.recipient_hash, w.reason, e.email_id
ON CONFLICT (tenant_id, address_hash, marketing_only) DO UPDATE
  SET reason = EXCLUDED.reason, source = EXCLUDED.source,
      source_email_id = EXCLUDED.source_email_id, address_sealed = EXCLUDED.address_sealed,
      create_time = EXCLUDED.create_time, suppression_id = EXCLUDED.suppression_id,
      expire_time = NULL
  WHERE s.expire_time IS NOT NULL
     OR (EXCLUDED.reason = 'complaint' AND s.reason IN ('hard_bounce', 'provider',
                                                        'soft_bounce_limit'))
)sql"};

// $1 tenants, $2 emails, $3 event times of soft bounces, $4 window in days. One row a day, so that
// a burst counts once. The window ends on the address's last day, which need not be told of last:
// days before it go, and are not noted.
inline constexpr NamedQuery kNoteSoftBounces{"note_soft_bounces", R"sql(
WITH bounced AS MATERIALIZED (
  SELECT DISTINCT e.tenant_id, e.recipient_hash, (w.event_time AT TIME ZONE 'UTC')::date AS day
  FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[]) AS w (tenant_id, email_id, event_time)
  JOIN herald.emails e ON e.tenant_id = w.tenant_id AND e.email_id = w.email_id),
windows AS MATERIALIZED (
  SELECT b.tenant_id, b.recipient_hash,
         greatest(max(b.day), (SELECT max(s.day) FROM herald.soft_bounces s
                               WHERE s.tenant_id = b.tenant_id
                                 AND s.address_hash = b.recipient_hash)) - $4::integer AS before
  FROM bounced b GROUP BY b.tenant_id, b.recipient_hash),
gone AS (
  DELETE FROM herald.soft_bounces s USING windows w
  WHERE s.tenant_id = w.tenant_id AND s.address_hash = w.recipient_hash AND s.day <= w.before)
INSERT INTO herald.soft_bounces (tenant_id, address_hash, day)
SELECT b.tenant_id, b.recipient_hash, b.day
FROM bounced b JOIN windows w ON w.tenant_id = b.tenant_id AND w.recipient_hash = b.recipient_hash
WHERE b.day > w.before
ORDER BY 1, 2, 3
ON CONFLICT DO NOTHING
)sql"};

// $1 tenants, $2 emails, $3 days, $4 window in days: which of them have an address that came back
// on so many days of the window that ends with the last.
inline constexpr NamedQuery kOverSoftLimit{"over_soft_limit", R"sql(
SELECT w.position
FROM unnest($1::bigint[], $2::bigint[]) WITH ORDINALITY AS w (tenant_id, email_id, position)
JOIN herald.emails e ON e.tenant_id = w.tenant_id AND e.email_id = w.email_id
WHERE (SELECT count(*) FROM herald.soft_bounces s
       WHERE s.tenant_id = e.tenant_id AND s.address_hash = e.recipient_hash
         AND s.day > (SELECT max(l.day) FROM herald.soft_bounces l
                      WHERE l.tenant_id = e.tenant_id
                        AND l.address_hash = e.recipient_hash) - $4::integer) >= $3::integer
)sql"};

// $1 tenants, $2 emails, $3 when they were delivered: what bounced on later days stays, whichever
// is told of first. Test mail reaches nobody, and says nothing about an address.
inline constexpr NamedQuery kForgetSoftBounces{"forget_soft_bounces", R"sql(
DELETE FROM herald.soft_bounces s
USING unnest($1::bigint[], $2::bigint[], $3::timestamptz[]) AS w (tenant_id, email_id, event_time)
JOIN herald.emails e ON e.tenant_id = w.tenant_id AND e.email_id = w.email_id
WHERE s.tenant_id = e.tenant_id AND s.address_hash = e.recipient_hash AND NOT e.test
  AND s.day <= (w.event_time AT TIME ZONE 'UTC')::date
)sql"};

}  // namespace herald::storage::delivery_event_sql
