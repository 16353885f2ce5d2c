#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "model/ids.h"
#include "storage/tenant_store.h"

namespace herald::storage {

struct TemplateRow {
  std::string key;
  std::string display_name;
  int published_version = 0;  // 0: none
  int first_version = 1;      // those before it are a deleted template's
  int latest_version = 0;
  absl::Time create_time;
  absl::Time update_time;
};

struct TemplateVersionRow {
  std::string template_key;
  int version = 0;
  std::string subject;
  std::string html;
  std::string text;
  std::string variables;  // JSON array, written and read by server/templates
  absl::Time create_time;
};

// Templates and their immutable versions. Thread-safe, blocking. A change writes its audit entry in
// the same transaction: actor and action of `audit`, the store names what was changed ("welcome",
// or "welcome/3" for a version). Errors of all methods: kUnavailable, kNotFound (message "template"
// or "version" says which), kAlreadyExists.
class TemplateStore {
 public:
  virtual ~TemplateStore() = default;

  // Creates the template and its first version, 1. kAlreadyExists: the key is taken. The key of a
  // deleted template may be used again; version numbers go on from where they were.
  virtual absl::StatusOr<TemplateRow> CreateTemplate(TenantId tenant, const TemplateRow& row,
                                                     const TemplateVersionRow& first, bool publish,
                                                     const AuditEntry& audit) = 0;
  virtual absl::StatusOr<TemplateRow> GetTemplate(TenantId tenant, absl::string_view key) = 0;
  // By key, after `after_key`; one more than a page is not returned: ask with limit + 1.
  virtual absl::StatusOr<std::vector<TemplateRow>> ListTemplates(TenantId tenant, int limit,
                                                                 absl::string_view after_key) = 0;
  virtual absl::Status DeleteTemplate(TenantId tenant, absl::string_view key,
                                      const AuditEntry& audit) = 0;

  virtual absl::StatusOr<TemplateVersionRow> CreateVersion(TenantId tenant,
                                                           const TemplateVersionRow& version,
                                                           bool publish,
                                                           const AuditEntry& audit) = 0;
  // Also of deleted templates, and below `first_version`: accepted emails still render.
  virtual absl::StatusOr<TemplateVersionRow> GetVersion(TenantId tenant, absl::string_view key,
                                                        int version) = 0;
  // Newest first, below `before_version` (0: from the newest), down to `first_version`.
  virtual absl::StatusOr<std::vector<TemplateVersionRow>> ListVersions(TenantId tenant,
                                                                       absl::string_view key,
                                                                       int limit,
                                                                       int before_version) = 0;
  virtual absl::StatusOr<TemplateRow> Publish(TenantId tenant, absl::string_view key, int version,
                                              const AuditEntry& audit) = 0;
};

}  // namespace herald::storage
