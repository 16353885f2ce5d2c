#include "server/webhook/secret_file.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace herald::webhook {
namespace {

constexpr size_t kSecretsMax = 16;
constexpr off_t kFileBytesMax = 64 * 1024;

bool SameFile(const struct stat& a, const struct stat& b) {
  return a.st_ino == b.st_ino && a.st_dev == b.st_dev && a.st_size == b.st_size &&
         a.st_mtim.tv_sec == b.st_mtim.tv_sec && a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

// A file changed this recently may change again within the same tick of the file system's clock,
// and then look the same: such a reading is not kept.
bool MayChangeUnseen(const struct stat& file, absl::Time now) {
  return absl::TimeFromTimespec(file.st_mtim) + absl::Seconds(1) > now;
}

}  // namespace

SecretFile::SecretFile(std::string path, Check check)
    : path_(std::move(path)), check_(std::move(check)) {}

absl::StatusOr<SecretFile::Secrets> SecretFile::Load() {
  absl::MutexLock lock(&mutex_);
  struct stat now = {};
  if (stat(path_.c_str(), &now) != 0) {
    secrets_ = nullptr;
    return absl::UnavailableError(absl::StrCat(path_, ": ", strerror(errno)));
  }
  if (secrets_ == nullptr || !SameFile(seen_, now)) {
    const absl::Status status = Refresh(now);
    if (!status.ok()) return status;
  }
  return secrets_;
}

absl::Status SecretFile::Refresh(const struct stat& now) {
  // Taken before the file is read, so that a change during the reading is seen by the next call.
  const absl::Time read_at = absl::Now();
  secrets_ = nullptr;
  if (now.st_size > kFileBytesMax) {
    return absl::UnavailableError(absl::StrCat(path_, " is too large for a file of secrets"));
  }
  auto secrets = Read();
  if (!secrets.ok()) return secrets.status();
  secrets_ = std::make_shared<const std::vector<std::string>>(*std::move(secrets));
  seen_ = MayChangeUnseen(now, read_at) ? (struct stat){} : now;
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> SecretFile::Read() const {
  std::ifstream file(path_);
  if (!file) return absl::UnavailableError(absl::StrCat(path_, ": ", strerror(errno)));
  std::vector<std::string> secrets;
  int line_number = 0;
  for (std::string line; std::getline(file, line);) {
    ++line_number;
    absl::StripAsciiWhitespace(&line);
    if (line.empty() || line.front() == '#') continue;
    const absl::Status usable = check_(line);
    if (!usable.ok()) {
      return absl::UnavailableError(
          absl::StrCat(path_, ", line ", line_number, ": ", usable.message()));
    }
    secrets.push_back(std::move(line));
  }
  if (secrets.empty()) return absl::UnavailableError(absl::StrCat(path_, " holds no secret"));
  if (secrets.size() > kSecretsMax) {
    return absl::UnavailableError(
        absl::StrCat(path_, " holds more than ", kSecretsMax, " secrets"));
  }
  return secrets;
}

}  // namespace herald::webhook
