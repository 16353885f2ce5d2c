#include "storage/postgres/contact_rows.h"

#include <cstring>

#include "storage/postgres/query_params.h"

namespace herald::storage {
namespace {

constexpr absl::string_view kEmailField = "contact.email";
constexpr absl::string_view kNameField = "contact.name";

// The place of a sealed value: the first bytes of the hash stand for the row.
int64_t PlaceOf(absl::string_view address_hash) {
  int64_t place = 0;
  std::memcpy(&place, address_hash.data(), std::min(sizeof place, address_hash.size()));
  return place;
}

// A key that is missing may have been added since the cipher was made.
absl::Status Unopened(const absl::Status& status) {
  if (!absl::IsNotFound(status)) return status;
  return absl::UnavailableError("a contact is sealed with a key that is not loaded yet");
}

}  // namespace

SealedContact SealContact(const TenantCipher& cipher, absl::string_view normalised,
                          absl::string_view email, absl::string_view name) {
  SealedContact sealed;
  sealed.address_hash = cipher.LookupHash(normalised);
  sealed.email = cipher.Seal(kEmailField, PlaceOf(sealed.address_hash), email);
  if (!name.empty()) sealed.name = SealContactName(cipher, sealed.address_hash, name);
  return sealed;
}

std::string SealContactName(const TenantCipher& cipher, absl::string_view address_hash,
                            absl::string_view name) {
  return cipher.Seal(kNameField, PlaceOf(address_hash), name);
}

absl::StatusOr<std::string> OpenContactEmail(const TenantCipher& cipher,
                                             absl::string_view address_hash,
                                             absl::string_view sealed) {
  return cipher.Open(kEmailField, PlaceOf(address_hash), sealed);
}

absl::StatusOr<std::string> OpenContactName(const TenantCipher& cipher,
                                            absl::string_view address_hash,
                                            absl::string_view sealed) {
  if (sealed.empty()) return std::string();
  return cipher.Open(kNameField, PlaceOf(address_hash), sealed);
}

absl::StatusOr<ContactRecord> ContactOf(const pqxx::row& row, const TenantCipher& cipher) {
  const std::string hash = BytesOf(row[1]);
  absl::StatusOr<std::string> email = OpenContactEmail(cipher, hash, BytesOf(row[2]));
  if (!email.ok()) return Unopened(email.status());
  absl::StatusOr<std::string> name = OpenContactName(cipher, hash, BytesOf(row[3]));
  if (!name.ok()) return Unopened(name.status());
  ContactRecord record;
  record.id = ContactId{Int64Of(row[0])};
  record.email = *std::move(email);
  record.name = *std::move(name);
  record.user_id = TextOf(row[4]);
  record.locale = TextOf(row[5]);
  record.time_zone = TextOf(row[6]);
  record.tags = TextArrayOf(row[7]);
  record.attributes = TextOf(row[8]);
  record.state = static_cast<ContactState>(IntOf(row[9]));
  record.update_time = TimeOf(row[10]);
  return record;
}

}  // namespace herald::storage
