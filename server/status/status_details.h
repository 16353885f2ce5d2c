#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"

namespace herald {

using ErrorMetadata = std::vector<std::pair<std::string, std::string>>;

// A field of a request that was refused: its proto path, and why, without repeating its value.
struct FieldViolation {
  std::string field;
  std::string description;
};

// Errors as callers see them: an absl::Status whose payloads are the google.rpc details of AIP-193
// (ErrorInfo always, with domain "herald"; BadRequest and RetryInfo where they apply). The rpc
// layer moves the payloads onto the wire unchanged. Reasons are listed in docs/errors.md.
absl::Status MakeError(absl::StatusCode code, absl::string_view reason, absl::string_view message,
                       const ErrorMetadata& metadata = {});

// INVALID_ARGUMENT with reason INVALID_REQUEST and up to 20 violations. `violations` not empty.
absl::Status InvalidRequest(const std::vector<FieldViolation>& violations);

// Adds to the metadata of an error made here; all else that it carries stays.
absl::Status WithMetadata(absl::Status status, const ErrorMetadata& metadata);

// Adds when to try again.
absl::Status WithRetryDelay(absl::Status status, absl::Duration delay);

// The reason of an error made here, or empty.
std::string ErrorReason(const absl::Status& status);
absl::optional<absl::Duration> RetryDelay(const absl::Status& status);

// Gives an error that came from a store without details what it lacks: what passes by
// itself (UNAVAILABLE, ABORTED, DEADLINE_EXCEEDED) becomes UNAVAILABLE, STORAGE_UNAVAILABLE, with a
// retry delay; anything unforeseen becomes INTERNAL. Errors that carry
// ErrorInfo, and OK, pass unchanged. What the store said is not for callers; Cause still knows it.
absl::Status FromStorage(const absl::Status& status);

// What lay behind an error that FromStorage rewrote, for the log; empty when nothing did.
std::string Cause(const absl::Status& status);
// Whether a payload is a detail for callers; the others stay in this process.
bool IsPublicDetail(absl::string_view type_url);

}  // namespace herald
