#pragma once

#include <vector>

#include "storage/tenant_route_store.h"

namespace herald::delivery {

class FakeTenantRouteStore final : public storage::TenantRouteStore {
 public:
  absl::StatusOr<int64_t> Version() override {
    if (!status.ok()) return status;
    return version;
  }
  absl::StatusOr<std::vector<storage::TenantRoute>> ListAll() override {
    ++reads;
    if (!status.ok()) return status;
    return routes;
  }
  absl::StatusOr<std::vector<storage::TenantRoute>> List(TenantId) override { return routes; }
  absl::Status Put(const storage::TenantRoute& route, const storage::AuditEntry&) override {
    routes.push_back(route);
    ++version;
    return absl::OkStatus();
  }

  absl::Status status;
  std::vector<storage::TenantRoute> routes;
  int64_t version = 0;
  int reads = 0;
};

}  // namespace herald::delivery
