#pragma once

#include <vector>

#include "storage/postgres/connection_pool.h"
#include "storage/postgres/tenant_keys.h"
#include "storage/suppression_store.h"

namespace herald::storage {

// SuppressionStore in PostgreSQL. `pool` and `keys` must outlive it.
class PostgresSuppressionStore final : public SuppressionStore {
 public:
  PostgresSuppressionStore(ConnectionPool& pool, TenantKeys& keys) : pool_(pool), keys_(keys) {}

  absl::StatusOr<Suppression> CreateSuppression(SuppressionScope scope,
                                                const NewSuppression& suppression,
                                                const AuditEntry& audit) override;
  absl::StatusOr<int> ImportSuppressions(SuppressionScope scope,
                                         absl::Span<const NewSuppression> suppressions,
                                         const AuditEntry& audit) override;
  absl::Status DeleteSuppression(SuppressionScope scope, absl::string_view address,
                                 SuppressionKind kind, const AuditEntry& audit) override;
  absl::StatusOr<std::vector<Suppression>> ListSuppressions(SuppressionScope scope,
                                                            const SuppressionQuery& query) override;
  absl::StatusOr<std::vector<Suppression>> CheckSuppressions(TenantId tenant,
                                                             absl::string_view address) override;

 private:
  ConnectionPool& pool_;
  TenantKeys& keys_;
};

}  // namespace herald::storage
