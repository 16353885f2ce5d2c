#include "storage/postgres/queue_locks.h"

#include <algorithm>
#include <numeric>
#include <tuple>

#include "storage/postgres/array_param.h"
#include "storage/postgres/queue_store_sql.h"

namespace herald::storage {
namespace {

auto KeyOf(const Lease& lease) { return std::tie(lease.tenant, lease.email, lease.token); }

}  // namespace

std::vector<size_t> LockLeases(Transaction& transaction, absl::Span<const Lease> leases,
                               absl::optional<absl::Duration> time_needed) {
  std::vector<size_t> order(leases.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return KeyOf(leases[a]) < KeyOf(leases[b]); });
  order.erase(std::unique(order.begin(), order.end(),
                          [&](size_t a, size_t b) { return KeyOf(leases[a]) == KeyOf(leases[b]); }),
              order.end());

  ArrayParam tenants(order.size()), emails(order.size(), 20), tokens(order.size());
  for (size_t i : order) {
    tenants.AddInt(leases[i].tenant.value);
    emails.AddInt(leases[i].email.value);
    tokens.AddInt(leases[i].token);
  }
  absl::optional<std::string> seconds;
  if (time_needed.has_value()) seconds = std::to_string(absl::ToDoubleSeconds(*time_needed));
  const pqxx::result rows = transaction.Call(queue_sql::kLockLeases, tenants.Take(), emails.Take(),
                                             tokens.Take(), seconds);
  std::vector<size_t> held;
  held.reserve(rows.size());
  for (const pqxx::row& row : rows) {
    held.push_back(order[static_cast<size_t>(Int64Of(row[0])) - 1]);
  }
  return held;
}

EmailArrays ArraysOf(const pqxx::result& rows) {
  ArrayParam tenants(rows.size()), emails(rows.size(), 20);
  for (const pqxx::row& row : rows) {
    tenants.AddInt(Int64Of(row["tenant_id"]));
    emails.AddInt(Int64Of(row["email_id"]));
  }
  return {tenants.Take(), emails.Take()};
}

}  // namespace herald::storage
