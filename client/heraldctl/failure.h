#pragma once

#include <iosfwd>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace herald::heraldctl {

// What the process exits with; part of the interface for scripts.
enum ExitCode {
  kExitOk = 0,
  kExitFailed = 1,       // the call was refused, or an awaited state was not reached
  kExitUsage = 2,        // the command line, a file it names, or the profile is wrong
  kExitNotFound = 3,     // the email, template, tenant or token does not exist
  kExitUnavailable = 4,  // no answer: not reachable, not serving, or too slow
};

// An error of the command line, found before anything was sent.
absl::Status UsageError(absl::string_view message);

ExitCode ExitCodeFor(const absl::Status& status);

// Tells what went wrong, which fields are to blame, and what to do next; as one JSON object when
// `json` is set.
void PrintFailure(std::ostream& err, const absl::Status& status, bool json);

}  // namespace herald::heraldctl
