#include "client/heraldctl/csv_table.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "client/heraldctl/failure.h"
#include "client/heraldctl/output.h"

namespace herald::heraldctl {

absl::Status CsvTable::ReadHeader(const std::function<bool(const std::string&)>& is_column,
                                  absl::string_view columns) {
  const absl::StatusOr<bool> read = csv_.Next(columns_);
  if (!read.ok()) return read.status();
  for (const std::string& column : columns_) {
    if (is_column(column)) continue;
    return UsageError(absl::StrCat("no column \"", Printable(column), "\": use ", columns));
  }
  if (std::find(columns_.begin(), columns_.end(), "email") == columns_.end()) {
    return UsageError("the first line names no column email");
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> CsvTable::Next() {
  const absl::StatusOr<bool> read = csv_.Next(fields_);
  if (!read.ok() || !*read) return read;
  if (fields_.size() != columns_.size()) {
    return UsageError(absl::StrCat("line ", csv_.line(), ": ", fields_.size(),
                                   " fields where the first line has ", columns_.size()));
  }
  return true;
}

absl::Status CsvTable::Refuse(size_t column) const {
  return UsageError(
      absl::StrCat("line ", csv_.line(), ": ", columns_[column], " has a value it does not take"));
}

}  // namespace herald::heraldctl
