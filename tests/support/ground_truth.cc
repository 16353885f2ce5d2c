#include "tests/support/ground_truth.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace herald::testing {

GroundTruthFile::GroundTruthFile(const std::string& path) {
  if (path.empty()) return;
  fd_ = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd_ < 0) {
    perror(path.c_str());
    abort();
  }
}

GroundTruthFile::~GroundTruthFile() {
  if (fd_ >= 0) close(fd_);
}

void GroundTruthFile::Append(const AcceptedLine& line) {
  if (fd_ < 0) return;
  const std::string text = absl::StrCat(line.email_id, "\t", line.idempotency_key, "\n");
  if (write(fd_, text.data(), text.size()) != static_cast<ssize_t>(text.size())) abort();
}

std::vector<AcceptedLine> ReadGroundTruth(const std::string& path) {
  std::vector<AcceptedLine> lines;
  std::ifstream file(path);
  std::string text;
  while (std::getline(file, text) && !file.eof()) {
    const std::pair<std::string, std::string> fields =
        absl::StrSplit(text, absl::MaxSplits('\t', 1));
    lines.push_back({fields.first, fields.second});
  }
  return lines;
}

}  // namespace herald::testing
