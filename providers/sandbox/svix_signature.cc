#include "providers/sandbox/svix_signature.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace herald::providers {

absl::StatusOr<std::string> DecodeWebhookSecret(absl::string_view secret) {
  std::string key;
  if (!absl::ConsumePrefix(&secret, "whsec_") || !absl::Base64Unescape(secret, &key) ||
      key.empty()) {
    return absl::InvalidArgumentError("webhook secret is not whsec_ and base64");
  }
  return key;
}

std::string SvixSignature(absl::string_view key, absl::string_view id, absl::Time timestamp,
                          absl::string_view body) {
  const std::string covered = absl::StrCat(id, ".", absl::ToUnixSeconds(timestamp), ".", body);
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned int mac_bytes = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(covered.data()), covered.size(), mac, &mac_bytes);
  return absl::StrCat(
      "v1,", absl::Base64Escape(absl::string_view(reinterpret_cast<char*>(mac), mac_bytes)));
}

}  // namespace herald::providers
