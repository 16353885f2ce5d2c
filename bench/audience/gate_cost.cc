#include "bench/audience/gate_cost.h"

#include <pqxx/pqxx>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "model/ids.h"
#include "storage/postgres/array_param.h"
#include "storage/postgres/audience_gate_sql.h"
#include "storage/postgres/email_store_sql.h"

namespace herald::bench {
namespace {

using storage::ArrayParam;

constexpr int kGroup = 250;
constexpr int kRounds = 60;
constexpr int kTenant = 1'000'000;
constexpr int kNode = 4094;  // of the ids; heraldd gets a lower one

constexpr char kFill[] = R"sql(
INSERT INTO herald.categories (tenant_id, category, display_name, description, marketing,
                               default_in)
SELECT 1000000, 'news-' || n, 'News', '', true, true FROM generate_series(1, 20) n;
INSERT INTO herald.suppressions (tenant_id, address_hash, reason, source)
SELECT 1000000, sha256(('s' || n)::bytea), 'hard_bounce', 'bench' FROM generate_series(1, 500000) n;
INSERT INTO herald.preferences (tenant_id, address_hash, category, opted_in, source)
SELECT 1000000, sha256(('p' || n)::bytea), 'news-1', false, 'bench'
FROM generate_series(1, 500000) n;
ANALYZE herald.categories, herald.suppressions, herald.preferences;
)sql";

std::string Repeated(absl::string_view element) {
  ArrayParam array(kGroup, element.size() + 4);
  for (int i = 0; i < kGroup; ++i) array.AddText(element);
  return array.Take();
}

class Gate {
 public:
  explicit Gate(const std::string& dsn) : connection_(dsn) {
    pqxx::nontransaction(connection_).exec(kFill);
  }

  // Milliseconds of a group's transaction.
  double Time(const std::string& insert, const std::string& category) {
    ArrayParam ids, keys, users, hashes, times, expiries, marks;
    const absl::Time now = absl::Now();
    for (int i = 0; i < kGroup; ++i) {
      const int64_t id = ids_.Next(now).value;
      ids.AddInt(id);
      keys.AddText(absl::StrCat("gate-", id));
      users.AddText(absl::StrCat("user-", id % 1000));
      hashes.AddBytes(absl::StrCat("hash-of-32-bytes", id));
      times.AddTime(now);
      expiries.AddTime(now + absl::Hours(72));
      marks.AddInt(id);
    }
    const std::string id_array = ids.Take(), key_array = keys.Take(), user_array = users.Take(),
                      hash_array = hashes.Take(), time_array = times.Take(),
                      expiry_array = expiries.Take(), mark_array = marks.Take();
    const std::string tenants = Repeated(absl::StrCat(kTenant)), empty = Repeated(""),
                      request_hashes = Repeated("\\x" + std::string(64, 'a')),
                      content = Repeated("\\x" + std::string(1200, 'b')), one = Repeated("1"),
                      zero = Repeated("0"), no = Repeated("f"), categories = Repeated(category);
    std::string never = "{NULL";
    for (int i = 1; i < kGroup; ++i) never += ",NULL";
    never += "}";
    const absl::Time begin = absl::Now();
    pqxx::work work(connection_);
    work.exec(
        absl::StrCat("SET LOCAL ROLE herald_api; SET LOCAL herald.tenant_id = '", kTenant, "'"));
    work.exec_params(storage::email_sql::kTakeKeys.sql, tenants, key_array, request_hashes,
                     id_array, expiry_array);
    work.exec_params(insert, tenants, id_array, one, no, zero, never, expiry_array, time_array,
                     categories, empty, user_array, empty, empty, key_array, empty, empty,
                     hash_array, request_hashes, content, mark_array, never);
    work.commit();
    return absl::ToDoubleMilliseconds(absl::Now() - begin);
  }

 private:
  pqxx::connection connection_;
  EmailIdGenerator ids_{kNode};
};

}  // namespace

absl::StatusOr<std::vector<Measure>> MeasureGate(const std::string& dsn) {
  const std::string with = storage::email_sql::kInsertEmails.sql;
  const std::string without =
      absl::StrReplaceAll(with, {{storage::kStopReason.text, "NULL::text"}});
  if (without == with) return absl::InternalError("the accepting statement has no gate");
  try {
    Gate gate(dsn);
    std::vector<Measure> measures;
    for (const auto& [name, category] :
         {std::pair("undeclared category", "receipts"), std::pair("marketing", "news-1")}) {
      std::vector<double> with_ms, without_ms;
      for (int round = 0; round < kRounds; ++round) {
        // In turns, and the first of a turn in turns, too.
        const bool first = round % 2 == 0;
        for (const bool gated : {first, !first}) {
          (gated ? with_ms : without_ms).push_back(gate.Time(gated ? with : without, category));
        }
      }
      const double with_median = Median(with_ms), without_median = Median(without_ms);
      measures.push_back({absl::StrCat("gate, ", name, ": cost of an email"),
                          (with_median - without_median) * 1000 / kGroup,
                          "us",
                          {}});
      measures.push_back({absl::StrCat("gate, ", name, ": accepting transaction with / without"),
                          with_median / without_median, "ratio", Goal{1.1, Better::kLower}});
    }
    return measures;
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat("gate: ", error.what()));
  }
}

}  // namespace herald::bench
