#pragma once

#include "storage/postgres/connection_pool.h"
#include "storage/postgres/tenant_keys.h"
#include "storage/preference_store.h"

namespace herald::storage {

// PreferenceStore in PostgreSQL, with the tenant's rights. `pool` and `keys` must outlive it.
class PostgresPreferenceStore final : public PreferenceStore {
 public:
  PostgresPreferenceStore(ConnectionPool& pool, TenantKeys& keys) : pool_(pool), keys_(keys) {}

  absl::StatusOr<Preferences> GetPreferences(TenantId tenant,
                                             const PreferenceSubject& subject) override;
  absl::StatusOr<Preferences> SetPreferences(TenantId tenant, const PreferenceSubject& subject,
                                             const PreferenceChange& change,
                                             const AuditEntry& audit) override;
  absl::StatusOr<Preferences> Unsubscribe(const UnsubscribeAct& act) override;

 private:
  ConnectionPool& pool_;
  TenantKeys& keys_;
};

}  // namespace herald::storage
