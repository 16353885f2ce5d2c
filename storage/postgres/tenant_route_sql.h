#pragma once

#include "storage/postgres/named_query.h"

namespace herald::storage::route_sql {

inline constexpr NamedQuery kVersion{"route_version", "SELECT version FROM herald.route_version"};

// Serialises the changes, too.
inline constexpr NamedQuery kBump{"bump_route_version",
                                  "UPDATE herald.route_version SET version = version + 1"};

// $1 a tenant, or NULL for all. Steps in their order; a lane without any has one row of NULLs.
inline constexpr NamedQuery kList{
    "list_tenant_routes",
    "SELECT coalesce(r.tenant_id, l.tenant_id), coalesce(r.lane, l.lane), l.resend_unconfirmed, "
    "r.account, r.step_order, r.cost, r.weight "
    "FROM herald.tenant_routes r "
    "FULL JOIN herald.tenant_lanes l ON l.tenant_id = r.tenant_id AND l.lane = r.lane "
    "WHERE $1::bigint IS NULL OR coalesce(r.tenant_id, l.tenant_id) = $1 "
    "ORDER BY 1, 2, r.position"};

inline constexpr NamedQuery kTenantExists{"tenant_exists",
                                          "SELECT FROM herald.tenants WHERE tenant_id = $1"};

// $1 names; those that no replica has ever registered.
inline constexpr NamedQuery kUnknownAccounts{
    "unknown_accounts",
    "SELECT n.account FROM unnest($1::text[]) AS n (account) WHERE NOT EXISTS "
    "(SELECT FROM herald.provider_accounts a WHERE a.account = n.account) ORDER BY 1"};

// $1 tenant, $2 lane.
inline constexpr NamedQuery kDeleteSteps{
    "delete_tenant_route", "DELETE FROM herald.tenant_routes WHERE tenant_id = $1 AND lane = $2"};
inline constexpr NamedQuery kDeleteLane{
    "delete_tenant_lane", "DELETE FROM herald.tenant_lanes WHERE tenant_id = $1 AND lane = $2"};
// and $3 whether to resend.
inline constexpr NamedQuery kInsertLane{
    "insert_tenant_lane",
    "INSERT INTO herald.tenant_lanes (tenant_id, lane, resend_unconfirmed) VALUES ($1, $2, $3)"};
// and $3 accounts, $4 orders, $5 costs, $6 weights.
inline constexpr NamedQuery kInsertSteps{
    "insert_tenant_route",
    "INSERT INTO herald.tenant_routes "
    "(tenant_id, lane, position, account, step_order, cost, weight) "
    "SELECT $1::bigint, $2::smallint, s.position, s.account, s.step_order, s.cost, s.weight "
    "FROM unnest($3::text[], $4::integer[], $5::integer[], $6::integer[]) WITH ORDINALITY "
    "AS s (account, step_order, cost, weight, position)"};

}  // namespace herald::storage::route_sql
