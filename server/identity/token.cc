#include "server/identity/token.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <algorithm>
#include <cstdlib>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace herald::identity {
namespace {

constexpr size_t kSecretBytes = 32;
constexpr size_t kSecretChars = 43;
constexpr size_t kIdChars = 13;
constexpr absl::string_view kIdPrefix = "tk_";
constexpr size_t kServiceTokenCharsMin = 16;

struct ModeName {
  storage::TokenMode mode;
  absl::string_view prefix;
};
constexpr std::array<ModeName, 3> kModes = {{
    {storage::TokenMode::kLive, "hrld_live_"},
    {storage::TokenMode::kTest, "hrld_test_"},
    {storage::TokenMode::kRestricted, "hrld_restricted_"},
}};

bool IsBase64Url(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_';
}

absl::string_view AsText(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

}  // namespace

absl::optional<ParsedToken> ParseToken(absl::string_view text) {
  for (const ModeName& mode : kModes) {
    absl::string_view rest = text;
    if (!absl::ConsumePrefix(&rest, mode.prefix)) continue;
    if (rest.size() != kIdChars + 1 + kSecretChars || rest[kIdChars] != '_') return absl::nullopt;
    ParsedToken parsed;
    parsed.mode = mode.mode;
    parsed.secret = rest.substr(kIdChars + 1);
    const absl::optional<ApiTokenId> id =
        ParseApiTokenId(absl::StrCat(kIdPrefix, rest.substr(0, kIdChars)));
    if (!id.has_value()) return absl::nullopt;
    if (!std::all_of(parsed.secret.begin(), parsed.secret.end(), IsBase64Url)) return absl::nullopt;
    parsed.id = *id;
    return parsed;
  }
  return absl::nullopt;
}

std::string FormatToken(storage::TokenMode mode, ApiTokenId id, absl::string_view secret) {
  const auto* name = std::find_if(kModes.begin(), kModes.end(),
                                  [mode](const ModeName& entry) { return entry.mode == mode; });
  if (name == kModes.end()) std::abort();
  return absl::StrCat(name->prefix, FormatApiTokenId(id).substr(kIdPrefix.size()), "_", secret);
}

std::string NewSecret() {
  std::array<unsigned char, kSecretBytes> bytes;
  // Without randomness no secret may be made at all.
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) std::abort();
  return absl::WebSafeBase64Escape(
      absl::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

Digest HashText(absl::string_view text) {
  Digest digest;
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return digest;
}

std::string HashSecret(absl::string_view secret) { return std::string(AsText(HashText(secret))); }

bool EqualDigests(absl::string_view stored, absl::string_view computed) {
  return stored.size() == computed.size() &&
         CRYPTO_memcmp(stored.data(), computed.data(), computed.size()) == 0;
}

absl::StatusOr<Digest> ParseServiceToken(absl::string_view text) {
  absl::string_view hex = text;
  if (!absl::ConsumePrefix(&hex, "sha256:")) {
    if (text.size() < kServiceTokenCharsMin) {
      return absl::InvalidArgumentError("a token must have at least 16 characters");
    }
    return HashText(text);
  }
  Digest digest;
  const bool is_hex = std::all_of(hex.begin(), hex.end(), [](char c) {
    return absl::ascii_isxdigit(static_cast<unsigned char>(c));
  });
  if (hex.size() != 2 * digest.size() || !is_hex) {
    return absl::InvalidArgumentError("a token's hash must be sha256: and 64 hexadecimal digits");
  }
  const std::string bytes = absl::HexStringToBytes(hex);
  std::copy(bytes.begin(), bytes.end(), digest.begin());
  return digest;
}

}  // namespace herald::identity
