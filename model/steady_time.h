#pragma once

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace herald {

// The host's time when the process began, carried on at the pace of seconds whatever happens to the
// host's clock, and through a suspension of the host. For how long something lasts or how long ago
// it was: never for a time that anybody else wrote down.
absl::Time SteadyNow();

// As mutex.AwaitWithTimeout(condition, timeout). Abseil's own goes by the host's clock: one that is
// set back by an hour would prolong a wait by an hour. The mutex is given up for moments also while
// the condition holds. One thread wakes all that wait, and takes their mutexes for it: whoever
// holds one through input or output delays every wait of the process.
bool AwaitSteadily(absl::Mutex& mutex, const absl::Condition& condition, absl::Duration timeout)
    ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);

}  // namespace herald
