// Emails that wait for a rate limit.

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "storage/postgres/array_param.h"
#include "storage/postgres/email_rows.h"
#include "storage/postgres/queue_locks.h"
#include "storage/postgres/queue_store.h"
#include "storage/postgres/queue_store_sql.h"
#include "storage/postgres/transaction.h"

namespace herald::storage {

absl::Status PostgresQueueStore::Park(absl::Span<const ParkedEmail> parked) {
  std::vector<Lease> leases;
  leases.reserve(parked.size());
  for (const ParkedEmail& email : parked) leases.push_back(email.lease);
  const TransactionOptions options{
      .role = DatabaseRole::kEngine, .tenants = {}, .read_only = false, .name = "park"};
  return StoreError(RunTransaction(pool_, options, [&](Transaction& transaction) -> absl::Status {
    ArrayParam tenants, emails, times, slots, limits;
    const std::vector<size_t> held = LockLeases(transaction, leases, absl::nullopt);
    if (held.empty()) return absl::OkStatus();
    for (size_t i : held) {
      const ParkedEmail& email = parked[i];
      tenants.AddInt(email.lease.tenant.value);
      emails.AddInt(email.lease.email.value);
      times.AddTime(email.run_at);
      slots.AddText(absl::StrCat("{", absl::StrJoin(email.slots_held, ","), "}"));
      limits.AddText(email.limit);
    }
    transaction.Call(queue_sql::kPark, tenants.Take(), emails.Take(), times.Take(), slots.Take(),
                     limits.Take());
    return absl::OkStatus();
  }));
}

}  // namespace herald::storage
