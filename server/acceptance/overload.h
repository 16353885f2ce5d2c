#pragma once

#include "absl/status/status.h"

namespace herald::acceptance {

// RESOURCE_EXHAUSTED, OVERLOADED, with a delay: a call would have to wait for a thread that may
// block, behind too many others.
absl::Status TooManyCallsWait();

}  // namespace herald::acceptance
