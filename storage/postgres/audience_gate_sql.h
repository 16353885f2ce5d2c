#pragma once

#include "storage/postgres/sql_text.h"

namespace herald::storage {

// Why an email may not go to its recipient: the gate, an SQL expression, so that acceptance and the
// beginning of an attempt ask exactly the same. NULL: it may go. It reads the columns tenant_id,
// recipient_hash, recipient_mark, user_id and category of a row named w. `moment`, an SQL
// expression too, is when the email would go: what expires before does not count.
//
//   hard_bounce, complaint, manual, soft_bounce_limit, provider   the address is suppressed
//   global_<reason>                                               by an operator, for every tenant
// and for categories that the tenant has declared, others being transactional and without choice:
//   unsubscribe    marketing, and the address or the user has left all marketing, or the tenant's
//                  contact with the address is UNSUBSCRIBED
//   preference     the address or the user has opted out of the category
//   not_opted_in   the category is out by default, and neither has opted in
//
// Subqueries, each one probe of a unique index, rather than joins: what is never reached (most mail
// has no declared category, and contacts are asked of marketing alone) costs nothing.
//
// Of contacts a tenant may have millions, and a plan that was made while there were none must not
// read them all by the other index: only this one yields the order, and plans that sort are off.
template <size_t kSize>
constexpr auto StopReasonAt(const char (&moment)[kSize]) {
  return R"sql(coalesce(
  (SELECT s.reason FROM herald.suppressions s
   WHERE s.tenant_id = w.tenant_id AND s.address_hash = w.recipient_hash AND NOT s.marketing_only
     AND (s.expire_time IS NULL OR s.expire_time > )sql" +
         SqlText<kSize>(moment) + R"sql()),
  (SELECT 'global_' || g.reason FROM herald.global_suppressions g
   WHERE g.address_mark = w.recipient_mark
     AND (g.expire_time IS NULL OR g.expire_time > )sql" +
         SqlText<kSize>(moment) + R"sql()),
  (SELECT CASE
     WHEN k.marketing AND (EXISTS (
       SELECT FROM herald.suppressions u
       WHERE u.tenant_id = k.tenant_id AND u.address_hash = w.recipient_hash AND u.marketing_only
         AND (u.expire_time IS NULL OR u.expire_time > )sql" +
         SqlText<kSize>(moment) + R"sql()) OR (
       SELECT t.state = 2 FROM herald.contacts t
       WHERE t.tenant_id = k.tenant_id
         AND t.address_hash BETWEEN w.recipient_hash AND w.recipient_hash
       ORDER BY t.address_hash LIMIT 1)) THEN 'unsubscribe'
     ELSE (
       SELECT CASE WHEN bool_or(c.left_all) THEN 'unsubscribe'
                   WHEN bool_or(NOT c.opted_in) THEN 'preference'
                   WHEN NOT k.default_in AND bool_or(c.opted_in) IS NOT TRUE
                     THEN 'not_opted_in' END
       FROM (
         SELECT a.opted_in, false AS left_all FROM herald.preferences a
         WHERE a.tenant_id = k.tenant_id AND a.address_hash = w.recipient_hash
           AND a.user_id = '' AND a.category = k.category
         UNION ALL
         SELECT b.opted_in, false FROM herald.preferences b
         WHERE b.tenant_id = k.tenant_id AND b.address_hash = '' AND b.user_id = w.user_id
           AND b.category = k.category
         UNION ALL
         SELECT false, true FROM herald.preferences d
         WHERE k.marketing AND d.tenant_id = k.tenant_id AND d.address_hash = ''
           AND d.user_id = w.user_id AND d.category = '') c) END
   FROM herald.categories k
   WHERE k.tenant_id = w.tenant_id AND k.category = w.category)))sql";
}

inline constexpr auto kStopReason = StopReasonAt("now()");

}  // namespace herald::storage
