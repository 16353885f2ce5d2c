#pragma once

#include "server/catalog/template_catalog.h"
#include "storage/template_store.h"

namespace herald::catalog {

// A TemplateStore that makes the catalog of this process forget a template when it changes, so that
// whoever publishes here sends what was published. Both pointers must outlive it.
class ForgettingTemplateStore final : public storage::TemplateStore {
 public:
  ForgettingTemplateStore(storage::TemplateStore* store, TemplateCatalog* catalog)
      : store_(store), catalog_(catalog) {}

  absl::StatusOr<storage::TemplateRow> CreateTemplate(TenantId tenant,
                                                      const storage::TemplateRow& row,
                                                      const storage::TemplateVersionRow& first,
                                                      bool publish) override {
    const Forgetter forgetter{catalog_, tenant, row.key};
    return store_->CreateTemplate(tenant, row, first, publish);
  }
  absl::StatusOr<storage::TemplateRow> GetTemplate(TenantId tenant,
                                                   absl::string_view key) override {
    return store_->GetTemplate(tenant, key);
  }
  absl::StatusOr<std::vector<storage::TemplateRow>> ListTemplates(
      TenantId tenant, int limit, absl::string_view after_key) override {
    return store_->ListTemplates(tenant, limit, after_key);
  }
  absl::Status DeleteTemplate(TenantId tenant, absl::string_view key) override {
    const Forgetter forgetter{catalog_, tenant, key};
    return store_->DeleteTemplate(tenant, key);
  }
  absl::StatusOr<storage::TemplateVersionRow> CreateVersion(
      TenantId tenant, const storage::TemplateVersionRow& version, bool publish) override {
    const Forgetter forgetter{catalog_, tenant, version.template_key};
    return store_->CreateVersion(tenant, version, publish);
  }
  absl::StatusOr<storage::TemplateVersionRow> GetVersion(TenantId tenant, absl::string_view key,
                                                         int version) override {
    return store_->GetVersion(tenant, key, version);
  }
  absl::StatusOr<std::vector<storage::TemplateVersionRow>> ListVersions(
      TenantId tenant, absl::string_view key, int limit, int before_version) override {
    return store_->ListVersions(tenant, key, limit, before_version);
  }
  absl::StatusOr<storage::TemplateRow> Publish(TenantId tenant, absl::string_view key,
                                               int version) override {
    const Forgetter forgetter{catalog_, tenant, key};
    return store_->Publish(tenant, key, version);
  }

 private:
  // Forgets after the change, whether it is known to have happened or not.
  struct Forgetter {
    TemplateCatalog* catalog;
    TenantId tenant;
    absl::string_view key;
    ~Forgetter() { catalog->Forget(tenant, key); }
  };

  storage::TemplateStore* const store_;
  TemplateCatalog* const catalog_;
};

}  // namespace herald::catalog
