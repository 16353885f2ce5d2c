#pragma once

#include <functional>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace herald::client {

// Ends a WatchEmailEvents from another thread. Must outlive the watch. Safe for concurrent use.
class Cancellation {
 public:
  // Final; a second call changes nothing.
  void Cancel();
  bool cancelled() const;

  // For the client: `interrupt` runs on Cancel(), at once if that was before, and never after
  // ClearInterrupt() returned.
  void SetInterrupt(std::function<void()> interrupt);
  void ClearInterrupt() { SetInterrupt(nullptr); }

 private:
  mutable absl::Mutex mu_;
  bool cancelled_ ABSL_GUARDED_BY(mu_) = false;
  std::function<void()> interrupt_ ABSL_GUARDED_BY(mu_);
};

}  // namespace herald::client
