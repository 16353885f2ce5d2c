#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace herald::bench {

// Processor time that these processes have used so far, user and system. Ended ones count nothing.
absl::Duration CpuTimeOf(const std::vector<pid_t>& processes);

// Median of how long one small durable commit takes on an idle connection, mostly the disk's.
absl::StatusOr<absl::Duration> CommitTime(const std::string& dsn);

}  // namespace herald::bench
