#pragma once

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "storage/contact_filter.h"

namespace herald::audience {

// Reads a filter over contacts (docs/filters.md). Empty: all. kInvalidArgument, with the place, for
// anything that is not a filter or is beyond the limits of filter_limits.h; the message repeats no
// value. Time and memory are linear in the length of `filter`.
absl::StatusOr<storage::FilterNode> ParseFilter(absl::string_view filter);

}  // namespace herald::audience
