#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "storage/suppression_store.h"

namespace herald::rpc {

// Suppressions of one scope in memory, by address. Thread-safe. Only for imports and exports.
class FakeSuppressionStore final : public storage::SuppressionStore {
 public:
  // What the next imports answer; OK: they are stored.
  std::function<absl::Status()> on_import;

  absl::StatusOr<storage::Suppression> CreateSuppression(storage::SuppressionScope,
                                                         const storage::NewSuppression&,
                                                         const storage::AuditEntry&) override {
    return absl::UnimplementedError("");
  }
  absl::StatusOr<int> ImportSuppressions(storage::SuppressionScope scope,
                                         absl::Span<const storage::NewSuppression> rows,
                                         const storage::AuditEntry& audit) override {
    if (on_import) {
      if (absl::Status status = on_import(); !status.ok()) return status;
    }
    absl::MutexLock lock(&mu_);
    int created = 0;
    for (const storage::NewSuppression& row : rows) {
      const bool known = std::any_of(rows_.begin(), rows_.end(), [&](const auto& stored) {
        return stored.address == row.address;
      });
      if (known) continue;
      ++created;
      storage::Suppression stored;
      stored.id = static_cast<int64_t>(rows_.size()) + 1;
      stored.scope = scope;
      stored.address = row.address;
      stored.reason = row.reason;
      stored.expire_time = row.expire_time;
      rows_.push_back(stored);
    }
    audit_.push_back(audit);
    return created;
  }
  absl::Status DeleteSuppression(storage::SuppressionScope, absl::string_view,
                                 storage::SuppressionKind, const storage::AuditEntry&) override {
    return absl::UnimplementedError("");
  }
  absl::StatusOr<std::vector<storage::Suppression>> ListSuppressions(
      storage::SuppressionScope, const storage::SuppressionQuery& query) override {
    absl::MutexLock lock(&mu_);
    std::vector<storage::Suppression> page;
    for (const storage::Suppression& row : rows_) {
      if (row.id <= query.after_id.value_or(0)) continue;
      if (!query.reason.empty() && row.reason != query.reason) continue;
      if (page.size() < static_cast<size_t>(query.limit)) page.push_back(row);
    }
    return page;
  }
  absl::StatusOr<std::vector<storage::Suppression>> CheckSuppressions(TenantId,
                                                                      absl::string_view) override {
    return absl::UnimplementedError("");
  }

  // The entries that imports were given.
  std::vector<storage::AuditEntry> audit() {
    absl::MutexLock lock(&mu_);
    return audit_;
  }

 private:
  absl::Mutex mu_;
  std::vector<storage::Suppression> rows_ ABSL_GUARDED_BY(mu_);  // oldest first
  std::vector<storage::AuditEntry> audit_ ABSL_GUARDED_BY(mu_);
};

}  // namespace herald::rpc
