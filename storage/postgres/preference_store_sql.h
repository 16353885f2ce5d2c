#pragma once

#include "storage/postgres/category_rows.h"
#include "storage/postgres/named_query.h"

// The statements of PostgresPreferenceStore. A subject is an address's hash or a user id; the other
// one is empty.
namespace herald::storage::preference_sql {

// $1 tenant, $2 hash, $3 user: whether it has left all marketing.
inline constexpr NamedQuery kHasLeft{"has_left_marketing", R"sql(
SELECT EXISTS (SELECT FROM herald.suppressions
               WHERE tenant_id = $1::bigint AND address_hash = $2::bytea AND marketing_only
                 AND $2::bytea <> '' AND (expire_time IS NULL OR expire_time > now()))
    OR EXISTS (SELECT FROM herald.contacts
               WHERE tenant_id = $1::bigint AND address_hash = $2::bytea AND state = 2)
    OR EXISTS (SELECT FROM herald.preferences
               WHERE tenant_id = $1::bigint AND address_hash = '' AND user_id = $3::text
                 AND category = '')
)sql"};

// $1 tenant, $2 hash, $3 user: the categories and what it has chosen.
inline constexpr NamedQuery kChoices{"read_preferences", "SELECT " HERALD_CATEGORY_COLUMNS R"sql(, (
  SELECT p.opted_in FROM herald.preferences p
  WHERE p.tenant_id = k.tenant_id AND p.address_hash = $2::bytea AND p.user_id = $3::text
    AND p.category = k.category) AS opted_in
FROM herald.categories k WHERE k.tenant_id = $1::bigint AND k.delete_time IS NULL
ORDER BY category
)sql"};

// $1 tenant, $2 category. One that was deleted still has its preferences.
inline constexpr NamedQuery kIsDeclared{"is_declared", R"sql(
SELECT 1 FROM herald.categories WHERE tenant_id = $1::bigint AND category = $2::text
)sql"};

// $1 tenant, $2 hash, $3 user, $4 category, $5 opted in, $6 source. Returns a row when that is new.
inline constexpr NamedQuery kChoose{"choose", R"sql(
INSERT INTO herald.preferences AS p (tenant_id, address_hash, user_id, category, opted_in, source)
VALUES ($1::bigint, $2::bytea, $3::text, $4::text, $5::boolean, $6::text)
ON CONFLICT (tenant_id, address_hash, user_id, category) DO UPDATE
  SET opted_in = EXCLUDED.opted_in, source = EXCLUDED.source, update_time = now()
  WHERE p.opted_in <> EXCLUDED.opted_in
RETURNING 1
)sql"};

// $1 tenant, $2 hash, $3 user, $4 category.
inline constexpr NamedQuery kForget{"forget_choice", R"sql(
DELETE FROM herald.preferences
WHERE tenant_id = $1::bigint AND address_hash = $2::bytea AND user_id = $3::text
  AND category = $4::text
RETURNING 1
)sql"};

// $1 tenant, $2 hash, $3 source, $4 sealed address. Returns a row when that is new; one that had a
// time limit gets a new id, as by put_suppressions.
inline constexpr NamedQuery kLeave{"leave_marketing", R"sql(
INSERT INTO herald.suppressions AS s (tenant_id, address_hash, reason, source, address_sealed)
VALUES ($1::bigint, $2::bytea, 'unsubscribe', $3::text, $4::bytea)
ON CONFLICT (tenant_id, address_hash, marketing_only) DO UPDATE
  SET source = EXCLUDED.source, source_email_id = NULL, create_time = now(),
      address_sealed = EXCLUDED.address_sealed, suppression_id = EXCLUDED.suppression_id,
      expire_time = NULL
  WHERE s.expire_time IS NOT NULL
RETURNING 1
)sql"};

// $1 tenant, $2 hash.
inline constexpr NamedQuery kComeBack{"come_back", R"sql(
DELETE FROM herald.suppressions
WHERE tenant_id = $1::bigint AND address_hash = $2::bytea AND marketing_only
RETURNING 1
)sql"};

// $1 tenant, $2 email, $3 how. An email whose row is gone has no timeline any more.
inline constexpr NamedQuery kNoteUnsubscribed{"note_unsubscribed", R"sql(
INSERT INTO herald.email_events (tenant_id, email_id, event_key, type, event_time, reason)
SELECT e.tenant_id, e.email_id, 'u:' || pg_current_xact_id()::text, 28, now(), $3::text
FROM herald.emails e WHERE e.tenant_id = $1::bigint AND e.email_id = $2::bigint
)sql"};

}  // namespace herald::storage::preference_sql
