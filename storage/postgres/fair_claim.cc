#include "storage/postgres/fair_claim.h"

#include <string>
#include <utility>
#include <vector>

#include "model/steady_time.h"
#include "storage/postgres/array_param.h"
#include "storage/postgres/lease_token.h"
#include "storage/postgres/queue_store_sql.h"
#include "storage/postgres/transaction.h"

namespace herald::storage {
namespace {

using Plan = LaneTurns::Plan;

// Below PoolOptions::lease_max.
constexpr NamedQuery kBePatient{"be_patient", "SET LOCAL statement_timeout='20s'"};

// A lease that a crashed server forgets was never taken: what it was of is due, and whoever holds
// it is refused by its token. An attempt that begins under it is durable together with it.
TransactionOptions Claiming(const Claimable& what) {
  return {.role = DatabaseRole::kEngine, .name = what.claim->name, .durable = false};
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

pqxx::result MembersOf(Transaction& transaction, const Claimable& what, const pqxx::result& rows) {
  if (what.members == nullptr || rows.empty()) return {};
  const auto tenant = rows.column_number("tenant_id"), id = rows.column_number(what.id);
  ArrayParam tenants(rows.size()), ids(rows.size(), 20);
  for (const pqxx::row& row : rows) {
    tenants.AddInt(Int64Of(row[tenant]));
    ids.AddInt(Int64Of(row[id]));
  }
  return transaction.Call(*what.members, tenants.Take(), ids.Take());
}

Claimed Visit(Transaction& transaction, const Claimable& what, const Plan& plan, Lane lane,
              absl::Duration lease) {
  ArrayParam light(plan.light.size()), busy(plan.busy.size()), times(plan.busy.size(), 32),
      ids(plan.busy.size(), 20);
  for (TenantId tenant : plan.light) light.AddInt(tenant.value);
  for (const LaneTurns::BusyVisit& visit : plan.busy) {
    busy.AddInt(visit.tenant.value);
    times.AddTime(visit.from.run_at);
    ids.AddInt(visit.from.id);
  }
  if (plan.patient) transaction.ExecScript(kBePatient);
  const pqxx::result rows = transaction.Call(
      *what.claim, static_cast<int>(lane), plan.limit, std::to_string(absl::ToDoubleSeconds(lease)),
      light.Take(), plan.light_max, plan.light_quota, plan.light_from, busy.Take(), times.Take(),
      ids.Take(), plan.busy_quota, NewLeaseToken());
  return {rows, MembersOf(transaction, what, rows)};
}

std::vector<LaneTurns::Taken> TakenOf(const pqxx::result& rows, const Claimable& what) {
  std::vector<LaneTurns::Taken> taken;
  if (rows.empty()) return taken;
  const auto tenant = rows.column_number("tenant_id"), id = rows.column_number(what.id),
             run_at = rows.column_number("run_at");
  taken.reserve(rows.size());
  for (const pqxx::row& row : rows) {
    taken.push_back({TenantId{Int64Of(row[tenant])}, {TimeOf(row[run_at]), Int64Of(row[id])}});
  }
  return taken;
}

}  // namespace

absl::StatusOr<Claimed> TakeTurns(ConnectionPool& pool, LaneTurns& turns, const Claimable& what,
                                  Lane lane, int limit, absl::Duration lease,
                                  absl::Span<const TenantId> except) {
  while (true) {
    Plan plan;
    absl::optional<absl::Time> at;  // the database's clock
    const absl::Time start = SteadyNow();
    const bool reads_tenants = turns.NeedsTenants(start);
    absl::StatusOr<Claimed> claimed = RunTransaction(
        pool, Claiming(what), [&](Transaction& transaction) -> absl::StatusOr<Claimed> {
          if (reads_tenants) at = ReadTenants(transaction, lane, turns);
          plan = turns.Next(limit, start, except);
          if (plan.light.empty() && plan.busy.empty()) return Claimed();
          return Visit(transaction, what, plan, lane, lease);
        });
    const absl::Duration took = SteadyNow() - start;
    if (!claimed.ok()) {
      turns.Failed(plan, at, SteadyNow(), took);
      const bool far = plan.reach != LaneTurns::Reach::kNear;
      if (far && absl::IsDeadlineExceeded(claimed.status())) continue;  // nearer, this time
      return claimed.status();
    }
    const pqxx::result& rows = claimed->rows;
    if (!rows.empty() && !at.has_value()) at = TimeOf(rows[0]["claim_time"]);
    turns.Done(plan, TakenOf(rows, what), at, SteadyNow(), took);
    if (!rows.empty() || plan.partial) return claimed;
    if (!reads_tenants) continue;  // somebody may have come since they were read
    if (!turns.HasMoreToVisit(plan, SteadyNow())) return claimed;
  }
}

}  // namespace herald::storage
