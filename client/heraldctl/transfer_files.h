#pragma once

#include <fstream>
#include <iosfwd>
#include <string>

#include "absl/status/status.h"

namespace herald::heraldctl {

// A file to import from, "-" for standard input, and how much of it was read.
class ImportSource {
 public:
  // UsageError: it cannot be read.
  absl::Status Open(const std::string& path);
  std::istream& stream();
  // From 0 to 1; negative: not known.
  double share();

 private:
  std::ifstream file_;
  double size_ = 0;
};

// A file to export to; "-" for the stream that is given instead.
class ExportTarget {
 public:
  // `standard` outlives it.
  explicit ExportTarget(std::ostream& standard) : standard_(standard) {}

  // UsageError: it cannot be written.
  absl::Status Open(const std::string& path);
  bool is_file() const { return file_.is_open(); }
  std::ostream& stream();
  // Writes what is left. UsageError: not everything could be written.
  absl::Status Close();

 private:
  std::ostream& standard_;
  std::string path_;
  std::ofstream file_;
};

}  // namespace herald::heraldctl
