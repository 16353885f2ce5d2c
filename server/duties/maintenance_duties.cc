#include "server/duties/maintenance_duties.h"

#include <utility>

namespace herald::duties {
namespace {

// Small enough that a round stays far below the statement limit.
constexpr int kFoldMax = 5000;

}  // namespace

PeriodicDuty::Round LedgerRound(
    storage::QueueMaintenance* maintenance,
    std::function<void(const std::vector<storage::FinishedEmails>&)> on_finished) {
  return [maintenance, on_finished = std::move(on_finished)]() -> absl::StatusOr<bool> {
    const auto fold = maintenance->FoldLedger(kFoldMax);
    if (!fold.ok()) return fold.status();
    if (!fold->finished.empty()) on_finished(fold->finished);
    return fold->deltas == kFoldMax;
  };
}

PeriodicDuty::Round LedgerReadingRound(
    storage::QueueMaintenance* maintenance,
    std::function<void(const std::vector<storage::LaneLedger>&)> on_read) {
  return [maintenance, on_read = std::move(on_read)]() -> absl::StatusOr<bool> {
    const auto ledgers = maintenance->ReadLedger();
    if (!ledgers.ok()) return ledgers.status();
    on_read(*ledgers);
    return false;
  };
}

PeriodicDuty::Round VacuumRound(storage::QueueMaintenance* maintenance) {
  return [maintenance]() -> absl::StatusOr<bool> {
    const absl::StatusOr<bool> vacuumed = maintenance->VacuumQueue();
    if (!vacuumed.ok()) return vacuumed.status();
    return false;
  };
}

PeriodicDuty::Round PruneRound(storage::QueueMaintenance* maintenance) {
  return [maintenance]() -> absl::StatusOr<bool> {
    const auto pruned = maintenance->PruneIdempotencyKeys();
    if (!pruned.ok()) return pruned.status();
    return false;
  };
}

PeriodicDuty::Round HistoryRound(storage::History* history, storage::Retention retention) {
  return [history, retention] { return history->Prune(retention); };
}

PeriodicDuty::Round IdleTenantsRound(storage::QueueMaintenance* maintenance) {
  return [maintenance]() -> absl::StatusOr<bool> {
    if (absl::Status status = maintenance->ForgetIdleTenants(); !status.ok()) return status;
    return false;
  };
}

}  // namespace herald::duties
