#pragma once

#include "storage/postgres/named_query.h"

// The statements of PostgresContactStore. $1 is the tenant.
namespace herald::storage::contact_sql {

#define HERALD_CONTACT_COLUMNS                                                         \
  "c.contact_id, c.address_hash, c.email_sealed, c.name_sealed, c.user_id, c.locale, " \
  "c.time_zone, c.tags, c.attributes::text, c.state, herald.micros(c.update_time) "

// $2 contacts, in the order wanted.
inline constexpr NamedQuery kLoadContacts{
    "load_contacts", "SELECT " HERALD_CONTACT_COLUMNS
                     "FROM unnest($2::bigint[]) WITH ORDINALITY AS w (contact_id, position) "
                     "JOIN herald.contacts c "
                     "ON c.tenant_id = $1::bigint AND c.contact_id = w.contact_id "
                     "WHERE c.delete_time IS NULL ORDER BY w.position"};

// $2 address hash.
inline constexpr NamedQuery kFindByHash{
    "find_contact_by_address",
    "SELECT contact_id FROM herald.contacts "
    "WHERE tenant_id = $1::bigint AND address_hash = $2::bytea"};

// $2 contact. Holds the row for an update.
inline constexpr NamedQuery kLockContact{
    "lock_contact",
    "SELECT address_hash, email_sealed, name_sealed FROM herald.contacts "
    "WHERE tenant_id = $1::bigint AND contact_id = $2::bigint AND delete_time IS NULL FOR UPDATE"};

// Arrays, one element a contact: $2 contact, $3 address hash, $4 email sealed, $5 name sealed,
// $6 user, $7 locale, $8 time zone, $9 tags, $10 attributes, $11 state of a contact that is new.
// Sorted by hash, so that concurrent imports cannot deadlock. Returns how many are new, and how
// many there are.
inline constexpr NamedQuery kUpsertContacts{"upsert_contacts", R"sql(
WITH done AS (
  INSERT INTO herald.contacts AS c
    (tenant_id, contact_id, address_hash, email_sealed, name_sealed, user_id, locale, time_zone,
     tags, attributes, state)
  SELECT $1::bigint, contact_id, address_hash, email_sealed, name_sealed, user_id, locale,
         time_zone, tags::text[], attributes::jsonb, state
  FROM unnest($2::bigint[], $3::bytea[], $4::bytea[], $5::bytea[], $6::text[], $7::text[],
              $8::text[], $9::text[], $10::text[], $11::smallint[])
    AS n (contact_id, address_hash, email_sealed, name_sealed, user_id, locale, time_zone, tags,
          attributes, state)
  ON CONFLICT (tenant_id, address_hash) DO UPDATE SET
    email_sealed = EXCLUDED.email_sealed,
    name_sealed = coalesce(EXCLUDED.name_sealed, c.name_sealed),
    user_id = coalesce(nullif(EXCLUDED.user_id, ''), c.user_id),
    locale = coalesce(nullif(EXCLUDED.locale, ''), c.locale),
    time_zone = coalesce(nullif(EXCLUDED.time_zone, ''), c.time_zone),
    tags = CASE WHEN EXCLUDED.tags = '{}' THEN c.tags ELSE EXCLUDED.tags END,
    attributes = c.attributes || EXCLUDED.attributes,
    update_time = now()
  RETURNING xmax = 0 AS created)
SELECT count(*) FILTER (WHERE created), count(*) FROM done
)sql"};

// $2 address hashes, $3 their states: of contacts that kUpsertContacts has just locked, in whatever
// order.
inline constexpr NamedQuery kSetStates{"set_contact_states", R"sql(
UPDATE herald.contacts c SET state = n.state
FROM unnest($2::bytea[], $3::smallint[]) AS n (address_hash, state)
WHERE c.tenant_id = $1::bigint AND c.address_hash = n.address_hash AND c.state <> n.state
)sql"};

// As a row of kUpsertContacts; no row: the address is taken.
inline constexpr NamedQuery kInsertContact{
    "insert_contact",
    "INSERT INTO herald.contacts AS c (tenant_id, contact_id, address_hash, email_sealed, "
    "name_sealed, user_id, locale, time_zone, tags, attributes, state) "
    "VALUES ($1::bigint, $2::bigint, $3::bytea, $4::bytea, $5::bytea, $6::text, $7::text, "
    "$8::text, $9::text[], $10::jsonb, $11::smallint) "
    "ON CONFLICT (tenant_id, address_hash) DO NOTHING RETURNING " HERALD_CONTACT_COLUMNS};

// $2 contact; the others NULL: stays. An empty $5 takes the name away.
inline constexpr NamedQuery kUpdateContact{
    "update_contact",
    "UPDATE herald.contacts c SET "
    "address_hash = coalesce($3::bytea, address_hash), "
    "email_sealed = coalesce($4::bytea, email_sealed), "
    "name_sealed = CASE WHEN $5::bytea IS NULL THEN name_sealed ELSE nullif($5::bytea, '') END, "
    "user_id = coalesce($6::text, user_id), locale = coalesce($7::text, locale), "
    "time_zone = coalesce($8::text, time_zone), tags = coalesce($9::text[], tags), "
    "attributes = coalesce($10::jsonb, attributes), state = coalesce($11::smallint, state), "
    "update_time = now() "
    "WHERE tenant_id = $1::bigint AND contact_id = $2::bigint AND delete_time IS NULL "
    "RETURNING " HERALD_CONTACT_COLUMNS};

// $2 address hash, $3 state: what the owner of an address says of all marketing becomes its
// contact's state. Returns a row when that is new.
inline constexpr NamedQuery kSetState{
    "set_contact_state",
    "UPDATE herald.contacts SET state = $3::smallint, update_time = now() "
    "WHERE tenant_id = $1::bigint AND address_hash = $2::bytea AND state <> $3::smallint "
    "RETURNING 1"};

// $2 contact.
inline constexpr NamedQuery kDeleteContact{
    "delete_contact",
    "UPDATE herald.contacts SET address_hash = NULL, email_sealed = NULL, name_sealed = NULL, "
    "user_id = '', locale = '', time_zone = '', tags = '{}', attributes = '{}', "
    "update_time = now(), delete_time = now() "
    "WHERE tenant_id = $1::bigint AND contact_id = $2::bigint AND delete_time IS NULL"};

}  // namespace herald::storage::contact_sql
