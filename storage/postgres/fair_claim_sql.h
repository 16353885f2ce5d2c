#pragma once

#include "storage/postgres/sql_text.h"

// How a claim chooses what is due, for emails that wait alone and for chunks alike. See LaneTurns
// for why.
namespace herald::storage {

// $1 lane, $2 limit, $3 lease in seconds. Tenants are visited in the order of the arrays, each at
// the head of its line, until there is enough. Light ones: $4 tenants, $5 the most of all of them,
// $6 of each, $7 from which run_at on. Busy ones: $8 tenants, $9 and $10 from which (run_at, id)
// on, $11 the most of each. $12 the token. What is not reached is not locked.
inline constexpr char kClaimParameters[] =
    "smallint, integer, float8, bigint[], integer, integer, timestamptz, bigint[], timestamptz[], "
    "bigint[], integer, bigint";

// The ctids in `table` of what is due; `id` is the column that orders what is due at one moment. To
// be put into an array, because no estimate of its length can then tempt the planner to read a
// whole table.
template <size_t kTable, size_t kId>
constexpr auto DueByTurns(const char (&table)[kTable], const char (&id)[kId]) {
  return R"sql(
SELECT turn.ctid FROM (
  (SELECT line.ctid FROM unnest($4::bigint[]) AS t (tenant_id)
   CROSS JOIN LATERAL (
     SELECT d.ctid FROM )sql" +
         SqlText(table) + R"sql( d
     WHERE d.lane = $1::smallint AND d.tenant_id = t.tenant_id AND d.lease_until IS NULL
       AND d.run_at >= $7::timestamptz AND d.run_at <= now()
     ORDER BY d.run_at, d.)sql" +
         SqlText(id) + R"sql( LIMIT $6::integer
     FOR UPDATE SKIP LOCKED) line
   LIMIT $5::integer)
  UNION ALL
  (SELECT line.ctid FROM unnest($8::bigint[], $9::timestamptz[], $10::bigint[])
                           AS t (tenant_id, run_at, id)
   CROSS JOIN LATERAL (
     SELECT d.ctid FROM )sql" +
         SqlText(table) + R"sql( d
     WHERE d.lane = $1::smallint AND d.tenant_id = t.tenant_id AND d.lease_until IS NULL
       AND (d.run_at, d.)sql" +
         SqlText(id) + R"sql() >= (t.run_at, t.id) AND d.run_at <= now()
     ORDER BY d.run_at, d.)sql" +
         SqlText(id) + R"sql( LIMIT $11::integer
     FOR UPDATE SKIP LOCKED) line)) turn
LIMIT $2::integer)sql";
}

}  // namespace herald::storage
