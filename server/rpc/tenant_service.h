#pragma once

#include "herald/v1/tenant_service.pb.h"
#include "server/rpc/page_token.h"
#include "server/rpc/served.h"
#include "server/rpc/suppression_methods.h"
#include "storage/tenant_store.h"

namespace herald::rpc {

// herald.v1.TenantService, for operators.
class TenantService final : public Served {
 public:
  // All references outlive the service.
  TenantService(storage::TenantStore& store, const PageTokens& tokens,
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
  absl::Status GetLedger(const Call& call, const v1::GetLedgerRequest& request,
                         v1::Ledger& response);
  absl::Status ListAuditEntries(const Call& call, const v1::ListAuditEntriesRequest& request,
                                v1::ListAuditEntriesResponse& response);

  storage::AuditEntry Audit(const Call& call, absl::optional<TenantId> tenant,
                            absl::string_view target) const;

  storage::TenantStore& store_;
  const PageTokens& tokens_;
  const std::function<absl::Time()> clock_;
  SuppressionMethods suppressions_;
  const std::unique_ptr<Async> async_;
  MethodSet methods_;
};

}  // namespace herald::rpc
