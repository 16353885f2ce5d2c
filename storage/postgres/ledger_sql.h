#pragma once

#include "storage/postgres/named_query.h"

namespace herald::storage::ledger_sql {

// $1 limit. One statement, so that a reader's snapshot sees each change once: as a delta or folded.
inline constexpr NamedQuery kFold{"fold_ledger", R"sql(
WITH taken AS (
  DELETE FROM herald.ledger_deltas d
  WHERE d.ctid = ANY (ARRAY(SELECT f.ctid FROM herald.ledger_deltas f LIMIT $1::integer
                            FOR UPDATE SKIP LOCKED))
  RETURNING d.*),
folded AS (
  INSERT INTO herald.ledger AS l (tenant_id, lane, state, accepted, emails)
  SELECT tenant_id, lane, state, sum(accepted), sum(emails) FROM taken
  GROUP BY tenant_id, lane, state ORDER BY tenant_id, lane, state
  ON CONFLICT (tenant_id, lane, state) DO UPDATE
    SET accepted = l.accepted + EXCLUDED.accepted, emails = l.emails + EXCLUDED.emails)
SELECT lane, state, count(*) AS deltas, sum(emails)::bigint AS change,
       coalesce(sum(emails - accepted) FILTER (WHERE emails > accepted), 0)::bigint AS entered
FROM taken GROUP BY lane, state ORDER BY lane, state
)sql"};

inline constexpr NamedQuery kOfAll{"ledger_of_all", R"sql(
SELECT lane, state, sum(accepted)::bigint AS accepted, sum(emails)::bigint AS emails
FROM (SELECT lane, state, accepted, emails FROM herald.ledger
      UNION ALL SELECT lane, state, accepted, emails FROM herald.ledger_deltas) l
GROUP BY lane, state ORDER BY lane, state
)sql"};

// $1 tenant.
inline constexpr NamedQuery kOfTenant{"ledger_of_tenant", R"sql(
SELECT lane, state, sum(accepted)::bigint AS accepted, sum(emails)::bigint AS emails
FROM (SELECT lane, state, accepted, emails FROM herald.ledger WHERE tenant_id = $1::bigint
      UNION ALL
      SELECT lane, state, accepted, emails FROM herald.ledger_deltas
      WHERE tenant_id = $1::bigint) l
GROUP BY lane, state ORDER BY lane, state
)sql"};

}  // namespace herald::storage::ledger_sql
