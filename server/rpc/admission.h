#pragma once

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"

namespace herald::rpc {

// Counts the calls that are held, and refuses above a limit: shedding early keeps the latency of
// those that are taken. Thread-safe.
class Admission {
 public:
  explicit Admission(int limit) : limit_(limit) {}

  // False: over the limit, to be shed. The call is counted either way, until Leave.
  [[nodiscard]] bool Enter();
  void Leave();
  // Returns once no call is held.
  void WaitEmpty();

 private:
  bool Empty() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return held_ == 0; }

  const int limit_;
  absl::Mutex mu_;
  int held_ ABSL_GUARDED_BY(mu_) = 0;
};

// RESOURCE_EXHAUSTED with reason OVERLOADED and a retry delay.
absl::Status Overloaded();

}  // namespace herald::rpc
