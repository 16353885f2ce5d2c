#include "storage/postgres/fair_claim.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "model/steady_time.h"
#include "storage/postgres/array_param.h"
#include "storage/postgres/lease_token.h"
#include "storage/postgres/queue_store_sql.h"
#include "storage/postgres/transaction.h"

namespace herald::storage {
namespace {

using Plan = LaneTurns::Plan;

struct Claimed {
  pqxx::result rows;
  absl::optional<absl::Time> at;  // the database's clock
};

// A lease that a crashed server forgets was never taken: its emails are due, and whoever holds it
// is refused by its token. An attempt that begins under it is durable together with it.
TransactionOptions Engine() {
  return {.role = DatabaseRole::kEngine, .name = "claim", .durable = false};
}

pqxx::result Visit(Transaction& transaction, const Plan& plan, Lane lane, absl::Duration lease) {
  ArrayParam light(plan.light.size()), busy(plan.busy.size()), times(plan.busy.size(), 32),
      emails(plan.busy.size(), 20);
  for (TenantId tenant : plan.light) light.AddInt(tenant.value);
  for (const LaneTurns::BusyVisit& visit : plan.busy) {
    busy.AddInt(visit.tenant.value);
    times.AddTime(visit.from.run_at);
    emails.AddInt(visit.from.email.value);
  }
  return transaction.Call(queue_sql::kClaim, static_cast<int>(lane), plan.limit,
                          std::to_string(absl::ToDoubleSeconds(lease)), light.Take(),
                          plan.light_max, plan.light_quota, plan.light_from, busy.Take(),
                          times.Take(), emails.Take(), plan.busy_quota, NewLeaseToken());
}

// Returns the database's clock, if there is any tenant.
absl::optional<absl::Time> ReadTenants(Transaction& transaction, Lane lane, LaneTurns& turns) {
  const pqxx::result rows = transaction.Call(queue_sql::kLaneTenants, static_cast<int>(lane));
  std::vector<TenantId> tenants;
  tenants.reserve(rows.size());
  for (const pqxx::row& row : rows) tenants.push_back(TenantId{Int64Of(row[0])});
  turns.Know(std::move(tenants));
  if (rows.empty()) return absl::nullopt;
  return TimeOf(rows[0][1]);
}

void Report(LaneTurns& turns, const Plan& plan, const Claimed& claimed, absl::Duration took) {
  std::vector<LaneTurns::Taken> taken;
  taken.reserve(claimed.rows.size());
  absl::optional<absl::Time> at = claimed.at;
  for (const pqxx::row& row : claimed.rows) {
    taken.push_back({TenantId{Int64Of(row["tenant_id"])},
                     {TimeOf(row["run_at"]), EmailId{Int64Of(row["email_id"])}}});
    if (!at.has_value()) at = TimeOf(row["claim_time"]);
  }
  turns.Done(plan, taken, at, SteadyNow(), took);
}

}  // namespace

absl::StatusOr<pqxx::result> TakeTurns(ConnectionPool& pool, LaneTurns& turns, Lane lane, int limit,
                                       absl::Duration lease, absl::Span<const TenantId> except) {
  while (true) {
    Plan plan;
    const absl::Time start = SteadyNow();
    const bool reads_tenants = turns.NeedsTenants(start);
    absl::StatusOr<Claimed> claimed =
        RunTransaction(pool, Engine(), [&](Transaction& transaction) -> absl::StatusOr<Claimed> {
          Claimed result;
          if (reads_tenants) result.at = ReadTenants(transaction, lane, turns);
          plan = turns.Next(limit, start, except);
          if (!plan.light.empty() || !plan.busy.empty()) {
            result.rows = Visit(transaction, plan, lane, lease);
          }
          return result;
        });
    const absl::Duration took = SteadyNow() - start;
    const bool far = plan.reach != LaneTurns::Reach::kNear;
    if (!claimed.ok()) {
      turns.Failed(plan, SteadyNow(), took);
      if (far && absl::IsDeadlineExceeded(claimed.status())) continue;  // nearer, this time
      return claimed.status();
    }
    Report(turns, plan, *claimed, took);
    if (!claimed->rows.empty() || plan.partial) return claimed->rows;
    if (!reads_tenants) continue;  // somebody may have come since they were read
    if (!turns.HasMoreToVisit(plan, SteadyNow())) return claimed->rows;
  }
}

}  // namespace herald::storage
