#pragma once

#include <functional>
#include <string>
#include <utility>

#include "storage/template_store.h"

namespace herald::support {

// A TemplateStore that holds one published version and counts what it is asked. For tests of what
// reads templates; the store itself is tested on PostgreSQL.
class OneTemplateStore final : public storage::TemplateStore {
 public:
  explicit OneTemplateStore(storage::TemplateVersionRow version) : version_(std::move(version)) {}

  // What every method answers from now on, unless OK.
  void set_status(absl::Status status) { status_ = std::move(status); }
  void set_deleted() { deleted_ = true; }
  void set_published(storage::TemplateVersionRow version) { version_ = std::move(version); }
  // Versions below are a deleted template's.
  void set_first_version(int version) { first_version_ = version; }
  // Runs once, when a head has been read and not yet been answered.
  void set_while_reading(std::function<void()> act) { while_reading_ = std::move(act); }
  int head_reads() const { return head_reads_; }
  int version_reads() const { return version_reads_; }

  absl::StatusOr<storage::TemplateRow> GetTemplate(TenantId, absl::string_view key) override {
    ++head_reads_;
    if (!status_.ok()) return status_;
    if (deleted_ || key != version_.template_key) return absl::NotFoundError("template");
    storage::TemplateRow row;
    row.key = version_.template_key;
    row.published_version = row.latest_version = version_.version;
    row.first_version = first_version_;
    if (const auto act = std::exchange(while_reading_, nullptr)) act();
    return row;
  }
  absl::StatusOr<storage::TemplateVersionRow> GetVersion(TenantId, absl::string_view key,
                                                         int version) override {
    ++version_reads_;
    if (!status_.ok()) return status_;
    if (key != version_.template_key || version != version_.version) {
      return absl::NotFoundError("version");
    }
    return version_;
  }

  absl::StatusOr<storage::TemplateRow> CreateTemplate(TenantId, const storage::TemplateRow&,
                                                      const storage::TemplateVersionRow&, bool,
                                                      const storage::AuditEntry&) override {
    return absl::UnimplementedError("");
  }
  absl::StatusOr<std::vector<storage::TemplateRow>> ListTemplates(TenantId, int,
                                                                  absl::string_view) override {
    return absl::UnimplementedError("");
  }
  absl::Status DeleteTemplate(TenantId, absl::string_view, const storage::AuditEntry&) override {
    return absl::UnimplementedError("");
  }
  absl::StatusOr<storage::TemplateVersionRow> CreateVersion(TenantId,
                                                            const storage::TemplateVersionRow&,
                                                            bool,
                                                            const storage::AuditEntry&) override {
    return absl::UnimplementedError("");
  }
  absl::StatusOr<std::vector<storage::TemplateVersionRow>> ListVersions(TenantId, absl::string_view,
                                                                        int, int) override {
    return absl::UnimplementedError("");
  }
  absl::StatusOr<storage::TemplateRow> Publish(TenantId, absl::string_view, int,
                                               const storage::AuditEntry&) override {
    return absl::UnimplementedError("");
  }

 private:
  storage::TemplateVersionRow version_;
  absl::Status status_;
  bool deleted_ = false;
  int first_version_ = 1;
  std::function<void()> while_reading_;
  int head_reads_ = 0;
  int version_reads_ = 0;
};

}  // namespace herald::support
