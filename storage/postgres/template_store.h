#pragma once

#include <vector>

#include "storage/postgres/connection_pool.h"
#include "storage/template_store.h"

namespace herald::storage {

// TemplateStore in PostgreSQL; every method runs as the API role, bound to its tenant.
class PostgresTemplateStore : public TemplateStore {
 public:
  // `pool` outlives this.
  explicit PostgresTemplateStore(ConnectionPool& pool);

  absl::StatusOr<TemplateRow> CreateTemplate(TenantId tenant, const TemplateRow& row,
                                             const TemplateVersionRow& first, bool publish,
                                             const AuditEntry& audit) override;
  absl::StatusOr<TemplateRow> GetTemplate(TenantId tenant, absl::string_view key) override;
  absl::StatusOr<std::vector<TemplateRow>> ListTemplates(TenantId tenant, int limit,
                                                         absl::string_view after_key) override;
  absl::Status DeleteTemplate(TenantId tenant, absl::string_view key,
                              const AuditEntry& audit) override;

  absl::StatusOr<TemplateVersionRow> CreateVersion(TenantId tenant,
                                                   const TemplateVersionRow& version, bool publish,
                                                   const AuditEntry& audit) override;
  absl::StatusOr<TemplateVersionRow> GetVersion(TenantId tenant, absl::string_view key,
                                                int version) override;
  absl::StatusOr<std::vector<TemplateVersionRow>> ListVersions(TenantId tenant,
                                                               absl::string_view key, int limit,
                                                               int before_version) override;
  absl::StatusOr<TemplateRow> Publish(TenantId tenant, absl::string_view key, int version,
                                      const AuditEntry& audit) override;

 private:
  ConnectionPool& pool_;
};

}  // namespace herald::storage
