#include "storage/postgres/oldest_due.h"

#include "model/steady_time.h"
#include "storage/postgres/queue_store_sql.h"
#include "storage/postgres/transaction.h"

namespace herald::storage {
namespace {

constexpr int kTimeShare = 20;

}  // namespace

std::map<Lane, absl::Duration> OldestDue::Ages() {
  const absl::Time start = SteadyNow();
  {
    absl::MutexLock lock(&mutex_);
    if (start < next_look_) return ages_;
  }
  const TransactionOptions options = {
      .role = DatabaseRole::kEngine, .tenants = {}, .read_only = true, .name = "oldest_due"};
  const absl::StatusOr<pqxx::result> rows =
      RunTransaction(pool_, options, [](Transaction& transaction) -> absl::StatusOr<pqxx::result> {
        return transaction.Exec(queue_sql::kOldestDue);
      });
  const absl::Time end = SteadyNow();
  absl::MutexLock lock(&mutex_);
  next_look_ = end + kTimeShare * (end - start);
  if (!rows.ok()) return ages_;
  ages_.clear();
  for (const pqxx::row& row : *rows) {
    ages_[static_cast<Lane>(IntOf(row[0]))] = absl::Seconds(row[1].as<double>());
  }
  return ages_;
}

}  // namespace herald::storage
