#pragma once

// Locks on queue rows. Includes libpqxx: only for sources of this folder.

#include <pqxx/pqxx>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "storage/postgres/transaction.h"
#include "storage/queue_store.h"

namespace herald::storage {

// Locks the queue rows whose lease is still that one, in the order all writers keep. Returns the
// indices of those held, in that order; of a lease named twice only the first. `time_needed`, when
// given, must be left of it.
std::vector<size_t> LockLeases(Transaction& transaction, absl::Span<const Lease> leases,
                               absl::optional<absl::Duration> time_needed);

// The (tenant_id, email_id) columns of a result, as two array parameters.
struct EmailArrays {
  std::string tenants;
  std::string emails;
};
EmailArrays ArraysOf(const pqxx::result& rows);

}  // namespace herald::storage
