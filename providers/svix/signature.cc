#include "providers/svix/signature.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "providers/webhook_refusal.h"

namespace herald::providers {
namespace {

constexpr size_t kKeyBytesMin = 24;
constexpr size_t kKeyBytesMax = 64;
constexpr absl::string_view kVersion = "v1,";

absl::StatusOr<std::string> KeyOf(absl::string_view secret) {
  std::string key;
  if (!absl::Base64Unescape(absl::StripPrefix(secret, "whsec_"), &key)) {
    return absl::InvalidArgumentError("the webhook secret is not base64");
  }
  if (key.size() < kKeyBytesMin || key.size() > kKeyBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat("the webhook secret holds ", key.size(),
                                                   " bytes, not ", kKeyBytesMin, " to ",
                                                   kKeyBytesMax));
  }
  return key;
}

std::string Mac(absl::string_view key, absl::string_view signed_bytes) {
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned int mac_size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(signed_bytes.data()), signed_bytes.size(), mac,
       &mac_size);
  return absl::Base64Escape(absl::string_view(reinterpret_cast<const char*>(mac), mac_size));
}

struct SignedHeaders {
  absl::string_view id;
  absl::string_view timestamp;
  absl::string_view signatures;
};

absl::optional<SignedHeaders> ReadHeaders(const WebhookRequest& request) {
  for (absl::string_view prefix : {"svix-", "webhook-"}) {
    const auto id = request.Header(absl::StrCat(prefix, "id"));
    const auto timestamp = request.Header(absl::StrCat(prefix, "timestamp"));
    const auto signatures = request.Header(absl::StrCat(prefix, "signature"));
    if (id.has_value() && timestamp.has_value() && signatures.has_value() && !id->empty()) {
      return SignedHeaders{*id, *timestamp, *signatures};
    }
  }
  return absl::nullopt;
}

absl::optional<int64_t> ReadTimestamp(absl::string_view text) {
  constexpr size_t kDigitsMax = 12;  // far beyond the year 9999, far below an overflow
  int64_t seconds = 0;
  if (text.empty() || text.size() > kDigitsMax ||
      !std::all_of(text.begin(), text.end(), absl::ascii_isdigit) ||
      !absl::SimpleAtoi(text, &seconds)) {
    return absl::nullopt;
  }
  return seconds;
}

bool EqualInConstantTime(absl::string_view a, absl::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

bool AnySignatureMatches(absl::string_view signatures, absl::string_view expected) {
  bool matches = false;
  for (absl::string_view entry : absl::StrSplit(signatures, ' ')) {
    if (absl::ConsumePrefix(&entry, kVersion) && EqualInConstantTime(entry, expected)) {
      matches = true;
    }
  }
  return matches;
}

}  // namespace

absl::StatusOr<std::string> VerifySvix(const WebhookRequest& request,
                                       const std::vector<std::string>& secrets, absl::Time now) {
  const auto headers = ReadHeaders(request);
  if (!headers.has_value()) return RefuseWebhook(WebhookRefusal::kMissingHeader);
  const auto timestamp = ReadTimestamp(headers->timestamp);
  if (!timestamp.has_value()) return RefuseWebhook(WebhookRefusal::kBadTimestamp);
  const absl::Duration age = absl::Seconds(absl::ToUnixSeconds(now) - *timestamp);
  if (absl::AbsDuration(age) > kSvixTolerance) {
    return RefuseWebhook(WebhookRefusal::kStaleTimestamp);
  }
  const std::string signed_bytes =
      absl::StrCat(headers->id, ".", headers->timestamp, ".", request.body);
  bool verified = false;
  for (const std::string& secret : secrets) {
    const auto key = KeyOf(secret);
    if (key.ok() && AnySignatureMatches(headers->signatures, Mac(*key, signed_bytes))) {
      verified = true;
    }
  }
  if (!verified) return RefuseWebhook(WebhookRefusal::kBadSignature);
  return std::string(headers->id);
}

absl::StatusOr<std::string> SignSvix(absl::string_view secret, absl::string_view id,
                                     absl::Time timestamp, absl::string_view body) {
  const auto key = KeyOf(secret);
  if (!key.ok()) return key.status();
  return absl::StrCat(kVersion,
                      Mac(*key, absl::StrCat(id, ".", absl::ToUnixSeconds(timestamp), ".", body)));
}

absl::Status CheckSvixSecret(absl::string_view secret) { return KeyOf(secret).status(); }

}  // namespace herald::providers
