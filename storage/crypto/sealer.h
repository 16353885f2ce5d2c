#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "storage/crypto/secret_key.h"

namespace herald::storage {

struct SealingKey {
  uint32_t id = 0;
  SecretKey key;
};

// What Seal adds to the length of its plaintext.
inline constexpr size_t kSealOverheadBytes = 1 + 4 + 12 + 16;

// Seals values with authenticated encryption. Thread-safe, immutable.
//
//   version (1 byte, = 1) | key id (4, big-endian) | nonce (12, random) | ciphertext | tag (16)
//
// With random nonces a key may seal 2^32 values (NIST SP 800-38D §8.3); rotate before.
class Sealer {
 public:
  // The first key seals; all open. At least one.
  explicit Sealer(std::vector<SealingKey> keys);

  // `aad` is not stored: Open must be given the same. It binds the value to its place.
  std::string Seal(absl::string_view aad, absl::string_view plaintext) const;

  // kNotFound: the key is not here (erased, or not loaded yet). kDataLoss: anything else.
  absl::StatusOr<std::string> Open(absl::string_view aad, absl::string_view sealed) const;

 private:
  std::vector<SealingKey> keys_;
};

}  // namespace herald::storage
