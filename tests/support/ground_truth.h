#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace herald::testing {

// One accepted email as a provider wrote it down before it answered: "email_id TAB key LF". The
// sandbox provider and the emulators share the format, so that fault tests count either.
struct AcceptedLine {
  std::string email_id;
  std::string idempotency_key;
};

// Appends lines to a file with one write each, so that a kill cannot tear one. An empty path
// writes nothing. Aborts when the file cannot be opened. Not thread-safe.
class GroundTruthFile {
 public:
  explicit GroundTruthFile(const std::string& path);
  ~GroundTruthFile();
  GroundTruthFile(const GroundTruthFile&) = delete;
  GroundTruthFile& operator=(const GroundTruthFile&) = delete;

  void Append(const AcceptedLine& line);

 private:
  int fd_ = -1;
};

// Every whole line of the file; none when it does not exist.
std::vector<AcceptedLine> ReadGroundTruth(const std::string& path);

}  // namespace herald::testing
