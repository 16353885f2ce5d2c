#pragma once

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"

namespace herald::storage {

// How far back a rescue looks for leases that ended: since the last complete one, so that its cost
// does not grow with the leases of finished emails that are not vacuumed yet; and over all of them
// as often as that is cheap, since another replica may have looked less far. Thread-safe; times are
// the local clock's and measure pauses only.
class RescueWindow {
 public:
  // nullopt: over all of them.
  absl::optional<absl::Duration> Next(absl::Time now);
  // A rescue over `window` began at `start` and ended at `now`; `complete`: it left none that it
  // could see.
  void Done(absl::optional<absl::Duration> window, absl::Time start, absl::Time now, bool complete);

 private:
  absl::Mutex mutex_;
  absl::Time complete_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  absl::Time next_all_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
};

}  // namespace herald::storage
