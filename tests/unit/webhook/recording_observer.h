#pragma once

#include <map>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "server/webhook/observer.h"

namespace herald::webhook {

// Counts what it is told, under names such as "refused resend-main bad_signature". Thread-safe.
class RecordingObserver final : public WebhookObserver {
 public:
  void OnEvent(absl::string_view account, EventType type) override {
    Add(absl::StrCat("event ", account, " ", EventTypeName(type)));
  }
  void OnRefused(absl::string_view account, absl::string_view reason) override {
    Add(absl::StrCat("refused ", account, " ", reason));
  }
  void OnHttpRefused(int http_status) override { Add(absl::StrCat("http refused ", http_status)); }
  void OnUnreadable(absl::string_view account) override {
    Add(absl::StrCat("unreadable ", account));
  }
  void OnDeferred(absl::string_view account, const absl::Status& cause) override {
    Add(absl::StrCat("deferred ", account, " ", absl::StatusCodeToString(cause.code())));
  }
  void OnRequest(int http_status, absl::Duration /*duration*/) override {
    Add(absl::StrCat("request ", http_status));
  }

  int Count(const std::string& name) {
    absl::MutexLock lock(&mutex_);
    return counts_[name];
  }

  // Whether it was told `name` within 20 s.
  bool Await(const std::string& name) {
    const auto told = [this, &name]()
                          ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return counts_[name] > 0; };
    absl::MutexLock lock(&mutex_);
    return mutex_.AwaitWithTimeout(absl::Condition(&told), absl::Seconds(20));
  }

 private:
  void Add(const std::string& name) {
    absl::MutexLock lock(&mutex_);
    ++counts_[name];
  }

  absl::Mutex mutex_;
  std::map<std::string, int> counts_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace herald::webhook
