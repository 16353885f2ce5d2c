#pragma once

#include "storage/postgres/connection_pool.h"
#include "storage/tenant_route_store.h"

namespace herald::storage {

class PostgresTenantRouteStore final : public TenantRouteStore {
 public:
  // `pool` must outlive the store.
  explicit PostgresTenantRouteStore(ConnectionPool& pool) : pool_(pool) {}

  absl::StatusOr<int64_t> Version() override;
  absl::StatusOr<std::vector<TenantRoute>> ListAll() override;
  absl::StatusOr<std::vector<TenantRoute>> List(TenantId tenant) override;
  absl::Status Put(const TenantRoute& route, const AuditEntry& audit) override;

 private:
  ConnectionPool& pool_;
};

}  // namespace herald::storage
