#include "storage/postgres/database_clock.h"

#include <algorithm>

#include "model/steady_time.h"
#include "storage/postgres/email_rows.h"
#include "storage/postgres/transaction.h"

namespace herald::storage {
namespace {

constexpr NamedQuery kTime{"database_time", "SELECT herald.micros(clock_timestamp())"};

}  // namespace

absl::Duration OffsetAfter(absl::optional<absl::Duration> believed, absl::Time before,
                           absl::Time told, absl::Time after) {
  const absl::Duration least = told - after;
  const absl::Duration most = told - before;
  return believed.has_value() ? std::clamp(*believed, least, most) : least + (most - least) / 2;
}

absl::Status DatabaseClock::Measure() {
  absl::Time before, told, after;
  const absl::Status asked =
      RunTransaction(pool_, {.role = DatabaseRole::kEngine, .read_only = true, .name = "clock"},
                     [&](Transaction& transaction) -> absl::Status {
                       before = SteadyNow();
                       told = TimeOf(transaction.Exec(kTime)[0][0]);
                       after = SteadyNow();
                       return absl::OkStatus();
                     });
  if (!asked.ok()) return StoreError(asked);
  absl::MutexLock lock(&mutex_);
  offset_ = OffsetAfter(offset_, before, told, after);
  return absl::OkStatus();
}

absl::Time DatabaseClock::Now() const {
  const absl::Time steady = SteadyNow();
  absl::MutexLock lock(&mutex_);
  return steady + offset_.value_or(absl::ZeroDuration());
}

}  // namespace herald::storage
