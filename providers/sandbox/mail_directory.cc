#include "providers/sandbox/mail_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "providers/digest.h"

namespace herald::providers {
namespace {

constexpr size_t kReadBytes = 1 << 20;

absl::Status Unavailable(absl::string_view what) {
  return absl::UnavailableError(absl::StrCat(what, ": ", strerror(errno)));
}

absl::uint128 KeyDigest(absl::string_view key) {
  const std::string digest = Digest({key});
  absl::uint128 bits = 0;
  for (size_t i = 0; i < 16; ++i) bits = bits << 8 | static_cast<unsigned char>(digest[i]);
  return bits;
}

bool WriteAll(int fd, absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

}  // namespace

std::string SandboxMessageId(absl::string_view idempotency_key) {
  const absl::uint128 bits = KeyDigest(idempotency_key);
  const uint64_t high = absl::Uint128High64(bits);
  const uint64_t low = absl::Uint128Low64(bits);
  return absl::StrFormat("%08x-%04x-%04x-%04x-%012x", high >> 32, (high >> 16) & 0xffff,
                         high & 0xffff, low >> 48, low & 0xffffffffffff);
}

absl::StatusOr<std::unique_ptr<MailDirectory>> MailDirectory::Open(const std::string& path,
                                                                   bool keep_mail) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return absl::UnavailableError(absl::StrCat("sandbox directory: ", error.message()));
  const int fd =
      open((path + "/accepted.log").c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return Unavailable("accepted.log");
  return std::unique_ptr<MailDirectory>(new MailDirectory(path, keep_mail, fd));
}

MailDirectory::~MailDirectory() { close(log_fd_); }

absl::StatusOr<std::vector<MailDirectory::Taken>> MailDirectory::Take(
    const std::vector<Mail>& batch) {
  if (flock(log_fd_, LOCK_EX) != 0) return Unavailable("lock");
  const absl::Cleanup unlock = [this] { flock(log_fd_, LOCK_UN); };
  absl::Status read = ReadNewLines();
  if (!read.ok()) return read;
  return TakeLocked(batch);
}

absl::StatusOr<std::vector<MailDirectory::Taken>> MailDirectory::TakeLocked(
    const std::vector<Mail>& batch) {
  std::vector<Taken> results;
  std::vector<absl::uint128> added;
  std::string lines;
  absl::Status written;
  for (const Mail& mail : batch) {
    const absl::uint128 digest = KeyDigest(mail.idempotency_key);
    const auto [known, is_new] = known_.try_emplace(digest, true);
    if (!is_new) {
      results.push_back(known->second ? Taken::kRepeated : Taken::kKnownBefore);
      continue;
    }
    added.push_back(digest);
    results.push_back(Taken::kNew);
    absl::StrAppend(&lines, mail.email_id, "\t", absl::CEscape(mail.idempotency_key), "\n");
    if (keep_mail_) written = WriteMail(mail);
    if (!written.ok()) break;
  }
  if (written.ok()) written = AppendLines(lines);
  if (!written.ok()) {
    if (absl::IsUnavailable(written)) {
      for (absl::uint128 digest : added) known_.erase(digest);
    }
    return written;
  }
  return results;
}

// Under the lock nobody is writing, so a line without its end is of a process that died.
absl::Status MailDirectory::ReadNewLines() {
  struct stat info;
  if (fstat(log_fd_, &info) != 0) return Unavailable("accepted.log");
  std::string text;
  while (log_read_ + static_cast<int64_t>(text.size()) < info.st_size) {
    const size_t had = text.size();
    text.resize(had + kReadBytes);
    const ssize_t got =
        pread(log_fd_, &text[had], kReadBytes, log_read_ + static_cast<int64_t>(had));
    if (got <= 0) return Unavailable("accepted.log");
    text.resize(had + static_cast<size_t>(got));
    size_t start = 0;
    for (size_t end; (end = text.find('\n', start)) != std::string::npos; start = end + 1) {
      const absl::string_view line = absl::string_view(text).substr(start, end - start);
      const size_t tab = line.find('\t');
      std::string key;
      if (tab == absl::string_view::npos || !absl::CUnescape(line.substr(tab + 1), &key)) continue;
      known_.try_emplace(KeyDigest(key), false);
    }
    log_read_ += static_cast<int64_t>(start);
    text.erase(0, start);
  }
  if (!text.empty() && ftruncate(log_fd_, log_read_) != 0) return Unavailable("accepted.log");
  return absl::OkStatus();
}

absl::Status MailDirectory::WriteMail(const Mail& mail) {
  const std::string folder = absl::StrCat(path_, "/", mail.tenant_id);
  if (tenants_made_.emplace(mail.tenant_id, true).second && mkdir(folder.c_str(), 0700) != 0 &&
      errno != EEXIST) {
    tenants_made_.erase(mail.tenant_id);
    return Unavailable("tenant's folder");
  }
  const std::string name = absl::StrCat(folder, "/", mail.email_id, ".eml");
  const std::string unfinished = absl::StrCat(folder, "/.", mail.email_id, ".tmp");
  const int fd = open(unfinished.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return Unavailable("mail file");
  const bool whole = WriteAll(fd, mail.mime);
  close(fd);
  if (!whole || rename(unfinished.c_str(), name.c_str()) != 0) return Unavailable("mail file");
  return absl::OkStatus();
}

absl::Status MailDirectory::AppendLines(const std::string& lines) {
  if (lines.empty()) return absl::OkStatus();
  if (!WriteAll(log_fd_, lines)) {
    const absl::Status status = Unavailable("accepted.log");
    if (ftruncate(log_fd_, log_read_) == 0) return status;
    return absl::UnknownError("accepted.log may hold part of a batch");
  }
  log_read_ += static_cast<int64_t>(lines.size());
  if (fdatasync(log_fd_) != 0) return absl::UnknownError("accepted.log was not synced");
  return absl::OkStatus();
}

}  // namespace herald::providers
