#include "server/catalog/template_catalog.h"

#include "absl/strings/str_cat.h"
#include "server/catalog/variable_codec.h"
#include "server/status/status_details.h"

namespace herald::catalog {
namespace {

constexpr absl::Duration kRefreshAfter = absl::Seconds(1);
constexpr absl::Duration kHeadLifetime = absl::Seconds(2);
// Beyond these the cache starts over: simpler than an order of eviction, and refilling costs one
// read a template.
constexpr size_t kHeadsMax = 20000;
constexpr size_t kVersionsMax = 5000;
constexpr size_t kVersionBytesMax = size_t{256} << 20;

absl::Status TemplateNotFound(absl::string_view key) {
  return MakeError(absl::StatusCode::kNotFound, "TEMPLATE_NOT_FOUND",
                   absl::StrCat("there is no template ", key),
                   {{"template_key", std::string(key)}});
}

absl::Status VersionNotFound(absl::string_view key, int version) {
  return MakeError(absl::StatusCode::kNotFound, "TEMPLATE_VERSION_NOT_FOUND",
                   version == 0 ? absl::StrCat("template ", key, " has no published version")
                                : absl::StrCat("template ", key, " has no version ", version),
                   {{"template_key", std::string(key)}, {"version", absl::StrCat(version)}});
}

}  // namespace

int TemplateCatalog::Head::Find(int version) const {
  if (version == 0) return published_version;
  return version < first_version || version > latest_version ? 0 : version;
}

TemplateCatalog::TemplateCatalog(storage::TemplateStore* store, templates::RenderLimits limits,
                                 Clock clock)
    : store_(store), limits_(limits), clock_(std::move(clock)) {}

TemplateCatalog::Hit TemplateCatalog::TryForSending(TenantId tenant, absl::string_view key,
                                                    int version) {
  const Key full_key{tenant, std::string(key)};
  const absl::Time now = clock_();
  absl::MutexLock lock(&mutex_);
  const auto head = heads_.find(full_key);
  if (head == heads_.end() || head->second.good_until < now) return {};
  const auto found = versions_.find({full_key, head->second.Find(version)});
  if (found == versions_.end()) return {};
  const bool refresh = head->second.refresh_at < now;
  if (refresh) head->second.refresh_at = head->second.good_until;
  return {found->second, refresh};
}

void TemplateCatalog::Refresh(TenantId tenant, absl::string_view key) {
  const Key full_key{tenant, std::string(key)};
  const absl::StatusOr<Head> head = ReadHead(full_key);
  if (absl::IsNotFound(head.status())) return Forget(tenant, key);
  if (!head.ok()) return;
  // First, lest everybody who asks meanwhile has to wait for it.
  if (head->published_version > 0) {
    ForRendering(tenant, key, head->published_version).status().IgnoreError();
  }
  Keep(full_key, *head);
}

absl::StatusOr<PinnedTemplatePtr> TemplateCatalog::LoadForSending(TenantId tenant,
                                                                  absl::string_view key,
                                                                  int version) {
  absl::StatusOr<Head> head = FindOrReadHead({tenant, std::string(key)});
  if (!head.ok()) return head.status();
  const int wanted = head->Find(version);
  if (wanted == 0) return VersionNotFound(key, version);
  return ForRendering(tenant, key, wanted);
}

absl::StatusOr<PinnedTemplatePtr> TemplateCatalog::ForRendering(TenantId tenant,
                                                                absl::string_view key,
                                                                int version) {
  const Key full_key{tenant, std::string(key)};
  if (PinnedTemplatePtr found = FindVersion(full_key, version)) return found;
  absl::StatusOr<storage::TemplateVersionRow> row = store_->GetVersion(tenant, key, version);
  if (absl::IsNotFound(row.status())) return VersionNotFound(key, version);
  if (!row.ok()) return FromStorage(row.status());
  absl::StatusOr<std::vector<templates::Variable>> variables = DecodeVariables(row->variables);
  if (!variables.ok()) return FromStorage(variables.status());
  auto compiled = templates::CompiledTemplate::Compile(
      {row->subject, row->html, row->text, *std::move(variables)}, limits_);
  if (!compiled.ok()) return FromStorage(compiled.status());

  auto pinned = std::make_shared<const PinnedTemplate>(
      PinnedTemplate{row->template_key, row->version, *std::move(compiled)});
  Keep(full_key, pinned);
  return pinned;
}

void TemplateCatalog::Forget(TenantId tenant, absl::string_view key) {
  absl::MutexLock lock(&mutex_);
  ++generation_;
  heads_.erase(Key{tenant, std::string(key)});
}

int64_t TemplateCatalog::Generation() {
  absl::MutexLock lock(&mutex_);
  return generation_;
}

PinnedTemplatePtr TemplateCatalog::FindVersion(const Key& key, int version) {
  absl::MutexLock lock(&mutex_);
  const auto found = versions_.find({key, version});
  return found == versions_.end() ? nullptr : found->second;
}

absl::StatusOr<TemplateCatalog::Head> TemplateCatalog::FindOrReadHead(const Key& key) {
  {
    const absl::Time now = clock_();
    absl::MutexLock lock(&mutex_);
    const auto found = heads_.find(key);
    if (found != heads_.end() && found->second.good_until >= now) return found->second;
  }
  const absl::StatusOr<Head> head = ReadHead(key);
  if (head.ok()) Keep(key, *head);
  return head;
}

absl::StatusOr<TemplateCatalog::Head> TemplateCatalog::ReadHead(const Key& key) {
  const int64_t generation = Generation();
  const absl::Time asked = clock_();
  const absl::StatusOr<storage::TemplateRow> row = store_->GetTemplate(key.first, key.second);
  if (absl::IsNotFound(row.status())) return TemplateNotFound(key.second);
  if (!row.ok()) return FromStorage(row.status());
  return Head{row->published_version, row->first_version,    row->latest_version,
              asked + kRefreshAfter,  asked + kHeadLifetime, generation};
}

void TemplateCatalog::Keep(const Key& key, const Head& head) {
  absl::MutexLock lock(&mutex_);
  if (head.generation != generation_) return;
  if (heads_.size() >= kHeadsMax) heads_.clear();
  heads_[key] = head;
}

void TemplateCatalog::Keep(const Key& key, const PinnedTemplatePtr& pinned) {
  const size_t bytes = pinned->compiled->bytes();
  absl::MutexLock lock(&mutex_);
  if (versions_.size() >= kVersionsMax || version_bytes_ + bytes > kVersionBytesMax) {
    versions_.clear();
    version_bytes_ = 0;
  }
  if (versions_.try_emplace({key, pinned->version}, pinned).second) version_bytes_ += bytes;
}

}  // namespace herald::catalog
