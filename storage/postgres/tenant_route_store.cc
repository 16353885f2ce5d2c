#include "storage/postgres/tenant_route_store.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "storage/postgres/array_param.h"
#include "storage/postgres/email_rows.h"
#include "storage/postgres/tenant_queries.h"
#include "storage/postgres/tenant_route_sql.h"
#include "storage/postgres/transaction.h"

namespace herald::storage {
namespace {

TransactionOptions Engine(const char* name, bool read_only = false) {
  return {.role = DatabaseRole::kEngine, .tenants = {}, .read_only = read_only, .name = name};
}

std::vector<TenantRoute> ReadRoutes(const pqxx::result& rows) {
  std::vector<TenantRoute> routes;
  for (const pqxx::row& row : rows) {
    const TenantId tenant{Int64Of(row[0])};
    const auto lane = static_cast<Lane>(IntOf(row[1]));
    if (routes.empty() || routes.back().tenant != tenant || routes.back().lane != lane) {
      routes.push_back({tenant, lane, {}, absl::nullopt});
      if (!row[2].is_null()) routes.back().resend_unconfirmed = BoolOf(row[2]);
    }
    if (row[3].is_null()) continue;
    routes.back().steps.push_back({TextOf(row[3]), IntOf(row[4]), IntOf(row[5]), IntOf(row[6])});
  }
  return routes;
}

absl::Status CheckAccounts(Transaction& transaction, const Route& steps) {
  ArrayParam names;
  for (const RouteStep& step : steps) names.AddText(step.account);
  const pqxx::result unknown = transaction.Exec(route_sql::kUnknownAccounts, names.Take());
  if (unknown.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(TextOf(unknown[0][0]));
}

void InsertSteps(Transaction& transaction, const TenantRoute& route) {
  ArrayParam accounts, orders, costs, weights;
  for (const RouteStep& step : route.steps) {
    accounts.AddText(step.account);
    orders.AddInt(step.order);
    costs.AddInt(step.cost);
    weights.AddInt(step.weight);
  }
  transaction.Exec(route_sql::kInsertSteps, route.tenant, static_cast<int>(route.lane),
                   accounts.Take(), orders.Take(), costs.Take(), weights.Take());
}

}  // namespace

absl::StatusOr<int64_t> PostgresTenantRouteStore::Version() {
  return StoreResult(RunTransaction(pool_, Engine("route_version", /*read_only=*/true),
                                    [](Transaction& transaction) -> absl::StatusOr<int64_t> {
                                      return Int64Of(transaction.Exec(route_sql::kVersion)[0][0]);
                                    }));
}

absl::StatusOr<std::vector<TenantRoute>> PostgresTenantRouteStore::ListAll() {
  return StoreResult(RunTransaction(
      pool_, Engine("list_all_routes", /*read_only=*/true),
      [](Transaction& transaction) -> absl::StatusOr<std::vector<TenantRoute>> {
        return ReadRoutes(transaction.Exec(route_sql::kList, absl::optional<TenantId>()));
      }));
}

absl::StatusOr<std::vector<TenantRoute>> PostgresTenantRouteStore::List(TenantId tenant) {
  return StoreResult(RunTransaction(
      pool_, {.tenants = {tenant}, .read_only = true, .name = "list_tenant_routes"},
      [&](Transaction& transaction) -> absl::StatusOr<std::vector<TenantRoute>> {
        if (transaction.Exec(route_sql::kTenantExists, tenant).empty()) {
          return absl::NotFoundError("tenant");
        }
        return ReadRoutes(transaction.Exec(route_sql::kList, absl::optional<TenantId>(tenant)));
      }));
}

absl::Status PostgresTenantRouteStore::Put(const TenantRoute& route, const AuditEntry& audit) {
  return StoreError(RunTransaction(
      pool_, Engine("put_tenant_route"), [&](Transaction& transaction) -> absl::Status {
        if (transaction.Exec(route_sql::kTenantExists, route.tenant).empty()) {
          return absl::NotFoundError("tenant");
        }
        if (absl::Status known = CheckAccounts(transaction, route.steps); !known.ok()) return known;
        const int lane = static_cast<int>(route.lane);
        transaction.Exec(route_sql::kBump);
        transaction.Exec(route_sql::kDeleteSteps, route.tenant, lane);
        transaction.Exec(route_sql::kDeleteLane, route.tenant, lane);
        if (!route.steps.empty()) InsertSteps(transaction, route);
        if (route.resend_unconfirmed.has_value()) {
          transaction.Exec(route_sql::kInsertLane, route.tenant, lane, *route.resend_unconfirmed);
        }
        transaction.Exec(kInsertAudit, absl::optional<TenantId>(route.tenant), audit.actor,
                         audit.action, audit.target);
        return absl::OkStatus();
      }));
}

}  // namespace herald::storage
