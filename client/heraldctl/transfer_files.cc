#include "client/heraldctl/transfer_files.h"

#include <filesystem>
#include <iostream>
#include <system_error>

#include "absl/strings/match.h"
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

ExportTarget::~ExportTarget() {
  std::error_code ignored;
  if (!partial_.empty()) std::filesystem::remove(partial_, ignored);
}

absl::Status ExportTarget::Open(const std::string& path) {
  path_ = path;
  if (path == "-") return absl::OkStatus();
  to_file_ = true;
  std::error_code error;
  const auto known = std::filesystem::status(path, error);
  const bool exists = std::filesystem::exists(known);
  // A pipe or a device has no place to be put in, nor has /dev/stdout, whatever that is.
  const bool regular = std::filesystem::is_regular_file(known) && !absl::StartsWith(path, "/dev/");
  const bool direct = exists && !regular;
  if (exists && !direct) path_ = std::filesystem::canonical(path, error).string();
  if (error && exists) return UsageError(absl::StrCat("cannot write ", path));
  if (!direct) partial_ = absl::StrCat(path_, ".partial");
  file_.open(direct ? path_ : partial_, std::ios::binary);
  if (!file_) {
    partial_.clear();
    return UsageError(absl::StrCat("cannot write ", path));
  }
  if (!direct && exists) std::filesystem::permissions(partial_, known.permissions(), error);
  return absl::OkStatus();
}

std::ostream& ExportTarget::stream() { return to_file_ ? file_ : standard_; }

absl::Status ExportTarget::Commit() {
  if (to_file_) {
    file_.close();
  } else {
    standard_.flush();
  }
  std::error_code error;
  const bool written = stream().good();
  if (written && !partial_.empty()) std::filesystem::rename(partial_, path_, error);
  if (!written || error) return UsageError(absl::StrCat("cannot write ", path_));
  partial_.clear();
  return absl::OkStatus();
}

}  // namespace herald::heraldctl
