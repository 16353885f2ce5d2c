#pragma once

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace herald::storage {

inline constexpr size_t kSecretKeyBytes = 32;

// A 256-bit key. Its memory is wiped when it goes.
class SecretKey {
 public:
  static SecretKey Random();
  // `bytes` has exactly kSecretKeyBytes; anything else ends the process.
  static SecretKey FromBytes(absl::string_view bytes);

  SecretKey(const SecretKey&) = default;
  SecretKey& operator=(const SecretKey&) = default;
  ~SecretKey();

  absl::string_view bytes() const { return {bytes_, kSecretKeyBytes}; }
  const unsigned char* data() const { return reinterpret_cast<const unsigned char*>(bytes_); }

 private:
  SecretKey() = default;
  char bytes_[kSecretKeyBytes];
};

// Wipes a string that held a secret.
void Wipe(std::string* secret);

}  // namespace herald::storage
