#include "storage/crypto/aes_gcm.h"

#include <openssl/evp.h>

#include <cstdlib>

namespace herald::storage {
namespace {

struct Context {
  EVP_CIPHER_CTX* const ctx = EVP_CIPHER_CTX_new();
  ~Context() { EVP_CIPHER_CTX_free(ctx); }
};

// One context per thread: making one costs more than sealing an address.
EVP_CIPHER_CTX* ThreadContext() {
  thread_local Context context;
  return context.ctx;
}

const EVP_CIPHER* Cipher() {
  static const EVP_CIPHER* const kCipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  return kCipher;
}

const unsigned char* Bytes(absl::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

// OpenSSL refuses these calls only when it is broken or out of memory.
void Require(int result) {
  if (result != 1) std::abort();
}

}  // namespace

void AesGcmEncrypt(const SecretKey& key, absl::string_view nonce, absl::string_view aad,
                   absl::string_view plaintext, std::string* out) {
  EVP_CIPHER_CTX* ctx = ThreadContext();
  if (nonce.size() != kGcmNonceBytes) std::abort();
  Require(EVP_EncryptInit_ex2(ctx, Cipher(), key.data(), Bytes(nonce), nullptr));
  int written = 0;
  Require(EVP_EncryptUpdate(ctx, nullptr, &written, Bytes(aad), static_cast<int>(aad.size())));
  const size_t start = out->size();
  out->resize(start + plaintext.size() + kGcmTagBytes);
  auto* to = reinterpret_cast<unsigned char*>(&(*out)[start]);
  Require(
      EVP_EncryptUpdate(ctx, to, &written, Bytes(plaintext), static_cast<int>(plaintext.size())));
  Require(EVP_EncryptFinal_ex(ctx, to + written, &written));
  Require(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, kGcmTagBytes, to + plaintext.size()));
}

bool AesGcmDecrypt(const SecretKey& key, absl::string_view nonce, absl::string_view aad,
                   absl::string_view ciphertext, std::string* out) {
  if (nonce.size() != kGcmNonceBytes || ciphertext.size() < kGcmTagBytes) return false;
  EVP_CIPHER_CTX* ctx = ThreadContext();
  const size_t size = ciphertext.size() - kGcmTagBytes;
  std::string tag(ciphertext.substr(size));
  Require(EVP_DecryptInit_ex2(ctx, Cipher(), key.data(), Bytes(nonce), nullptr));
  int written = 0;
  Require(EVP_DecryptUpdate(ctx, nullptr, &written, Bytes(aad), static_cast<int>(aad.size())));
  const size_t start = out->size();
  out->resize(start + size + 1);  // so that there is a place to point at
  auto* to = reinterpret_cast<unsigned char*>(&(*out)[start]);
  Require(EVP_DecryptUpdate(ctx, to, &written, Bytes(ciphertext), static_cast<int>(size)));
  Require(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, kGcmTagBytes, &tag[0]));
  const bool genuine = EVP_DecryptFinal_ex(ctx, to + size, &written) == 1;
  out->resize(genuine ? start + size : start);
  return genuine;
}

}  // namespace herald::storage
