#pragma once

#include "herald/v1/tenant_service.pb.h"
#include "server/rpc/page_token.h"
#include "server/rpc/served.h"
#include "server/rpc/suppression_methods.h"
#include "storage/account_health_store.h"
#include "storage/tenant_route_store.h"
#include "storage/tenant_store.h"

namespace herald::rpc {

// herald.v1.TenantService, for operators.
class TenantService final : public Served {
 public:
  // All references outlive the service.
  TenantService(storage::TenantStore& store, storage::AccountHealthStore& accounts,
                storage::TenantRouteStore& routes, const PageTokens& tokens,
                std::function<absl::Time()> clock, SuppressionMethods suppressions);
  ~TenantService() override;

  const char* name() const override;
  grpc::Service& grpc_service() override;
  const MethodSet& methods() const override { return methods_; }

 private:
  class Async;

  absl::Status CreateTenant(const Call& call, const v1::CreateTenantRequest& request,
                            v1::Tenant& response);
  absl::Status GetTenant(const Call& call, const v1::GetTenantRequest& request,
                         v1::Tenant& response);
  absl::Status ListTenants(const Call& call, const v1::ListTenantsRequest& request,
                           v1::ListTenantsResponse& response);
  absl::Status UpdateTenant(const Call& call, const v1::UpdateTenantRequest& request,
                            v1::Tenant& response);
  absl::Status CreateApiToken(const Call& call, const v1::CreateApiTokenRequest& request,
                              v1::CreateApiTokenResponse& response);
  absl::Status ListApiTokens(const Call& call, const v1::ListApiTokensRequest& request,
                             v1::ListApiTokensResponse& response);
  absl::Status RevokeApiToken(const Call& call, const v1::RevokeApiTokenRequest& request,
                              v1::ApiToken& response);
  absl::Status GetTenantLimits(const Call& call, const v1::GetTenantLimitsRequest& request,
                               v1::TenantLimits& response);
  absl::Status SetTenantLimits(const Call& call, const v1::SetTenantLimitsRequest& request,
                               v1::TenantLimits& response);
  absl::Status GetLedger(const Call& call, const v1::GetLedgerRequest& request,
                         v1::Ledger& response);
  absl::Status ListAuditEntries(const Call& call, const v1::ListAuditEntriesRequest& request,
                                v1::ListAuditEntriesResponse& response);
  // In tenant_service_routes.cc.
  absl::Status ListProviderAccounts(const Call& call,
                                    const v1::ListProviderAccountsRequest& request,
                                    v1::ListProviderAccountsResponse& response);
  absl::Status DisableProviderAccount(const Call& call,
                                      const v1::DisableProviderAccountRequest& request,
                                      v1::ProviderAccount& response);
  absl::Status EnableProviderAccount(const Call& call,
                                     const v1::EnableProviderAccountRequest& request,
                                     v1::ProviderAccount& response);
  absl::Status ListTenantRoutes(const Call& call, const v1::ListTenantRoutesRequest& request,
                                v1::ListTenantRoutesResponse& response);
  absl::Status UpdateTenantRoute(const Call& call, const v1::UpdateTenantRouteRequest& request,
                                 v1::TenantRoute& response);

  storage::AuditEntry Audit(const Call& call, absl::optional<TenantId> tenant,
                            absl::string_view target) const;

  storage::TenantStore& store_;
  storage::AccountHealthStore& accounts_;
  storage::TenantRouteStore& routes_;
  const PageTokens& tokens_;
  const std::function<absl::Time()> clock_;
  SuppressionMethods suppressions_;
  const std::unique_ptr<Async> async_;
  MethodSet methods_;
};

}  // namespace herald::rpc
