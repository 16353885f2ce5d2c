#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "storage/segment_store.h"

namespace herald::support {

// Segments of all tenants in memory. Thread-safe.
class FakeSegmentStore final : public storage::SegmentStore {
 public:
  using Row = absl::StatusOr<storage::SegmentRow>;

  Row CreateSegment(TenantId tenant, const storage::SegmentRow& row) override {
    absl::MutexLock lock(&mu_);
    const auto [at, fresh] = rows_.try_emplace({tenant, row.key}, row);
    if (!fresh) return absl::AlreadyExistsError("segment");
    return at->second;
  }
  Row GetSegment(TenantId tenant, absl::string_view key) override {
    return UpdateSegment(tenant, key, {});
  }
  Row UpdateSegment(TenantId tenant, absl::string_view key,
                    const storage::SegmentChange& change) override {
    absl::MutexLock lock(&mu_);
    const auto found = rows_.find({tenant, std::string(key)});
    if (found == rows_.end()) return absl::NotFoundError("segment");
    if (change.display_name.has_value()) found->second.display_name = *change.display_name;
    if (change.filter.has_value()) found->second.filter = *change.filter;
    return found->second;
  }
  absl::Status DeleteSegment(TenantId tenant, absl::string_view key) override {
    absl::MutexLock lock(&mu_);
    if (rows_.erase({tenant, std::string(key)}) == 0) return absl::NotFoundError("segment");
    return absl::OkStatus();
  }
  absl::StatusOr<std::vector<storage::SegmentRow>> ListSegments(
      TenantId tenant, int limit, absl::string_view after_key) override {
    absl::MutexLock lock(&mu_);
    std::vector<storage::SegmentRow> page;
    for (const auto& [key, row] : rows_) {
      if (key.first == tenant && absl::string_view(key.second) > after_key &&
          static_cast<int>(page.size()) < limit) {
        page.push_back(row);
      }
    }
    return page;
  }

 private:
  absl::Mutex mu_;
  std::map<std::pair<TenantId, std::string>, storage::SegmentRow> rows_ ABSL_GUARDED_BY(mu_);
};

}  // namespace herald::support
