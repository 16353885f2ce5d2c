#pragma once

#include <google/protobuf/struct.pb.h>

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "herald/v1/common.pb.h"
#include "herald/v1/email_service.pb.h"

namespace herald::heraldctl {

// Values of the command line. Every error is a UsageError that names what would be right.

// "critical", "BULK", …
absl::StatusOr<v1::Lane> ParseLane(absl::string_view text);
// "queued", "DELIVERED", …
absl::StatusOr<v1::Email::State> ParseState(absl::string_view text);
// "a@example.com" or "Name <a@example.com>". The server checks the address.
absl::StatusOr<v1::Mailbox> ParseMailbox(absl::string_view text);
// RFC 3339, or a distance from `now`: "10m", "+2h", "-1h30m".
absl::StatusOr<absl::Time> ParseTime(absl::string_view text, absl::Time now);
// The same for filters, where a distance means that long ago, with or without its minus.
absl::StatusOr<absl::Time> ParsePastTime(absl::string_view text, absl::Time now);
// "90s", "10m", "2h".
absl::StatusOr<absl::Duration> ParseDuration(absl::string_view text);
// A JSON object, or "@file" that holds one.
absl::StatusOr<google::protobuf::Struct> ParseVariables(absl::string_view text);
// The text itself, or the content of "@file".
absl::StatusOr<std::string> TextOrFile(absl::string_view text);
absl::StatusOr<std::string> ReadFile(const std::string& path);
// "name=value", split at the first "=".
absl::StatusOr<std::pair<std::string, std::string>> ParsePair(absl::string_view text);
// "KEY" or "KEY@VERSION".
absl::StatusOr<v1::TemplateReference> ParseTemplate(absl::string_view text);

}  // namespace herald::heraldctl
