#pragma once

// SQL of PostgresTemplateStore. $1 is the tenant, $2 the template's key.

#include "storage/postgres/named_query.h"

namespace herald::storage {

#define HERALD_TEMPLATE_COLUMNS                                                    \
  "template_key, display_name, published_version, first_version, latest_version, " \
  "herald.micros(create_time), herald.micros(update_time)"
#define HERALD_VERSION_COLUMNS \
  "template_key, version, subject, html, text, variables, herald.micros(create_time)"

// Revives a deleted key; no row: the key is taken.
inline constexpr NamedQuery kInsertTemplate{
    "insert_template",
    "INSERT INTO herald.templates AS t "
    "(tenant_id, template_key, display_name, latest_version, published_version) "
    "VALUES ($1, $2, $3, 1, CASE WHEN $4::boolean THEN 1 ELSE 0 END) "
    "ON CONFLICT (tenant_id, template_key) DO UPDATE SET display_name = excluded.display_name, "
    "latest_version = t.latest_version + 1, first_version = t.latest_version + 1, "
    "published_version = CASE WHEN $4::boolean THEN t.latest_version + 1 ELSE 0 END, "
    "create_time = now(), update_time = now(), delete_time = NULL "
    "WHERE t.delete_time IS NOT NULL "
    "RETURNING " HERALD_TEMPLATE_COLUMNS};

inline constexpr NamedQuery kGetTemplate{
    "get_template", "SELECT " HERALD_TEMPLATE_COLUMNS
                    " FROM herald.templates "
                    "WHERE tenant_id = $1 AND template_key = $2 AND delete_time IS NULL"};

inline constexpr NamedQuery kListTemplates{
    "list_templates", "SELECT " HERALD_TEMPLATE_COLUMNS
                      " FROM herald.templates "
                      "WHERE tenant_id = $1 AND template_key > $2 AND delete_time IS NULL "
                      "ORDER BY template_key LIMIT $3"};

inline constexpr NamedQuery kDeleteTemplate{
    "delete_template",
    "UPDATE herald.templates SET delete_time = now(), update_time = now(), published_version = 0 "
    "WHERE tenant_id = $1 AND template_key = $2 AND delete_time IS NULL"};

// Takes the next version number, and the template's row lock with it.
inline constexpr NamedQuery kTakeVersion{
    "take_template_version",
    "UPDATE herald.templates SET latest_version = latest_version + 1, update_time = now(), "
    "published_version = CASE WHEN $3::boolean THEN latest_version + 1 ELSE published_version END "
    "WHERE tenant_id = $1 AND template_key = $2 AND delete_time IS NULL "
    "RETURNING latest_version"};

inline constexpr NamedQuery kInsertVersion{
    "insert_template_version",
    "INSERT INTO herald.template_versions "
    "(tenant_id, template_key, version, subject, html, text, variables) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING " HERALD_VERSION_COLUMNS};

inline constexpr NamedQuery kGetVersion{
    "get_template_version", "SELECT " HERALD_VERSION_COLUMNS
                            " FROM herald.template_versions "
                            "WHERE tenant_id = $1 AND template_key = $2 AND version = $3"};

// Whether a template is known at all, deleted or not.
inline constexpr NamedQuery kTemplateExists{
    "template_exists", "SELECT FROM herald.templates WHERE tenant_id = $1 AND template_key = $2"};

inline constexpr NamedQuery kListVersions{
    "list_template_versions",
    "SELECT " HERALD_VERSION_COLUMNS
    " FROM herald.template_versions "
    "WHERE tenant_id = $1 AND template_key = $2 AND ($3::integer = 0 OR version < $3::integer) "
    "AND version >= (SELECT t.first_version FROM herald.templates t "
    "WHERE t.tenant_id = $1 AND t.template_key = $2) "
    "ORDER BY version DESC LIMIT $4"};

inline constexpr NamedQuery kPublish{
    "publish_template_version",
    "UPDATE herald.templates t SET published_version = $3::integer, update_time = now() "
    "WHERE tenant_id = $1 AND template_key = $2 AND delete_time IS NULL "
    "AND first_version <= $3::integer AND EXISTS "
    "(SELECT FROM herald.template_versions v WHERE v.tenant_id = $1 AND v.template_key = $2 "
    "AND v.version = $3::integer) RETURNING " HERALD_TEMPLATE_COLUMNS};

#undef HERALD_TEMPLATE_COLUMNS
#undef HERALD_VERSION_COLUMNS

}  // namespace herald::storage
