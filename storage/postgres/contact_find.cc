// Filters: which contacts match, and how many.

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "storage/postgres/contact_filter_sql.h"
#include "storage/postgres/contact_store.h"
#include "storage/postgres/query_params.h"
#include "storage/postgres/transaction.h"

namespace herald::storage {
namespace {

// Contacts drawn for an estimate: reading them takes some milliseconds however many there are.
constexpr int kDrawn = 4096;

// The one condition that keeps tenants apart here; every statement of this file begins with it.
constexpr char kOfTenant[] =
    "FROM herald.contacts c WHERE c.tenant_id = $1::bigint AND c.delete_time IS NULL AND ";

TransactionOptions Engine(const char* name) {
  return {.role = DatabaseRole::kEngine, .tenants = {}, .read_only = true, .name = name};
}

std::vector<ContactId> IdsOf(const pqxx::field& array) {
  std::vector<ContactId> ids;
  if (array.is_null()) return ids;
  for (const std::string& text : TextArrayOf(array)) ids.push_back(ContactId{std::stoll(text)});
  return ids;
}

// What the drawn contacts say.
struct Draw {
  int drawn = 0;
  int matched = 0;
  double share = 1;  // of all hashes, up to the last one drawn
  std::vector<ContactId> sample;
};

// Hashes are spread evenly, so the contacts with the lowest are a fair sample, and where the last
// of them lies says of how many.
Draw DrawContacts(Transaction& transaction, TenantId tenant, const ContactCondition& condition,
                  int sample) {
  const std::string sql = absl::StrCat(
      "WITH drawn AS MATERIALIZED (SELECT c.* ", kOfTenant,
      "c.address_hash IS NOT NULL ORDER BY c.address_hash LIMIT $3::integer), "
      "matched AS MATERIALIZED (SELECT c.contact_id FROM drawn c WHERE ",
      condition.sql,
      ") SELECT (SELECT count(*) FROM drawn), (SELECT count(*) FROM matched), "
      "(SELECT address_hash FROM drawn ORDER BY address_hash DESC LIMIT 1), "
      "(SELECT array_agg(contact_id) FROM (SELECT contact_id FROM matched LIMIT $4::integer) m)");
  const pqxx::result result =
      transaction.Exec({"draw_contacts", sql.c_str()}, tenant, condition.values, kDrawn, sample);
  Draw draw;
  draw.drawn = IntOf(result[0][0]);
  draw.matched = IntOf(result[0][1]);
  draw.sample = IdsOf(result[0][3]);
  double scale = 1;
  draw.share = 0;
  const std::string last = BytesOf(result[0][2]);
  for (size_t i = 0; i < std::min<size_t>(last.size(), 8); ++i) {
    scale /= 256;
    draw.share += static_cast<unsigned char>(last[i]) * scale;
  }
  return draw;
}

// Whether more of those drawn match than could be drawn if kExactCountMax matched in all: twice the
// number to expect and, where that is small, six standard deviations and then some.
bool SurelyMoreThanExact(const Draw& draw) {
  const double expected = kExactCountMax * draw.share;
  return draw.matched > std::max(2 * expected, expected + 6 * std::sqrt(expected) + 20);
}

// Counts no further than one more than kExactCountMax.
SegmentCount CountOneByOne(Transaction& transaction, TenantId tenant,
                           const ContactCondition& condition, int sample) {
  const std::string sql = absl::StrCat(
      "WITH matched AS MATERIALIZED (SELECT c.contact_id ", kOfTenant, condition.sql,
      " LIMIT $3::integer) SELECT (SELECT count(*) FROM matched), (SELECT array_agg(contact_id) "
      "FROM (SELECT contact_id FROM matched LIMIT $4::integer) m)");
  const pqxx::result result = transaction.Exec({"count_contacts", sql.c_str()}, tenant,
                                               condition.values, kExactCountMax + 1, sample);
  SegmentCount count;
  count.contacts = Int64Of(result[0][0]);
  count.exact = count.contacts <= kExactCountMax;
  count.sample = IdsOf(result[0][1]);
  return count;
}

}  // namespace

absl::StatusOr<std::vector<ContactId>> PostgresContactStore::Find(TenantId tenant,
                                                                  const ContactQuery& query) {
  const absl::StatusOr<std::shared_ptr<const TenantCipher>> cipher = keys_.For(tenant);
  if (!cipher.ok()) return cipher.status();
  const ContactCondition condition = CompileContactFilter(
      query.filter, [&](absl::string_view address) { return (*cipher)->LookupHash(address); });
  const bool newest_first = query.order == ContactQuery::Order::kNewestFirst;
  const std::string sql = absl::StrCat(
      "SELECT c.contact_id ", kOfTenant, condition.sql, " AND ($3::bigint IS NULL OR c.contact_id ",
      newest_first ? "<" : ">", " $3::bigint) ORDER BY c.contact_id ",
      newest_first ? "DESC" : "ASC", " LIMIT $4::integer");
  using Ids = absl::StatusOr<std::vector<ContactId>>;
  return RunTransaction(pool_, Engine("find_contacts"), [&](Transaction& transaction) -> Ids {
    std::vector<ContactId> ids;
    for (const pqxx::row& row : transaction.Exec({"find_contacts", sql.c_str()}, tenant,
                                                 condition.values, query.after, query.limit)) {
      ids.push_back(ContactId{Int64Of(row[0])});
    }
    return ids;
  });
}

absl::StatusOr<SegmentCount> PostgresContactStore::Count(TenantId tenant, const FilterNode& filter,
                                                         int sample) {
  const absl::StatusOr<std::shared_ptr<const TenantCipher>> cipher = keys_.For(tenant);
  if (!cipher.ok()) return cipher.status();
  const ContactCondition condition = CompileContactFilter(
      filter, [&](absl::string_view address) { return (*cipher)->LookupHash(address); });
  const absl::StatusOr<Draw> draw = RunTransaction(
      pool_, Engine("draw_contacts"), [&](Transaction& transaction) -> absl::StatusOr<Draw> {
        return DrawContacts(transaction, tenant, condition, sample);
      });
  if (!draw.ok()) return draw.status();
  if (draw->drawn < kDrawn) return SegmentCount{draw->matched, true, draw->sample};
  const auto estimate = static_cast<int64_t>(std::llround(draw->matched / draw->share));
  SegmentCount estimated{estimate, false, draw->sample};
  if (SurelyMoreThanExact(*draw)) return estimated;
  using Result = absl::StatusOr<SegmentCount>;
  const Result counted =
      RunTransaction(pool_, Engine("count_contacts"), [&](Transaction& transaction) -> Result {
        return CountOneByOne(transaction, tenant, condition, sample);
      });
  // A filter that no index answers may take too long; there is still the estimate.
  if (absl::IsDeadlineExceeded(counted.status())) return estimated;
  if (!counted.ok() || counted->exact) return counted;
  estimated.contacts = std::max<int64_t>(estimate, kExactCountMax + 1);
  if (estimated.sample.size() < counted->sample.size()) estimated.sample = counted->sample;
  return estimated;
}

}  // namespace herald::storage
