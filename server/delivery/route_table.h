#pragma once

#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/optional.h"
#include "model/lane.h"
#include "model/route.h"
#include "server/delivery/lane_policy.h"
#include "storage/tenant_route_store.h"

namespace herald::delivery {

// The routes: of each lane as configured, and where tenants have their own. Thread-safe; only
// Refresh blocks.
class RouteTable {
 public:
  using RoutePtr = std::shared_ptr<const Route>;

  // `store` must outlive the table; nullptr: no tenant has a route of its own.
  RouteTable(const std::map<Lane, Route>& lanes, storage::TenantRouteStore* store);

  // Ordered by order, then cost. Never nullptr; empty: there is none.
  RoutePtr Find(TenantId tenant, Lane lane) const;
  // The tenant's own decision; nullopt: the lane's.
  absl::optional<UnconfirmedPolicy> Unconfirmed(TenantId tenant, Lane lane) const;

  // Reads the tenants' routes again if any changed. A round of a duty: replicas see a change after
  // its interval. On an error what is known stays.
  absl::StatusOr<bool> Refresh();

 private:
  struct Entry {
    RoutePtr route;  // nullptr: the lane's
    absl::optional<UnconfirmedPolicy> unconfirmed;
  };
  using Entries = std::map<std::pair<TenantId, Lane>, Entry>;

  const Entry* FindEntry(TenantId tenant, Lane lane) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  std::map<Lane, RoutePtr> lanes_;  // constant after construction
  storage::TenantRouteStore* const store_;

  mutable absl::Mutex mutex_;
  Entries tenants_ ABSL_GUARDED_BY(mutex_);
  int64_t version_ ABSL_GUARDED_BY(mutex_) = -1;
};

}  // namespace herald::delivery
