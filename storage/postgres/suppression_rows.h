#pragma once

// How suppressions are sealed and read. Only for sources of this folder.

#include <string>
#include <vector>

#include "storage/crypto/tenant_cipher.h"
#include "storage/postgres/transaction.h"
#include "storage/suppression_store.h"

namespace herald::storage {

// An address found by `hash` (its look-up hash, or its mark as eight bytes), sealed for its row.
std::string SealSuppressed(const TenantCipher& cipher, absl::string_view hash,
                           absl::string_view address);

// Eight bytes, as SealSuppressed takes a mark.
std::string MarkBytes(int64_t mark);

// Rows of the lists' columns: id, reason, source, create time, expire time, sealed address, hash,
// and the email whose recipient it is as it was sealed there (NULL: none).
std::vector<Suppression> SuppressionsOf(const pqxx::result& rows, SuppressionScope scope,
                                        const TenantCipher& cipher);

}  // namespace herald::storage
