#include "storage/crypto/hmac.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <cstdlib>

namespace herald::storage {
namespace {

constexpr size_t kDigestBytes = 32;

void Require(bool held) {
  if (!held) std::abort();
}

EVP_MAC* Algorithm() {
  static EVP_MAC* const kAlgorithm = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  return kAlgorithm;
}

}  // namespace

struct HmacSha256::Keyed {
  EVP_MAC_CTX* const ctx = EVP_MAC_CTX_new(Algorithm());
  ~Keyed() { EVP_MAC_CTX_free(ctx); }
};

HmacSha256::HmacSha256(absl::string_view key) {
  auto keyed = std::make_unique<Keyed>();
  char digest[] = "SHA256";
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                               OSSL_PARAM_construct_end()};
  const auto* bytes = reinterpret_cast<const unsigned char*>(key.data());
  Require(keyed->ctx != nullptr && EVP_MAC_init(keyed->ctx, bytes, key.size(), params) == 1);
  keyed_ = std::move(keyed);
}

HmacSha256::HmacSha256(HmacSha256&&) noexcept = default;
HmacSha256::~HmacSha256() = default;

std::string HmacSha256::Compute(absl::string_view message) const {
  EVP_MAC_CTX* ctx = EVP_MAC_CTX_dup(keyed_->ctx);
  Require(ctx != nullptr);
  std::string digest(kDigestBytes, '\0');
  size_t size = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(message.data());
  Require(EVP_MAC_update(ctx, bytes, message.size()) == 1 &&
          EVP_MAC_final(ctx, reinterpret_cast<unsigned char*>(&digest[0]), &size, kDigestBytes) ==
              1);
  EVP_MAC_CTX_free(ctx);
  return digest;
}

}  // namespace herald::storage
