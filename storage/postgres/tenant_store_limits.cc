// What operators limited of tenants.

#include <string>

#include "absl/strings/str_format.h"
#include "storage/postgres/array_param.h"
#include "storage/postgres/email_rows.h"
#include "storage/postgres/tenant_queries.h"
#include "storage/postgres/tenant_store.h"
#include "storage/postgres/transaction.h"

namespace herald::storage {
namespace {

enum LimitColumn : pqxx::row::size_type {
  kTenant,
  kIngestRate,
  kIngestBurst,
  kSendRate,
  kSendBurst,
  kDomainRate,
  kDomainBurst,
  kWarmUp,
  kCategories,
  kCategoryRates,
  kCategoryBursts,
  kUserCounts,
  kUserWindows,
  kUpdateTime,
};

TransactionOptions ByOperator(const char* name, bool read_only) {
  return {.role = DatabaseRole::kEngine, .tenants = {}, .read_only = read_only, .name = name};
}

// PostgreSQL prints float8 with all its digits, in any locale.
double NumberOf(const std::string& text) { return std::stod(text); }

TenantLimits LimitsOf(const pqxx::row& row) {
  TenantLimits limits;
  limits.tenant = {Int64Of(row[kTenant])};
  limits.ingest = {NumberOf(TextOf(row[kIngestRate])), IntOf(row[kIngestBurst])};
  limits.send = {NumberOf(TextOf(row[kSendRate])), IntOf(row[kSendBurst])};
  limits.recipient_domain = {NumberOf(TextOf(row[kDomainRate])), IntOf(row[kDomainBurst])};
  if (!row[kWarmUp].is_null()) limits.warm_up = BoolOf(row[kWarmUp]);
  const std::vector<std::string> categories = TextArrayOf(row[kCategories]);
  const std::vector<std::string> rates = TextArrayOf(row[kCategoryRates]);
  const std::vector<int64_t> bursts = IntArrayOf(row[kCategoryBursts]);
  const std::vector<int64_t> counts = IntArrayOf(row[kUserCounts]);
  const std::vector<std::string> windows = TextArrayOf(row[kUserWindows]);
  for (size_t i = 0; i < categories.size(); ++i) {
    limits.categories.push_back(
        {categories[i],
         {NumberOf(rates.at(i)), static_cast<int>(bursts.at(i))},
         {static_cast<int>(counts.at(i)), absl::Seconds(NumberOf(windows.at(i)))}});
  }
  limits.update_time = TimeOf(row[kUpdateTime]);
  return limits;
}

// With every digit that tells two doubles apart.
std::string NumberText(double number) { return absl::StrFormat("%.17g", number); }

}  // namespace

absl::StatusOr<TenantLimits> PostgresTenantStore::GetTenantLimits(TenantId tenant) {
  using Result = absl::StatusOr<TenantLimits>;
  return StoreResult(
      RunTransaction(pool_, {.tenants = {tenant}, .read_only = true, .name = "get_tenant_limits"},
                     [&](Transaction& transaction) -> Result {
                       const pqxx::result rows = transaction.Exec(kGetLimits, tenant);
                       if (!rows.empty()) return LimitsOf(rows[0]);
                       if (transaction.Exec(kGetTenant, tenant).empty())
                         return absl::NotFoundError("tenant");
                       TenantLimits none;
                       none.tenant = tenant;
                       return none;
                     }));
}

absl::StatusOr<TenantLimits> PostgresTenantStore::SetTenantLimits(const TenantLimits& limits,
                                                                  const AuditEntry& audit) {
  ArrayParam categories, rates, bursts, counts, windows;
  for (const CategoryLimits& category : limits.categories) {
    categories.AddText(category.category);
    rates.AddText(NumberText(category.send.per_second));
    bursts.AddInt(category.send.burst);
    counts.AddInt(category.per_user.count);
    windows.AddText(NumberText(absl::ToDoubleSeconds(category.per_user.window)));
  }
  const std::string texts[] = {categories.Take(), rates.Take(), bursts.Take(), counts.Take(),
                               windows.Take()};
  using Result = absl::StatusOr<TenantLimits>;
  return StoreResult(RunTransaction(
      pool_, ByOperator("set_tenant_limits", false), [&](Transaction& transaction) -> Result {
        const pqxx::result rows = transaction.Exec(
            kSetLimits, limits.tenant, NumberText(limits.ingest.per_second), limits.ingest.burst,
            NumberText(limits.send.per_second), limits.send.burst,
            NumberText(limits.recipient_domain.per_second), limits.recipient_domain.burst,
            limits.warm_up, texts[0], texts[1], texts[2], texts[3], texts[4]);
        if (rows.empty()) return absl::NotFoundError("tenant");
        transaction.Exec(kInsertAudit, limits.tenant, audit.actor, audit.action, audit.target);
        return LimitsOf(rows[0]);
      }));
}

absl::StatusOr<std::vector<TenantLimits>> PostgresTenantStore::ListTenantLimits(absl::Time since) {
  using Result = absl::StatusOr<std::vector<TenantLimits>>;
  return StoreResult(RunTransaction(
      pool_, ByOperator("list_tenant_limits", true), [&](Transaction& transaction) -> Result {
        std::vector<TenantLimits> all;
        for (const pqxx::row& row : transaction.Exec(kListLimits, since)) {
          all.push_back(LimitsOf(row));
        }
        return all;
      }));
}

}  // namespace herald::storage
