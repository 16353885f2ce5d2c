#pragma once

#include "absl/status/statusor.h"

namespace herald::heraldctl {

// The rows of a file, one by one, each as a message of the API.
template <class RowType>
class RowReader {
 public:
  using Row = RowType;

  virtual ~RowReader() = default;
  // False at the end. UsageError, with the line, for what cannot be read.
  virtual absl::StatusOr<bool> Next(Row& row) = 0;
};

}  // namespace herald::heraldctl
