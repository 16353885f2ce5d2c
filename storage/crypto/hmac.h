#pragma once

#include <memory>
#include <string>

#include "absl/strings/string_view.h"

namespace herald::storage {

// HMAC-SHA256 (RFC 2104) under one key, which is hashed in only once. Thread-safe.
class HmacSha256 {
 public:
  explicit HmacSha256(absl::string_view key);
  HmacSha256(HmacSha256&&) noexcept;
  ~HmacSha256();

  // 32 bytes.
  std::string Compute(absl::string_view message) const;

 private:
  class Keyed;
  std::unique_ptr<Keyed> keyed_;
};

}  // namespace herald::storage
