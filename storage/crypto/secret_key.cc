#include "storage/crypto/secret_key.h"

#include <openssl/crypto.h>

#include <cstdlib>
#include <cstring>

#include "storage/crypto/random.h"

namespace herald::storage {

SecretKey SecretKey::Random() {
  SecretKey key;
  FillRandom(key.bytes_, sizeof(key.bytes_));
  return key;
}

SecretKey SecretKey::FromBytes(absl::string_view bytes) {
  if (bytes.size() != kSecretKeyBytes) std::abort();
  SecretKey key;
  std::memcpy(key.bytes_, bytes.data(), kSecretKeyBytes);
  return key;
}

SecretKey::~SecretKey() { OPENSSL_cleanse(bytes_, sizeof(bytes_)); }

void Wipe(std::string* secret) {
  if (!secret->empty()) OPENSSL_cleanse(&(*secret)[0], secret->size());
  secret->clear();
}

}  // namespace herald::storage
