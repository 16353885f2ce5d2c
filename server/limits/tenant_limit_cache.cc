#include "server/limits/tenant_limit_cache.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace herald::limits {
namespace {

// A change is stamped before it commits; no transaction lives so long in between.
constexpr absl::Duration kOverlap = absl::Seconds(30);

}  // namespace

TenantLimitCache::Limits TenantLimitCache::Find(TenantId tenant) const {
  if (empty_.load(std::memory_order_acquire)) return nullptr;
  absl::ReaderMutexLock lock(&mutex_);
  const auto found = limits_.find(tenant.value);
  return found == limits_.end() ? nullptr : found->second;
}

absl::Status TenantLimitCache::Refresh() {
  absl::Time since;
  {
    absl::MutexLock lock(&mutex_);
    since = newest_ - kOverlap;
  }
  absl::StatusOr<std::vector<storage::TenantLimits>> changed = store_->ListTenantLimits(since);
  absl::MutexLock lock(&mutex_);
  if (!changed.ok()) {
    newest_ = absl::InfinitePast();
    return changed.status();
  }
  for (storage::TenantLimits& limits : *changed) {
    newest_ = std::max(newest_, limits.update_time.value_or(absl::InfinitePast()));
    const int64_t tenant = limits.tenant.value;
    limits_[tenant] = std::make_shared<const storage::TenantLimits>(std::move(limits));
  }
  empty_.store(limits_.empty(), std::memory_order_release);
  return absl::OkStatus();
}

}  // namespace herald::limits
