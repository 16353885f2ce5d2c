#pragma once

#include <string>

#include "absl/status/status.h"
#include "client/heraldctl/session.h"

namespace herald::heraldctl {

struct ImportFlags {
  std::string path, format;
  int64_t skip_rows = 0;
};

// Imports a file call by call, so that each answer is a checkpoint; says where to go on when one
// fails. kFailedPrecondition when rows were refused.
absl::Status ImportContacts(Session& session, const ImportFlags& flags);

struct ExportFlags {
  std::string path, format, filter;
  bool reveal = false;
};

// Writes all contacts that match to a file, or to standard output.
absl::Status ExportContacts(Session& session, const ExportFlags& flags);

}  // namespace herald::heraldctl
