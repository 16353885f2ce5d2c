#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "model/ids.h"
#include "server/templates/compiled_template.h"
#include "storage/template_store.h"

namespace herald::catalog {

// One immutable version of a template, compiled.
struct PinnedTemplate {
  std::string key;
  int version = 0;
  std::shared_ptr<const templates::CompiledTemplate> compiled;
};

using PinnedTemplatePtr = std::shared_ptr<const PinnedTemplate>;

// Templates by key, compiled and cached. Versions never change and stay cached (bounded); which one
// is published is known for 2 seconds, and is looked at again in time while it is asked for.
// Thread-safe.
class TemplateCatalog {
 public:
  using Clock = std::function<absl::Time()>;
  struct Hit {
    PinnedTemplatePtr pinned;  // nullptr: ask LoadForSending
    bool refresh = false;      // answered once per refresh: call Refresh soon
  };

  // `store` must outlive the catalog. `clock`: SteadyNow outside tests, lest a clock that is set
  // back keep what is known known for longer.
  TemplateCatalog(storage::TemplateStore* store, templates::RenderLimits limits, Clock clock);

  // For new emails: `version`, or the published one for 0. Never blocks.
  Hit TryForSending(TenantId tenant, absl::string_view key, int version);
  // Looks again at what is published, and compiles it. Blocks. What is known stays known when the
  // database does not answer.
  void Refresh(TenantId tenant, absl::string_view key);
  // Blocks. kNotFound (TEMPLATE_NOT_FOUND, TEMPLATE_VERSION_NOT_FOUND) with details.
  absl::StatusOr<PinnedTemplatePtr> LoadForSending(TenantId tenant, absl::string_view key,
                                                   int version);
  // For accepted emails, also of deleted templates. Blocks when the version is not cached.
  absl::StatusOr<PinnedTemplatePtr> ForRendering(TenantId tenant, absl::string_view key,
                                                 int version);
  // After a template was published or deleted through this process.
  void Forget(TenantId tenant, absl::string_view key);

 private:
  using Key = std::pair<TenantId, std::string>;
  struct Head {
    // The version that is meant by `version`, 0 being the published one; 0: it has none such.
    int Find(int version) const;

    int published_version = 0;
    int first_version = 1;
    int latest_version = 0;
    absl::Time refresh_at;
    absl::Time good_until;
    int64_t generation = 0;  // when it was asked for
  };

  PinnedTemplatePtr FindVersion(const Key& key, int version) ABSL_LOCKS_EXCLUDED(mutex_);
  absl::StatusOr<Head> FindOrReadHead(const Key& key) ABSL_LOCKS_EXCLUDED(mutex_);
  absl::StatusOr<Head> ReadHead(const Key& key) ABSL_LOCKS_EXCLUDED(mutex_);
  int64_t Generation() ABSL_LOCKS_EXCLUDED(mutex_);
  void Keep(const Key& key, const Head& head) ABSL_LOCKS_EXCLUDED(mutex_);
  void Keep(const Key& key, const PinnedTemplatePtr& pinned) ABSL_LOCKS_EXCLUDED(mutex_);

  storage::TemplateStore* const store_;
  const templates::RenderLimits limits_;
  const Clock clock_;

  absl::Mutex mutex_;
  // How often something was forgotten: a head that was asked for before may be older, and is not
  // kept.
  int64_t generation_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_map<Key, Head> heads_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::pair<Key, int>, PinnedTemplatePtr> versions_ ABSL_GUARDED_BY(mutex_);
  size_t version_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace herald::catalog
