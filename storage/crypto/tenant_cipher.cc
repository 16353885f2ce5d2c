#include "storage/crypto/tenant_cipher.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace herald::storage {

TenantCipher::TenantCipher(TenantId tenant, Sealer sealer, HmacSha256 lookup)
    : tenant_(tenant), sealer_(std::move(sealer)), lookup_(std::move(lookup)) {}

std::string TenantCipher::Place(absl::string_view field, int64_t row) const {
  return absl::StrCat(tenant_.value, "|", row, "|", field);
}

std::string TenantCipher::Seal(absl::string_view field, int64_t row,
                               absl::string_view plaintext) const {
  return sealer_.Seal(Place(field, row), plaintext);
}

absl::StatusOr<std::string> TenantCipher::Open(absl::string_view field, int64_t row,
                                               absl::string_view sealed) const {
  return sealer_.Open(Place(field, row), sealed);
}

std::string TenantCipher::LookupHash(absl::string_view normalised_address) const {
  return lookup_.Compute(normalised_address);
}

}  // namespace herald::storage
