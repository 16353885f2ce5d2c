#pragma once

#include <atomic>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "storage/tenant_limits.h"
#include "storage/tenant_store.h"

namespace herald::limits {

// What operators limited of tenants, in memory: a look-up never waits for the database. Whoever
// owns it calls Refresh every second; while the database is away the last known limits hold.
// Thread-safe.
class TenantLimitCache {
 public:
  using Limits = std::shared_ptr<const storage::TenantLimits>;

  // `store` outlives this. Empty until the first Refresh.
  explicit TenantLimitCache(storage::TenantStore* store) : store_(store) {}

  // nullptr: nothing was set for the tenant.
  Limits Find(TenantId tenant) const;
  // Reads what changed, or everything after a failure: what answers then may be another server,
  // whose clock is behind. Blocks.
  absl::Status Refresh();

 private:
  storage::TenantStore* const store_;
  std::atomic<bool> empty_{true};  // spares most installations the lock
  mutable absl::Mutex mutex_;
  absl::flat_hash_map<int64_t, Limits> limits_ ABSL_GUARDED_BY(mutex_);
  absl::Time newest_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
};

}  // namespace herald::limits
