#include "storage/postgres/database_clock.h"

#include "model/steady_time.h"
#include "storage/postgres/email_rows.h"
#include "storage/postgres/transaction.h"

namespace herald::storage {
namespace {

constexpr NamedQuery kTime{"database_time", "SELECT herald.micros(clock_timestamp())"};

}  // namespace

absl::Status DatabaseClock::Measure() {
  absl::Duration offset;
  const absl::Status asked =
      RunTransaction(pool_, {.role = DatabaseRole::kEngine, .read_only = true, .name = "clock"},
                     [&](Transaction& transaction) -> absl::Status {
                       const absl::Time before = SteadyNow();
                       const absl::Time told = TimeOf(transaction.Exec(kTime)[0][0]);
                       const absl::Time after = SteadyNow();
                       offset = told - (before + (after - before) / 2);
                       return absl::OkStatus();
                     });
  if (!asked.ok()) return StoreError(asked);
  absl::MutexLock lock(&mutex_);
  offset_ = offset;
  return absl::OkStatus();
}

absl::Time DatabaseClock::Now() const {
  const absl::Time steady = SteadyNow();
  absl::MutexLock lock(&mutex_);
  return steady + offset_;
}

}  // namespace herald::storage
