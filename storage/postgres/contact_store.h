#pragma once

#include <memory>
#include <string>
#include <vector>

#include "storage/contact_store.h"
#include "storage/postgres/connection_pool.h"
#include "storage/postgres/tenant_keys.h"

namespace herald::storage {

// Contacts in PostgreSQL. What a caller is shown is read as the API role, under row-level security.
// Filters are evaluated as the engine's role, which sees every tenant, behind a condition on the
// tenant: under row-level security PostgreSQL would not use the index on tags and attributes (see
// docs/adr). They yield ids and counts only. `pool` and `keys` outlive it.
class PostgresContactStore final : public ContactStore {
 public:
  PostgresContactStore(ConnectionPool& pool, TenantKeys& keys) : pool_(pool), keys_(keys) {}

  absl::StatusOr<ContactRecord> Create(TenantId tenant, const NewContact& contact) override;
  absl::StatusOr<ContactRecord> Get(TenantId tenant, ContactId id) override;
  absl::StatusOr<ContactId> FindByEmail(TenantId tenant, absl::string_view normalised) override;
  absl::StatusOr<ContactRecord> Update(TenantId tenant, ContactId id,
                                       const ContactChange& change) override;
  absl::Status Delete(TenantId tenant, ContactId id) override;
  absl::StatusOr<UpsertCounts> Upsert(TenantId tenant,
                                      absl::Span<const NewContact> contacts) override;
  absl::StatusOr<std::vector<ContactId>> Find(TenantId tenant, const ContactQuery& query) override;
  absl::StatusOr<std::vector<ContactRecord>> Load(TenantId tenant,
                                                  absl::Span<const ContactId> ids) override;
  absl::StatusOr<SegmentCount> Count(TenantId tenant, const FilterNode& filter,
                                     int sample) override;

 private:
  ConnectionPool& pool_;
  TenantKeys& keys_;
};

}  // namespace herald::storage
