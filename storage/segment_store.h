#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "model/ids.h"

namespace herald::storage {

struct SegmentRow {
  std::string key;
  std::string display_name;
  std::string filter;  // as written, checked
  absl::Time create_time;
  absl::Time update_time;
};

// What becomes of a segment; what is unset stays.
struct SegmentChange {
  absl::optional<std::string> display_name;
  absl::optional<std::string> filter;
};

// Saved filters. Thread-safe, blocking. Errors of all methods: kUnavailable, kNotFound,
// kAlreadyExists.
class SegmentStore {
 public:
  virtual ~SegmentStore() = default;

  virtual absl::StatusOr<SegmentRow> CreateSegment(TenantId tenant, const SegmentRow& row) = 0;
  virtual absl::StatusOr<SegmentRow> GetSegment(TenantId tenant, absl::string_view key) = 0;
  virtual absl::StatusOr<SegmentRow> UpdateSegment(TenantId tenant, absl::string_view key,
                                                   const SegmentChange& change) = 0;
  virtual absl::Status DeleteSegment(TenantId tenant, absl::string_view key) = 0;
  // By key, after `after_key`, at most `limit`.
  virtual absl::StatusOr<std::vector<SegmentRow>> ListSegments(TenantId tenant, int limit,
                                                               absl::string_view after_key) = 0;
};

}  // namespace herald::storage
