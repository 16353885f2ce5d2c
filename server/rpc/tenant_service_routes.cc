// Provider accounts and tenants' own routes.
#include "absl/strings/str_cat.h"
#include "server/rpc/route_convert.h"
#include "server/rpc/tenant_service.h"

namespace herald::rpc {
namespace {

constexpr size_t kReasonMax = 256;
constexpr absl::Duration kHealthWindow = absl::Seconds(10);

absl::Status AccountError(const absl::Status& status) {
  if (absl::IsNotFound(status)) {
    return MakeError(absl::StatusCode::kNotFound, "PROVIDER_ACCOUNT_NOT_FOUND",
                     "no replica has an account of this name; see ListProviderAccounts");
  }
  return FromStorage(status);
}

absl::Status RouteError(const absl::Status& status) {
  if (absl::IsNotFound(status)) {
    return MakeError(absl::StatusCode::kNotFound, "TENANT_NOT_FOUND", "there is no such tenant");
  }
  if (absl::IsFailedPrecondition(status)) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "PROVIDER_ACCOUNT_NOT_FOUND",
                     "no replica has an account that the route names; see ListProviderAccounts",
                     {{"account", std::string(status.message())}});
  }
  return FromStorage(status);
}

}  // namespace

absl::Status TenantService::ListProviderAccounts(const Call&,
                                                 const v1::ListProviderAccountsRequest&,
                                                 v1::ListProviderAccountsResponse& response) {
  const auto reports = accounts_.List(kHealthWindow);
  if (!reports.ok()) return FromStorage(reports.status());
  for (const storage::AccountReport& report : *reports) {
    ToProto(report, clock_(), *response.add_accounts());
  }
  return absl::OkStatus();
}

absl::Status TenantService::DisableProviderAccount(const Call& call,
                                                   const v1::DisableProviderAccountRequest& request,
                                                   v1::ProviderAccount& response) {
  RequestCheck check;
  if (!IsAccountName(request.name())) check.Add("name", "is not the name of an account");
  check.RequiredAtMost("reason", request.reason(), kReasonMax);
  if (!check.ok()) return check.status();
  const auto report = accounts_.Disable(request.name(), request.reason(),
                                        Audit(call, absl::nullopt, request.name()));
  if (!report.ok()) return AccountError(report.status());
  ToProto(*report, clock_(), response);
  return absl::OkStatus();
}

absl::Status TenantService::EnableProviderAccount(const Call& call,
                                                  const v1::EnableProviderAccountRequest& request,
                                                  v1::ProviderAccount& response) {
  if (!IsAccountName(request.name())) return InvalidField("name", "is not the name of an account");
  const auto report = accounts_.Enable(request.name(), Audit(call, absl::nullopt, request.name()));
  if (!report.ok()) return AccountError(report.status());
  ToProto(*report, clock_(), response);
  return absl::OkStatus();
}

absl::Status TenantService::ListTenantRoutes(const Call&,
                                             const v1::ListTenantRoutesRequest& request,
                                             v1::ListTenantRoutesResponse& response) {
  const absl::optional<TenantId> tenant = ParseTenantId(request.tenant_id());
  if (!tenant.has_value()) return InvalidField("tenant_id", "is not a tenant id (tn_…)");
  const auto routes = routes_.List(*tenant);
  if (!routes.ok()) return RouteError(routes.status());
  for (const storage::TenantRoute& route : *routes) ToProto(route, *response.add_routes());
  return absl::OkStatus();
}

absl::Status TenantService::UpdateTenantRoute(const Call& call,
                                              const v1::UpdateTenantRouteRequest& request,
                                              v1::TenantRoute& response) {
  RequestCheck check;
  const absl::optional<TenantId> tenant = ParseTenantId(request.tenant_id());
  if (!tenant.has_value()) check.Add("tenant_id", "is not a tenant id (tn_…)");
  storage::TenantRoute route = ToTenantRoute(request.route(), check);
  if (!check.ok()) return check.status();
  route.tenant = *tenant;
  const absl::Status put =
      routes_.Put(route, Audit(call, *tenant, absl::StrCat("route ", LaneName(route.lane))));
  if (!put.ok()) return RouteError(put);
  ToProto(route, response);
  return absl::OkStatus();
}

}  // namespace herald::rpc
