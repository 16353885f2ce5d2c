#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "model/ids.h"
#include "storage/crypto/sealer.h"

namespace herald::preferences {

// Who may leave what with a token.
struct UnsubscribeSubject {
  TenantId tenant;
  EmailId email;
  std::string address;  // normalised
  std::string category;
};

// Opaque tokens for unsubscribe links: sealed, so that neither address nor id can be read or
// forged; URL-safe. Thread-safe.
class UnsubscribeTokens {
 public:
  // `sealer`'s keys are the same on every replica. Key rotation is the sealer's.
  UnsubscribeTokens(storage::Sealer sealer, absl::Duration lifetime)
      : sealer_(std::move(sealer)), lifetime_(lifetime) {}

  // Each call gives another token: keep it where a message must stay the same.
  std::string Mint(const UnsubscribeSubject& subject, absl::Time now) const;
  // Errors carry their details: NOT_FOUND (UNSUBSCRIBE_TOKEN_INVALID: none of ours, or its key is
  // no longer configured), FAILED_PRECONDITION (UNSUBSCRIBE_TOKEN_EXPIRED).
  absl::StatusOr<UnsubscribeSubject> Open(absl::string_view token, absl::Time now) const;

 private:
  const storage::Sealer sealer_;
  const absl::Duration lifetime_;
};

// Links for marketing mail, where a public address of the sidecar is configured.
class UnsubscribeLinks {
 public:
  // `base_url` without a slash at its end; empty: none can be made. `tokens` outlives this.
  UnsubscribeLinks(std::string base_url, const UnsubscribeTokens& tokens)
      : base_url_(std::move(base_url)), tokens_(tokens) {}

  bool Configured() const { return !base_url_.empty(); }
  std::string LinkFor(const UnsubscribeSubject& subject, absl::Time now) const;

 private:
  const std::string base_url_;
  const UnsubscribeTokens& tokens_;
};

}  // namespace herald::preferences
