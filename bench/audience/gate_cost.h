#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "bench/measure.h"

namespace herald::bench {

// What the gate of suppressions and preferences costs an accepting transaction: heraldd's own
// statements for groups of 250 emails, as the API's role under row-level security, with the gate
// and with NULL in its place, in turns. A million suppressions and preferences stand beside them.
// Once for mail of an undeclared category and once for marketing. SendEmail does more than this
// transaction, so its own ratio is lower.
//
// `dsn` is the superuser's, of a migrated database that nothing else is using; what it writes
// stays.
absl::StatusOr<std::vector<Measure>> MeasureGate(const std::string& dsn);

}  // namespace herald::bench
