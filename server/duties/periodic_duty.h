#pragma once

#include <functional>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace herald::duties {

// A background service with a thread of its own, so that one that hangs starves no other. Safe to
// run on every replica at once: what a duty does is safe to repeat.
class PeriodicDuty {
 public:
  // One round. True: there is more to do, go on without a pause.
  using Round = std::function<absl::StatusOr<bool>()>;
  // Sees each round that failed.
  using OnError = std::function<void(const std::string& name, const absl::Status& status)>;

  PeriodicDuty(std::string name, absl::Duration interval, Round round, OnError on_error);
  ~PeriodicDuty();  // stops

  // Start and Stop may be called in any order, any number of times. Stop waits for the running
  // round. A stopped duty can be started again.
  void Start();
  void Stop();
  // One round, now, on the caller's thread.
  absl::StatusOr<bool> RunOnce();

 private:
  void Run();

  const std::string name_;
  const absl::Duration interval_;
  const Round round_;
  const OnError on_error_;

  absl::Mutex control_mutex_;  // one Start or Stop at a time
  std::thread thread_ ABSL_GUARDED_BY(control_mutex_);
  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace herald::duties
