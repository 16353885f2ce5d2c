#include "server/rpc/suppression_import.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/config/limits.h"
#include "server/rpc/preference_convert.h"

namespace herald::rpc {

void SuppressionImport::NoteErrors(int64_t row, const RequestCheck& check) {
  for (const FieldViolation& violation : check.violations()) {
    if (result_.errors_size() >= limits::kImportErrorsMax) return;
    v1::ImportSuppressionsError& error = *result_.add_errors();
    error.set_row(row);
    error.set_field(violation.field);
    error.set_description(violation.description);
  }
}

// The rows that are right.
std::vector<storage::NewSuppression> SuppressionImport::Check(
    const v1::ImportSuppressionsRequest& request) {
  const absl::Time now = clock_();
  std::vector<storage::NewSuppression> rows;
  rows.reserve(static_cast<size_t>(request.suppressions_size()));
  for (const v1::CreateSuppressionRequest& suppression : request.suppressions()) {
    const int64_t number = result_.row_count();
    result_.set_row_count(number + 1);
    RequestCheck check;
    storage::NewSuppression row =
        ToSuppression("", suppression, !audit_.tenant.has_value(), now, check);
    if (check.ok()) {
      rows.push_back(std::move(row));
      continue;
    }
    result_.set_failed_count(result_.failed_count() + 1);
    NoteErrors(number, check);
  }
  return rows;
}

absl::Status SuppressionImport::Add(const v1::ImportSuppressionsRequest& request) {
  if (request.suppressions_size() > limits::kImportRowsMax) {
    return InvalidField("suppressions",
                        absl::StrCat("has more than ", limits::kImportRowsMax, " rows"));
  }
  const v1::ImportSuppressionsResponse before = result_;
  const std::vector<storage::NewSuppression> rows = Check(request);
  const absl::StatusOr<int> changed = store_.ImportSuppressions(audit_.tenant, rows, audit_);
  if (!changed.ok()) {
    result_ = before;
    return changed.status();
  }
  result_.set_created_count(result_.created_count() + *changed);
  result_.set_known_count(result_.known_count() + static_cast<int64_t>(rows.size()) - *changed);
  return absl::OkStatus();
}

}  // namespace herald::rpc
