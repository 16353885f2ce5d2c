#pragma once

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"

namespace herald::providers {

// Reads a Retry-After value in either form (RFC 9110 10.2.3): seconds, or an HTTP date, which
// counts from `now`. A date in the past is zero. nullopt when it is neither.
absl::optional<absl::Duration> ParseRetryAfter(absl::string_view value, absl::Time now);

}  // namespace herald::providers
