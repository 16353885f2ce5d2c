#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "storage/template_store.h"

namespace herald::rpc {

// Templates of one tenant in memory. Thread-safe.
class FakeTemplateStore final : public storage::TemplateStore {
 public:
  using Row = absl::StatusOr<storage::TemplateRow>;
  using Version = absl::StatusOr<storage::TemplateVersionRow>;

  Row CreateTemplate(TenantId, const storage::TemplateRow& row,
                     const storage::TemplateVersionRow& first, bool publish,
                     const storage::AuditEntry& audit) override {
    absl::MutexLock lock(&mu_);
    if (rows_.count(row.key) != 0) return absl::AlreadyExistsError("template");
    storage::TemplateRow& created = rows_[row.key] = row;
    while (versions_.count({row.key, created.first_version}) != 0) ++created.first_version;
    created.latest_version = created.first_version - 1;
    Append(created, first, publish);
    audit_.push_back(audit);
    return created;
  }
  Row GetTemplate(TenantId, absl::string_view key) override {
    absl::MutexLock lock(&mu_);
    const auto found = rows_.find(std::string(key));
    if (found == rows_.end()) return absl::NotFoundError("template");
    return found->second;
  }
  absl::StatusOr<std::vector<storage::TemplateRow>> ListTemplates(
      TenantId, int limit, absl::string_view after_key) override {
    absl::MutexLock lock(&mu_);
    std::vector<storage::TemplateRow> page;
    for (const auto& [key, row] : rows_) {
      if (absl::string_view(key) > after_key && static_cast<int>(page.size()) < limit)
        page.push_back(row);
    }
    return page;
  }
  absl::Status DeleteTemplate(TenantId, absl::string_view key,
                              const storage::AuditEntry& audit) override {
    absl::MutexLock lock(&mu_);
    if (rows_.erase(std::string(key)) == 0) return absl::NotFoundError("template");
    audit_.push_back(audit);
    return absl::OkStatus();
  }
  Version CreateVersion(TenantId, const storage::TemplateVersionRow& version, bool publish,
                        const storage::AuditEntry& audit) override {
    absl::MutexLock lock(&mu_);
    const auto found = rows_.find(version.template_key);
    if (found == rows_.end()) return absl::NotFoundError("template");
    audit_.push_back(audit);
    return Append(found->second, version, publish);
  }
  Version GetVersion(TenantId, absl::string_view key, int version) override {
    absl::MutexLock lock(&mu_);
    const auto found = versions_.find({std::string(key), version});
    if (found == versions_.end()) return absl::NotFoundError("version");
    return found->second;
  }
  absl::StatusOr<std::vector<storage::TemplateVersionRow>> ListVersions(
      TenantId, absl::string_view key, int limit, int before_version) override {
    absl::MutexLock lock(&mu_);
    std::vector<storage::TemplateVersionRow> page;
    const auto row = rows_.find(std::string(key));
    if (row == rows_.end()) return absl::NotFoundError("template");
    for (auto it = versions_.rbegin(); it != versions_.rend(); ++it) {
      if (it->first.first != key || static_cast<int>(page.size()) == limit) continue;
      if (it->first.second < row->second.first_version) continue;
      if (before_version == 0 || it->first.second < before_version) page.push_back(it->second);
    }
    return page;
  }
  Row Publish(TenantId, absl::string_view key, int version,
              const storage::AuditEntry& audit) override {
    absl::MutexLock lock(&mu_);
    const auto found = rows_.find(std::string(key));
    if (found == rows_.end()) return absl::NotFoundError("template");
    if (version < found->second.first_version ||
        versions_.count({std::string(key), version}) == 0) {
      return absl::NotFoundError("version");
    }
    audit_.push_back(audit);
    found->second.published_version = version;
    return found->second;
  }
  // The audit entries of the changes that were made, in order.
  std::vector<storage::AuditEntry> audit() {
    absl::MutexLock lock(&mu_);
    return audit_;
  }

 private:
  storage::TemplateVersionRow Append(storage::TemplateRow& row, storage::TemplateVersionRow version,
                                     bool publish) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    version.version = ++row.latest_version;
    if (publish) row.published_version = version.version;
    versions_[{row.key, version.version}] = version;
    return version;
  }

  absl::Mutex mu_;
  std::vector<storage::AuditEntry> audit_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, storage::TemplateRow> rows_ ABSL_GUARDED_BY(mu_);
  std::map<std::pair<std::string, int>, storage::TemplateVersionRow> versions_ ABSL_GUARDED_BY(mu_);
};

}  // namespace herald::rpc
