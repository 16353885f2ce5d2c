#pragma once

#include <sys/stat.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"

namespace herald::webhook {

// A file of secrets, one a line, that may be changed while the process runs. Blank lines and lines
// beginning with '#' are skipped. Safe for concurrent use.
class SecretFile {
 public:
  using Secrets = std::shared_ptr<const std::vector<std::string>>;
  // Answers whether one secret can be used at all. Its message must not repeat the secret.
  using Check = std::function<absl::Status(absl::string_view)>;

  SecretFile(std::string path, Check check);

  // The secrets as the file holds them now; costs one stat while it does not change. A secret that
  // was taken out of the file is gone with the next call.
  //
  // kUnavailable when the file cannot be read, holds no secret or one that `check` refuses: half a
  // rotation must neither accept a retired secret nor turn a provider's events away for good.
  absl::StatusOr<Secrets> Load();

 private:
  absl::Status Refresh(const struct stat& now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<std::vector<std::string>> Read() const;

  // Constant after construction.
  const std::string path_;
  const Check check_;

  absl::Mutex mutex_;
  struct stat seen_ ABSL_GUARDED_BY(mutex_) = {};
  Secrets secrets_ ABSL_GUARDED_BY(mutex_);  // null: never read, or unreadable
};

}  // namespace herald::webhook
