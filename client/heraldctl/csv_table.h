#pragma once

#include <functional>
#include <istream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/heraldctl/csv_reader.h"

namespace herald::heraldctl {

// A CSV file whose first line names its columns, "email" among them.
class CsvTable {
 public:
  // `in` outlives it.
  explicit CsvTable(std::istream& in) : csv_(in) {}

  // Reads the first line. UsageError for a column that `is_column` does not know; it tells
  // `columns`, those there are.
  absl::Status ReadHeader(const std::function<bool(const std::string&)>& is_column,
                          absl::string_view columns);
  // Reads a row, for columns() and fields(), which have the same length. False at the end.
  absl::StatusOr<bool> Next();

  const std::vector<std::string>& columns() const { return columns_; }
  const std::vector<std::string>& fields() const { return fields_; }
  // The error of the last row's field that holds no value of its column.
  absl::Status Refuse(size_t column) const;

 private:
  CsvReader csv_;
  std::vector<std::string> columns_;
  std::vector<std::string> fields_;
};

}  // namespace herald::heraldctl
