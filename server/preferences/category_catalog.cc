#include "server/preferences/category_catalog.h"

#include <utility>

#include "server/status/status_details.h"

namespace herald::preferences {
namespace {

constexpr absl::Duration kRefreshAfter = absl::Seconds(1);
constexpr absl::Duration kLifetime = absl::Seconds(2);
// Beyond it the cache starts over.
constexpr size_t kTenantsMax = 10'000;

}  // namespace

CategoryCatalog::CategoryCatalog(storage::CategoryStore* store, Clock clock)
    : store_(store), clock_(std::move(clock)) {}

CategoryCatalog::Hit CategoryCatalog::TryCached(TenantId tenant) {
  const absl::Time now = clock_();
  absl::MutexLock lock(&mutex_);
  const auto found = entries_.find(tenant);
  if (found == entries_.end() || found->second.good_until < now) return {};
  const bool refresh = found->second.refresh_at < now;
  if (refresh) found->second.refresh_at = found->second.good_until;
  return {found->second.categories, refresh};
}

absl::StatusOr<CategoryMapPtr> CategoryCatalog::Load(TenantId tenant) {
  const int64_t generation = Generation();
  const absl::Time asked = clock_();
  const absl::StatusOr<std::vector<storage::Category>> rows =
      store_->ListCategories(tenant, /*with_deleted=*/true);
  if (!rows.ok()) return FromStorage(rows.status());
  auto categories = std::make_shared<CategoryMap>();
  for (const storage::Category& category : *rows) categories->emplace(category.key, category);
  absl::MutexLock lock(&mutex_);
  if (generation != generation_) return CategoryMapPtr(categories);
  if (entries_.size() >= kTenantsMax) entries_.clear();
  entries_[tenant] = {categories, asked + kRefreshAfter, asked + kLifetime};
  return CategoryMapPtr(categories);
}

void CategoryCatalog::Forget(TenantId tenant) {
  absl::MutexLock lock(&mutex_);
  ++generation_;
  entries_.erase(tenant);
}

int64_t CategoryCatalog::Generation() {
  absl::MutexLock lock(&mutex_);
  return generation_;
}

}  // namespace herald::preferences
