#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "model/ids.h"
#include "storage/crypto/hmac.h"
#include "storage/crypto/sealer.h"

namespace herald::storage {

// A tenant's keys at work. Thread-safe, immutable.
class TenantCipher {
 public:
  TenantCipher(TenantId tenant, Sealer sealer, HmacSha256 lookup);

  // Seals a value for one place: a row of this tenant and a field of it ("recipient", "content").
  // At another place, or at another tenant's, it does not open.
  std::string Seal(absl::string_view field, int64_t row, absl::string_view plaintext) const;
  // kNotFound: its key is gone. kDataLoss: changed or moved.
  absl::StatusOr<std::string> Open(absl::string_view field, int64_t row,
                                   absl::string_view sealed) const;

  // 32 bytes by which a normalised address is found without being readable. Differs by tenant.
  std::string LookupHash(absl::string_view normalised_address) const;

  TenantId tenant() const { return tenant_; }

 private:
  std::string Place(absl::string_view field, int64_t row) const;

  const TenantId tenant_;
  const Sealer sealer_;
  const HmacSha256 lookup_;
};

}  // namespace herald::storage
