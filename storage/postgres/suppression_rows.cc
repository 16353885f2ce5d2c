#include "storage/postgres/suppression_rows.h"

#include "storage/postgres/email_rows.h"

namespace herald::storage {
namespace {

constexpr char kSuppressionField[] = "suppression";

// The place that a sealed address is bound to: the first bytes of what it is found by.
int64_t PlaceOf(absl::string_view hash) {
  uint64_t place = 0;
  for (size_t i = 0; i < sizeof(place) && i < hash.size(); ++i) {
    place = place << 8 | static_cast<unsigned char>(hash[i]);
  }
  return static_cast<int64_t>(place);
}

std::string OpenAddress(const pqxx::row& row, const TenantCipher& cipher) {
  if (row[5].is_null()) return "";
  const std::string sealed = BytesOf(row[5]);
  const absl::StatusOr<std::string> address =
      row[7].is_null() ? cipher.Open(kSuppressionField, PlaceOf(BytesOf(row[6])), sealed)
                       : cipher.Open(kRecipientField, Int64Of(row[7]), sealed);
  return address.ok() ? *address : "";
}

}  // namespace

std::string SealSuppressed(const TenantCipher& cipher, absl::string_view hash,
                           absl::string_view address) {
  return cipher.Seal(kSuppressionField, PlaceOf(hash), address);
}

std::string MarkBytes(int64_t mark) {
  std::string bytes;
  for (int shift = 56; shift >= 0; shift -= 8) {
    bytes.push_back(static_cast<char>(static_cast<uint64_t>(mark) >> shift));
  }
  return bytes;
}

std::vector<Suppression> SuppressionsOf(const pqxx::result& rows, SuppressionScope scope,
                                        const TenantCipher& cipher) {
  std::vector<Suppression> suppressions;
  suppressions.reserve(rows.size());
  for (const pqxx::row& row : rows) {
    Suppression suppression;
    suppression.id = Int64Of(row[0]);
    suppression.scope = scope;
    suppression.reason = TextOf(row[1]);
    suppression.source = TextOf(row[2]);
    suppression.create_time = TimeOf(row[3]);
    suppression.expire_time = OptionalTimeOf(row[4]);
    suppression.address = OpenAddress(row, cipher);
    suppressions.push_back(std::move(suppression));
  }
  return suppressions;
}

}  // namespace herald::storage
