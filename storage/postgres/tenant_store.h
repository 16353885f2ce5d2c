#pragma once

#include <vector>

#include "storage/postgres/connection_pool.h"
#include "storage/postgres/tenant_keys.h"
#include "storage/tenant_store.h"

namespace herald::storage {

// TenantStore in PostgreSQL. An audit entry gets the tenant and the target, where its writer could
// not know them, from what was changed.
class PostgresTenantStore : public TenantStore {
 public:
  // Both outlive this.
  PostgresTenantStore(ConnectionPool& pool, const TenantKeys& keys);

  absl::StatusOr<Tenant> CreateTenant(const Tenant& tenant, const AuditEntry& audit) override;
  absl::StatusOr<Tenant> GetTenant(TenantId id) override;
  absl::StatusOr<Tenant> GetTenantBySlug(absl::string_view slug) override;
  absl::StatusOr<Page<Tenant>> ListTenants(int limit, absl::optional<int64_t> after) override;
  absl::StatusOr<Tenant> UpdateTenant(TenantId id, const TenantUpdate& update,
                                      const AuditEntry& audit) override;

  absl::StatusOr<ApiToken> CreateApiToken(const ApiToken& token, const AuditEntry& audit) override;
  absl::StatusOr<ApiToken> FindApiToken(ApiTokenId id) override;
  absl::StatusOr<std::vector<ApiToken>> ListApiTokens(TenantId tenant) override;
  absl::StatusOr<ApiToken> RevokeApiToken(TenantId tenant, ApiTokenId id,
                                          const AuditEntry& audit) override;

  absl::StatusOr<TenantLimits> GetTenantLimits(TenantId tenant) override;
  absl::StatusOr<TenantLimits> SetTenantLimits(const TenantLimits& limits,
                                               const AuditEntry& audit) override;
  absl::StatusOr<std::vector<TenantLimits>> ListTenantLimits(absl::Time since) override;
  absl::StatusOr<std::vector<LaneLedger>> GetLedger(TenantId tenant) override;

  absl::Status WriteAuditEntry(const AuditEntry& audit) override;
  absl::StatusOr<Page<AuditEntry>> ListAuditEntries(absl::optional<TenantId> tenant, int limit,
                                                    absl::optional<int64_t> before) override;

 private:
  ConnectionPool& pool_;
  const TenantKeys& keys_;
};

}  // namespace herald::storage
