#include "providers/digest.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <cstdlib>

namespace herald::providers {
namespace {

struct Context {
  EVP_MD_CTX* const ctx = EVP_MD_CTX_new();
  ~Context() { EVP_MD_CTX_free(ctx); }
};

// OpenSSL refuses these calls only when it is broken or out of memory.
void Require(int result) {
  if (result != 1) std::abort();
}

}  // namespace

std::string Digest(std::initializer_list<absl::string_view> pieces) {
  // Fetched once: SHA256() fetches it at each call.
  static const EVP_MD* const kSha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  thread_local Context context;
  Require(EVP_DigestInit_ex2(context.ctx, kSha256, nullptr));
  for (absl::string_view piece : pieces) {
    Require(EVP_DigestUpdate(context.ctx, piece.data(), piece.size()));
  }
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  Require(EVP_DigestFinal_ex(context.ctx, reinterpret_cast<unsigned char*>(&digest[0]), nullptr));
  return digest;
}

}  // namespace herald::providers
