#pragma once

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "storage/postgres/connection_pool.h"

namespace herald::storage {

// How far the database's clock is ahead of the steady one, after it told `told` at some moment
// between `before` and `after`. What was `believed` stays where that is possible, so that an answer
// that took long does not spoil it; else it moves no further than it must.
absl::Duration OffsetAfter(absl::optional<absl::Duration> believed, absl::Time before,
                           absl::Time told, absl::Time after);

// The database's time for those who cannot ask for it each time: measured now and then and carried
// on by a clock that nobody sets, so that a host whose clock is wrong, or is put right, decides
// nothing. Thread-safe. `pool` must outlive it.
class DatabaseClock {
 public:
  explicit DatabaseClock(ConnectionPool& pool) : pool_(pool) {}

  // Asks the database. When that fails the earlier measurement stays. Blocks.
  absl::Status Measure();
  // Off by what the quickest question of late took, at most. The host's time until something was
  // measured.
  absl::Time Now() const;

 private:
  ConnectionPool& pool_;
  mutable absl::Mutex mutex_;
  absl::optional<absl::Duration> offset_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace herald::storage
