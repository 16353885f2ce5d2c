#pragma once

// Sealing and opening of contacts. Only for sources of this folder.

#include <pqxx/pqxx>
#include <string>

#include "absl/status/statusor.h"
#include "storage/contact.h"
#include "storage/crypto/tenant_cipher.h"

namespace herald::storage {

// What of a contact is sealed, bound to its tenant and its address.
struct SealedContact {
  std::string address_hash;
  std::string email;
  std::string name;  // empty: no name
};

SealedContact SealContact(const TenantCipher& cipher, absl::string_view normalised,
                          absl::string_view email, absl::string_view name);

std::string SealContactName(const TenantCipher& cipher, absl::string_view address_hash,
                            absl::string_view name);
absl::StatusOr<std::string> OpenContactEmail(const TenantCipher& cipher,
                                             absl::string_view address_hash,
                                             absl::string_view sealed);
// Empty for an empty `sealed`.
absl::StatusOr<std::string> OpenContactName(const TenantCipher& cipher,
                                            absl::string_view address_hash,
                                            absl::string_view sealed);

// A row of HERALD_CONTACT_COLUMNS. kDataLoss: it does not open; kUnavailable: not with the
// keys at hand.
absl::StatusOr<ContactRecord> ContactOf(const pqxx::row& row, const TenantCipher& cipher);

}  // namespace herald::storage
