#pragma once

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "storage/postgres/connection_pool.h"

namespace herald::storage {

// The database's time for those who cannot ask for it each time: measured now and then and carried
// on by a clock that nobody sets, so that a host whose clock is wrong, or is put right, decides
// nothing. Thread-safe. `pool` must outlive it.
class DatabaseClock {
 public:
  explicit DatabaseClock(ConnectionPool& pool) : pool_(pool) {}

  // Asks the database. When that fails the earlier measurement stays. Blocks.
  absl::Status Measure();
  // Off by half of what the question took at most. The host's time until something was measured.
  absl::Time Now() const;

 private:
  ConnectionPool& pool_;
  mutable absl::Mutex mutex_;
  absl::Duration offset_ ABSL_GUARDED_BY(mutex_);  // of the database's clock from the steady one
};

}  // namespace herald::storage
