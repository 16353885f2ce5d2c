#include "storage/crypto/sha256.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include <cstdlib>

namespace herald::storage {

namespace {

struct Context {
  EVP_MD_CTX* const ctx = EVP_MD_CTX_new();
  ~Context() { EVP_MD_CTX_free(ctx); }
};

}  // namespace

std::string Sha256(absl::string_view message) {
  // Fetching the algorithm anew, as SHA256() does, costs more than hashing a request.
  static const EVP_MD* const kSha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  thread_local Context context;
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  // OpenSSL refuses these calls only when it is broken or out of memory.
  if (EVP_DigestInit_ex2(context.ctx, kSha256, nullptr) != 1 ||
      EVP_DigestUpdate(context.ctx, message.data(), message.size()) != 1 ||
      EVP_DigestFinal_ex(context.ctx, reinterpret_cast<unsigned char*>(&digest[0]), nullptr) != 1) {
    std::abort();
  }
  return digest;
}

bool EqualInConstantTime(absl::string_view a, absl::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace herald::storage
