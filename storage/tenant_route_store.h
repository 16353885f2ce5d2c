#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "model/ids.h"
#include "model/lane.h"
#include "model/route.h"
#include "storage/tenant_store.h"

namespace herald::storage {

// How a tenant's emails of one lane are delivered, where that differs from the configuration.
struct TenantRoute {
  TenantId tenant;
  Lane lane = Lane::kTransactional;
  Route steps;  // empty: as configured
  // What to do with an email whose outcome stays unknown: hand it over again, or give it up.
  // nullopt: as configured.
  absl::optional<bool> resend_unconfirmed;
};

// Routes of tenants. Thread-safe, blocking. kUnavailable: the database is away.
class TenantRouteStore {
 public:
  virtual ~TenantRouteStore() = default;

  // Grows with every change, of any tenant.
  virtual absl::StatusOr<int64_t> Version() = 0;
  virtual absl::StatusOr<std::vector<TenantRoute>> ListAll() = 0;
  // Of one tenant, the lanes that differ. kNotFound: no such tenant.
  virtual absl::StatusOr<std::vector<TenantRoute>> List(TenantId tenant) = 0;
  // Replaces what the tenant has for the lane, and writes the audit entry with it. kNotFound: no
  // such tenant. kFailedPrecondition: a step names an account that no replica has ever had.
  virtual absl::Status Put(const TenantRoute& route, const AuditEntry& audit) = 0;
};

}  // namespace herald::storage
