// The text of API tokens: hrld_<live|test|restricted>_<public id>_<secret>.
#pragma once

#include <array>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "model/ids.h"
#include "storage/tenant_store.h"

namespace herald::identity {

// A SHA-256. Secrets have 256 random bits, so that a plain hash cannot be searched.
using Digest = std::array<unsigned char, 32>;

struct ParsedToken {
  storage::TokenMode mode = storage::TokenMode::kLive;
  ApiTokenId id;             // 13 characters, not secret: what the token is looked up by
  absl::string_view secret;  // 43 characters, points into the parsed text
};

// nullopt for anything that this server cannot have made.
absl::optional<ParsedToken> ParseToken(absl::string_view text);
std::string FormatToken(storage::TokenMode mode, ApiTokenId id, absl::string_view secret);

// 32 bytes of the system's randomness in base64url: 43 characters.
std::string NewSecret();

// SHA-256 of any text.
Digest HashText(absl::string_view text);
// As stored in ApiToken::secret_hash: 32 bytes. Hashes the secret's text.
std::string HashSecret(absl::string_view secret);
// Takes the same time for every hash of 32 bytes.
bool EqualDigests(absl::string_view stored, absl::string_view computed);

// Reads an operator's or sidecar's token from configuration: "sha256:<64 hex digits>", or the
// token itself, at least 16 characters. Returns its hash.
absl::StatusOr<Digest> ParseServiceToken(absl::string_view text);

}  // namespace herald::identity
