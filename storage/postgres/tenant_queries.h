#pragma once

// SQL of PostgresTenantStore. Columns are in the order in which tenant_rows.cc reads them.

#include "storage/postgres/named_query.h"

namespace herald::storage {

#define HERALD_TENANT_COLUMNS \
  "tenant_id, slug, display_name, sender_domains, suspended, herald.micros(create_time)"
#define HERALD_TOKEN_COLUMNS                                                           \
  "token_id, tenant_id, display_name, mode, scopes, secret_hash, allowed_recipients, " \
  "herald.micros(create_time), herald.micros(expire_time), herald.micros(revoke_time)"

inline constexpr NamedQuery kInsertTenant{
    "insert_tenant",
    "INSERT INTO herald.tenants (slug, display_name, sender_domains, suspended) "
    "VALUES ($1, $2, $3::text[], $4) RETURNING " HERALD_TENANT_COLUMNS};

inline constexpr NamedQuery kGetTenant{
    "get_tenant", "SELECT " HERALD_TENANT_COLUMNS " FROM herald.tenants WHERE tenant_id = $1"};

inline constexpr NamedQuery kGetTenantBySlug{
    "get_tenant_by_slug", "SELECT " HERALD_TENANT_COLUMNS " FROM herald.tenants WHERE slug = $1"};

inline constexpr NamedQuery kListTenants{
    "list_tenants", "SELECT " HERALD_TENANT_COLUMNS
                    " FROM herald.tenants WHERE tenant_id > $1 ORDER BY tenant_id LIMIT $2"};

inline constexpr NamedQuery kUpdateTenant{
    "update_tenant",
    "UPDATE herald.tenants SET display_name = coalesce($2, display_name), "
    "suspended = coalesce($3::boolean, suspended), "
    "sender_domains = coalesce($4::text[], sender_domains) "
    "WHERE tenant_id = $1 RETURNING " HERALD_TENANT_COLUMNS};

// Locks the tenant's row against a concurrent erasure.
inline constexpr NamedQuery kInsertToken{
    "insert_api_token",
    "INSERT INTO herald.api_tokens (tenant_id, display_name, mode, scopes, secret_hash, "
    "allowed_recipients, expire_time) "
    "SELECT tenant_id, $2, $3, $4, $5::bytea, $6::text[], $7::timestamptz "
    "FROM herald.tenants WHERE tenant_id = $1 FOR SHARE RETURNING " HERALD_TOKEN_COLUMNS};

inline constexpr NamedQuery kFindToken{
    "find_api_token", "SELECT " HERALD_TOKEN_COLUMNS " FROM herald.api_tokens WHERE token_id = $1"};

inline constexpr NamedQuery kListTokens{
    "list_api_tokens", "SELECT " HERALD_TOKEN_COLUMNS
                       " FROM herald.api_tokens WHERE tenant_id = $1 ORDER BY token_id DESC"};

inline constexpr NamedQuery kRevokeToken{
    "revoke_api_token",
    "UPDATE herald.api_tokens SET revoke_time = now() "
    "WHERE tenant_id = $1 AND token_id = $2 AND revoke_time IS NULL "
    "RETURNING " HERALD_TOKEN_COLUMNS};

inline constexpr NamedQuery kGetToken{
    "get_api_token", "SELECT " HERALD_TOKEN_COLUMNS
                     " FROM herald.api_tokens WHERE tenant_id = $1 AND token_id = $2"};

inline constexpr NamedQuery kInsertAudit{
    "insert_audit_entry",
    "INSERT INTO herald.audit_entries (tenant_id, actor, action, target) "
    "VALUES ($1::bigint, $2, $3, $4)"};

inline constexpr NamedQuery kListAudit{
    "list_audit_entries",
    "SELECT audit_id, tenant_id, actor, action, target, herald.micros(create_time) "
    "FROM herald.audit_entries "
    "WHERE ($1::bigint IS NULL OR tenant_id = $1) AND audit_id < $2 "
    "ORDER BY audit_id DESC LIMIT $3"};

#define HERALD_LIMIT_COLUMNS                                                               \
  "tenant_id, ingest_rate, ingest_burst, send_rate, send_burst, recipient_domain_rate, "   \
  "recipient_domain_burst, warm_up, categories, category_rates::text[], category_bursts, " \
  "category_user_counts, category_user_windows::text[], herald.micros(update_time)"

inline constexpr NamedQuery kGetLimits{"get_tenant_limits",
                                       "SELECT " HERALD_LIMIT_COLUMNS
                                       " FROM herald.tenant_limits WHERE tenant_id = $1"};

inline constexpr NamedQuery kSetLimits{
    "set_tenant_limits",
    "INSERT INTO herald.tenant_limits (tenant_id, ingest_rate, ingest_burst, send_rate, "
    "send_burst, recipient_domain_rate, recipient_domain_burst, warm_up, categories, "
    "category_rates, category_bursts, category_user_counts, category_user_windows) "
    "SELECT tenant_id, $2::float8, $3::integer, $4::float8, $5::integer, $6::float8, $7::integer, "
    "$8::boolean, $9::text[], $10::float8[], $11::integer[], $12::integer[], $13::float8[] "
    "FROM herald.tenants WHERE tenant_id = $1 FOR SHARE "
    "ON CONFLICT (tenant_id) DO UPDATE SET ingest_rate = EXCLUDED.ingest_rate, "
    "ingest_burst = EXCLUDED.ingest_burst, send_rate = EXCLUDED.send_rate, "
    "send_burst = EXCLUDED.send_burst, recipient_domain_rate = EXCLUDED.recipient_domain_rate, "
    "recipient_domain_burst = EXCLUDED.recipient_domain_burst, warm_up = EXCLUDED.warm_up, "
    "categories = EXCLUDED.categories, category_rates = EXCLUDED.category_rates, "
    "category_bursts = EXCLUDED.category_bursts, "
    "category_user_counts = EXCLUDED.category_user_counts, "
    "category_user_windows = EXCLUDED.category_user_windows, update_time = clock_timestamp() "
    "RETURNING " HERALD_LIMIT_COLUMNS};

inline constexpr NamedQuery kListLimits{
    "list_tenant_limits",
    "SELECT " HERALD_LIMIT_COLUMNS
    " FROM herald.tenant_limits WHERE update_time >= "
    "CASE WHEN $1::timestamptz > now() THEN '-infinity' ELSE $1::timestamptz END"};

#undef HERALD_LIMIT_COLUMNS
#undef HERALD_TENANT_COLUMNS
#undef HERALD_TOKEN_COLUMNS

}  // namespace herald::storage
