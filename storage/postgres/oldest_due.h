#pragma once

#include <map>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "model/lane.h"
#include "storage/postgres/connection_pool.h"

namespace herald::storage {

// For how long the oldest email or chunk of each lane that nobody has claimed has been due.
//
// The look at the heads of the lines passes what is finished but, while a snapshot is held, cannot
// be vacuumed. So it takes a twentieth of the time at most: in between, and where it fails, the
// last answer stands. Thread-safe, blocking. `pool` must outlive it.
class OldestDue {
 public:
  explicit OldestDue(ConnectionPool& pool) : pool_(pool) {}

  // Lanes in which nothing is due are left out.
  std::map<Lane, absl::Duration> Ages();

 private:
  ConnectionPool& pool_;
  absl::Mutex mutex_;
  std::map<Lane, absl::Duration> ages_ ABSL_GUARDED_BY(mutex_);
  absl::Time next_look_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
};

}  // namespace herald::storage
