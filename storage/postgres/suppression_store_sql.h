#pragma once

#include "storage/postgres/named_query.h"

// The statements of PostgresSuppressionStore: a tenant's under row-level security, the operators'
// as the engine.
namespace herald::storage::suppression_sql {

// $1 tenant, $2 hashes, $3 reasons, $4 sealed addresses, $5 expiry times (NULL: none), $6 source.
// In the order of the key, so that two imports cannot deadlock; an address that is given twice
// counts once. Returns the new and the changed ones. One that changes gets a new id, by which it is
// the newest: whoever lists or exports by ids learns of it.
inline constexpr NamedQuery kPut{"put_suppressions", R"sql(
INSERT INTO herald.suppressions AS s
  (tenant_id, address_hash, reason, address_sealed, expire_time, source)
SELECT DISTINCT ON (n.address_hash, n.reason = 'unsubscribe')
       $1::bigint, n.address_hash, n.reason, n.address_sealed, n.expire_time, $6::text
FROM unnest($2::bytea[], $3::text[], $4::bytea[], $5::timestamptz[])
  AS n (address_hash, reason, address_sealed, expire_time)
ORDER BY n.address_hash, n.reason = 'unsubscribe', n.expire_time DESC NULLS FIRST
ON CONFLICT (tenant_id, address_hash, marketing_only) DO UPDATE
  SET reason = EXCLUDED.reason, source = EXCLUDED.source, source_email_id = NULL,
      address_sealed = EXCLUDED.address_sealed, create_time = now(),
      suppression_id = EXCLUDED.suppression_id, expire_time = EXCLUDED.expire_time
  WHERE s.expire_time < coalesce(EXCLUDED.expire_time, 'infinity')
RETURNING suppression_id
)sql"};

// As kPut; $1 marks.
inline constexpr NamedQuery kPutGlobal{"put_global_suppressions", R"sql(
INSERT INTO herald.global_suppressions AS s
  (address_mark, reason, address_sealed, expire_time, source)
SELECT DISTINCT ON (n.address_mark)
       n.address_mark, n.reason, n.address_sealed, n.expire_time, $5::text
FROM unnest($1::bigint[], $2::text[], $3::bytea[], $4::timestamptz[])
  AS n (address_mark, reason, address_sealed, expire_time)
ORDER BY n.address_mark, n.expire_time DESC NULLS FIRST
ON CONFLICT (address_mark) DO UPDATE
  SET reason = EXCLUDED.reason, source = EXCLUDED.source,
      address_sealed = EXCLUDED.address_sealed, create_time = now(),
      suppression_id = EXCLUDED.suppression_id, expire_time = EXCLUDED.expire_time
  WHERE s.expire_time < coalesce(EXCLUDED.expire_time, 'infinity')
RETURNING suppression_id
)sql"};

// $1 tenant, $2 hash, $3 whether the one that stops marketing only. Returns its id.
inline constexpr NamedQuery kDelete{"delete_suppression", R"sql(
DELETE FROM herald.suppressions
WHERE tenant_id = $1::bigint AND address_hash = $2::bytea AND marketing_only = $3::boolean
RETURNING suppression_id
)sql"};

// $1 mark.
inline constexpr NamedQuery kDeleteGlobal{"delete_global_suppression", R"sql(
DELETE FROM herald.global_suppressions WHERE address_mark = $1::bigint RETURNING suppression_id
)sql"};

#define HERALD_SUPPRESSION_COLUMNS                                                            \
  "SELECT suppression_id, reason, source, herald.micros(create_time) AS create_time, "        \
  "herald.micros(expire_time) AS expire_time, address_sealed, address_hash, source_email_id " \
  "FROM herald.suppressions "
#define HERALD_GLOBAL_SUPPRESSION_COLUMNS                                               \
  "SELECT suppression_id, reason, source, herald.micros(create_time) AS create_time, "  \
  "herald.micros(expire_time) AS expire_time, address_sealed, int8send(address_mark), " \
  "NULL::bigint AS source_email_id FROM herald.global_suppressions "

// $1 tenant, $2 hash, $3 only those in force: both kinds.
inline constexpr NamedQuery kFind{"find_suppressions", HERALD_SUPPRESSION_COLUMNS R"sql(
WHERE tenant_id = $1::bigint AND address_hash = $2::bytea
  AND (NOT $3::boolean OR expire_time IS NULL OR expire_time > now())
ORDER BY marketing_only
)sql"};

// $1 mark, $2 only one in force.
inline constexpr NamedQuery kFindGlobal{"find_global_suppression",
                                        HERALD_GLOBAL_SUPPRESSION_COLUMNS R"sql(
WHERE address_mark = $1::bigint
  AND (NOT $2::boolean OR expire_time IS NULL OR expire_time > now())
)sql"};

// $1 tenant, $2 reason or '', $3 below this id, $4 limit.
inline constexpr NamedQuery kNewest{"list_suppressions", HERALD_SUPPRESSION_COLUMNS R"sql(
WHERE tenant_id = $1::bigint AND ($2::text = '' OR reason = $2::text)
  AND suppression_id < $3::bigint
ORDER BY suppression_id DESC LIMIT $4::integer
)sql"};

// $1 tenant, $2 reason or '', $3 above this id, $4 limit.
inline constexpr NamedQuery kOldest{"export_suppressions", HERALD_SUPPRESSION_COLUMNS R"sql(
WHERE tenant_id = $1::bigint AND ($2::text = '' OR reason = $2::text)
  AND suppression_id > $3::bigint
ORDER BY suppression_id LIMIT $4::integer
)sql"};

// $1 reason or '', $2 below this id, $3 limit.
inline constexpr NamedQuery kNewestGlobal{"list_global_suppressions",
                                          HERALD_GLOBAL_SUPPRESSION_COLUMNS R"sql(
WHERE ($1::text = '' OR reason = $1::text)
  AND suppression_id < $2::bigint
ORDER BY suppression_id DESC LIMIT $3::integer
)sql"};

// $1 reason or '', $2 above this id, $3 limit.
inline constexpr NamedQuery kOldestGlobal{"export_global_suppressions",
                                          HERALD_GLOBAL_SUPPRESSION_COLUMNS R"sql(
WHERE ($1::text = '' OR reason = $1::text) AND suppression_id > $2::bigint
ORDER BY suppression_id LIMIT $3::integer
)sql"};

}  // namespace herald::storage::suppression_sql
