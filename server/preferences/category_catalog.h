#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "model/ids.h"
#include "storage/category_store.h"

namespace herald::preferences {

// A tenant's categories by key, those that were deleted among them.
using CategoryMap = std::map<std::string, storage::Category, std::less<>>;
using CategoryMapPtr = std::shared_ptr<const CategoryMap>;

// Categories as acceptance asks for them, cached: a change made through another replica is seen
// after at most 2 seconds. Thread-safe.
class CategoryCatalog {
 public:
  using Clock = std::function<absl::Time()>;
  struct Hit {
    CategoryMapPtr categories;  // nullptr: ask Load
    bool refresh = false;       // answered once per refresh: call Load soon
  };

  // `store` must outlive the catalog. `clock`: SteadyNow outside tests, lest a clock that is set
  // back keep what is known known for longer.
  CategoryCatalog(storage::CategoryStore* store, Clock clock);

  // Never blocks.
  Hit TryCached(TenantId tenant);
  // Asks the database; blocks. Errors carry their details (UNAVAILABLE).
  absl::StatusOr<CategoryMapPtr> Load(TenantId tenant);
  // After a category was changed through this process.
  void Forget(TenantId tenant);

 private:
  struct Entry {
    CategoryMapPtr categories;
    absl::Time refresh_at;
    absl::Time good_until;
  };

  int64_t Generation() ABSL_LOCKS_EXCLUDED(mutex_);

  storage::CategoryStore* const store_;
  const Clock clock_;

  absl::Mutex mutex_;
  // How often something was forgotten: what was asked for before may be older, and is not kept.
  int64_t generation_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_map<TenantId, Entry> entries_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace herald::preferences
