#pragma once

#include "storage/postgres/named_query.h"

// Slots are quarters of a second since 1970 by the database's clock.
namespace herald::storage::health_sql {

#define HERALD_SLOT "floor(extract(epoch FROM clock_timestamp()) * 4)::bigint"
#define HERALD_ACCOUNT_COLUMNS                                                              \
  "a.account, a.state, a.reason, a.opens, herald.micros(a.since), herald.micros(a.until), " \
  "a.prober, a.revision, herald.micros(a.pause_until), a.disabled, a.disable_reason, "      \
  "a.disabled_by, herald.micros(a.disable_time)"

// $1 names.
inline constexpr NamedQuery kRegister{
    "register_accounts",
    "INSERT INTO herald.provider_accounts (account) SELECT unnest($1::text[]) ORDER BY 1 "
    "ON CONFLICT (account) DO NOTHING"};

// $1 accounts, $2 revisions, $3 latency classes, $4 calls, $5 failures, $6 milliseconds. Ordered:
// replicas report the same rows at once.
inline constexpr NamedQuery kAddCalls{
    "add_account_calls",
    "INSERT INTO herald.account_calls AS c "
    "(account, slot, revision, latency_class, calls, failures, total_ms) "
    "SELECT n.account, s.slot, n.revision, n.class, n.calls, n.failures, n.total_ms "
    "FROM (SELECT " HERALD_SLOT
    " AS slot) s CROSS JOIN unnest($1::text[], $2::bigint[], $3::smallint[], $4::integer[], "
    "$5::integer[], $6::bigint[]) AS n (account, revision, class, calls, failures, total_ms) "
    "ORDER BY n.account, s.slot, n.revision, n.class "
    "ON CONFLICT (account, slot, revision, latency_class) DO UPDATE "
    "SET calls = c.calls + EXCLUDED.calls, failures = c.failures + EXCLUDED.failures, "
    "total_ms = c.total_ms + EXCLUDED.total_ms"};

// $1 account, $2 seconds, $3 the most of them: a pause that ends later is of a clock that was
// ahead.
inline constexpr NamedQuery kPause{
    "pause_account",
    "UPDATE herald.provider_accounts SET pause_until = "
    "greatest(least(pause_until, clock_timestamp() + $3::float8 * interval '1 second'), "
    "clock_timestamp() + $2::float8 * interval '1 second') "
    "WHERE account = $1"};

// Now and then; that it runs twice at once, or late, does no harm.
inline constexpr NamedQuery kForget{
    "forget_account_calls",
    "DELETE FROM herald.account_calls WHERE (account, slot, revision, latency_class) IN "
    "(SELECT account, slot, revision, latency_class FROM herald.account_calls "
    "WHERE " HERALD_SLOT " % 32 = 0 AND slot < " HERALD_SLOT " - 240 FOR UPDATE SKIP LOCKED)"};

// $1 slots of the short window, $2 of the long one.
inline constexpr NamedQuery kHealth{
    "account_health",
    "SELECT " HERALD_ACCOUNT_COLUMNS
    ", c.recent_calls, c.recent_failures, c.calls, c.failures, herald.micros(clock_timestamp()) "
    "FROM herald.provider_accounts a CROSS JOIN LATERAL ("
    "SELECT coalesce(sum(w.calls) FILTER (WHERE w.slot > now_slot - $1::bigint), 0)::bigint"
    " AS recent_calls,"
    " coalesce(sum(w.failures) FILTER (WHERE w.slot > now_slot - $1::bigint), 0)::bigint"
    " AS recent_failures,"
    " coalesce(sum(w.calls), 0)::bigint AS calls, coalesce(sum(w.failures), 0)::bigint AS failures "
    "FROM (SELECT " HERALD_SLOT
    " AS now_slot) s LEFT JOIN herald.account_calls w ON w.account = a.account "
    "AND w.revision = a.revision AND w.slot > now_slot - $2::bigint) c ORDER BY a.account"};

// $1 account, $2 revision, $3 state, $4 reason, $5 opens, $6 since, $7 until, $8 prober.
inline constexpr NamedQuery kSwap{
    "swap_breaker",
    "UPDATE herald.provider_accounts SET state = $3::smallint, reason = $4, opens = $5::integer, "
    "since = $6::timestamptz, until = $7::timestamptz, prober = $8, revision = revision + 1 "
    "WHERE account = $1 AND revision = $2::bigint"};

// $1 slots of the window, $2 an account, or empty for all. One row for each latency class, or one
// without.
inline constexpr NamedQuery kReport{
    "account_report",
    "SELECT " HERALD_ACCOUNT_COLUMNS
    ", w.latency_class, coalesce(sum(w.calls), 0)::bigint, coalesce(sum(w.failures), 0)::bigint, "
    "coalesce(sum(w.total_ms), 0)::bigint "
    "FROM herald.provider_accounts a LEFT JOIN herald.account_calls w "
    "ON w.account = a.account AND w.slot > " HERALD_SLOT
    " - $1::bigint "
    "WHERE ($2::text = '' OR a.account = $2) "
    "GROUP BY a.account, w.latency_class ORDER BY a.account, w.latency_class"};

// $1 account, $2 reason, $3 who.
inline constexpr NamedQuery kDisable{
    "disable_account",
    "UPDATE herald.provider_accounts SET disabled = true, disable_reason = $2, disabled_by = $3, "
    "disable_time = coalesce(disable_time, now()) WHERE account = $1"};

// $1 account. A new revision: what came before does not count against it.
inline constexpr NamedQuery kEnable{
    "enable_account",
    "UPDATE herald.provider_accounts SET disabled = false, disable_reason = '', disabled_by = '', "
    "disable_time = NULL, state = 1, opens = 0, since = now(), until = now(), prober = '', "
    "pause_until = now(), revision = revision + 1 WHERE account = $1"};

#undef HERALD_SLOT
#undef HERALD_ACCOUNT_COLUMNS

}  // namespace herald::storage::health_sql
