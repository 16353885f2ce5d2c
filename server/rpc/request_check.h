#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "google/protobuf/timestamp.pb.h"
#include "server/status/status_details.h"

namespace herald::rpc {

// Gathers what is wrong with a request, so that its caller learns everything at once.
class RequestCheck {
 public:
  void Add(absl::string_view field, absl::string_view description);

  // Each returns whether the field is right, and adds a violation when not.
  bool Present(absl::string_view field, absl::string_view value);
  bool AtMost(absl::string_view field, absl::string_view value, size_t characters_max);
  bool RequiredAtMost(absl::string_view field, absl::string_view value, size_t characters_max);

  bool ok() const { return violations_.empty(); }
  const std::vector<FieldViolation>& violations() const { return violations_; }
  // OK, or INVALID_ARGUMENT with the violations.
  absl::Status status() const;

 private:
  std::vector<FieldViolation> violations_;
};

// The number of rows a page has: `fallback` for 0, never more than `max`. Negative: a violation.
int PageSize(int asked, int fallback, int max, RequestCheck& check);

// A page that may hold large rows is full with the one that passes this: below what gRPC's clients
// take unless told otherwise, 4 MiB, by more than the largest of them.
inline constexpr size_t kPageBytes = 2 << 20;

// nullopt, with a violation, for a time that proto3 JSON could not show (0001 to 9999).
absl::optional<absl::Time> CheckTime(absl::string_view field,
                                     const google::protobuf::Timestamp& time, RequestCheck& check);
google::protobuf::Timestamp ToTimestamp(absl::Time time);

// INVALID_ARGUMENT with one violation.
absl::Status InvalidField(absl::string_view field, absl::string_view description);

}  // namespace herald::rpc
