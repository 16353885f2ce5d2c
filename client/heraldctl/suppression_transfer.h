#pragma once

#include <string>

#include "absl/status/status.h"
#include "client/heraldctl/session.h"

namespace herald::heraldctl {

struct SuppressionImportFlags {
  std::string path, reason;
  int64_t skip_rows = 0;
};

// Suppresses the addresses of a CSV file, call by call; says where to go on when one fails.
// kFailedPrecondition when rows were refused.
absl::Status ImportSuppressions(Session& session, const SuppressionImportFlags& flags);

struct SuppressionExportFlags {
  std::string path, reason;
  bool global = false;
};

// Writes a tenant's suppressions, or those for every tenant, to a CSV file or standard output.
absl::Status ExportSuppressions(Session& session, const SuppressionExportFlags& flags);

}  // namespace herald::heraldctl
