#include "client/heraldctl/transfer_files.h"

#include <filesystem>
#include <iostream>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "client/heraldctl/failure.h"

namespace herald::heraldctl {

absl::Status ImportSource::Open(const std::string& path) {
  if (path == "-") return absl::OkStatus();
  file_.open(path, std::ios::binary);
  if (!file_) return UsageError(absl::StrCat("cannot read ", path));
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  if (!error) size_ = static_cast<double>(size);
  return absl::OkStatus();
}

std::istream& ImportSource::stream() { return file_.is_open() ? file_ : std::cin; }

double ImportSource::share() {
  if (size_ <= 0) return -1;
  const auto at = file_.tellg();
  return at < 0 ? 1 : static_cast<double>(at) / size_;
}

absl::Status ExportTarget::Open(const std::string& path) {
  path_ = path;
  if (path == "-") return absl::OkStatus();
  file_.open(path, std::ios::binary);
  return file_ ? absl::OkStatus() : UsageError(absl::StrCat("cannot write ", path));
}

std::ostream& ExportTarget::stream() { return is_file() ? file_ : standard_; }

absl::Status ExportTarget::Close() {
  stream().flush();
  return stream().good() ? absl::OkStatus() : UsageError(absl::StrCat("cannot write ", path_));
}

}  // namespace herald::heraldctl
