#pragma once

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"
#include "storage/crypto/secret_key.h"

namespace herald::storage {

inline constexpr size_t kGcmNonceBytes = 12;
inline constexpr size_t kGcmTagBytes = 16;

// AES-256-GCM (NIST SP 800-38D). Thread-safe; a thread holds the last key it sealed with, and the
// last it opened with, until it uses another or ends. A nonce (kGcmNonceBytes) must never repeat
// under one key. `plaintext` up to 1 GiB.

// Appends ciphertext and tag to `out`.
void AesGcmEncrypt(const SecretKey& key, absl::string_view nonce, absl::string_view aad,
                   absl::string_view plaintext, std::string* out);

// Appends the plaintext of a ciphertext with its tag to `out`; false, and `out` as it was, when the
// key, nonce, aad or any byte differs.
bool AesGcmDecrypt(const SecretKey& key, absl::string_view nonce, absl::string_view aad,
                   absl::string_view ciphertext, std::string* out);

}  // namespace herald::storage
