#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"

namespace google::rpc {
class Status;
}  // namespace google::rpc

namespace herald::client {

struct FieldViolation {
  std::string field;        // path as in the proto: "recipient.email"
  std::string description;  // why it was refused
};

// What Herald says about an error beyond its code and message.
struct ErrorDetails {
  // From google.rpc.ErrorInfo: stable, UPPER_SNAKE_CASE; empty when the error did not come from
  // Herald (no connection, a proxy, the client itself).
  std::string reason;
  std::string domain;
  std::map<std::string, std::string> metadata;
  // From google.rpc.BadRequest.
  std::vector<FieldViolation> violations;
  // From google.rpc.RetryInfo.
  absl::optional<absl::Duration> retry_delay;
};

// Reads the details out of a status that this library returned. Details that are absent or do not
// parse stay empty.
ErrorDetails ExtractErrorDetails(const absl::Status& status);

// Takes over code, message and details; every detail becomes a payload under its type URL.
absl::Status FromRpcStatus(const google::rpc::Status& status);

}  // namespace herald::client
