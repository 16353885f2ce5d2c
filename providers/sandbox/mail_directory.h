#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/numeric/int128.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace herald::providers {

// Where the sandbox keeps its mail: "<path>/<tenant>/<email>.eml" for people, and
// "<path>/accepted.log" as the record of what was accepted: one line "email_id TAB key LF" per
// message (the key C-escaped), on disk before anyone is told. Any number of processes may share a
// directory; a message counts as accepted when its line is there, so that a repeated key is
// recognised after a crash and by another process. Not thread-safe.
class MailDirectory {
 public:
  // `keep_mail` false writes the record only.
  static absl::StatusOr<std::unique_ptr<MailDirectory>> Open(const std::string& path,
                                                             bool keep_mail);
  ~MailDirectory();
  MailDirectory(const MailDirectory&) = delete;
  MailDirectory& operator=(const MailDirectory&) = delete;

  struct Mail {
    std::string tenant_id;  // both ids hold only letters, digits, '_' and '-'
    std::string email_id;
    std::string idempotency_key;
    std::string mime;
  };
  enum class Taken {
    kNew,         // accepted now
    kRepeated,    // this object accepted the key before
    kKnownBefore  // another process, or an earlier life of this one, did
  };

  // Accepts a batch; one result per mail. kUnavailable: none of the batch was accepted. kUnknown:
  // the record may or may not survive a loss of power.
  absl::StatusOr<std::vector<Taken>> Take(const std::vector<Mail>& batch);

 private:
  MailDirectory(std::string path, bool keep_mail, int log_fd)
      : path_(std::move(path)), keep_mail_(keep_mail), log_fd_(log_fd) {}

  absl::StatusOr<std::vector<Taken>> TakeLocked(const std::vector<Mail>& batch);
  absl::Status ReadNewLines();
  absl::Status WriteMail(const Mail& mail);
  absl::Status AppendLines(const std::string& lines);

  const std::string path_;
  const bool keep_mail_;
  const int log_fd_;
  int64_t log_read_ = 0;  // bytes of the record that `known_` covers
  // Digest of each accepted key; true when this object accepted it.
  absl::flat_hash_map<absl::uint128, bool> known_;
  absl::flat_hash_map<std::string, bool> tenants_made_;
};

// The sandbox's id for the message with this key: a UUID that is the same in every process.
std::string SandboxMessageId(absl::string_view idempotency_key);

}  // namespace herald::providers
