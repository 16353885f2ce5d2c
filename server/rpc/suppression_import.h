#pragma once

#include <functional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "herald/v1/preferences.pb.h"
#include "server/rpc/request_check.h"
#include "storage/suppression_store.h"

namespace herald::rpc {

// One ImportSuppressions: checks rows, stores them a request at a time, each with an audit entry,
// and counts. Memory stays bounded: a request's rows, and at most 1000 errors. One thread at a
// time.
class SuppressionImport {
 public:
  // For the tenant of `audit`. `store` outlives it.
  SuppressionImport(storage::SuppressionStore& store, storage::AuditEntry audit,
                    std::function<absl::Time()> clock)
      : store_(store), audit_(std::move(audit)), clock_(std::move(clock)) {}

  // Stores the rows that are right and notes the others; blocks. INVALID_ARGUMENT: too many rows.
  // kUnavailable: none of them is known to be stored. After an error nothing more is added.
  absl::Status Add(const v1::ImportSuppressionsRequest& request);

  // What was done so far; `row_count` is where an import that broke goes on.
  const v1::ImportSuppressionsResponse& result() const { return result_; }

 private:
  std::vector<storage::NewSuppression> Check(const v1::ImportSuppressionsRequest& request);
  void NoteErrors(int64_t row, const RequestCheck& check);

  storage::SuppressionStore& store_;
  const storage::AuditEntry audit_;
  const std::function<absl::Time()> clock_;
  v1::ImportSuppressionsResponse result_;
};

}  // namespace herald::rpc
