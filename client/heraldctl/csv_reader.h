#pragma once

#include <istream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace herald::heraldctl {

// Records of a CSV file as RFC 4180 has them: fields in double quotes may hold commas, line breaks
// and doubled quotes; lines end with LF or CRLF; a byte order mark is skipped.
class CsvReader {
 public:
  // `in` outlives it.
  explicit CsvReader(std::istream& in) : in_(in) {}

  // False at the end. A quote that is not closed, or that stands inside a plain field: UsageError.
  absl::StatusOr<bool> Next(std::vector<std::string>& fields);
  // Number of the line on which the last record began, from 1.
  int64_t line() const { return record_line_; }

 private:
  absl::Status Quoted(std::string& field);

  std::istream& in_;
  int64_t line_ = 1;
  int64_t record_line_ = 0;
};

// A field as it is written, in quotes when it needs them.
std::string CsvField(const std::string& text);

}  // namespace herald::heraldctl
