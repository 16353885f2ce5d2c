#pragma once

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tests/fault/fault_harness.h"

namespace herald::fault {

// What a process has used of the processors so far; zero when it is gone. What a server makes of
// its share of a machine can be compared between two windows however busy others keep the machine.
absl::Duration CpuTimeOf(int pid);

// The same of the database server's processes, all or those that a condition on pg_stat_activity
// holds for.
absl::Duration DatabaseCpuTime(const Stack& stack, absl::string_view condition = "true");

}  // namespace herald::fault
