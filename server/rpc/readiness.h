#pragma once

#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace herald::rpc {

// Asks `ping` at an interval and passes its verdict on to `report`, first at once, then whenever
// it changes. Both run on this object's thread.
class Readiness {
 public:
  Readiness(absl::Duration interval, std::function<absl::Status()> ping,
            std::function<void(bool ready)> report);
  ~Readiness();

  // Reports not ready, for good. Safe to repeat.
  void Stop();

 private:
  void Watch();

  const absl::Duration interval_;
  const std::function<absl::Status()> ping_;
  const std::function<void(bool)> report_;
  absl::Mutex mu_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace herald::rpc
