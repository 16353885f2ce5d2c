#include "storage/postgres/queue_maintenance.h"

#include <array>

#include "absl/time/clock.h"
#include "model/steady_time.h"
#include "storage/postgres/email_rows.h"
#include "storage/postgres/error_translation.h"
#include "storage/postgres/ledger_rows.h"
#include "storage/postgres/ledger_sql.h"
#include "storage/postgres/queue_maintenance_sql.h"
#include "storage/postgres/transaction.h"

namespace herald::storage {
namespace {

// A vacuum that cannot remove anything, because a snapshot is held, still reads everything: it may
// take a tenth of the time.
constexpr int kVacuumShare = 10;
constexpr absl::Duration kVacuumRefusedPause = absl::Minutes(10);
// About 25,000 keys.
constexpr int64_t kPrunePages = 500;

TransactionOptions Engine(const char* name, bool read_only = false) {
  return {.role = DatabaseRole::kEngine, .tenants = {}, .read_only = read_only, .name = name};
}

bool IsTaken(EmailState state) {
  return state == EmailState::kSent || state == EmailState::kDelivered ||
         state == EmailState::kBounced || state == EmailState::kComplained;
}

// An email that moves on from SENT to DELIVERED finished once: of those states together only the
// change counts. One that is redriven and ends again finished twice.
QueueMaintenance::Fold FoldOf(const pqxx::result& rows) {
  QueueMaintenance::Fold fold;
  std::array<int64_t, kAllLanes.size()> taken{};
  for (const pqxx::row& row : rows) {
    const Lane lane = static_cast<Lane>(IntOf(row["lane"]));
    const auto state = static_cast<EmailState>(IntOf(row["state"]));
    fold.deltas += IntOf(row["deltas"]);
    if (IsTaken(state)) {
      taken.at(static_cast<size_t>(lane) - 1) += Int64Of(row["change"]);
    } else if (IsTerminal(state) && Int64Of(row["entered"]) > 0) {
      fold.finished.push_back({lane, state, Int64Of(row["entered"])});
    }
  }
  for (Lane lane : kAllLanes) {
    const int64_t emails = taken.at(static_cast<size_t>(lane) - 1);
    if (emails > 0) fold.finished.push_back({lane, EmailState::kSent, emails});
  }
  return fold;
}

}  // namespace

absl::StatusOr<QueueMaintenance::Fold> PostgresQueueMaintenance::FoldLedger(int limit) {
  absl::StatusOr<Fold> fold = RunTransaction(
      pool_, Engine("fold_ledger"), [&](Transaction& transaction) -> absl::StatusOr<Fold> {
        return FoldOf(transaction.Exec(ledger_sql::kFold, limit));
      });
  if (!fold.ok()) return StoreError(fold.status());
  return fold;
}

absl::StatusOr<std::vector<LaneLedger>> PostgresQueueMaintenance::ReadLedger() {
  using Ledgers = absl::StatusOr<std::vector<LaneLedger>>;
  Ledgers ledgers = RunTransaction(pool_, Engine("read_ledger", /*read_only=*/true),
                                   [&](Transaction& transaction) -> Ledgers {
                                     return LedgerOf(transaction.Exec(ledger_sql::kOfAll));
                                   });
  if (!ledgers.ok()) return StoreError(ledgers.status());
  return ledgers;
}

absl::StatusOr<bool> PostgresQueueMaintenance::VacuumQueue() {
  {
    absl::MutexLock lock(&mutex_);
    if (SteadyNow() < vacuum_not_before_) return false;
  }
  const absl::Time start = SteadyNow();
  absl::StatusOr<bool> vacuumed = VacuumIfDue();
  absl::MutexLock lock(&mutex_);
  vacuum_not_before_ = absl::IsFailedPrecondition(vacuumed.status())
                           ? start + kVacuumRefusedPause
                           : SteadyNow() + kVacuumShare * (SteadyNow() - start);
  return vacuumed;
}

absl::StatusOr<bool> PostgresQueueMaintenance::VacuumIfDue() {
  absl::StatusOr<ConnectionPool::Lease> lease = vacuum_pool_.Acquire();
  if (!lease.ok()) return lease.status();
  Transaction session(lease->connection());  // never begun: the user's own role, one by one
  try {
    const pqxx::result rows = session.Exec(maintenance_sql::kVacuumDue);
    if (rows.empty()) return absl::InternalError("vacuum_queue: there is no queue");
    if (!BoolOf(rows[0][0])) {
      return absl::FailedPreconditionError(
          "vacuum_queue: the service's database user must be a member of the role that owns the "
          "tables");
    }
    if (!BoolOf(rows[0][1])) return false;
    session.ExecScript(maintenance_sql::kVacuum);
    return true;
  } catch (const std::exception& error) {
    const bool open = lease->connection().is_open();
    lease->Discard();
    return StoreError(TranslateError(error, open, session.current()));
  }
}

absl::StatusOr<QueueMaintenance::Pruned> PostgresQueueMaintenance::PruneIdempotencyKeys() {
  int64_t from = 0;
  {
    absl::MutexLock lock(&mutex_);
    from = key_page_;
  }
  absl::StatusOr<Pruned> pruned = RunTransaction(
      pool_, Engine("prune_keys"), [&](Transaction& transaction) -> absl::StatusOr<Pruned> {
        Pruned result;
        const int64_t pages = Int64Of(transaction.Exec(maintenance_sql::kKeyPages)[0][0]);
        result.at_end = from + kPrunePages >= pages;
        result.rows =
            static_cast<int>(transaction.Exec(maintenance_sql::kPruneKeys, from, from + kPrunePages)
                                 .affected_rows());
        return result;
      });
  if (!pruned.ok()) return StoreError(pruned.status());
  absl::MutexLock lock(&mutex_);
  key_page_ = pruned->at_end ? 0 : from + kPrunePages;
  return pruned;
}

absl::Status PostgresQueueMaintenance::ForgetIdleTenants() {
  absl::Status status = RunTransaction(pool_, Engine("forget_tenants"),
                                       [&](Transaction& transaction) -> absl::Status {
                                         transaction.Exec(maintenance_sql::kForgetTenants);
                                         transaction.Exec(maintenance_sql::kMarkIdleTenants);
                                         return absl::OkStatus();
                                       });
  // By itself: acceptance must not wait for rows that the marking holds.
  if (status.ok()) {
    status = RunTransaction(pool_, Engine("recall_tenants"),
                            [&](Transaction& transaction) -> absl::Status {
                              transaction.Exec(maintenance_sql::kRecallTenants);
                              return absl::OkStatus();
                            });
  }
  return StoreError(status);
}

}  // namespace herald::storage
