#include "storage/postgres/email_query.h"

#include <limits>
#include <set>

#include "absl/strings/str_cat.h"
#include "storage/postgres/array_param.h"
#include "storage/postgres/email_rows.h"

namespace herald::storage {
namespace {

// Ids are made from the accepting process's clock, and a burst can carry them ahead of it.
constexpr absl::Duration kIdClockSlack = absl::Minutes(5);

// Every statement is planned for its own parameters, so a condition whose parameter is empty costs
// nothing. The bounds on ids serve the primary key; the times decide. A key is found by the unique
// key of those that are kept, unless times bound the search: an index of all emails by key would
// cost every acceptance.
constexpr char kConditions[] = R"sql(
WHERE e.tenant_id = $1::bigint
  AND ($2::bytea IS NULL OR e.recipient_hash = $2::bytea)
  AND ($3::text = '' OR e.user_id = $3::text)
  AND ($4::smallint[] IS NULL OR e.state = ANY ($4::smallint[]) AND v.state = ANY ($5::smallint[]))
  AND ($6::integer = 0 OR e.lane = $6::integer)
  AND ($7::text = '' OR e.template_key = $7::text)
  AND ($8::text = '' OR e.category = $8::text)
  AND ($9::text = '' OR e.idempotency_key = $9::text)
  AND ($9::text = '' OR $11::timestamptz IS NOT NULL OR e.email_id = (
        SELECT k.email_id FROM herald.idempotency_keys k
        WHERE k.tenant_id = $1::bigint AND k.idempotency_key = $9::text))
  AND ($10::text = '' OR e.email_id IN (
        SELECT p.email_id FROM herald.attempts p
        WHERE p.provider_message_id = $10::text AND p.provider_message_id <> ''
          AND p.tenant_id = $1::bigint
        UNION ALL
        SELECT c.email_ids[array_position(c.message_ids, $10::text)] FROM herald.chunk_attempts c
        WHERE c.message_ids @> ARRAY[$10::text] AND c.tenant_id = $1::bigint))
  AND ($11::timestamptz IS NULL OR e.create_time >= $11::timestamptz)
  AND ($12::timestamptz IS NULL OR e.create_time < $12::timestamptz)
  AND e.email_id >= $13::bigint AND e.email_id < $14::bigint
  AND (e.test OR NOT $16::boolean)
)sql";

// Few as a rule, and found without the others; beside kConditions, since only a condition of its
// own can become a join.
constexpr char kDeadOnly[] = R"sql(
  AND e.email_id IN (
    SELECT d.email_id FROM herald.dead_emails d
    WHERE d.tenant_id = $1::bigint AND d.email_id >= $13::bigint AND d.email_id < $14::bigint)
)sql";

// The states as stored in which one as shown may be.
std::set<int64_t> StoredStates(const std::vector<EmailState>& shown) {
  std::set<int64_t> stored;
  for (EmailState state : shown) {
    switch (state) {
      case EmailState::kQueued:
        stored.insert({1, 2});
        break;
      case EmailState::kSending:
        stored.insert({1, 2, 4});
        break;
      default:
        stored.insert(static_cast<int64_t>(state));
    }
  }
  return stored;
}

template <class Range>
absl::optional<std::string> NumbersOrNull(const Range& values) {
  if (values.empty()) return absl::nullopt;
  ArrayParam array;
  for (const auto& value : values) array.AddInt(static_cast<int64_t>(value));
  return array.Take();
}

int64_t LowestId(const EmailQuery& query) {
  if (!query.create_time_from.has_value()) return std::numeric_limits<int64_t>::min();
  return FirstEmailIdAt(*query.create_time_from - kIdClockSlack).value;
}

int64_t IdAfterHighest(const EmailQuery& query) {
  int64_t end = std::numeric_limits<int64_t>::max();
  if (query.create_time_to.has_value()) {
    end = FirstEmailIdAt(*query.create_time_to + kIdClockSlack).value;
  }
  return query.before.has_value() ? std::min(end, query.before->value) : end;
}

}  // namespace

std::string FindEmailsSql(EmailOrder order, bool dead_only) {
  return absl::StrCat(kRecordSelect, kConditions, dead_only ? kDeadOnly : "",
                      " ORDER BY e.email_id ", order == EmailOrder::kNewestFirst ? "DESC" : "ASC",
                      " LIMIT $15::integer");
}

pqxx::result FindEmails(Transaction& transaction, TenantId tenant, const EmailQuery& query,
                        absl::string_view recipient_hash, EmailOrder order) {
  const std::string sql =
      FindEmailsSql(order, query.states == std::vector<EmailState>{EmailState::kDead});
  absl::optional<std::string> hash;
  if (!recipient_hash.empty()) hash = ByteaText(recipient_hash);
  return transaction.Exec({"find_emails", sql.c_str()}, tenant, hash, query.user_id,
                          NumbersOrNull(StoredStates(query.states)), NumbersOrNull(query.states),
                          query.lane.has_value() ? static_cast<int>(*query.lane) : 0,
                          query.template_key, query.category, query.idempotency_key,
                          query.provider_message_id, query.create_time_from, query.create_time_to,
                          LowestId(query), IdAfterHighest(query), query.limit, query.test_only);
}

pqxx::result FindEmailsById(Transaction& transaction, std::string tenants, std::string emails) {
  const std::string sql = absl::StrCat(
      kRecordSelect,
      "WHERE (e.tenant_id, e.email_id) IN (SELECT * FROM unnest($1::bigint[], $2::bigint[]))");
  return transaction.Exec({"find_emails_by_id", sql.c_str()}, std::move(tenants),
                          std::move(emails));
}

pqxx::result FindEmail(Transaction& transaction, TenantId tenant, EmailId email) {
  const std::string sql =
      absl::StrCat(kRecordSelect, "WHERE e.tenant_id = $1::bigint AND e.email_id = $2::bigint");
  return transaction.Exec({"find_email", sql.c_str()}, tenant, email);
}

}  // namespace herald::storage
