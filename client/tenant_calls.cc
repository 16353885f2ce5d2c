#include "client/connection.h"
#include "client/herald_client.h"

namespace herald::client {
namespace {

using Tenants = v1::TenantService::StubInterface;

}  // namespace

absl::StatusOr<v1::Tenant> Client::CreateTenant(const v1::CreateTenantRequest& request,
                                                const CallOptions& options) const {
  return connection_->Call(*connection_->tenants, &Tenants::CreateTenant, request, Repeat::kOnce,
                           options);
}

absl::StatusOr<v1::Tenant> Client::GetTenant(const v1::GetTenantRequest& request,
                                             const CallOptions& options) const {
  return connection_->Call(*connection_->tenants, &Tenants::GetTenant, request, Repeat::kSafe,
                           options);
}

absl::StatusOr<v1::ListTenantsResponse> Client::ListTenants(const v1::ListTenantsRequest& request,
                                                            const CallOptions& options) const {
  return connection_->Call(*connection_->tenants, &Tenants::ListTenants, request, Repeat::kSafe,
                           options);
}

absl::StatusOr<v1::Tenant> Client::UpdateTenant(const v1::UpdateTenantRequest& request,
                                                const CallOptions& options) const {
  return connection_->Call(*connection_->tenants, &Tenants::UpdateTenant, request, Repeat::kSafe,
                           options);
}

absl::StatusOr<v1::TenantLimits> Client::GetTenantLimits(const v1::GetTenantLimitsRequest& request,
                                                         const CallOptions& options) const {
  return connection_->Call(*connection_->tenants, &Tenants::GetTenantLimits, request, Repeat::kSafe,
                           options);
}

absl::StatusOr<v1::TenantLimits> Client::SetTenantLimits(const v1::SetTenantLimitsRequest& request,
                                                         const CallOptions& options) const {
  return connection_->Call(*connection_->tenants, &Tenants::SetTenantLimits, request, Repeat::kSafe,
                           options);
}

absl::StatusOr<v1::CreateApiTokenResponse> Client::CreateApiToken(
    const v1::CreateApiTokenRequest& request, const CallOptions& options) const {
  return connection_->Call(*connection_->tenants, &Tenants::CreateApiToken, request, Repeat::kOnce,
                           options);
}

absl::StatusOr<v1::ListApiTokensResponse> Client::ListApiTokens(
    const v1::ListApiTokensRequest& request, const CallOptions& options) const {
  return connection_->Call(*connection_->tenants, &Tenants::ListApiTokens, request, Repeat::kSafe,
                           options);
}

absl::StatusOr<v1::ApiToken> Client::RevokeApiToken(const v1::RevokeApiTokenRequest& request,
                                                    const CallOptions& options) const {
  return connection_->Call(*connection_->tenants, &Tenants::RevokeApiToken, request, Repeat::kSafe,
                           options);
}

absl::StatusOr<v1::Ledger> Client::GetLedger(const v1::GetLedgerRequest& request,
                                             const CallOptions& options) const {
  return connection_->Call(*connection_->tenants, &Tenants::GetLedger, request, Repeat::kSafe,
                           options);
}

absl::StatusOr<v1::ListAuditEntriesResponse> Client::ListAuditEntries(
    const v1::ListAuditEntriesRequest& request, const CallOptions& options) const {
  return connection_->Call(*connection_->tenants, &Tenants::ListAuditEntries, request,
                           Repeat::kSafe, options);
}

absl::StatusOr<v1::ListProviderAccountsResponse> Client::ListProviderAccounts(
    const v1::ListProviderAccountsRequest& request, const CallOptions& options) const {
  return connection_->Call(*connection_->tenants, &Tenants::ListProviderAccounts, request,
                           Repeat::kSafe, options);
}

absl::StatusOr<v1::ProviderAccount> Client::DisableProviderAccount(
    const v1::DisableProviderAccountRequest& request, const CallOptions& options) const {
  return connection_->Call(*connection_->tenants, &Tenants::DisableProviderAccount, request,
                           Repeat::kSafe, options);
}

absl::StatusOr<v1::ProviderAccount> Client::EnableProviderAccount(
    const v1::EnableProviderAccountRequest& request, const CallOptions& options) const {
  return connection_->Call(*connection_->tenants, &Tenants::EnableProviderAccount, request,
                           Repeat::kSafe, options);
}

absl::StatusOr<v1::ListTenantRoutesResponse> Client::ListTenantRoutes(
    const v1::ListTenantRoutesRequest& request, const CallOptions& options) const {
  return connection_->Call(*connection_->tenants, &Tenants::ListTenantRoutes, request,
                           Repeat::kSafe, options);
}

absl::StatusOr<v1::TenantRoute> Client::UpdateTenantRoute(
    const v1::UpdateTenantRouteRequest& request, const CallOptions& options) const {
  return connection_->Call(*connection_->tenants, &Tenants::UpdateTenantRoute, request,
                           Repeat::kSafe, options);
}

}  // namespace herald::client
