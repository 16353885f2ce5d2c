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

// A file to export to; "-" for the stream that is given instead. A file that is there already stays
// as it is until all of the new one is written: an export that fails must not cost the last one.
class ExportTarget {
 public:
  // `standard` outlives it.
  explicit ExportTarget(std::ostream& standard) : standard_(standard) {}
  // Removes what was not committed.
  ~ExportTarget();
  ExportTarget(const ExportTarget&) = delete;
  ExportTarget& operator=(const ExportTarget&) = delete;

  // UsageError: it cannot be written.
  absl::Status Open(const std::string& path);
  bool is_file() const { return to_file_; }
  std::ostream& stream();
  // Writes what is left, and puts the file in its place. UsageError: that could not be done.
  absl::Status Commit();

 private:
  std::ostream& standard_;
  std::string path_;
  std::string partial_;  // beside path_, until Commit; empty where that is written directly
  std::ofstream file_;
  bool to_file_ = false;
};

}  // namespace herald::heraldctl
