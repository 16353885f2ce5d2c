#include "storage/crypto/aes_gcm.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <cstdlib>

#include "absl/types/optional.h"

namespace herald::storage {
namespace {

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

// What seals or opens on one thread. Making a context, and expanding a key in it, cost as much as
// sealing an address, so the context stays, with the key it had last.
class Context {
 public:
  using Init = int (*)(EVP_CIPHER_CTX*, const EVP_CIPHER*, const unsigned char* key,
                       const unsigned char* nonce, const OSSL_PARAM*);

  explicit Context(Init init) : init_(init) {}
  ~Context() { EVP_CIPHER_CTX_free(ctx_); }

  EVP_CIPHER_CTX* Begin(const SecretKey& key, absl::string_view nonce) {
    if (key_.has_value() && CRYPTO_memcmp(key_->data(), key.data(), kSecretKeyBytes) == 0) {
      Require(init_(ctx_, nullptr, nullptr, Bytes(nonce), nullptr));
    } else {
      Require(init_(ctx_, Cipher(), key.data(), Bytes(nonce), nullptr));
      key_ = key;
    }
    return ctx_;
  }

 private:
  EVP_CIPHER_CTX* const ctx_ = EVP_CIPHER_CTX_new();
  const Init init_;
  absl::optional<SecretKey> key_;
};

}  // namespace

void AesGcmEncrypt(const SecretKey& key, absl::string_view nonce, absl::string_view aad,
                   absl::string_view plaintext, std::string* out) {
  if (nonce.size() != kGcmNonceBytes) std::abort();
  thread_local Context sealing(&EVP_EncryptInit_ex2);
  EVP_CIPHER_CTX* const ctx = sealing.Begin(key, nonce);
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
  const size_t size = ciphertext.size() - kGcmTagBytes;
  std::string tag(ciphertext.substr(size));
  thread_local Context opening(&EVP_DecryptInit_ex2);
  EVP_CIPHER_CTX* const ctx = opening.Begin(key, nonce);
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
